"""Settings that change on known days."""

from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A setting that changes on known days: steps of (first day, value), the earliest first."""

    steps: tuple[tuple[date, T], ...]

    def on(self, day: date) -> T:
        """Find the value in force on a day; before the first step, the first value counts."""
        value = self.steps[0][1]
        for first_day, later in self.steps:
            if first_day > day:
                break
            value = later
        return value


def always(value: T) -> Dated[T]:
    """Make a setting that never changed."""
    return Dated(((date.min, value),))
