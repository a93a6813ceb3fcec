"""A table's XML as it is written, for the eye: lines that are too long are broken before start tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from claims.checking.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.bundle.findings import Location

_MOST_PIECES: Final = 5_000
#: Characters of a line that are still read in one go.
_LONG: Final = 160
_BEFORE_START_TAG: Final = re.compile(r"(?<=>)(?=<[^/])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of the XML, or as much of it as is shown in one.

    Attributes:
        line: Its number in the decoded table, from 1.
        column: Where in the line it begins, from 1.
        is_meant: Whether what was asked for begins in it.
    """

    line: int
    column: int
    text: str
    is_meant: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """The XML of one table, from its beginning.

    Attributes:
        is_whole: False where there is more of it than a page can show.
    """

    pieces: tuple[Piece, ...]
    is_whole: bool


def show_source(data: bytes, *, claim: int, kind: str, meant: Location | None) -> Source | None:
    """Return the XML of a table of a claim (counted from 1), or None where it cannot be read.

    Args:
        data: The bundle.
        claim: Which of its claims.
        kind: Which of its tables.
        meant: A place in the table that was asked for.
    """
    places = Places(data)
    found = places.source(claim, kind)
    if found is None:
        return None
    place = None if meant is None else places.find(meant)
    target = (0, 0) if place is None else (place.line or 0, place.column or 1)
    pieces = tuple(islice(_pieces(found.decode("utf-8", "replace"), *target), _MOST_PIECES + 1))
    return Source(pieces[:_MOST_PIECES], is_whole=len(pieces) <= _MOST_PIECES)


def _pieces(text: str, meant_line: int, meant_column: int) -> Iterator[Piece]:
    for number, line in enumerate(text.split("\n"), start=1):
        column = 1
        for part in _BEFORE_START_TAG.split(line) if len(line) > _LONG else [line]:
            is_meant = number == meant_line and column <= meant_column < column + max(len(part), 1)
            yield Piece(number, column, part.rstrip("\r"), is_meant)
            column += len(part)
