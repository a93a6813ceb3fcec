"""The last word of the hospital: elements passed through under their own names.

What a claim computes, or what its amounts rest on, cannot be overruled here: such an element
is compared, and a difference is a reason not to build.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Final

from claims.building.errors import Reason
from claims.building.layout import Layout
from claims.building.rows import Row
from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind
from claims.emr.encounter import Extra

Tables = Mapping[TableKind, Sequence[Row]]
Given = Mapping[TableKind, Mapping[str, Mapping[str, str]]]
"""Elements by table and by the number of the item whose row they belong to."""

_COMPARED: Final = frozenset(
    {
        "DON_GIA",
        "DON_GIA_BH",
        "DON_GIA_BV",
        "MA_CSKCB",
        "MA_DOITUONG_KCB",
        "MA_LK",
        "MA_LOAI_KCB",
        "MA_NHOM",
        "MA_PTTT",
        "MUC_HUONG",
        "NAM_QT",
        "NGUON_CTRA",
        "PHAM_VI",
        "SO_LUONG",
        "SO_NGAY_DTRI",
        "STT",
        "THANG_QT",
        "THANH_TIEN_BH",
        "THANH_TIEN_BV",
        "TYLE_TT_BH",
        "TYLE_TT_DV",
    }
)
_ONLY_ITEM: Final = "1"
_OF_ONE_ROW: Final = frozenset(
    {
        TableKind.XML1,
        TableKind.XML7,
        TableKind.XML8,
        TableKind.XML10,
        TableKind.XML11,
        TableKind.XML13,
        TableKind.XML14,
    }
)
_TABLES: Final = tuple((TableKind(field.name.upper()), field.name) for field in fields(Extra))


def passed_through(extra: Extra) -> Given:
    """Return what was given, by table and number; a table of one row has the number 1."""
    found = {kind: getattr(extra, name) for kind, name in _TABLES}
    return {
        kind: {_ONLY_ITEM: elements} if kind in _OF_ONE_ROW else elements
        for kind, elements in found.items()
        if elements
    }


def overlay(tables: Tables, given: Given) -> dict[TableKind, tuple[Row, ...]]:
    """Lay the passed-through elements over the rows of the items they name."""
    return {
        kind: tuple(_overlaid(row, given[kind]) for row in rows) if kind in given else tuple(rows)
        for kind, rows in tables.items()
    }


def disagreements(tables: Tables, given: Given, layout: Layout) -> Iterator[Reason]:
    """List the elements that belong to no row or no table, or that differ from what is computed.

    Only tables among ``tables`` are looked at.
    """
    for kind, rows in tables.items():
        numbered = {item_number(row): row for row in rows} if kind in given else {}
        for number, elements in given.get(kind, {}).items():
            pointer = pointer_of(kind, number)
            if number in numbered:
                yield from _compare(kind, numbered[number], elements, pointer, layout)
            elif elements:
                yield Reason(pointer, "no-such-item", f"{kind} has no row made from item {number}")


def item_number(row: Row) -> str:
    """Return the number of the item that a row was made from, counted from 1 in input order."""
    index = row.source.rpartition("/")[2]
    return str(int(index) + 1) if index.isdigit() else _ONLY_ITEM


def pointer_of(kind: TableKind, number: str) -> str:
    """Return the pointer to the elements passed through for one row."""
    return f"/extra/{kind.lower()}" if kind in _OF_ONE_ROW else f"/extra/{kind.lower()}/{number}"


def is_compared(name: str) -> bool:
    """Say whether an element is compared with what is computed, and not taken over."""
    return name in _COMPARED or name.startswith("T_")


def _overlaid(row: Row, given: Mapping[str, Mapping[str, str]]) -> Row:
    elements = given.get(item_number(row))
    if not elements:
        return row
    allowed = {name: value for name, value in elements.items() if not is_compared(name)}
    return Row({**row.fields, **allowed}, row.source)


def _compare(
    kind: TableKind, row: Row, elements: Mapping[str, str], pointer: str, layout: Layout
) -> Iterator[Reason]:
    known = layout.find_schema(kind).field_by_name
    for name, value in elements.items():
        computed = row.fields.get(name, "")
        if name not in known:
            yield Reason(f"{pointer}/{name}", "unknown-field", f"{kind} has no element {name}")
        elif is_compared(name) and not _agree(value, computed):
            detail = f"{name} is given as {value or 'empty'}, but it comes to {computed or 'empty'}"
            params = (("given", value), ("computed", computed))
            location = Location(table=kind, field=name)
            yield Reason(
                f"{pointer}/{name}", "differs-from-computed", detail, params=params, location=location
            )


def _agree(given: str, computed: str) -> bool:
    if given == computed:
        return True
    try:
        return Decimal(given) == Decimal(computed)
    except InvalidOperation:
        return False
