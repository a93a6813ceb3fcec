"""Rules of every table: whose row it is, how rows are numbered, that days and hours are real."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.format import depends_on_format
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, CheckedTable
    from xsd.catalog import TableSchema

_NUMBERED: Final = (TableKind.XML2, TableKind.XML3, TableKind.XML4, TableKind.XML5)
_DAY_LENGTH: Final = 8
_DAYS_OF_EVERY_MONTH: Final = "28"
_CLINICAL_TIMES: Final = MappingProxyType(
    {
        TableKind.XML1: ("NGAY_VAO", "NGAY_VAO_NOI_TRU", "NGAY_RA", "NGAY_TTOAN"),
        TableKind.XML2: ("NGAY_YL", "NGAY_TH_YL"),
        TableKind.XML3: ("NGAY_YL", "NGAY_TH_YL", "NGAY_KQ"),
        TableKind.XML4: ("NGAY_KQ",),
        TableKind.XML5: ("THOI_DIEM_DBLS",),
    }
)
#: Titles of documents, which may hold commas.
_TITLES: Final = "SO_VAN_BAN_CAN_CU"
#: The last day of a card, which may have none: its place in the list stays empty.
_OPEN_END: Final = "GT_THE_DEN"
# Values are looked at as a whole first, with a NUL around each, which no value holds: nearly all are well.
_ROUND: Final = "\0"
#: A day that not every month has. The schema has seen to 01-31, and most days need no calendar.
_LATE_DAY: Final = re.compile(r"[\0;][^\0;]{6}(?:2[^0-8\0;]|3)")
_FIRST_NUMBERS: Final = tuple(map(str, range(1, 1001)))
#: Another separator, or an item without anything in it.
_ODD_LISTS: Final = re.compile(r"[,|\r\n\t]|\0\s*;|;\s*[;\0]")
_OTHER_SEPARATOR: Final = re.compile(r"[,|\r\n\t]")
_FOR_A_TIME: Final = frozenset({"05", "07", "08"})


@rule("ALL.MA_LK_MATCH")
def find_foreign_rows(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Every row belongs to the episode of XML1. One hit a table, at its first."""
    summary = claim.summary_row
    if summary is None or not summary["MA_LK"]:
        return
    for table in claim.tables.values():
        keys = table.column("MA_LK")
        if keys.count(summary["MA_LK"]) < len(keys):
            foreign = [row for row in table.rows if row["MA_LK"] != summary["MA_LK"]]
            yield Hit(foreign[0], "MA_LK", (("rows", str(len(foreign))),))


@rule("ALL.STT_SEQUENCE")
def find_broken_numbering(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Row numbers start at 1 and increase without repeats. One hit a table."""
    for kind in _NUMBERED:
        if claim.column(kind, "STT") == _counted(claim.count(kind)):
            continue
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


@rule("ALL.LIST_SEPARATOR")
def find_lists_split_otherwise(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A value of several items has semicolons between them, none too many, and nothing else."""
    for table in claim.tables.values():
        names = _lists_of(table.schema)
        if _ODD_LISTS.search(_as_a_whole(table, names)):
            for name in names:
                is_wrong = _has_another_separator if name == _OPEN_END else _is_split_otherwise
                yield from (Hit(row, name) for row in table.rows_where(is_wrong, name))


@rule("ALL.DT12")
def find_impossible_times(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The day of every time exists in its month; 31 February does not. Form and ranges are the schema's."""
    return _impossible(claim, "datetime")


@rule("ALL.D8")
def find_impossible_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Every day exists in its month."""
    return _impossible(claim, "date")


@rule("ALL.FUTURE_TIME")
def find_times_to_come(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Nothing happened after the day of receipt; who gets drugs for a time leaves when that is over.

    Counted by days: clocks of hospitals and servers differ by minutes, sometimes by hours.
    """
    summary = claim.summary_row
    if summary is not None and summary["MA_LOAI_KCB"] in _FOR_A_TIME:
        return
    end_of_day = f"{known.received_on}2359"
    for kind, fields in _CLINICAL_TIMES.items():
        if max(chain(*(claim.values(kind, name) for name in fields)), default="") <= end_of_day:
            continue
        late = [name for name in fields if max(claim.values(kind, name), default="") > end_of_day]
        for row in claim.rows(kind) if late else ():
            yield from (Hit(row, name) for name in late if row[name] > end_of_day)


def _impossible(claim: CheckedClaim, item_type: str) -> Iterator[Hit]:
    for table in claim.tables.values():
        fields = _fields_of(table.schema, item_type)
        if not _LATE_DAY.search(_as_a_whole(table, fields)):
            continue
        wrong = {
            name: frozenset(value for value in table.values(name) if _has_impossible(value, fields[name]))
            for name in fields
        }
        if any(wrong.values()):
            yield from (
                Hit(row, name) for row in table.rows for name, values in wrong.items() if row[name] in values
            )


@depends_on_format
@lru_cache(maxsize=512)
def _lists_of(schema: TableSchema) -> tuple[str, ...]:
    return tuple(field.name for field in schema.fields if field.type == "list" and field.name != _TITLES)


@lru_cache(maxsize=1024)
def _is_split_otherwise(value: str) -> bool:
    return _has_another_separator(value) or (";" in value and not all(map(str.strip, value.split(";"))))


def _has_another_separator(value: str) -> bool:
    return _OTHER_SEPARATOR.search(value) is not None


def _counted(rows: int) -> list[str]:
    """Return the numbers of so many rows, as nearly every table has them."""
    return [*_FIRST_NUMBERS[:rows], *map(str, range(len(_FIRST_NUMBERS) + 1, rows + 1))]


@depends_on_format
@lru_cache(maxsize=512)
def _fields_of(schema: TableSchema, item_type: str) -> Mapping[str, str]:
    """List the fields of a table that hold days or times, and what splits several; nothing: there is one."""
    return {
        field.name: ";" if field.type == "list" else ""
        for field in schema.fields
        if field.item_type == item_type
    }


def _as_a_whole(table: CheckedTable, names: Iterable[str]) -> str:
    return _ROUND.join(("", *chain(*map(table.values, names)), ""))


def _has_impossible(value: str, separator: str) -> bool:
    return any(map(_is_impossible, value.split(separator) if separator else (value,)))


def _is_impossible(value: str) -> bool:
    # Unknown parts of a birth date are zeros.
    day = value[6:_DAY_LENGTH]
    return (
        day > _DAYS_OF_EVERY_MONTH
        and value[:_DAY_LENGTH].isdigit()
        and day <= "31"
        and parse_day(value) is None
    )
