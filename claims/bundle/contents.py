"""What a file contains, as far as it can be read: for looking at it and for comparing it, not for judging it.

A bundle, a check-in document (XML0) or one table on its own; rows are read whatever stands around them,
so that a table in an old or mistaken shape can be looked at too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.envelope import (
    ROOT,
    Bundle,
    Claim,
    Table,
    UsualTable,
    parse_finding,
    read_bundle,
    strip_asides,
)
from claims.bundle.format import depends_on_format
from claims.bundle.kinds import TableKind
from claims.bundle.notation import may_have_long_decimals
from claims.localtime import parse_day
from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.errors import Unparsable
from xsd.catalog import SchemaNotFound, default_catalog, find_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from lxml.etree import _Element as Element

    from claims.bundle.findings import Finding
    from xsd.catalog import TableSchema

_DSIG: Final = "{http://www.w3.org/2000/09/xmldsig#}"


class DocumentKind(StrEnum):
    """What a file turns out to be."""

    BUNDLE = "bundle"
    TABLE = "table"  # one table on its own, as XML0 travels and as NOIDUNGFILE decodes
    OTHER = "other"  # well-formed, but nothing of ours; an envelope of another name may hold tables
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ReadRow:
    """One row: its number from 1 and its fields as written, in their order; one may stand twice."""

    number: int
    fields: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return self._texts.get(name, "")

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        # A form asks some three hundred times. Of a field that stands twice the first one counts.
        return dict(reversed(self.fields))


@dataclass(frozen=True, slots=True)
class ReadTable:
    """One table of a claim.

    Attributes:
        kind: Which table it is.
        schema: The layout that its fields are named by; None when no Decision describes it.
        is_single: Whether the Decision knows one row of it at most.
        rows: Its rows in document order.
    """

    kind: TableKind
    schema: TableSchema | None
    is_single: bool
    rows: tuple[ReadRow, ...]


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """One claim of a document.

    Attributes:
        number: Its place in the document, from 1.
        ma_lk: The episode key, empty when no table has one.
        on: The day that decides on the layout: that of NGAY_RA (of a check-in, NGAY_VAO), or else of NGAYLAP
            or of reading.
        decision: The Decision in force on that day; None when there is none.
        fits: The Decision whose layout the fields fit better, when it is another one.
        tables: Its tables by their number.
    """

    number: int
    ma_lk: str
    on: date
    decision: str | None
    fits: str | None
    tables: tuple[ReadTable, ...]

    def find_table(self, kind: TableKind) -> ReadTable | None:
        """Find the table of a kind."""
        return next((table for table in self.tables if table.kind is kind), None)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file contains.

    Attributes:
        document: What it turns out to be.
        source: The claims as they were parsed.
        claims: The same claims, their rows read.
        root: The name of the root element, empty when the file could not be parsed.
        signatures: How many XML signatures it holds; none of them was verified.
        findings: Every oddity of the envelope and of notation.
    """

    document: DocumentKind
    source: Bundle
    claims: tuple[ReadClaim, ...]
    root: str
    signatures: int
    findings: tuple[Finding, ...]


def read_contents(data: bytes, *, today: date, limits: Limits = DEFAULT_LIMITS) -> Contents:
    """Read a file; what cannot be read of it is a finding. ``today`` serves where the file has no date."""
    try:
        root = parse(data, limits=limits)
    except Unparsable as error:
        return _nothing(DocumentKind.UNREADABLE, "", (parse_finding(error),))
    signatures = sum(1 for _ in root.iter(f"{_DSIG}Signature"))
    strip_asides(root)
    kind = kind_of_root(str(root.tag))
    if kind is not None:
        document, source = DocumentKind.TABLE, _alone(Table(kind, root, None, may_have_long_decimals(data)))
    elif root.tag == ROOT or root.find(".//FILEHOSO") is not None:
        # Health checks and others send their tables in a like envelope of another name.
        document = DocumentKind.BUNDLE if root.tag == ROOT else DocumentKind.OTHER
        source = read_bundle(root, limits=limits, as_usual=True)
    else:
        return _nothing(DocumentKind.OTHER, str(root.tag), (), signatures)
    made_on = parse_day(source.made_on or "") or today
    claims = tuple(_read_claim(claim, made_on) for claim in source.claims)
    return Contents(document, source, claims, str(root.tag), signatures, source.findings)


def _nothing(
    document: DocumentKind, root: str, findings: tuple[Finding, ...], signatures: int = 0
) -> Contents:
    return Contents(document, Bundle(None, None, (), findings), (), root, signatures, findings)


def _alone(table: Table) -> Bundle:
    return Bundle(None, None, (Claim(1, None, (table,)),), ())


@depends_on_format
@lru_cache(maxsize=64)
def kind_of_root(root: str) -> TableKind | None:
    """Tell which table a root element is of; its list or its row may stand there as well."""
    for schema in default_catalog().schemas:
        known = {schema.root, schema.list_element, schema.row_element}
        if schema.table in TableKind.__members__ and root in known:
            return TableKind(schema.table)
    return None


def _read_claim(claim: Claim, otherwise: date) -> ReadClaim:
    on = _day_of(claim) or otherwise
    tables = sorted(claim.tables, key=lambda table: table.kind.number)
    names = {table.kind: _names_in(table) for table in tables}
    decision = _decision_on(on)
    fits = _best_fit(names, on, decision)
    read = tuple(_read_table(table, on, decision or fits) for table in tables)
    ma_lk = next((row["MA_LK"].strip() for table in read for row in table.rows if row["MA_LK"].strip()), "")
    return ReadClaim(claim.number, ma_lk, on, decision, fits, read)


def _day_of(claim: Claim) -> date | None:
    """Find the day that decides on the layout; a check-in is sent before the end of its episode is known."""
    for table in claim.tables:
        for text in _texts_of(table, "NGAY_VAO" if table.kind is TableKind.XML0 else "NGAY_RA"):
            day = parse_day(text.strip())
            if day is not None:
                return day
    return None


def _texts_of(table: Table, name: str) -> Iterator[str]:
    usual = table.source
    if not isinstance(usual, UsualTable):
        yield from (element.text or "" for element in usual.iter(name))
    elif name in usual.schema.field_by_name:
        fields = usual.schema.field_by_name
        yield from usual.rows.texts[fields[name].order - 1 :: len(fields)]


def _read_table(table: Table, on: date, decision: str | None) -> ReadTable:
    schema = _layout(table.kind, on, decision)
    usual = table.source
    if isinstance(usual, UsualTable) and usual.schema is schema:
        written = _usual_fields(usual)
    else:
        written = (tuple(_fields(record)) for record in _records(table.root, schema))
    rows = tuple(ReadRow(number, fields) for number, fields in enumerate(written, start=1))
    is_single = len(rows) <= 1 if schema is None else schema.row_element is None
    return ReadTable(table.kind, schema, is_single, rows)


def _usual_fields(usual: UsualTable) -> Iterator[tuple[tuple[str, str], ...]]:
    """Pair the values of each row with the names of the Decision's fields, all of which it has."""
    names, texts = tuple(usual.schema.field_by_name), usual.rows.texts
    for start in range(0, len(texts), len(names)):
        yield tuple(zip(names, texts[start : start + len(names)], strict=True))


def _records(root: Element, schema: TableSchema | None) -> Sequence[Element]:
    """List the elements that hold fields: those the Decision names, or else those without anything deeper."""
    if schema is not None and schema.row_element is None and root.tag == schema.root:
        return [root]
    if schema is not None and schema.row_element is not None:
        named = list(root.iter(schema.row_element))
        if named:
            return named
    flat = [element for element in root.iter("{}*") if len(element) and not any(len(c) for c in element)]
    return flat or ([root] if len(root) else [])


def _fields(record: Element) -> Iterator[tuple[str, str]]:
    for field in record.iterchildren("*"):
        text = "".join(field.itertext()) if len(field) else field.text or ""
        yield str(field.tag).rpartition("}")[2], text


# --- which Decision ------------------------------------------------------------------------


def _decision_on(on: date) -> str | None:
    try:
        return find_schema(TableKind.XML1, on=on).decision
    except SchemaNotFound:
        return None


def _layout(kind: TableKind, on: date, decision: str | None) -> TableSchema | None:
    for asked in (None, decision):
        try:
            return find_schema(kind, on=on, decision=asked)
        except SchemaNotFound:
            continue
    return None


def _names_in(table: Table) -> frozenset[str]:
    if isinstance(table.source, UsualTable):
        return frozenset(table.source.schema.field_by_name)
    tags = {field.tag for record in _records(table.root, None) for field in record.iterchildren("*")}
    return frozenset(str(tag).rpartition("}")[2] for tag in tags)


def _best_fit(names: dict[TableKind, frozenset[str]], on: date, in_force: str | None) -> str | None:
    """Find the Decision, other than the one in force, whose field names differ less from those written."""
    best, least = None, None if in_force is None else _misfit(names, on, in_force)
    for decision in _decisions() if least != 0 else ():
        misfit = _misfit(names, on, decision)
        if misfit is not None and (least is None or misfit < least):
            best, least = decision, misfit  # never the one in force, whose misfit was the least so far
    # What is far from every Decision is no layout of any.
    is_near = least is not None and 2 * least <= sum(map(len, names.values()))
    return best if is_near else None


def _misfit(names: dict[TableKind, frozenset[str]], on: date, decision: str) -> int | None:
    """Count the fields too many or too few under a Decision; None when it knows none of the tables."""
    layouts = {kind: _layout_under(kind, on, decision) for kind in names}
    known = {kind: layout for kind, layout in layouts.items() if layout is not None}
    if not known:
        return None
    missed = sum(len(names[kind]) for kind in names.keys() - known.keys())
    return missed + sum(len(names[kind] ^ layout.field_by_name.keys()) for kind, layout in known.items())


def _layout_under(kind: TableKind, on: date, decision: str) -> TableSchema | None:
    try:
        return find_schema(kind, on=on, decision=decision)
    except SchemaNotFound:
        return None


def _decisions() -> tuple[str, ...]:
    """List the Decisions of the catalogue, the latest first."""
    return tuple(dict.fromkeys(schema.decision for schema in reversed(default_catalog().schemas)))
