"""What the exchange keeps of a submission: identity, state, history, filters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from ulid import ULID

from claims.exchange.access.places import Reach
from claims.exchange.lifecycle import Level, State

SubmissionId = NewType("SubmissionId", str)
FacilityCode = NewType("FacilityCode", str)
#: How an id is written, as a pattern: ``sub_`` and a ULID.
SUBMISSION_KEY: Final = "^sub_[0-9A-HJKMNP-TV-Z]{26}$"


def new_submission_id(at: datetime) -> SubmissionId:
    """Return a fresh id that sorts by time: ``sub_`` and a ULID."""
    return SubmissionId(f"sub_{ULID.from_datetime(at)}")


class EventKind(StrEnum):
    """What happened to a submission."""

    RECEIVED = "received"
    CHECKED = "checked"
    REJECTED = "rejected"
    CHECK_FAILED = "check_failed"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    SEND_FAILED = "send_failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    GAVE_UP = "gave_up"
    REPLAYED = "replayed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    HANDED_IN_AGAIN = "handed_in_again"  # the same bytes, after they had been withdrawn
    RECEPTION_FAULTS = "reception_faults"  # the gateway found something after it had taken it
    ASSESSED = "assessed"
    EXPORTED = "exported"
    ERASED = "erased"
    HELD = "held"
    RELEASED = "released"
    QUESTION_ASKED = "question_asked"  # a reviewer asks the facility about a claim
    REVIEWED = "reviewed"  # a reviewer decided on a claim, for good
    GLASS_BROKEN = "glass_broken"  # somebody opened a protected record, for a stated reason and some time


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a submission's append-only history."""

    at: datetime
    kind: EventKind
    state: State
    actor: str
    cause: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt of a facility to hand over one bundle.

    Attributes:
        sha256: Hex digest of the bytes as received; with the facility it is unique.
        size: Length of those bytes.
        ma_lk: The episode keys found in the bundle; empty until it has been checked.
        cause: Stable code of what stands in the way, such as ``gateway.500`` or the first blocking finding.
        attempts: How often the present step has been tried.
        receipt: The gateway's transaction number (``maGiaoDich``), once it has one.
        superseded_by: The later version of the same claims that took its place.
        checked_at: When it last passed its check.
        assessed_at: When the assessment of all its claims was read.
        may_be_taken: Whether the gateway may have it.
    """

    id: SubmissionId
    facility: FacilityCode
    sha256: str
    size: int
    state: State
    received_at: datetime
    updated_at: datetime
    ma_lk: tuple[str, ...] = ()
    cause: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    receipt: str | None = None
    superseded_by: SubmissionId | None = None
    checked_at: datetime | None = None
    assessed_at: datetime | None = None
    may_be_taken: bool = False

    @property
    def level(self) -> Level:
        """How far it has been acknowledged, whatever became of it since."""
        if self.receipt is not None:
            return Level.ACKNOWLEDGED if self.assessed_at is None else Level.ASSESSED
        return Level.RECEIVED if self.checked_at is None else Level.CHECKED


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Which submissions are meant; every condition narrows, an absent one does not.

    Attributes:
        within: Where whoever asks may see; it has no default, so that nobody forgets it.
    """

    within: Reach = field(kw_only=True)
    ids: tuple[SubmissionId, ...] = ()
    states: tuple[State, ...] = ()
    facility: FacilityCode | None = None
    ma_lk: str | None = None
    sha256: str | None = None
    cause: str | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no condition was given, the facility's own scope aside."""
        return not (
            self.ids
            or self.states
            or self.ma_lk
            or self.sha256
            or self.cause
            or self.received_from
            or self.received_until
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some submissions in order of receipt, newest first, and where the next page starts."""

    items: tuple[Submission, ...]
    next_cursor: str | None
