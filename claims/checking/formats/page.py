"""Reports as one page (HTML) that prints, needs no script and loads nothing; a finding leads to its field."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from claims.checking.formats.places import place_of, words
from claims.localtime import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jinja2 import Template

    from claims.checking.formats.checked import CheckedFile, ShownRow

_GRAVEST_FIRST: Final = ("critical", "error", "warning", "info")


def to_page(files: Sequence[CheckedFile], language: str) -> bytes:
    """Return the reports as a page, UTF-8."""
    codes = Counter((one["code"], one["severity"]) for file in files for one in file.findings)
    page = _template().render(
        files=files,
        codes=codes.most_common(),
        language=language,
        word=words(language),
        place_of=place_of,
        moment_of=_moment,
        by_severity=_of_claim,
        count=_count,
        is_shown=_is_shown,
    )
    return page.encode("utf-8", "replace")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("claims.checking", "formats"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _of_claim(findings: Sequence[Mapping[str, Any]], claim: int) -> Sequence[Mapping[str, Any]]:
    """Return a claim's findings, the gravest first."""
    own = [one for one in findings if one["claim"] == claim]
    return sorted(own, key=lambda one: _GRAVEST_FIRST.index(one["severity"]))


def _is_shown(finding: Mapping[str, Any], rows: Sequence[ShownRow]) -> bool:
    """Whether the field that a finding is about (or its row) is on the page, for a link to lead there."""
    place, field = (finding["table"], finding["row"] or 1), finding["field"]
    return any(
        (row.table, row.number or 1) == place and (not field or field in {one.name for one in row.fields})
        for row in rows
    )


def _count(file: CheckedFile, severities: Collection[str]) -> int:
    return sum(one["severity"] in severities for one in file.findings)


def _moment(text: str | None) -> str:
    return "–" if text is None else f"{datetime.fromisoformat(text).astimezone(VIETNAM):%d/%m/%Y %H:%M}"
