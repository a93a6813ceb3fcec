"""How a claim's values are shown to people: figures grouped, days spelled out, codes with their meaning.

Pure values for a terminal, a page or a printed sheet. Figures are grouped as on Vietnamese bills
(12.450.000,50) in both languages, so that one claim never shows two spellings of one amount. What is not
written as the Decision wants it is shown as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.codes import UnknownCodeList, find_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from claims.bundle.contents import ReadTable
    from xsd.catalog import Field, TableSchema

_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{4,12}", re.ASCII)
_NUMBER: Final = "STT"
_VIETNAMESE: Final = str.maketrans(",.", ".,")
_SHORT: Final = 16
_MOST_CODES: Final = 20  # values of one list field that are explained


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as shown, and what it means where it is a code."""

    text: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a table: its name, what people call it (empty when unknown), whether it lines up right."""

    name: str
    label: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """One table, ready to be shown.

    Attributes:
        kind: Its table kind.
        label: What people call it; empty when no Decision describes it.
        columns: The fields that differ from row to row, in the order of the table.
        rows: The values of these columns, in the rows that were asked for.
        common: The fields with one value in all rows (of a single row: all that have a value).
        empty: The names of fields without a value in any row.
        count: How many rows there are.
    """

    kind: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    common: tuple[tuple[Column, Cell], ...]
    empty: tuple[str, ...]
    count: int

    def bands(self, widths: Sequence[int], room: int) -> tuple[tuple[int, ...], ...]:
        """Cut the columns, so wide each, into bands that fit; each begins with the row number, if any."""
        head = tuple(place for place, column in enumerate(self.columns) if column.name == _NUMBER)[:1]
        bands: list[tuple[int, ...]] = []
        band, taken = head, sum(widths[place] for place in head)
        for place, width in enumerate(widths):
            if place in head:
                continue
            if len(band) > len(head) and taken + width > room:
                bands.append(band)
                band, taken = head, sum(widths[one] for one in head)
            band, taken = (*band, place), taken + width
        return (*bands, band) if band else tuple(bands)


_WHOLE: Final = slice(None)


def view_table(table: ReadTable, *, on: date, language: str, part: slice = _WHOLE) -> TableView:
    """Prepare a table for showing, in ``vi`` or ``en``, with the codes as they were on a day.

    Of a long one some rows can be asked for: its columns are the same whichever they are.
    """
    names = _names(table)
    shown = [_column(table.schema, name, language) for name in names]
    texts = {name: [row[name] for row in table.rows] for name in names}
    empty = tuple(name for name in names if not any(text.strip() for text in texts[name]))
    filled = [column for column in shown if column.name not in empty]
    is_list = len(table.rows) > 1
    places = {} if is_list else _places_by_kind(table)
    common = [c for c in filled if not is_list or _is_common(_field(table.schema, c.name), texts[c.name])]
    cells = {}
    for column in filled:
        field = _field(table.schema, column.name)
        least = 0 if field is None else places.get(field.kind, 0)
        asked = texts[column.name][:1] if column in common else texts[column.name][part]
        cells[column.name] = show_column(field, asked, on=on, language=language, places=least)
    columns = tuple(column for column in filled if column not in common)
    schema = table.schema
    return TableView(
        kind=str(table.kind),
        label="" if schema is None else schema.label_vi if language == "vi" else schema.label_en,
        columns=columns,
        rows=tuple(
            tuple(cells[c.name][place] for c in columns) for place in range(len(table.rows[part])) if columns
        ),
        common=tuple((column, cells[column.name][0]) for column in common),
        empty=empty,
        count=len(table.rows),
    )


def show_column(
    field: Field | None, texts: Sequence[str], *, on: date, language: str, places: int = 0
) -> tuple[Cell, ...]:
    """Show the values of one field; decimals get as many places as the longest of them, to line up."""
    places = max((places, *map(_places, texts)))
    return tuple(show_value(field, text, on=on, language=language, places=places) for text in texts)


def show_value(field: Field | None, text: str, *, on: date, language: str, places: int | None = None) -> Cell:
    """Show one value of a field that may be unknown."""
    if field is None or not text:
        return Cell(text)
    if _is_number(field):
        return Cell(group_figure(text, places=places))
    if field.item_type in {"date", "datetime"}:
        return Cell("; ".join(_spell_time(part, field) for part in text.split(";")))
    return Cell(text, _meaning(field, text, on, language))


def group_figure(text: str, *, places: int | None = None) -> str:
    """Group a decimal as on a Vietnamese bill: 12450000.5 becomes 12.450.000,5. All else stays as it is."""
    if not _DECIMAL.fullmatch(text):
        return text
    return _short_grouped(text, places) if len(text) <= _SHORT else _grouped(text, places)


def _grouped(text: str, places: int | None) -> str:
    digits = _places(text) if places is None else places
    figure = f"{Decimal(text):,.{max(digits, _places(text))}f}"
    return figure.translate(_VIETNAMESE)


#: The same few figures stand in most cells; longer ones are not remembered.
_short_grouped: Final = lru_cache(maxsize=4_096)(_grouped)


def label_of(field: Field | None, language: str) -> str:
    """Return what people call a field, empty when it is unknown."""
    if field is None:
        return ""
    return field.label_vi if language == "vi" else field.label_en


def _names(table: ReadTable) -> tuple[str, ...]:
    """List a table's fields: the Decision's order first, then what the Decision does not know."""
    written = dict.fromkeys(name for row in table.rows for name, _ in row.fields)
    known = () if table.schema is None else table.schema.field_by_name
    return (*(name for name in known if name in written), *(name for name in written if name not in known))


def _column(schema: TableSchema | None, name: str, language: str) -> Column:
    field = _field(schema, name)
    is_number = _is_number(field) or (field is not None and field.type == "integer" and not field.code_list)
    return Column(name, label_of(field, language), is_number)


def _is_common(field: Field | None, texts: Sequence[str]) -> bool:
    """Whether a field is told once for all rows; amounts are told in each, unless all are zero."""
    if field is None or len(set(texts)) > 1:
        return False
    return field.name != _NUMBER and (field.kind != "amount" or not texts[0].strip("0."))


def _places_by_kind(table: ReadTable) -> dict[str, int]:
    """Find how many decimals the figures of a single row need, to line up below each other."""
    found: dict[str, int] = {}
    for name, text in (pair for row in table.rows for pair in row.fields):
        field = _field(table.schema, name)
        if field is not None and _is_number(field):
            found[field.kind] = max(found.get(field.kind, 0), _places(text))
    return found


def _field(schema: TableSchema | None, name: str) -> Field | None:
    return None if schema is None else schema.field_by_name.get(name)


def _is_number(field: Field | None) -> bool:
    return field is not None and field.type == "decimal"


def _places(text: str) -> int:
    """Count the decimals that say something; zeros at the end do not."""
    return len(text.partition(".")[2].rstrip("0")) if _DECIMAL.fullmatch(text) else 0


def _spell_time(text: str, field: Field) -> str:
    if not _DIGITS.fullmatch(text):
        return text
    if field.kind == "birth_time" and (text.endswith("00000000") or text[6:] == "000000"):
        # Zeros stand for what is not known of a birth date.
        return text[:4] if text.endswith("00000000") else f"{text[4:6]}/{text[:4]}"
    has_time = len(text) == len("yyyyMMddHHmm")
    try:
        at = datetime.strptime(text, "%Y%m%d%H%M" if has_time else "%Y%m%d")  # noqa: DTZ007 - wall time
    except ValueError:
        return text
    is_day = not has_time or (field.kind == "birth_time" and text.endswith("0000"))
    return f"{at:%d/%m/%Y}" if is_day else f"{at:%d/%m/%Y %H:%M}"


def _meaning(field: Field, text: str, on: date, language: str) -> str:
    if field.code_list is None:
        return ""
    items = text.split(";") if field.type == "list" else [text]
    try:
        codes = [find_code(field.code_list, item, on) for item in items[:_MOST_CODES]]
    except UnknownCodeList:
        return ""  # a list kept elsewhere, such as that of diagnoses
    return "; ".join(code.label_vi if language == "vi" else code.label_en for code in codes if code)
