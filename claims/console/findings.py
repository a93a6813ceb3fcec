"""Findings that say the same of several places are told once, with the places: the others stay in sight."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

One = TypeVar("One")

#: So many further places of one finding are named.
_MOST_PLACES: Final = 40


@dataclass(frozen=True, slots=True)
class Told(Generic[One]):
    """The first of several findings that say the same, and the rows of the others.

    Attributes:
        more: How many others there are.
        rows: The rows of the first of them, as far as they are about rows.
    """

    first: One
    more: int
    rows: tuple[int, ...]

    @property
    def is_cut(self) -> bool:
        """Whether more rows say so than are named."""
        return self.more > len(self.rows) > 0


def tell_once(
    findings: Sequence[One], said: Callable[[One], Hashable], row_of: Callable[[One], int | None]
) -> Sequence[Told[One]]:
    """Put together what says the same, in the order in which each is said first."""
    alike: dict[Hashable, list[One]] = {}
    for one in findings:
        alike.setdefault(said(one), []).append(one)
    return [
        Told(first, len(others), tuple(islice((row for one in others if (row := row_of(one))), _MOST_PLACES)))
        for first, *others in alike.values()
    ]
