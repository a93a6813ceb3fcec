"""Code lists of the Decisions: which code means what, from when to when.

Each list is a CSV file beside this module, so that a change of a list is a change of data; folders with
format data may add rows (`claims.bundle.format`). A row whose
``confidence`` is weak rests on one source, or on none that is official: it helps a reader, and
must not be the reason to refuse a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from claims.bundle.coderows import read_code_rows
from claims.bundle.format import depends_on_format, format_files
from claims.errors import ClaimsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnknownCodeList(ClaimsError, LookupError):
    """There is no code list of that name: an error of whoever asked, not of a claim."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no code list {name}")
        self.name = name


class Confidence(StrEnum):
    """How well established a code is."""

    STRONG = "strong"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list, with the days on which it may be used."""

    code: str
    label_vi: str
    label_en: str
    valid_from: date
    valid_to: date
    confidence: Confidence

    def is_in_force(self, on: date) -> bool:
        """Whether the code may be used on this day."""
        return self.valid_from <= on <= self.valid_to


@depends_on_format
@cache
def load_codes(name: str) -> tuple[Mapping[str, str], ...]:
    """Load every row of a list, as written; an absent date is the empty string.

    Raises:
        UnknownCodeList: There is no list of that name.
    """
    files = format_files(f"codes/{name}.csv") if name.replace("_", "").isalnum() else ()
    if not files:
        raise UnknownCodeList(name)
    return read_code_rows(files)


def find_code(list_name: str, code: str, on: date) -> Code | None:
    """Find what a code means on this day; None when the list does not have it then.

    Raises:
        UnknownCodeList: There is no list of that name.
    """
    return next((found for found in _by_code(list_name).get(code, ()) if found.is_in_force(on)), None)


def list_codes(list_name: str) -> tuple[Code, ...]:
    """List every code of a list, whenever it is in force.

    Raises:
        UnknownCodeList: There is no list of that name.
    """
    return tuple(code for several in _by_code(list_name).values() for code in several)


@depends_on_format
@cache
def is_established(list_name: str) -> bool:
    """Whether the list is well enough known to miss a code in it: one of weak codes only is not.

    Raises:
        UnknownCodeList: There is no list of that name.
    """
    return any(row["confidence"] == Confidence.STRONG for row in load_codes(list_name))


@depends_on_format
@cache
def _by_code(name: str) -> Mapping[str, tuple[Code, ...]]:
    grouped: dict[str, tuple[Code, ...]] = {}
    for row in load_codes(name):
        code = Code(
            code=row["code"],
            label_vi=row["label_vi"],
            label_en=row["label_en"],
            valid_from=_day(row["valid_from"], date.min),
            valid_to=_day(row["valid_to"], date.max),
            confidence=Confidence(row["confidence"]),
        )
        grouped[code.code] = (*grouped.get(code.code, ()), code)
    return grouped


def _day(text: str, otherwise: date) -> date:
    return date.fromisoformat(text) if text else otherwise
