"""A claim as its page shows it: the paper form's order, tables with findings, declared beside recomputed.

Everything here is values in one language; anchors are made here and nowhere else, so that a finding leads to
its field, the field back to the finding, and both to the line of the XML.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.messages import describe
from claims.bundle.money.totals import SUPPLY_GROUPS
from claims.bundle.rowmatching import name_row
from claims.bundle.views import label_of, show_value, view_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claims.bundle.contents import ReadClaim, ReadRow, ReadTable
    from claims.bundle.views import Cell, Column

_ORDER: Final = tuple(reversed(Severity))
_BILLED: Final = (TableKind.XML2, TableKind.XML3)
#: A table is shown by so many rows at a time: browsers take seconds for two thousand of them.
ROWS_SHOWN: Final = 200
#: So many findings of a code are listed beside any part of a claim, and those about what is shown.
MOST_OF_A_CODE: Final = 20
#: What stands at the head of the paper form, in its order.
HEAD_FIELDS: Final = (
    "HO_TEN", "NGAY_SINH", "GIOI_TINH", "MA_THE_BHYT", "GT_THE_DEN", "MA_DKBD", "MA_DOITUONG_KCB",
    "MA_LOAI_KCB",
    "NGAY_VAO", "NGAY_RA", "SO_NGAY_DTRI", "MA_KHOA", "KET_QUA_DTRI", "MA_LOAI_RV",
)  # fmt: skip
DIAGNOSIS_FIELDS: Final = (
    "LY_DO_VV",
    "CHAN_DOAN_VAO",
    "CHAN_DOAN_RV",
    "MA_BENH_CHINH",
    "MA_BENH_KT",
    "MA_BENH_YHCT",
)


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding: its sentence, where it leads to, and the line of the XML it is about.

    Attributes:
        table: The tab it belongs to; empty where it is about the whole.
        anchor: The field or row that it leads to.
        location: Where in the XML it is.
    """

    number: int
    code: str
    severity: str
    sentence: str
    table: str
    row: int | None
    field: str
    anchor: str
    location: Location

    @property
    def page(self) -> int:
        """Which page of its table shows it."""
        return page_of(self.row or 1)


@dataclass(frozen=True, slots=True)
class ListedFindings:
    """The findings that are listed beside a part of a claim.

    Attributes:
        next_left_out: The first of the others that leads somewhere.
    """

    listed: tuple[ShownFinding, ...]
    left_out: int
    next_left_out: ShownFinding | None


@dataclass(frozen=True, slots=True)
class ShownCell:
    """One value: its text, what a code means, its anchor, and the findings about it."""

    cell: Cell
    is_number: bool
    anchor: str
    findings: tuple[ShownFinding, ...]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a table: its number from 1, what people call it, what the fund pays of it, its values.

    Attributes:
        unplaced: By anchor, the findings about the row as a whole or about a field that is no column.
    """

    number: int
    anchor: str
    name: str
    paid: Decimal | None
    cells: tuple[ShownCell, ...]
    unplaced: Mapping[str, tuple[ShownFinding, ...]]


@dataclass(frozen=True, slots=True)
class ShownTable:
    """One table: the fields that differ from row to row as columns, the others told once.

    Attributes:
        unplaced: By anchor, the findings about fields that are not there, where no row can show them.
        page: Which part of its rows is shown, from 1.
    """

    kind: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[ShownRow, ...]
    common: tuple[tuple[Column, ShownCell], ...]
    empty: tuple[str, ...]
    unplaced: Mapping[str, tuple[ShownFinding, ...]]
    count: int
    page: int

    @property
    def pages(self) -> int:
        """In how many parts the rows are shown."""
        return page_of(max(self.count, 1))

    @property
    def part(self) -> slice:
        """Which rows are shown."""
        return part_of(self.page)

    def span(self, page: int) -> tuple[int, int]:
        """Return the numbers of the first and the last row of a part."""
        rows = range(self.count)[part_of(page)]
        return rows.start + 1, rows.stop


@dataclass(frozen=True, slots=True)
class Total:
    """An amount of XML1 beside what its rows come to."""

    name: str
    label: str
    declared: Decimal | None
    recomputed: Decimal

    @property
    def difference(self) -> Decimal | None:
        """What was declared less what the rows come to."""
        return None if self.declared is None else self.declared - self.recomputed


def show_findings(findings: Sequence[Finding], claim: int, language: str) -> tuple[ShownFinding, ...]:
    """Return a claim's findings, the gravest first."""
    own = [one for one in findings if one.location.claim in (None, claim)]
    own.sort(key=lambda one: _ORDER.index(one.severity))
    return tuple(_show_finding(number, one, language) for number, one in enumerate(own, start=1))


def _show_finding(number: int, found: Finding, language: str) -> ShownFinding:
    where = found.location
    return ShownFinding(
        number=number,
        code=found.code,
        severity=str(found.severity),
        sentence=describe(found, language),
        table=where.table or "",
        row=where.row,
        field=where.field or "",
        anchor=anchor_of(where.table or "", where.row, where.field or ""),
        location=where,
    )


def list_findings(findings: Sequence[ShownFinding], *, table: str, page: int) -> ListedFindings:
    """Choose the findings to list beside a page of a table: some of each code, and all that are about it."""
    listed, left_out, seen = list[ShownFinding](), list[ShownFinding](), Counter[str]()
    for one in findings:
        seen[one.code] += 1
        is_about = (one.table, one.page) == (table, page)
        (listed if is_about or seen[one.code] <= MOST_OF_A_CODE else left_out).append(one)
    later = [one for one in left_out if (one.table, one.page) > (table, page)]
    following = next((one for one in later or left_out if one.table), None)
    return ListedFindings(tuple(listed), len(left_out), following)


def page_of(row: int) -> int:
    """Return which page of its table shows a row."""
    return (row - 1) // ROWS_SHOWN + 1


def part_of(page: int) -> slice:
    """Return which of a table's rows a page of it shows."""
    return slice((page - 1) * ROWS_SHOWN, page * ROWS_SHOWN)


def anchor_of(table: str, row: int | None, field: str = "") -> str:
    """Return the id of a field, or of a row."""
    return "-".join(("at", table, str(row or 1), *((field,) if field else ())))


def show_table(
    table: ReadTable, claim: ReadClaim, findings: Sequence[ShownFinding], language: str, *, page: int = 1
) -> ShownTable:
    """Prepare a page of a table for its tab."""
    page = min(page, page_of(max(len(table.rows), 1)))
    part = part_of(page)
    view = view_table(table, on=claim.on, language=language, part=part)
    kind = view.kind
    about = _by_place([one for one in findings if one.table == kind])

    def shown(column: Column, cell: Cell, row: int | None) -> ShownCell:
        anchor = anchor_of(kind, row, column.name)
        return ShownCell(cell, column.is_number, anchor, about.get(anchor, ()))

    rows, columns = table.rows[part], {column.name for column in view.columns}
    told_once = {anchor_of(kind, 1, column.name) for column, _ in view.common}
    unplaced: dict[int, list[ShownFinding]] = {}
    for one in findings:
        if one.table == kind and one.field not in columns and one.anchor not in told_once:
            unplaced.setdefault(one.row or 1, []).append(one)
    return ShownTable(
        kind=kind,
        label=view.label,
        columns=view.columns,
        rows=tuple(
            ShownRow(
                number=row.number,
                anchor=anchor_of(kind, row.number),
                name=name_row(table.kind, row),
                paid=_decimal(row["T_BHTT"]) if table.kind in _BILLED else None,
                cells=tuple(shown(c, v, row.number) for c, v in zip(view.columns, values, strict=False)),
                unplaced=_by_place(unplaced.get(row.number, ())),
            )
            for row, values in zip(rows, view.rows or ((),) * len(rows), strict=False)
        ),
        common=tuple((column, shown(column, cell, 1)) for column, cell in view.common),
        empty=view.empty,
        unplaced={} if columns else _by_place([one for found in unplaced.values() for one in found]),
        count=view.count,
        page=page,
    )


def _by_place(findings: Sequence[ShownFinding]) -> Mapping[str, tuple[ShownFinding, ...]]:
    places: dict[str, tuple[ShownFinding, ...]] = {}
    for one in findings:
        places[one.anchor] = (*places.get(one.anchor, ()), one)
    return places


def show_head(
    claim: ReadClaim, names: Sequence[str], findings: Sequence[ShownFinding], language: str
) -> Sequence[tuple[str, str, ShownCell]]:
    """Return fields of XML1 that have a value: name, what people call it, value."""
    table = claim.find_table(TableKind.XML1)
    if table is None or not table.rows:
        return ()
    row, about = table.rows[0], _by_place([one for one in findings if one.table == TableKind.XML1])
    known = {} if table.schema is None else table.schema.field_by_name
    shown = []
    for name in names:
        if row[name].strip():
            field = known.get(name)
            cell = show_value(field, row[name], on=claim.on, language=language)
            found = about.get(anchor_of("XML1", 1, name), ())
            shown.append((name, label_of(field, language), ShownCell(cell, False, f"head-{name}", found)))  # noqa: FBT003
    return shown


def totals_of(claim: ReadClaim, language: str) -> Sequence[Total]:
    """Return the amounts of XML1 beside the sums of the rows of XML2 and XML3."""
    table = claim.find_table(TableKind.XML1)
    if table is None or not table.rows:
        return ()
    row, known = table.rows[0], {} if table.schema is None else table.schema.field_by_name
    sums: Mapping[str, Callable[[TableKind, ReadRow], Decimal]] = {
        "T_THUOC": lambda kind, r: _amount(r, "THANH_TIEN_BV") if kind is TableKind.XML2 else Decimal(0),
        "T_VTYT": lambda kind, r: _amount(r, "THANH_TIEN_BV") if _is_supply(kind, r) else Decimal(0),
        "T_TONGCHI_BV": lambda _, r: _amount(r, "THANH_TIEN_BV"),
        "T_TONGCHI_BH": lambda _, r: _amount(r, "THANH_TIEN_BH"),
        "T_BNTT": lambda _, r: _amount(r, "T_BNTT"),
        "T_BNCCT": lambda _, r: _amount(r, "T_BNCCT"),
        "T_NGUONKHAC": lambda _, r: _amount(r, "T_NGUONKHAC"),
        "T_BHTT": lambda _, r: _amount(r, "T_BHTT"),
    }
    billed = [(one.kind, r) for one in claim.tables if one.kind in _BILLED for r in one.rows]
    return [
        Total(
            name=name,
            label=label_of(known.get(name), language),
            declared=_decimal(row[name]),
            recomputed=sum((part(kind, r) for kind, r in billed), Decimal(0)),
        )
        for name, part in sums.items()
    ]


def find_row(claim: ReadClaim, kind: str, number: int) -> ReadRow | None:
    """Return a row of one of the tables with billed rows."""
    table = next((one for one in claim.tables if one.kind == kind and one.kind in _BILLED), None)
    return None if table is None else next((row for row in table.rows if row.number == number), None)


def name_of_row(kind: str, row: ReadRow) -> str:
    """Return what people call a row."""
    return name_row(TableKind(kind), row)


def paid_of_row(row: ReadRow) -> Decimal:
    """Return what the fund is asked to pay of a row."""
    return _amount(row, "T_BHTT")


def _is_supply(kind: TableKind, row: ReadRow) -> bool:
    return kind is TableKind.XML3 and row["MA_NHOM"] in SUPPLY_GROUPS


def _amount(row: ReadRow, name: str) -> Decimal:
    return _decimal(row[name]) or Decimal(0)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
