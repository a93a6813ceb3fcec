"""Checking bundles as files: the command."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from claims.bundle.findings import Severity
from claims.checking.report import StageName
from claims.cli.bundles import deliver
from claims.cli.catalogues import CatalogueFolder
from claims.cli.checks import (
    CheckOptions,
    Tally,
    check_files,
    make_terms,
    summary_to_json,
)
from claims.cli.history import read_history
from claims.cli.inputs import Inputs, expand, find_files
from claims.cli.output import AsJson, Exit, emit, json_bytes, progress_bar, say
from claims.cli.trust import Facility, Trust, moment

if TYPE_CHECKING:
    from claims.checking.formats.checked import CheckedFile

#: With more files, the screen names those that are blocked, and says at the end what was found how often.
_FEW: Final = 20
_CODES_SHOWN: Final = 50
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "vi": {
        "acceptable": "có thể gửi",
        "blocked": "chưa thể gửi",
        "finding": "điểm cần xem",
        "findings": "điểm cần xem",
        "files": "tệp",
        "more": "và {count} mã khác",
        "unread": "không kiểm tra được",
    },
    "en": {
        "acceptable": "acceptable",
        "blocked": "blocked",
        "finding": "finding",
        "findings": "findings",
        "files": "files",
        "more": "and {count} more codes",
        "unread": "cannot be checked",
    },
}


class Reach(StrEnum):
    """How far a check goes."""

    ALL = "all"
    FORMAT = "format"  # what makes a bundle valid: up to the schemas
    XML = "xml"
    ENVELOPE = "envelope"
    SIGNATURE = "signature"
    SCHEMA = "schema"
    CROSSTABLE = "crosstable"
    RULES = "rules"
    CATALOGUES = "catalogues"
    HISTORY = "history"

    @property
    def last_stage(self) -> StageName:
        """The last stage that is asked for."""
        wide = {Reach.ALL: StageName.HISTORY, Reach.FORMAT: StageName.SCHEMA}
        return wide.get(self) or StageName(self.value)


class ReportFormat(StrEnum):
    """What a report may be written as."""

    HTML = "html"
    JSON = "json"
    XLSX = "xlsx"
    SARIF = "sarif"
    JUNIT = "junit"


def check(
    inputs: Inputs,
    trust: Trust = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            "--as-of",
            help="Check as of this ISO 8601 day or time, not now.",
            show_default=False,
        ),
    ] = None,
    facility: Facility = None,
    catalogue: CatalogueFolder = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history",
            help="Bundles (files, folders, patterns) to compare with, beside the checked ones: the same "
            "person, key, bed or practitioner at one time.",
        ),
    ] = None,
    reach: Annotated[
        Reach, typer.Option("--rules", help="How far: all, format (valid or not), or up to a stage.")
    ] = Reach.ALL,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            help="Severities changed by this installation (TOML).",
            envvar="CLAIMS_CHECK_POLICY",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    own_rules: Annotated[
        Path | None,
        typer.Option(
            "--own-rules",
            help="Folder of the hospital's own rules (TOML).",
            envvar="CLAIMS_RULES_FOLDER",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    report: Annotated[
        ReportFormat | None, typer.Option("--report", help="Write a report of this format to --output.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File of the report; otherwise standard output.", dir_okay=False),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "--lang", help="Language of sentences and reports: vi or en.")
    ] = "vi",
    unknown_fields: Annotated[
        Severity | None,
        typer.Option(
            "--unknown-fields",
            help="Weight of a field that no Decision has; error blocks. Unset: as the policy says.",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            "--like",
            help="A report (JSON) of these files: check them as of its moment, its stages and its settings, "
            "and show which part of its rule set differs here and what was found otherwise.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Processes that check.", show_default="one per core")
    ] = os.cpu_count() or 1,
    as_json: AsJson = False,
) -> int:
    """Check bundles as the service does before sending, without sending.

    Files, folders and patterns. The signature is checked when --trust is given. Exit code 1 if anything
    would keep a bundle from being sent. With --like: 0 the same was found, 1 something else was, 2 the
    report is none or of another document.
    """
    if language not in {"vi", "en"}:
        raise typer.BadParameter("vi or en", param_hint="--language")
    if report is not None and output is None and as_json:
        raise typer.BadParameter("say where the report goes", param_hint="--output")
    if report is None and output is not None:
        raise typer.BadParameter("say which report, such as html", param_hint="--report")
    if like is not None:
        _refuse_beside_like(at=at, report=report, unknown_fields=unknown_fields, reach=reach)
    paths = find_files(inputs)
    compared = None if history is None else expand(history)
    options = CheckOptions(
        at=moment(at),
        trust=trust,
        facility=facility,
        catalogue=catalogue,
        policy=policy,
        own_rules=own_rules,
        unknown_fields=unknown_fields,
        until=reach.last_stage,
        records_in=language if report is ReportFormat.HTML else None,
        history=None if compared is None else read_history([*dict.fromkeys(paths + compared)], moment(at)),
    )
    if like is not None:
        from claims.cli.earlier import check_like

        return check_like(paths, like, options, language, as_json=as_json)
    terms = make_terms(options, tell_in=language)
    tally, kept = Tally(), list["CheckedFile"]()
    with progress_bar("checking", len(paths)) as bar:
        for file in check_files(paths, options, terms, jobs=jobs):
            tally.count(file)
            if as_json:
                emit(file_to_json(file))
            if report is not None:
                kept.append(file)
            _say_file(file, language, is_one_of_many=len(paths) > _FEW)
            bar.advance()
    _say_summary(tally, language)
    if report is not None:
        deliver(_write(report, kept, tally, language), output)
    return Exit.BLOCKED if tally.blocked else Exit.FINE


def _refuse_beside_like(
    *, at: str | None, report: ReportFormat | None, unknown_fields: Severity | None, reach: Reach
) -> None:
    """Refuse what the earlier report says itself, or what is no comparison.

    Raises:
        BadParameter: It was given.
    """
    if report is not None:
        raise typer.BadParameter(
            "a comparison with --like is shown, or written by --json; --report is for checks",
            param_hint="--report",
        )
    given = {
        "--at": at is not None,
        "--unknown-fields": unknown_fields is not None,
        "--rules": reach is not Reach.ALL,
    }
    for option, is_given in given.items():
        if is_given:
            raise typer.BadParameter(f"the report of --like says that itself: {option}", param_hint=option)


def file_to_json(file: "CheckedFile") -> dict[str, Any]:
    """Return a checked file as the JSON object of the command."""
    if file.document is None:
        return {
            "file": file.name,
            "valid": False,
            "acceptable": False,
            "stages": [],
            "findings": [],
            "error": file.error,
        }
    return {"file": file.name, **file.document}


def _write(report: ReportFormat, files: Sequence["CheckedFile"], tally: Tally, language: str) -> bytes:
    from claims.checking.formats.junit import to_junit
    from claims.checking.formats.page import to_page
    from claims.checking.formats.sarif import to_sarif
    from claims.checking.formats.workbook import to_workbook

    match report:
        case ReportFormat.HTML:
            return to_page(files, language)
        case ReportFormat.XLSX:
            return to_workbook(files, language)
        case ReportFormat.SARIF:
            return to_sarif(files, language)
        case ReportFormat.JUNIT:
            return to_junit(files, language)
        case ReportFormat.JSON:
            document = {"summary": summary_to_json(tally), "files": [file_to_json(file) for file in files]}
            return json_bytes(document, indent=1)


def _say_file(file: "CheckedFile", language: str, *, is_one_of_many: bool) -> None:
    from claims.checking.formats.places import place_of
    from claims.cli.showing import words

    if file.document is None:
        say(f"{file.name}: {_WORDS[language]['unread']}: {file.error}")
        return
    if is_one_of_many and file.is_acceptable:
        return
    count = len(file.findings)
    verdict = _WORDS[language]["acceptable" if file.is_acceptable else "blocked"]
    say(f"{file.name}: {verdict}, {count} {_WORDS[language]['finding' if count == 1 else 'findings']}")
    for finding in () if is_one_of_many else file.findings:
        where = place_of(finding, language)
        place = f" ({where})" if where else ""
        severity = words(language)[finding["severity"]]
        say(f"  {severity:8} {finding['code']}{place}: {finding['message'][language]}")
        if finding["severity"] in {"error", "critical"}:
            say(f"           → {finding['next'][language]}")


def _say_summary(tally: Tally, language: str) -> None:
    if tally.files <= 1:
        return
    from claims.bundle.messages import describe_code
    from claims.cli.showing import words as shown

    words, severities = _WORDS[language], shown(language)
    fine = f"{tally.files - tally.blocked} {words['acceptable']}"
    say(f"{tally.files} {words['files']}: {fine}, {tally.blocked} {words['blocked']}")
    for (code, severity), count in tally.codes.most_common(_CODES_SHOWN):
        sentence = "" if code.startswith("OWN.") else describe_code(code, language)
        say(f"  {count:6} {severities[severity]:8} {code}  {sentence}")
    if len(tally.codes) > _CODES_SHOWN:
        say(f"  … {words['more'].format(count=len(tally.codes) - _CODES_SHOWN)}")
