"""Rules of every table: whose row it is, how rows are numbered, that days and hours are real."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.format import depends_on_format
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema

_NUMBERED: Final = (TableKind.XML2, TableKind.XML3, TableKind.XML4, TableKind.XML5)
_DAY_LENGTH: Final = 8


@rule("ALL.MA_LK_MATCH")
def find_foreign_rows(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Every row belongs to the episode of XML1. One hit a table, at its first."""
    summary = claim.summary_row
    if summary is None or not summary["MA_LK"]:
        return
    for table in claim.tables.values():
        foreign = [row for row in table.rows if row["MA_LK"] != summary["MA_LK"]]
        if foreign:
            yield Hit(foreign[0], "MA_LK", (("rows", str(len(foreign))),))


@rule("ALL.STT_SEQUENCE")
def find_broken_numbering(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Row numbers start at 1 and increase without repeats. One hit a table."""
    for kind in _NUMBERED:
        reached = 0
        for row in claim.rows(kind):
            text = row["STT"]
            if not (text.isascii() and text.isdigit()) or len(text) > 10:  # noqa: PLR2004 - the field's length
                break  # the schema says so
            number = int(text)
            if number <= reached or (reached == 0 and number != 1):
                yield Hit(row, "STT", (("stt", text),))
                break
            reached = number


@rule("ALL.DT12")
def find_impossible_times(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The day of every time exists in its month; 31 February does not. Form and ranges are the schema's."""
    return _impossible(claim, "datetime")


@rule("ALL.D8")
def find_impossible_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Every day exists in its month."""
    return _impossible(claim, "date")


def _impossible(claim: CheckedClaim, item_type: str) -> Iterator[Hit]:
    for table in claim.tables.values():
        fields = _fields_of(table.schema, item_type)
        for row in table.rows:
            values = row.values
            for name, is_list in fields:
                value = values.get(name)
                if not value:
                    continue
                days = value.split(";") if is_list else (value,)
                if any(_is_impossible(day) for day in days):
                    yield Hit(row, name)


@depends_on_format
@lru_cache(maxsize=512)
def _fields_of(schema: TableSchema, item_type: str) -> tuple[tuple[str, bool], ...]:
    """List the fields of a table that hold days or times, and whether several."""
    return tuple(
        (field.name, field.type == "list") for field in schema.fields if field.item_type == item_type
    )


def _is_impossible(value: str) -> bool:
    # Most days need no calendar: the schema has seen to 01-31, and every month has 28 days. Unknown parts
    # of a birth date are zeros.
    day = value[6:_DAY_LENGTH]
    return day > "28" and value[:_DAY_LENGTH].isdigit() and day <= "31" and parse_day(value) is None
