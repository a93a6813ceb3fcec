"""The day book: a facility's submissions by day of receipt in Vietnam, as the gateway's reads have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionId


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What came of a facility's submissions of one day."""

    day: date
    received: int
    acknowledged: int
    failed: int
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One submission of a day.

    Attributes:
        number: The gateway's transaction number, or the submission's id while there is none.
        has_faults: Whether the gateway has found some since it took it.
    """

    id: SubmissionId
    number: str
    state: State
    claims: int
    amount_vnd: int
    has_faults: bool = False


class DayBook(Protocol):
    """A facility's submissions by day of receipt in Vietnam, as the gateway's reads have them."""

    def days(self, facility: FacilityCode, *, first: date, last: date) -> Sequence[DayTotals]:
        """Return the totals of each day with a submission, in order."""
        ...

    def of_day(self, facility: FacilityCode, day: date) -> Sequence[DayEntry]:
        """Return a day's submissions, in order."""
        ...

    def find(self, facility: FacilityCode, number: str) -> SubmissionId | None:
        """Return the facility's submission with this number, the gateway's or our own; or None."""
        ...
