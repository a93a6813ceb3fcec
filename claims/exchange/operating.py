"""Operating: what whoever keeps the service going is told of it, and the switch that pauses sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from claims.exchange.access.places import Reach
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, Submission, SubmissionId

#: Why a submission waits although its time had come: somebody paused sending.
PAUSED: Final = "gateway.paused"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits or is under way, by state and by what it waits for.

    Attributes:
        by_state: How many there are of each state.
        by_cause: How many wait for a reason of their own, such as ``gateway.resting``.
        oldest: Since when the oldest of them has been here.
        next_due: When the next one is due.
        is_bounded: Whether there are more than were looked at.
    """

    by_state: Mapping[State, int]
    by_cause: Mapping[str, int]
    oldest: datetime | None
    next_due: datetime | None
    is_bounded: bool

    def number(self, *states: State) -> int:
        """Return how many there are of some states together."""
        return sum(self.by_state.get(state, 0) for state in states)


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Submissions that failed in one way.

    Attributes:
        number: How many; of the newest ones only, where it is bounded.
        first: The oldest of them, and `last` the newest.
        facilities: The facilities that have most of them, with how many; of the newest 500 where there are
            more and no place narrows.
    """

    state: State
    cause: str
    number: int
    is_bounded: bool
    first: SubmissionId
    last: SubmissionId
    first_at: datetime
    last_at: datetime
    facilities: Sequence[tuple[FacilityCode, int]]


@dataclass(frozen=True, slots=True)
class HourOfWork:
    """What was received in an hour, and what became of it by now.

    Attributes:
        received: How many submissions.
        sampled: Of how many of them, the newest, the rest is told.
        half_s: Within how many seconds of receipt half of those acknowledged were; `most_s`: 95 of 100.
    """

    begins: datetime
    received: int
    is_bounded: bool
    sampled: int
    acknowledged: int
    failed: int
    half_s: float | None
    most_s: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send: what came of it, and the gateway's answer as it came."""

    number: int
    started_at: datetime
    ended_at: datetime
    outcome: str
    cause: str | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class Telling:
    """What a webhook was told of a submission."""

    kind: str
    event_at: datetime
    state: str
    attempts: int
    last_status: int | None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A submission that the gateway does not have, with the days on which its claims ended."""

    submission: Submission
    discharged_on: Sequence[date]


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which nothing is sent, by somebody's decision."""

    began_at: datetime
    began_by: str
    reason: str


class SendingSwitch(Protocol):
    """Pauses sending, for all processes that send."""

    def pause(self, *, by: str, reason: str, at: datetime) -> None:
        """Let nothing more be sent; one that is paused stays so."""
        ...

    def resume(self, *, by: str, at: datetime) -> None:
        """Let it go on; what waited for it is due at once."""
        ...

    def in_force(self) -> Pause | None:
        """Return the pause in force."""
        ...


class Operating(Protocol):
    """What is told of the work, without counting through what is settled."""

    def backlog(self, within: Reach) -> Backlog:
        """Return what waits or is under way."""
        ...

    def failures(self, within: Reach) -> Sequence[FailureGroup]:
        """Return what failed, by cause, the most frequent first."""
        ...

    def hours(self, *, until: datetime) -> Sequence[HourOfWork]:
        """Return the 24 hours up to a moment, the oldest first."""
        ...

    def attempts(self, submission_id: SubmissionId) -> Sequence[Attempt]:
        """Return the attempts to send a submission, oldest first."""
        ...

    def tellings(self, submission_id: SubmissionId) -> Sequence[Telling]:
        """Return what webhooks were told of a submission, oldest first."""
        ...

    def unsettled(self, within: Reach, *, limit: int) -> Sequence[Unsettled]:
        """Return submissions that the gateway does not have, oldest first within a facility."""
        ...

    def certificates(self, within: Reach) -> Sequence[tuple[FacilityCode, bytes]]:
        """Return the certificates (DER) that may sign now, with whose they are."""
        ...
