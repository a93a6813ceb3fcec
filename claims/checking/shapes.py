"""The schema stage: which schema a claim's tables follow, how each departs from it, and its rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.envelope import UsualTable
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.notation import has_long_decimals, shorten_decimals
from claims.checking.tables import CheckedClaim, CheckedTable
from claims.localtime import parse_day
from xsd.catalog import FaultKind, SchemaNotFound, find_schema
from xsd.explain import MOST_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from claims.bundle.envelope import Claim, Table
    from xsd.catalog import Fault, TableSchema

#: Rows of one table, at most; the longest stays on record have some thousands.
MOST_ROWS: Final = 20_000

_SEVERITY: Final = {
    FaultKind.UNKNOWN: Severity.WARNING,  # exporters of later versions add fields; policy may refuse them
    FaultKind.ORDER: Severity.INFO,
}


def check_tables(claim: Claim, received_on: date) -> tuple[CheckedClaim, list[Finding]]:
    """Check each table of a claim against the schema in force on the day its episode ended."""
    discharged_on = parse_day(claim.discharged)
    on = discharged_on or received_on
    findings: list[Finding] = []
    checked: dict[TableKind, CheckedTable] = {}
    for table in claim.tables:
        try:
            schema = find_schema(table.kind, on=on)
        except SchemaNotFound:
            findings.append(_without_schema(claim, table, on))
            continue
        if _is_crowd(table, schema):
            location = Location(claim=claim.number, table=table.kind, envelope_line=table.envelope_line)
            findings.append(Finding("ENV.TOO_COMPLEX", Severity.CRITICAL, location))
            continue
        checked[table.kind], found = _check_table(claim, table, schema)
        findings += found
    return CheckedClaim(claim.number, on, discharged_on, checked), findings


def _check_table(claim: Claim, table: Table, schema: TableSchema) -> tuple[CheckedTable, list[Finding]]:
    findings: list[Finding] = []
    checked = _read_usual(table, schema)
    is_valid = checked is not None or schema.accepts(table.root)
    if checked is None:
        checked = _read_rows(table, schema, is_valid=is_valid)
    if table.may_have_long_decimals and not (is_valid and not has_long_decimals(checked.values, schema)):
        findings += _shortened_decimals(claim, table, schema)
    if findings:
        is_valid = schema.accepts(table.root)
        checked = _read_rows(table, schema, is_valid=is_valid)
    if not is_valid:
        faults = schema.explain_faults(table.root)
        findings += (_fault_finding(claim, table, fault, schema) for fault in faults)
        if len(faults) >= MOST_FAULTS:
            findings.append(_more_faults(claim, table))
    findings += _absent_fields(claim, checked)
    return checked, findings


def _is_crowd(table: Table, schema: TableSchema) -> bool:
    """Whether a table has more rows than a year in hospital makes."""
    if isinstance(table.source, UsualTable):
        return len(table.source.rows.lines) > MOST_ROWS
    holder = None if schema.list_element is None else table.root.find(schema.list_element)
    return holder is not None and len(holder) > MOST_ROWS


def _read_usual(table: Table, schema: TableSchema) -> CheckedTable | None:
    """Read a table that was found valid when it was read; None when it was not, or by another schema."""
    usual = table.source
    if not isinstance(usual, UsualTable) or usual.schema is not schema:
        return None
    return CheckedTable(table.kind, schema, table.envelope_line, usual.rows.lines, texts=usual.rows.texts)


def _read_rows(table: Table, schema: TableSchema, *, is_valid: bool) -> CheckedTable:
    if schema.row_element is None:
        rows = [table.root] if table.root.tag == schema.root else []
    else:
        lists = table.root.iterchildren(schema.list_element)
        rows = [row for one in lists for row in one.iterchildren(schema.row_element)]
    lines = [row.sourceline for row in rows]
    make = partial(
        CheckedTable, table.kind, schema, table.envelope_line, lines, may_have_unseen=table.may_have_unseen
    )
    if is_valid:
        texts = [field.text or "" for row in rows for field in row]
        # In a valid row no field comes twice or out of its order: where there are as many, there are all. To
        # ask each for its name would take as long again.
        if len(texts) == len(rows) * len(schema.field_by_name):
            return make(texts=texts)
    # Names are str here; the cast costs nothing.
    uneven = [cast("dict[str, str]", {field.tag: field.text or "" for field in row}) for row in rows]
    return make(uneven=uneven)


def _shortened_decimals(claim: Claim, table: Table, schema: TableSchema) -> Iterator[Finding]:
    """Shorten decimals that fill up with zeros, and say so."""
    place = shorten_decimals(table.root, schema)
    if place is not None:
        location = Location(
            claim=claim.number,
            table=table.kind,
            row=place.row,
            field=place.field,
            line=place.line,
            envelope_line=table.envelope_line,
        )
        severity = Severity.WARNING if place.is_doubtful else Severity.INFO
        yield Finding("ENV.TRAILING_ZEROS", severity, location, (("count", str(place.count)),))


def _more_faults(claim: Claim, table: Table) -> Finding:
    location = Location(claim=claim.number, table=table.kind, envelope_line=table.envelope_line)
    return Finding("ENV.MORE_FAULTS", Severity.INFO, location, (("listed", str(MOST_FAULTS)),))


def _without_schema(claim: Claim, table: Table, on: date) -> Finding:
    location = Location(claim=claim.number, table=table.kind, envelope_line=table.envelope_line)
    return Finding("ALL.STANDARD_VERSION", Severity.ERROR, location, (("on", on.isoformat()),))


def _fault_finding(claim: Claim, table: Table, fault: Fault, schema: TableSchema) -> Finding:
    code = f"{table.kind}.{fault.element}.{fault.kind}"
    if fault.kind is FaultKind.ORDER:
        code = f"{table.kind}.ORDER"
    elif fault.kind is FaultKind.UNKNOWN:
        # The name is whatever the exporter made up; a code is a name of ours.
        code = f"{table.kind}.FIELD.unknown"
    elif fault.kind is FaultKind.MISSING and fault.element in {schema.list_element, schema.row_element}:
        code = f"{table.kind}.NO_ROWS"
    elif fault.kind in {FaultKind.UNEXPECTED, FaultKind.MISSING}:
        code = f"{table.kind}.STRUCTURE"
    location = Location(
        claim=claim.number,
        table=table.kind,
        row=fault.row,
        field=fault.element[:100],
        line=fault.line,
        envelope_line=table.envelope_line,
    )
    severity = _SEVERITY.get(fault.kind, Severity.ERROR)
    return Finding(code, severity, location, (("fault", fault.kind.value), *fault.facts))


def _absent_fields(claim: Claim, table: CheckedTable) -> Iterator[Finding]:
    """Find fields that may be empty but should still have been written, once for each field."""
    schema = table.schema
    incomplete = [number for number, row in enumerate(table.uneven, start=1) if len(row) < len(schema.fields)]
    for wanted in schema.fields if incomplete else ():
        if wanted.required == "yes":
            continue  # the schema says that it is missing
        without = [number for number in incomplete if wanted.name not in table.uneven[number - 1]]
        if without:
            location = Location(
                claim=claim.number,
                table=table.kind,
                row=without[0] if schema.row_element is not None else None,
                field=wanted.name,
                line=table.lines[without[0] - 1],
                envelope_line=table.envelope_line,
            )
            params = (("rows", str(len(without))),)
            yield Finding(f"{table.kind}.{wanted.name}.absent", Severity.INFO, location, params)
