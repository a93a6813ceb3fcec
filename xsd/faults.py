"""Faults: in what way a tree departs from its schema. Values only; how grave one is, others decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The ways to depart from a schema."""

    REQUIRED = "required"  # a field that must have a value has none
    LENGTH = "length"
    FORMAT = "format"
    DUPLICATE = "duplicate"  # a field stands twice in a row
    UNKNOWN = "unknown"  # a field that the Decision does not have
    ORDER = "order"  # fields out of the Decision's order
    MISSING = "missing"  # an element that holds others is not there
    UNEXPECTED = "unexpected"  # an element, attribute or text stands where none belongs


TOLERATED = frozenset({FaultKind.UNKNOWN, FaultKind.ORDER})


@dataclass(frozen=True, slots=True)
class Fault:
    """One departure.

    Attributes:
        kind: In what way.
        element: The field or element it is about.
        row: Which row, from 1; None outside of rows.
        line: The line of the element, or of the one it is missing from.
        facts: Numbers and words for the sentence: the longest length allowed, the type expected …
            Never the value itself, which may be a patient's.
    """

    kind: FaultKind
    element: str
    row: int | None = None
    line: int | None = None
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def is_tolerated(self) -> bool:
        """Whether the tree counts as valid in spite of it."""
        return self.kind in TOLERATED
