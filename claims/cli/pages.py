"""Claims and comparisons as a page: one file that needs no script and loads nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from claims.bundle.comparison import Change, Comparison
from claims.bundle.findings import Finding, Severity
from claims.bundle.messages import describe
from claims.checking.signatures import find_code
from claims.cli.showing import (
    ShownFile,
    day_of,
    document_of,
    layout_of,
    place_of,
    show_field,
    show_row,
    signature_of,
    words,
)
from claims.localtime import local_time
from claims.proof import words as archive_words
from claims.proof.verdict import ArchiveVerdict
from signing.report.report import Answer, Report
from signing.report.words import describe_report, name_of, name_scope, question
from signing.verdict import Reason

_COLUMNS: Final = 10  # side by side, so that a sheet of A4 across holds them


def inspection_page(files: Sequence[ShownFile], language: str) -> bytes:
    """Return the page that shows files, as UTF-8."""
    return _render("inspection.html", language, files=files)


def comparison_page(comparison: Comparison, names: tuple[str, str], language: str) -> bytes:
    """Return the page that shows what changed between two files, as UTF-8."""
    return _render("comparison.html", language, comparison=comparison, names=names, Change=Change)


def signature_page(reports: Sequence[tuple[str, Report]], language: str) -> bytes:
    """Return the page of signature reports, each with the name of its file, as UTF-8."""
    return _render(
        "signatures.html",
        language,
        reports=reports,
        Answer=Answer,
        name_of=name_of,
        name_scope=name_scope,
        question=question,
        sentence_of=describe_report,
        time_of=_time,
        describe_reason=describe_reason,
    )


def archive_page(archives: Sequence[tuple[str, ArchiveVerdict]], language: str) -> bytes:
    """Return the page that says what holds of archives, each with the name of its file, as UTF-8."""
    return _render("archives.html", language, archives=archives, archive_words=archive_words)


def describe_reason(reason: Reason, language: str) -> str:
    """Return the sentence of a reason that a verifier gives."""
    return describe(Finding(find_code(reason), Severity.CRITICAL), language)


def _time(moment: datetime) -> str:
    return f"{local_time(moment):%d/%m/%Y %H:%M:%S} (UTC+7)"


def _render(template: str, language: str, **values: object) -> bytes:
    environment = Environment(
        loader=PackageLoader("claims.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template).render(
        language=language,
        word=words(language),
        columns=_COLUMNS,
        day_of=day_of,
        describe=describe,
        document_of=document_of,
        layout_of=layout_of,
        place_of=place_of,
        show_field=show_field,
        show_row=show_row,
        signature_of=signature_of,
        **values,
    )
    return page.encode()
