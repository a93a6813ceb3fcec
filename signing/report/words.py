"""The words of a report in Vietnamese and English: its sentence, its names, the question of each check."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, cast

from signing.verdict import Indication, Level, Reason

if TYPE_CHECKING:
    from signing.report.report import Block, Outcome, Report


def question(reason: Reason, language: str) -> str:
    """Return what was asked, so that "passed" is a yes."""
    return cast("str", _words("questions")[reason.value][language])


def name_of(value: "Block | Outcome | Indication | Level", language: str) -> str:
    """Return what a building block, what it or the whole came to, or a level is called."""
    word = cast("Mapping[str, Mapping[str, str]]", _words("names")[type(value).__name__]).get(value.value)
    return value.value if word is None else word[language]


def name_scope(scope: str, language: str) -> str:
    """Return what was signed."""
    kind, _, name = scope.partition(":")
    return cast("str", _words("scopes")[kind][language]).format(name=name)


def describe_report(report: "Report", language: str) -> str:
    """Say in one sentence what the verification came to, and what to do."""
    verdict = report.verdict
    sentences = _words("sentences")
    signer = verdict.signer.subject if verdict.signer else "–"
    if verdict.has_passed:
        when = verdict.best_signature_time or verdict.signing_time
        kind = "passed" if when is None else "passed_at"
        time = "" if when is None else f"{when:%Y-%m-%d %H:%M:%S%z}"
        return str(sentences[kind][language]).format(
            signer=signer, level=name_of(verdict.level, language), time=time
        )
    kind = "failed" if verdict.indication is Indication.TOTAL_FAILED else "open"
    if verdict.sub_indication == "TRY_LATER":
        kind = "later"
    asked = question(verdict.reasons[0], language) if verdict.reasons else "–"
    return str(sentences[kind][language]).format(signer=signer, question=asked)


@cache
def _words(table: str) -> Mapping[str, Mapping[str, object]]:
    text = (resources.files(__package__ or "") / "words.toml").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, object]]", tomllib.loads(text)[table])
