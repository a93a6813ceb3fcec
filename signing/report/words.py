"""The words of a report in Vietnamese and English: its one sentence, and the question of each check."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, cast

from signing.verdict import Indication, Reason

if TYPE_CHECKING:
    from signing.report.report import Report


def question(reason: Reason, language: str) -> str:
    """Return what was asked, so that "passed" is a yes."""
    return cast("str", _words("questions")[reason.value][language])


def describe_report(report: "Report", language: str) -> str:
    """Say in one sentence what the verification came to, and what to do."""
    verdict = report.verdict
    sentences = _words("sentences")
    signer = verdict.signer.subject if verdict.signer else "–"
    if verdict.has_passed:
        when = verdict.best_signature_time or verdict.signing_time
        kind = "passed" if when is None else "passed_at"
        time = "" if when is None else f"{when:%Y-%m-%d %H:%M:%S%z}"
        return str(sentences[kind][language]).format(signer=signer, level=verdict.level, time=time)
    kind = "failed" if verdict.indication is Indication.TOTAL_FAILED else "open"
    if verdict.sub_indication == "TRY_LATER":
        kind = "later"
    asked = question(verdict.reasons[0], language) if verdict.reasons else "–"
    return str(sentences[kind][language]).format(signer=signer, question=asked)


@cache
def _words(table: str) -> Mapping[str, Mapping[str, object]]:
    text = (resources.files(__package__ or "") / "words.toml").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, object]]", tomllib.loads(text)[table])
