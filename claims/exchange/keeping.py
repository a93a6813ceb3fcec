"""Keeping records: what is held, what is due for erasure by when, and what was erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Generic, Protocol, TypeVar

from claims.exchange.access.places import Reach
from claims.exchange.retention import RecordClass, RetentionRules
from claims.exchange.submission import SubmissionId

#: So many submissions are looked at for one page of what is due; the next page goes on behind them.
_CHUNK: Final = 500
_MOST_CHUNKS: Final = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a submission.

    Attributes:
        ma_lk: Which claims it covers; empty where none could be read, or they were erased.
        released_at: When it ended; None: it stands.
    """

    submission_id: SubmissionId
    facility: str
    ma_lk: tuple[str, ...]
    placed_at: datetime
    placed_by: str
    reason: str
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """That the content of a submission was erased.

    Attributes:
        sha256: Digest of the bundle that it was.
    """

    submission_id: SubmissionId
    facility: str
    sha256: str
    received_at: datetime
    erased_at: datetime
    erased_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class WithContent:
    """A submission whose content is there, with what its time depends on.

    Attributes:
        classes: Of its claims; None among them, or none at all: not known.
        discharged_on: The latest discharge in it.
    """

    id: SubmissionId
    facility: str
    received_at: datetime
    classes: frozenset[RecordClass | None]
    discharged_on: date | None
    is_held: bool


@dataclass(frozen=True, slots=True)
class Due:
    """A submission whose time is over by some day."""

    id: SubmissionId
    facility: str
    received_at: datetime
    record_class: RecordClass
    kept_until: date
    is_held: bool


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """Some of a list, and where its next page starts."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class KeptRecords(Protocol):
    """Lists of what is kept, held and erased."""

    def holds(self, *, within: Reach, is_standing: bool, cursor: str | None, limit: int) -> Listed[Hold]:
        """Return holds, newest first: those that stand, or those that were released."""
        ...

    def holds_on(self, submission_id: SubmissionId) -> Sequence[Hold]:
        """Return all holds on a submission, newest first."""
        ...

    def erasures(self, *, within: Reach, cursor: str | None, limit: int) -> Listed[Erasure]:
        """Return what was erased, newest first."""
        ...

    def erasure_of(self, submission_id: SubmissionId) -> Erasure | None:
        """Return when and why a submission was erased, if it was."""
        ...

    def with_content(
        self, *, within: Reach, received_by: date, after: SubmissionId | None, limit: int
    ) -> Sequence[WithContent]:
        """Return what is settled, has content and was received by the end of a day, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class FindDue:
    """Find what is due for erasure by a day: a look ahead that changes nothing."""

    kept: KeptRecords
    rules: RetentionRules

    def __call__(
        self, *, within: Reach, by: date, limit: int, after: SubmissionId | None = None
    ) -> Listed[Due]:
        """Return submissions whose time is over on that day, held ones too, the oldest first."""
        received_by, found, last = self.rules.latest_begin(by), [], after
        for _ in range(_MOST_CHUNKS):
            chunk = self.kept.with_content(within=within, received_by=received_by, after=last, limit=_CHUNK)
            for one in chunk:
                last, due = one.id, self._due(one)
                if due.kept_until <= by:
                    found.append(due)
                if len(found) > limit:
                    return Listed(tuple(found[:limit]), found[limit - 1].id)
            if len(chunk) < _CHUNK:
                return Listed(tuple(found))
        return Listed(tuple(found), last)

    def _due(self, one: WithContent) -> Due:
        discharged = [] if one.discharged_on is None else [one.discharged_on]
        record_class, until = self.rules.judge(
            one.classes, received_at=one.received_at, discharged=discharged
        )
        return Due(one.id, one.facility, one.received_at, record_class, until, one.is_held)
