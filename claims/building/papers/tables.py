"""The rows of the papers, XML6 to XML15: from what the hospital gave, the visit and its finished XML1.

A paper that contradicts the visit is a reason not to build; one that lacks what its own values call for
is a gap; one that has no place in the claim is left out, and a finding says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from claims.building.errors import Reason
from claims.building.papers.leave import pregnancy_leave_sheet, sick_leave_sheet
from claims.building.papers.onward import appointment_sheet, referral_sheet
from claims.building.papers.programs import hiv_sheet, tuberculosis_sheet
from claims.building.papers.rules import paper_rules
from claims.building.papers.sheet import Issue, Sheet
from claims.building.papers.stays import birth_sheet, discharge_sheet, record_summary_sheet
from claims.building.rows import Row
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.emr.encounter import Encounter
from claims.emr.papers import Documents
from xsd.catalog import SchemaNotFound, TableSchema, find_schema

_NONE: Final = Documents()


@dataclass(frozen=True, slots=True)
class PaperRows:
    """The rows of an encounter's papers, with what is wrong (reasons) and what is worth knowing (findings).

    Rows are complete but for what the hospital passes through under its own name: the key is that of XML1,
    numbers are there where the table has them. Findings do not know the claim's place in a bundle.
    """

    rows: Mapping[TableKind, tuple[Row, ...]]
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()


def paper_rows(
    encounter: Encounter, summary: Mapping[str, str], *, on: date, decision: str | None = None
) -> PaperRows:
    """Make the rows of XML6 to XML15.

    Args:
        encounter: What the hospital handed over.
        summary: The finished row of XML1, of which all that is copied is taken.
        on: The day the visit ended, which decides on the rules.
        decision: Whose tables are meant; None means those in force on the day.
    """
    issue = Issue(encounter, summary, paper_rules(on))
    rows: dict[TableKind, tuple[Row, ...]] = {}
    reasons: list[Reason] = []
    findings: list[Finding] = []
    for sheet in () if encounter.documents == _NONE else _sheets(issue):
        schema = _schema(sheet.kind, on, decision)
        if schema is None or not _belongs(sheet.kind, issue):
            findings.append(_left_out(sheet))
            continue
        made = rows.get(sheet.kind, ())
        number = len(made) + 1
        rows[sheet.kind] = (*made, sheet.row(schema, issue, number))
        # What is missing in a field that the schema does not have, is not missing.
        remarks = [each for each in sheet.remarks if each.location.field in {None, *schema.field_by_name}]
        reasons += (each for each in remarks if isinstance(each, Reason))
        findings += (each for each in remarks if isinstance(each, Finding))
        findings += sheet.left_out(schema, number)
    findings += (finding for kind, finding in _expected(issue) if _schema(kind, on, decision))
    return PaperRows(rows, tuple(reasons), tuple(findings))


def _sheets(issue: Issue) -> Iterator[Sheet]:
    papers = issue.encounter.documents
    yield from (hiv_sheet(each, number) for number, each in enumerate(papers.hiv))
    if papers.discharge:
        yield discharge_sheet(papers.discharge, issue)
    if papers.summary:
        yield record_summary_sheet(papers.summary, issue)
    yield from (birth_sheet(each, number, issue) for number, each in enumerate(papers.births))
    if papers.pregnancy_leave:
        yield pregnancy_leave_sheet(papers.pregnancy_leave, issue)
    if papers.sick_leave:
        yield sick_leave_sheet(papers.sick_leave, issue)
    if papers.referral:
        yield referral_sheet(papers.referral, issue)
    if papers.appointment:
        yield appointment_sheet(papers.appointment, issue)
    yield from (tuberculosis_sheet(each, number) for number, each in enumerate(papers.tuberculosis))


def _schema(kind: TableKind, on: date, decision: str | None) -> TableSchema | None:
    try:
        return find_schema(kind, on=on, decision=decision)
    except SchemaNotFound:
        return None


def _belongs(kind: TableKind, issue: Issue) -> bool:
    """Say whether a table is sent with this kind of visit at all."""
    return (
        kind is not TableKind.XML8 or issue.encounter.encounter.visit_type in issue.rules.record_summary_types
    )


def _left_out(sheet: Sheet) -> Finding:
    return Finding(
        f"{sheet.kind}.PAPER_LEFT_OUT",
        Severity.INFO,
        Location(table=sheet.kind),
        (("source", sheet.source),),
    )


def _expected(issue: Issue) -> Iterator[tuple[TableKind, Finding]]:
    """Miss the papers that a visit like this usually has."""
    visit, papers, rules = issue.encounter.encounter, issue.encounter.documents, issue.rules
    ended, kind = issue.summary["MA_LOAI_RV"], visit.visit_type
    if (
        papers.discharge is None
        and kind in rules.discharge_types
        and ended not in rules.endings_without_discharge
    ):
        yield _missing("XML7.PAPER_EXPECTED", "/documents/discharge", ("visit_type", kind))
    if not papers.births and issue.summary.get("CAN_NANG_CON"):
        yield _missing("XML9.PAPER_EXPECTED", "/documents/births")
    if papers.referral is None and ended in rules.endings_with_referral:
        yield _missing("XML13.PAPER_EXPECTED", "/documents/referral", ("discharge_type", ended))
    given = papers.appointment and (papers.appointment.at or "")[:8]
    for day in filter(None, issue.summary.get("NGAY_TAI_KHAM", "").split(";")):
        # An appointment without a day of its own is for the first day of a re-visit.
        if papers.appointment is None or (given and given != day):
            yield _missing("XML14.PAPER_EXPECTED", "/documents/appointment", ("day", day))
        given = given or "another"


def _missing(code: str, source: str, *params: tuple[str, str]) -> tuple[TableKind, Finding]:
    kind = TableKind(code.partition(".")[0])
    return kind, Finding(code, Severity.WARNING, Location(table=kind), (("source", source), *params))
