"""The schema stage: which schema a claim's tables follow, how each departs from it, and its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.notation import shorten_decimals
from claims.checking.values import read_day, read_moment, read_number, split_items
from claims.localtime import parse_day
from xsd.catalog import FaultKind, SchemaNotFound, find_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from decimal import Decimal

    from lxml.etree import _Element as Element

    from claims.bundle.envelope import Claim, Table
    from xsd.catalog import Fault, TableSchema

T = TypeVar("T")

#: Rows of one table, at most; the longest stays on record have some thousands.
MOST_ROWS: Final = 20_000

_SEVERITY: Final = {
    FaultKind.UNKNOWN: Severity.WARNING,  # exporters of later versions add fields; policy may refuse them
    FaultKind.ORDER: Severity.INFO,
}


class Row(dict[str, str]):
    """One row as written: its fields by name, its table, its place from 1, its line in the decoded table.

    A field that is not there and one without a value read alike: as the empty string. Read as something else
    than text, a value that is not of its kind is None: the schema stage has said so, rules need not.

    It is a dictionary because rules ask a row some 1,700 times for each claim, which then takes no call of
    Python. Nobody changes it after it is made.
    """

    __slots__ = ("kind", "line", "number")

    def __init__(self, kind: TableKind, number: int, line: int | None, values: Mapping[str, str]) -> None:
        """Note the fields of a row, and where it stands."""
        super().__init__(values)
        self.kind = kind
        self.number = number
        self.line = line

    def __missing__(self, field: str) -> str:
        return ""

    def number_of(self, field: str) -> Decimal | None:
        """Return an amount, a quantity or a percentage, exactly as written."""
        return read_number(self[field])

    def moment(self, field: str) -> str | None:
        """Return a time as its twelve digits ``yyyyMMddHHmm``, which compare as times do."""
        return read_moment(self[field])

    def day(self, field: str) -> str | None:
        """Return the day of a date or a time as its eight digits ``yyyyMMdd``."""
        return read_day(self[field])

    def items_of(self, field: str) -> tuple[str, ...]:
        """Return the items of a value that holds several, split by semicolons; empty ones are left out."""
        return split_items(self[field])


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table that was checked against a schema, with its rows."""

    kind: TableKind
    schema: TableSchema
    envelope_line: int | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim whose tables were checked against their schemas.

    Attributes:
        number: Its place in the bundle, from 1.
        on: The day that decides on schemas and code lists: that of NGAY_RA, or else of reception.
        discharged_on: The day of NGAY_RA; None when XML1 does not say.
        tables: The tables that have a schema.
        summary_row: The row of XML1; None when it could not be read.
    """

    number: int
    on: date
    discharged_on: date | None
    tables: Mapping[TableKind, CheckedTable]
    summary_row: Row | None = field(init=False, repr=False, compare=False)
    _worked_out: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the row that nearly every rule asks for."""
        object.__setattr__(self, "summary_row", next(iter(self.rows(TableKind.XML1)), None))

    def once(self, key: object, work_out: Callable[[], T]) -> T:
        """Work something out of the claim that several rules ask, once."""
        if key not in self._worked_out:
            self._worked_out[key] = work_out()
        return cast("T", self._worked_out[key])

    def rows(self, kind: TableKind) -> tuple[Row, ...]:
        """Return the rows of a table; none where the claim does not have it."""
        table = self.tables.get(kind)
        return () if table is None else table.rows

    def place(self, row: Row | None = None, field: str | None = None) -> Location:
        """Return the location of a row or one of its fields; without a row, that of the claim."""
        if row is None:
            return Location(claim=self.number, field=field)
        return self.locate(self.tables[row.kind], row, field)

    def locate(self, table: CheckedTable, row: Row | None = None, field: str | None = None) -> Location:
        """Return the location of a table, one of its rows or a field of a row."""
        return Location(
            claim=self.number,
            table=table.kind,
            row=row.number if row is not None and table.schema.row_element is not None else None,
            field=field,
            line=None if row is None else row.line,
            envelope_line=table.envelope_line,
        )


def check_tables(claim: Claim, received_on: date) -> tuple[CheckedClaim, list[Finding]]:
    """Check each table of a claim against the schema in force on the day its episode ended."""
    discharged_on = _day_of_discharge(claim)
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
        findings += _long_decimals(claim, table, schema)
        rows = tuple(_read_rows(table.kind, table.root, schema))
        checked[table.kind] = CheckedTable(table.kind, schema, table.envelope_line, rows)
        findings += (_fault_finding(claim, table, fault) for fault in schema.find_faults(table.root))
        findings += _absent_fields(claim, table, schema, rows)
    return CheckedClaim(claim.number, on, discharged_on, checked), findings


def _is_crowd(table: Table, schema: TableSchema) -> bool:
    """Whether a table has more rows than a year in hospital makes."""
    holder = None if schema.list_element is None else table.root.find(schema.list_element)
    return holder is not None and len(holder) > MOST_ROWS


def _day_of_discharge(claim: Claim) -> date | None:
    summary = claim.find_table(TableKind.XML1)
    return None if summary is None else parse_day((summary.root.findtext("NGAY_RA") or "").strip())


def _read_rows(kind: TableKind, root: Element, schema: TableSchema) -> Iterator[Row]:
    if schema.row_element is None:
        rows = [root] if root.tag == schema.root else []
    else:
        rows = root.findall(f"{schema.list_element}/{schema.row_element}")
    for number, row in enumerate(rows, start=1):
        # Names are str here; the cast costs nothing, calling str() a quarter of the whole.
        values = {field.tag: field.text or "" for field in row}
        yield Row(kind, number, row.sourceline, cast("dict[str, str]", values))


def _long_decimals(claim: Claim, table: Table, schema: TableSchema) -> Iterator[Finding]:
    """Shorten decimals that fill up with zeros, and say so."""
    place = shorten_decimals(table.root, schema) if table.may_have_long_decimals else None
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


def _without_schema(claim: Claim, table: Table, on: date) -> Finding:
    location = Location(claim=claim.number, table=table.kind, envelope_line=table.envelope_line)
    return Finding("ALL.STANDARD_VERSION", Severity.ERROR, location, (("on", on.isoformat()),))


def _fault_finding(claim: Claim, table: Table, fault: Fault) -> Finding:
    code = f"{table.kind}.{fault.element}.{fault.kind}"
    if fault.kind is FaultKind.ORDER:
        code = f"{table.kind}.ORDER"
    elif fault.kind is FaultKind.UNKNOWN:
        # The name is whatever the exporter made up; a code is a name of ours.
        code = f"{table.kind}.FIELD.unknown"
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


def _absent_fields(
    claim: Claim, table: Table, schema: TableSchema, rows: tuple[Row, ...]
) -> Iterator[Finding]:
    """Find fields that may be empty but should still have been written, once for each field."""
    incomplete = [row for row in rows if len(row) < len(schema.fields)]
    if not incomplete:
        return
    for wanted in schema.fields:
        if wanted.required == "yes":
            continue  # the schema says that it is missing
        without = [row for row in incomplete if wanted.name not in row]
        if without:
            location = Location(
                claim=claim.number,
                table=table.kind,
                row=without[0].number if schema.row_element is not None else None,
                field=wanted.name,
                line=without[0].line,
                envelope_line=table.envelope_line,
            )
            params = (("rows", str(len(without))),)
            yield Finding(f"{table.kind}.{wanted.name}.absent", Severity.INFO, location, params)
