"""Pages of lists: one more is asked for than is shown, which tells whether there are more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """What of a list one page shows.

    Attributes:
        next_cursor: What the page after it begins with; None when there is none.
    """

    shown: Sequence[T]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there is a page after it."""
        return self.next_cursor is not None


def cut(found: Sequence[T], limit: int, *, cursor: Callable[[T], object]) -> Cut[T]:
    """Cut off what is one too many; the last one that is shown names where to go on."""
    if len(found) <= limit:
        return Cut(found, None)
    return Cut(found[:limit], str(cursor(found[limit - 1])))
