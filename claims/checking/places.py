"""Where in a file a finding sits, to the column, and what kind of value stands there.

A check keeps lines only; a column, a row's STT and the class of a value are looked up here, in the bytes
read once more, when somebody reads a report. What is in the fields is never repeated, only what it is like.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

import pybase64

from claims.bundle.envelope import read_bundle, strip_asides
from claims.bundle.format import depends_on_format
from claims.bundle.kinds import TableKind
from claims.localtime import parse_day
from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.errors import Unparsable
from xsd.catalog import default_catalog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element as Element

    from claims.bundle.envelope import Bundle, Table
    from claims.bundle.findings import Location

_LONGEST_STT: Final = 10
_DAY_LENGTHS: Final = frozenset({len("yyyyMMdd"), len("yyyyMMddHHmm")})
# What a scan for tags must not look into: comments, CDATA, instructions.
_ASIDES: Final = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_TAG: Final = re.compile(rb"<([A-Za-z_][\w.\-]*)")


class ValueClass(StrEnum):
    """What a value is like."""

    ABSENT = "absent"  # the element is not there
    EMPTY = "empty"
    BLANKS = "blanks"
    DATE = "date"
    DIGITS = "digits"
    DECIMAL = "decimal"
    LETTERS = "letters"
    LIST = "list"  # several, with semicolons between
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding sits, beside its location.

    Attributes:
        stt: The number of the row as it is written there, where it is a number.
        line: The line of the field (or row) in the decoded table, or in the bundle when no table is named.
        column: Its column there, from 1, in characters.
        envelope_line: The line in the bundle.
        envelope_column: The column in the bundle.
        value: What the field's value is like; None where no field is named or it is in no table.
        length: How many characters it has.
    """

    stt: str | None = None
    line: int | None = None
    column: int | None = None
    envelope_line: int | None = None
    envelope_column: int | None = None
    value: ValueClass | None = None
    length: int | None = None


class Places:
    """A bundle, to look places up in. Reads it once, when first asked."""

    def __init__(self, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
        """Take the bytes as they were checked."""
        self._data = data
        self._limits = limits
        self._tables: dict[tuple[int, str], _ReadTable | None] = {}

    def find(self, location: Location) -> Place:
        """Look up a finding's place, as far as it can be found."""
        if location.table is None or location.claim is None:
            return self._in_envelope(location)
        envelope_line = location.envelope_line
        envelope_column = (
            None if envelope_line is None else self._envelope.column(envelope_line, "NOIDUNGFILE")
        )
        table = self._table(location.claim, location.table)
        if table is None:
            return Place(
                line=location.line,
                column=location.column,
                envelope_line=envelope_line,
                envelope_column=envelope_column,
            )
        found = table.find(location)
        return Place(
            stt=found.stt,
            line=found.line,
            column=location.column or found.column,
            envelope_line=envelope_line,
            envelope_column=envelope_column,
            value=found.value,
            length=found.length,
        )

    def source(self, claim: int, kind: str) -> bytes | None:
        """Return the decoded bytes of a table of a claim (counted from 1), or None when there are none."""
        if self._root is None:
            return None
        holders = [*self._root.iterfind("THONGTINHOSO/DANHSACHHOSO/HOSO")] or _holders(self._root)
        if not 0 < claim <= len(holders):
            return None
        files = holders[claim - 1].iterfind("FILEHOSO")
        named = (file for file in files if (file.findtext("LOAIHOSO") or "").strip().upper() == kind)
        text = next((file.findtext("NOIDUNGFILE") or "" for file in named), None)
        if text is None:
            return None
        try:
            return pybase64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            return None

    def _in_envelope(self, location: Location) -> Place:
        line = location.line or location.envelope_line
        column = location.column
        if line is None and location.field is not None:
            line = self._envelope.line_of(location.field)
        if line is not None and column is None:
            column = self._envelope.column(line, location.field)
        return Place(line=line, column=column, envelope_line=line, envelope_column=column)

    @cached_property
    def _envelope(self) -> _Text:
        return _Text(self._data)

    @cached_property
    def _root(self) -> Element | None:
        try:
            root = parse(self._data, limits=self._limits)
        except Unparsable:
            return None
        strip_asides(root)
        return root

    @cached_property
    def _bundle(self) -> Bundle | None:
        return None if self._root is None else read_bundle(self._root, limits=self._limits)

    def _table(self, claim: int, kind: str) -> _ReadTable | None:
        key = claim, kind
        if key not in self._tables:
            table = self._find_table(claim, kind)
            data = None if table is None else self.source(claim, kind)
            self._tables[key] = None if table is None or data is None else _ReadTable(table, data)
        return self._tables[key]

    def _find_table(self, claim: int, kind: str) -> Table | None:
        if self._bundle is None or not 0 < claim <= len(self._bundle.claims):
            return None
        return self._bundle.claims[claim - 1].find_table(TableKind(kind))


def _holders(root: Element) -> list[Element]:
    return [holder for file in root.iter("FILEHOSO") if (holder := file.getparent()) is not None][:1]


class _Text:
    """The text of a document: where its tags are."""

    def __init__(self, data: bytes) -> None:
        self._data = _ASIDES.sub(lambda found: re.sub(rb"[^\n]", b" ", found[0]), data)
        self._starts = [0, *(found.end() for found in re.finditer(rb"\n", self._data))]

    @cached_property
    def _tags(self) -> Mapping[tuple[int, str], Sequence[int]]:
        """The places of tags in bytes, by the line they end on and name."""
        tags: dict[tuple[int, str], list[int]] = {}
        for found in _TAG.finditer(self._data):
            # The parser counts a tag to the line on which it ends.
            end = self._data.find(b">", found.end())
            line = bisect_right(self._starts, end if end >= 0 else found.end())
            tags.setdefault((line, found[1].decode("utf-8", "replace")), []).append(found.start())
        return tags

    def column(self, line: int, name: str | None, number: int = 0) -> int | None:
        """Return the column of the tag of this name on a line, the first or a later one."""
        places = self._tags.get((line, name or ""), ())
        if not 0 <= number < len(places):
            return None
        start = self._starts[bisect_right(self._starts, places[number]) - 1]
        return len(self._data[start : places[number]].decode("utf-8", "replace")) + 1

    def line_of(self, name: str) -> int | None:
        """Return the line of the first tag of this name."""
        return next((line for line, tag in self._tags if tag == name), None)


class _ReadTable:
    """A decoded table: its text, its rows, and where their elements are."""

    def __init__(self, table: Table, data: bytes) -> None:
        self._root = table.root
        self._kind = table.kind
        self._text = _Text(data)
        self._numbers: dict[Element, int] = {}
        seen: dict[tuple[int, str], int] = {}
        for element in table.root.iter("{}*"):
            key = element.sourceline or 0, str(element.tag)
            self._numbers[element] = seen[key] = seen.get(key, -1) + 1

    def find(self, location: Location) -> Place:
        """Look up a place in this table."""
        row = self._row(location)
        field = None if row is None or location.field is None else row.find(location.field)
        element = row if field is None else field
        stt = None if row is None else (row.findtext("STT") or "").strip()
        is_number = stt is not None and stt.isascii() and stt.isdigit() and len(stt) <= _LONGEST_STT
        line = location.line if element is None else element.sourceline
        return Place(
            stt=stt if is_number else None,
            line=line,
            column=None if element is None else self._column(element),
            value=None if location.field is None or row is None else classify(_text_of(field)),
            length=None if field is None else len(field.text or ""),
        )

    def _column(self, element: Element) -> int | None:
        line = element.sourceline
        return None if line is None else self._text.column(line, str(element.tag), self._numbers[element])

    def _row(self, location: Location) -> Element | None:
        if location.row is None:
            return self._root
        return self._rows[location.row - 1] if 0 < location.row <= len(self._rows) else None

    @cached_property
    def _rows(self) -> Sequence[Element]:
        found = (self._root.findall(path) for path in _row_paths(self._kind))
        return next((rows for rows in found if rows), ())


@depends_on_format
@cache
def _row_paths(kind: TableKind) -> Sequence[str]:
    """Return where the rows of a table are, in the Decisions from the latest on."""
    schemas = (schema for schema in reversed(default_catalog().schemas) if schema.table == kind)
    paths = (f"{one.list_element}/{one.row_element}" for one in schemas if one.row_element is not None)
    return tuple(dict.fromkeys(paths))


def _text_of(field: Element | None) -> str | None:
    return None if field is None else field.text or ""


def classify(text: str | None) -> ValueClass:
    """Say what a value is like; None: its element is not there."""
    if text is None:
        return ValueClass.ABSENT
    if not text.strip():
        return ValueClass.BLANKS if text else ValueClass.EMPTY
    if ";" in text:
        return ValueClass.LIST
    if text.isascii() and text.isdigit():
        is_day = len(text) in _DAY_LENGTHS and parse_day(text) is not None
        return ValueClass.DATE if is_day else ValueClass.DIGITS
    if re.fullmatch(r"-?\d+[.,]\d+", text, re.ASCII):
        return ValueClass.DECIMAL
    return ValueClass.LETTERS if text.replace(" ", "").isalpha() else ValueClass.MIXED
