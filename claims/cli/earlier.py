"""Checking what was checked before, as it was: `claims check --like`."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.box import SIMPLE
from rich.table import Table

from claims.bundle.findings import Severity
from claims.bundle.messages import LANGUAGES
from claims.checking.earlier import (
    ChangedReport,
    Comparison,
    OtherDocument,
    ToldReport,
    compare_reports,
    find_report,
)
from claims.checking.formats.places import place_of, words
from claims.cli.checks import CheckOptions, check_data, make_terms
from claims.cli.earlier_words import describe_needs, describe_part, describe_refusal, describe_stage, sentence
from claims.cli.inputs import read_input
from claims.cli.output import Exit, emit, progress_bar, say
from claims.cli.terminal import plain, stdout
from claims.validation import told

if TYPE_CHECKING:
    from claims.checking.check import CheckTerms

_MOST_BYTES: Final = 256 * 2**20
_MOST_FAULTS: Final = 3
_NESTED: Final = {"en": "it is nested too deeply", "vi": "lồng quá sâu"}
_NO_JSON: Final = {"en": "it is no JSON", "vi": "không phải JSON"}


def check_like(
    paths: Sequence[Path], report: Path, options: CheckOptions, language: str, *, as_json: bool
) -> Exit:
    """Check files as an earlier report says they were, and show what the two say differently.

    Raises:
        BadParameter: The report is none.
    """
    reports, terms = read_reports(report, language), make_terms(options, tell_in=language)
    worst = Exit.FINE
    with progress_bar("checking", len(paths)) as bar:
        for path in paths:
            try:
                then, now = _check_again(path, reports, options, terms)
                comparison = compare_reports(then, now)
            except (OSError, OtherDocument, ChangedReport) as error:
                worst = Exit.USAGE
                said = error if isinstance(error, OSError) else describe_refusal(error, report, language)
                say(f"{path}: {said}")
                if as_json:
                    emit({"file": str(path), "report": str(report), "error": str(error)})
                continue
            finally:
                bar.advance()
            if not comparison.findings.are_equal:
                worst = max(worst, Exit.BLOCKED)
            if as_json:
                emit({"file": str(path), "report": str(report), **_to_json(comparison, then, now)})
            else:
                _print(str(path), comparison, then, now, language)
    return worst


def read_reports(path: Path, language: str) -> Sequence[ToldReport]:
    """Read the reports of a file: one, several in an object with `files`, or one after the other.

    Of a file that could not be read then there is nothing to compare with.

    Raises:
        BadParameter: It is no JSON, or not that of a check; the error says where.
    """
    try:
        written = [one for each in _documents(read_input(path, most=_MOST_BYTES)) for one in _files(each)]
    except RecursionError:
        raise _no_report(path, language, _NESTED[language]) from None
    except ValueError as error:  # JSON's and the encoding's own errors are ValueErrors
        raise _no_report(path, language, f"{_NO_JSON[language]}: {error}") from error
    return [
        _read(path, number, one, language)
        for number, one in enumerate(written, start=1)
        if not (isinstance(one, dict) and one.get("error"))
    ]


def _read(path: Path, number: int, document: object, language: str) -> ToldReport:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(ToldReport).validate_python(document)
    except ValidationError as error:
        which = {"en": f"number {number}", "vi": f"báo cáo thứ {number}"}[language]
        raise _no_report(path, language, f"{which}: {_faults(error.errors(), language)}") from None


def _no_report(path: Path, language: str, detail: str) -> typer.BadParameter:
    said = {
        "en": f"{path} is no report of claims check --json or POST /v1/checks",
        "vi": f"{path} không phải báo cáo của claims check --json hay POST /v1/checks",
    }
    return typer.BadParameter(f"{said[language]}: {detail}")


def _documents(data: bytes) -> Iterator[object]:
    # What a Windows shell redirects to a file is UTF-16; the byte order mark says which.
    text = data.decode(json.detect_encoding(data)).strip()
    decoder, place = json.JSONDecoder(), 0
    while True:
        document, place = decoder.raw_decode(text, place)
        yield document
        while text[place : place + 1].isspace():
            place += 1
        if place == len(text):
            return


def _files(document: object) -> Sequence[object]:
    files = document.get("files") if isinstance(document, dict) else None
    return files if isinstance(files, list) else [document]


def _faults(faults: Sequence[Mapping[str, Any]], language: str) -> str:
    it, left = {"en": "it", "vi": "cả báo cáo"}[language], len(faults) - _MOST_FAULTS
    said = [f"{'.'.join(map(str, one['loc'])) or it}: {told(one, language)}" for one in faults[:_MOST_FAULTS]]
    more = {"en": f"and {left} more", "vi": f"và {left} lỗi nữa"}[language]
    return "; ".join([*said, *([more] if left > 0 else [])])


def _check_again(
    path: Path, reports: Sequence[ToldReport], options: CheckOptions, terms: "CheckTerms"
) -> tuple[ToldReport, ToldReport]:
    """Find the report of a file, and check the file as of then: its moment, its stages, its settings."""
    data = read_input(path)
    then = find_report(reports, str(path), hashlib.sha256(data).hexdigest())
    terms = replace(
        terms,
        until=then.until,
        policy=terms.policy.with_settings_of(then.rule_set.parts.get("policy", "")),
        signature=terms.signature if then.asks_signature else None,
    )
    checked = check_data(path, data, replace(options, at=then.at), terms)
    if checked.document is None:
        raise OSError(checked.error)
    return then, _read(path, 1, {"file": checked.name, **checked.document}, "en")


def _to_json(comparison: Comparison, then: ToldReport, now: ToldReport) -> dict[str, Any]:
    found = comparison.findings
    return {
        "at": then.at.isoformat(),
        "document": "same" if comparison.is_proven else "unproven",
        "same_rules": not comparison.parts,
        "same_findings": found.are_equal,
        "rule_set": {
            "then": _rule_set_to_json(then),
            "now": _rule_set_to_json(now),
            "differs": [
                {
                    "part": one.part,
                    "then": one.then,
                    "now": one.now,
                    "message": {
                        language: describe_part(one, then.rule_set, now.rule_set, language)
                        for language in LANGUAGES
                    },
                }
                for one in comparison.parts
            ],
        },
        "stages": [
            {
                "name": one.name,
                "then": one.then and one.then.outcome.value,
                "now": one.now and one.now.outcome.value,
                "message": {language: describe_stage(one, language) for language in LANGUAGES},
            }
            for one in comparison.stages
        ],
        "known_then_only": comparison.unmet,
        "known_now_only": comparison.met,
        "findings": {
            "gone": [asdict(one) for one in found.gone],
            "new": [asdict(one) for one in found.new],
            "changed": [
                {**asdict(after), "severity_then": before.severity.value} for before, after in found.changed
            ],
            "same": found.same,
        },
    }


def _rule_set_to_json(report: ToldReport) -> dict[str, str]:
    rules = report.rule_set
    return {"name": rules.name, "sha256": rules.sha256, "program": rules.program}


def _print(name: str, comparison: Comparison, then: ToldReport, now: ToldReport, language: str) -> None:
    out, found = stdout(), comparison.findings
    versions = {
        side: f"{one.rule_set.name} {one.rule_set.sha256[:12]}"
        for side, one in (("then", then), ("now", now))
    }
    rules = "other_rules" if comparison.parts else "same_rules"
    lines = [
        *(() if comparison.is_proven else (sentence("unproven", language),)),
        sentence(rules, language, version=versions["then"], **versions),
        *(f"  {describe_part(one, then.rule_set, now.rule_set, language)}" for one in comparison.parts),
        *(describe_stage(one, language) for one in comparison.stages),
        *(
            describe_needs(code, needs, language)
            for code, needs in (("unmet", comparison.unmet), ("met", comparison.met))
            if needs
        ),
        sentence(
            "same_findings" if found.are_equal else "other_findings",
            language,
            count=found.same,
            gone=len(found.gone),
            new=len(found.new),
            changed=len(found.changed),
        ),
    ]
    out.print(plain(f"{name} ({then.at.isoformat()})", "bold"), soft_wrap=True)
    for line in lines:
        out.print(plain(f"  {line}"), soft_wrap=True)
    if not found.are_equal:
        out.print(_table(comparison, language))


def _table(comparison: Comparison, language: str) -> Table:
    word, found = words(language), comparison.findings
    grid = Table(box=SIMPLE)
    for heading in (sentence("change", language), word["severity"], word["place"], word["message"]):
        grid.add_column(plain(heading), overflow="fold")
    rows = [
        *(("gone", one, one.severity) for one in found.gone),
        *(("new", one, one.severity) for one in found.new),
        *(("changed", after, before.severity) for before, after in found.changed),
    ]
    for change, finding, before in rows:
        weight = _weight(before, finding.severity, language)
        place = f"{finding.code}\n{place_of(asdict(finding), language)}".strip()
        grid.add_row(
            *map(plain, (sentence(change, language), weight, place, finding.message.get(language, "")))
        )
    return grid


def _weight(then: Severity, now: Severity, language: str) -> str:
    word = words(language)
    return word[now.value] if then is now else f"{word[then.value]} → {word[now.value]}"
