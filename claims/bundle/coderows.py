"""Reading the files of one code list and laying them over each other.

The first file is the list itself. A row of a later file takes the place of the row with the same code
and first day; any other is added, and ends the row of its code that was in force until then.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Row: TypeAlias = "Mapping[str, str]"

_FOREVER: Final = "9999-12-31"
_CONFIDENCES: Final = frozenset({"strong", "weak"})
_NEEDED: Final = ("valid_from", "valid_to", "confidence")
_OF_CODES: Final = frozenset({"code", "label_vi", "label_en"})


class UnreadableCodes(Exception):
    """A file of codes makes no sense."""

    def __init__(self, path: Path, line: int, detail: str) -> None:
        """Name the file, the line and what is wrong with it."""
        super().__init__(f"{path}, line {line}: {detail}")
        self.path = path
        self.line = line
        self.detail = detail


def read_code_rows(files: Sequence[Path]) -> tuple[Row, ...]:
    """Read a list from its files; every row has every column, absent values are empty.

    Raises:
        UnreadableCodes: A row or the heading of a file makes no sense.
    """
    rows: dict[str, list[dict[str, str]]] = {}
    columns: tuple[str, ...] = ()
    for path in files:
        heading, added = _read(path, columns)
        columns = columns or heading
        for row in added:
            known = rows.setdefault(row.get("code", ""), [])
            _lay_over(known, {column: row.get(column, "") for column in columns})
    return tuple(MappingProxyType(row) for several in rows.values() for row in several)


def _read(path: Path, columns: tuple[str, ...]) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UnreadableCodes(path, 1, f"not UTF-8: {error.reason}") from error
    reader = csv.DictReader(lines)
    heading = tuple(reader.fieldnames or ())
    # The list of base salaries is by day alone.
    has_codes = bool(_OF_CODES & set(columns or heading)) or not heading
    needed = (*sorted(_OF_CODES), *_NEEDED) if has_codes else _NEEDED
    for problem in _problems(heading, needed, columns):
        raise UnreadableCodes(path, 1, problem)
    return heading, [_checked(path, reader.line_num, row) for row in reader]


def _problems(heading: tuple[str, ...], needed: Iterable[str], columns: tuple[str, ...]) -> Iterator[str]:
    yield from (f"the column {column} is missing" for column in needed if column not in heading)
    if columns:
        yield from (f"the list has no column {column}" for column in heading if column not in columns)


def _checked(path: Path, line: int, row: Mapping[str | None, object]) -> dict[str, str]:
    if None in row or None in row.values():
        raise UnreadableCodes(path, line, "another number of values than the heading has")
    values = {str(column): str(value) for column, value in row.items()}
    if values.get("code") == "":
        raise UnreadableCodes(path, line, "the code is empty")
    for column in ("valid_from", "valid_to"):
        try:
            _ = values[column] and date.fromisoformat(values[column])
        except ValueError as error:
            raise UnreadableCodes(path, line, f"{column} is not a day such as 2025-01-01") from error
    if values["valid_to"] and values["valid_to"] < values["valid_from"]:
        raise UnreadableCodes(path, line, "valid_to lies before valid_from")
    if values["confidence"] not in _CONFIDENCES:
        raise UnreadableCodes(path, line, "confidence is neither strong nor weak")
    return values


def _lay_over(known: list[dict[str, str]], added: dict[str, str]) -> None:
    """Put a row among those of its code."""
    first_day = added["valid_from"]
    for place, row in enumerate(known):
        if row["valid_from"] == first_day:
            known[place] = added
            return
        if row["valid_from"] < first_day <= (row["valid_to"] or _FOREVER):
            row["valid_to"] = (date.fromisoformat(first_day) - timedelta(days=1)).isoformat()
    known.append(added)
