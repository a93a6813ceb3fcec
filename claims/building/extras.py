"""The last word of the hospital: elements passed through under their own names.

What a claim computes, or what its amounts rest on, cannot be overruled here: such an element
is compared, and a difference is a reason not to build.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from claims.building.errors import Reason
from claims.building.rows import Row
from claims.bundle.kinds import TableKind
from claims.emr.encounter import Extra
from xsd.catalog import find_schema

Tables = Mapping[TableKind, Sequence[Row]]
Given = Mapping[str, Mapping[str, str]]

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


_SUMMARY_ITEM: Final = "1"


def overlay(tables: Tables, extra: Extra) -> dict[TableKind, tuple[Row, ...]]:
    """Lay the passed-through elements over the rows of the items they name."""
    given = _given(extra)
    return {
        kind: tuple(_overlaid(row, given[kind]) for row in rows) if given[kind] else tuple(rows)
        for kind, rows in tables.items()
    }


def disagreements(tables: Tables, extra: Extra, *, on: date) -> Iterator[Reason]:
    """List the elements that belong to no row or no table, or that differ from what is computed."""
    for kind, given in _given(extra).items():
        rows = {_item_number(row): row for row in tables[kind]}
        for number, elements in given.items():
            pointer = f"/extra/{kind.lower()}" + ("" if kind is TableKind.XML1 else f"/{number}")
            if number in rows:
                yield from _compare(kind, rows[number], elements, pointer=pointer, on=on)
            elif elements:
                yield Reason(pointer, "no-such-item", f"{kind} has no row made from item {number}")


def _given(extra: Extra) -> Mapping[TableKind, Given]:
    return {
        TableKind.XML1: {_SUMMARY_ITEM: extra.xml1} if extra.xml1 else {},
        TableKind.XML2: extra.xml2,
        TableKind.XML3: extra.xml3,
        TableKind.XML4: extra.xml4,
        TableKind.XML5: extra.xml5,
    }


def _item_number(row: Row) -> str:
    """Return the number of the item that a row was made from, counted from 1 in input order."""
    index = row.source.rpartition("/")[2]
    return str(int(index) + 1) if index else _SUMMARY_ITEM


def _overlaid(row: Row, given: Given) -> Row:
    elements = given.get(_item_number(row))
    if not elements:
        return row
    allowed = {name: value for name, value in elements.items() if not _is_compared(name)}
    return Row({**row.fields, **allowed}, row.source)


def _compare(
    kind: TableKind, row: Row, elements: Mapping[str, str], *, pointer: str, on: date
) -> Iterator[Reason]:
    known = find_schema(kind, on=on).field_by_name
    for name, value in elements.items():
        computed = row.fields.get(name, "")
        if name not in known:
            yield Reason(f"{pointer}/{name}", "unknown-field", f"{kind} has no element {name}")
        elif _is_compared(name) and not _agree(value, computed):
            detail = f"{name} is given as {value or 'empty'}, but it comes to {computed or 'empty'}"
            yield Reason(f"{pointer}/{name}", "differs-from-computed", detail)


def _is_compared(name: str) -> bool:
    return name in _COMPARED or name.startswith("T_")


def _agree(given: str, computed: str) -> bool:
    if given == computed:
        return True
    try:
        return Decimal(given) == Decimal(computed)
    except InvalidOperation:
        return False
