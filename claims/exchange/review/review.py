"""What is kept of a review: where it stands, what was decided, what was asked and answered.

A review is about one claim of one submission. Its states:

* open       somebody has to look
* asked      the hospital has to answer a question first; an answer opens it again
* proposed   decided, but the amount asks for a second pair of eyes
* decided    done; for some seconds it can be undone, then the hospital is told
* superseded the hospital sent a later version of the claim before it was decided
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NewType

from claims.exchange.submission import FacilityCode, SubmissionId

ReviewId = NewType("ReviewId", int)


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    ASKED = "asked"
    PROPOSED = "proposed"
    DECIDED = "decided"
    SUPERSEDED = "superseded"


#: States in which a reviewer may decide.
DECIDABLE: Final = frozenset({ReviewState.OPEN, ReviewState.ASKED})


class Lane(StrEnum):
    """How much of a look a claim needs."""

    MUST_SEE = "must_see"
    RULE_HIT = "rule_hit"
    CLEAN = "clean"


class Verdict(StrEnum):
    """What a reviewer decided."""

    ACCEPTED = "accepted"
    REDUCED = "reduced"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Cut:
    """An amount that is not paid, and why.

    Attributes:
        amount: How much of what the fund was asked for.
        reason: A code of the insurer's list.
        table: The table of the row it is about; None: the claim as a whole. ``row`` counts from 1.
    """

    amount: Decimal
    reason: str
    table: str | None = None
    row: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with what it rests on: a reason unless it is accepted, cuts if it is reduced."""

    verdict: Verdict
    cuts: tuple[Cut, ...] = ()
    reason: str = ""
    note: str = ""

    def approved(self, claimed: Decimal) -> Decimal:
        """Return how much of what was claimed is paid."""
        match self.verdict:
            case Verdict.ACCEPTED:
                return claimed
            case Verdict.DECLINED:
                return Decimal(0)
            case Verdict.REDUCED:
                return claimed - sum((cut.amount for cut in self.cuts), Decimal(0))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a claim says that a reviewer looks for. Holds a patient's name.

    Attributes:
        words: Folded words that it is found by, which stand elsewhere too: of its number, its diagnosis.
        hidden_words: Those that name the patient.
        person: A keyed digest that is the same for all claims of one insured person; None when the claim
            names nobody.
        diagnosis: MA_BENH_CHINH, as written.
        classes: The protected classes that it belongs to.
        claimed: T_BHTT: what the fund is asked for.
    """

    ma_lk: str
    patient: str
    words: tuple[str, ...]
    person: bytes | None
    diagnosis: str
    discharged_on: date | None
    claimed: Decimal
    classes: frozenset[str] = frozenset()
    hidden_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review that begins: of which claim, and into which lane it goes for which reasons."""

    submission_id: SubmissionId
    ordinal: int
    facility: FacilityCode
    received_at: datetime
    subject: Subject
    lane: Lane
    lane_reasons: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands.

    Attributes:
        patient: None where the name that is kept cannot be read.
        codes: The distinct codes of what the check found in the claim.
        version: Counts its changes; who decides says which one he saw.
        lock_owner: Who has it open to decide, until ``lock_until``.
        final_at: Until when a decision can be undone.
    """

    id: ReviewId
    submission_id: SubmissionId
    ordinal: int
    facility: FacilityCode
    received_at: datetime
    ma_lk: str
    patient: str | None
    person: bytes | None
    diagnosis: str
    discharged_on: date | None
    claimed: Decimal
    classes: frozenset[str]
    lane: Lane
    lane_reasons: tuple[str, ...]
    codes: tuple[str, ...]
    state: ReviewState
    version: int
    lock_owner: str | None = None
    lock_until: datetime | None = None
    verdict: Verdict | None = None
    approved: Decimal | None = None
    reason: str = ""
    note: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    confirmed_by: str | None = None
    final_at: datetime | None = None

    def holder(self, now: datetime) -> str | None:
        """Return who has it open to decide at this moment."""
        return self.lock_owner if self.lock_until is not None and now < self.lock_until else None

    def may_undo(self, who: str, now: datetime) -> bool:
        """Return whether this person can still take the decision back."""
        is_fresh = self.final_at is not None and now < self.final_at
        return (
            self.state in (ReviewState.DECIDED, ReviewState.PROPOSED) and is_fresh and self.decided_by == who
        )


@dataclass(frozen=True, slots=True)
class Message:
    """A question of a reviewer or an answer of the hospital."""

    at: datetime
    author: str
    is_hospital: bool
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a review's history."""

    at: datetime
    actor: str
    kind: str
    detail: dict[str, str]


class Order(StrEnum):
    """In what order an inbox is shown."""

    OLDEST = "oldest"
    NEWEST = "newest"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews are meant; every condition narrows, an absent one does not.

    Attributes:
        reach: Beginnings of facility codes that may be seen; what lies in none of them is left out.
        words: Folded words: each must be one of those that name the patient, or begin another of the claim.
        sample: The number of a sample that was drawn.
    """

    reach: tuple[str, ...]
    state: ReviewState = ReviewState.OPEN
    lane: Lane | None = None
    facility: str | None = None
    code: str | None = None
    words: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    sample: int | None = None

    @property
    def is_broad(self) -> bool:
        """Whether nothing but the state and the lane narrows, so that kept counts tell how many there are."""
        return not (
            self.facility
            or self.code
            or self.words
            or self.least is not None
            or self.most is not None
            or self.sample
        )


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some reviews in their order, and where the next page starts."""

    items: tuple[Review, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of an inbox are what: by lane, by code, by facility.

    Attributes:
        seen: How many reviews were counted.
        is_bounded: Whether there are more than were counted.
    """

    lanes: dict[str, int]
    codes: dict[str, int]
    facilities: dict[str, int]
    seen: int
    is_bounded: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A random sample that was drawn, and how it can be drawn again."""

    id: int
    made_by: str
    made_at: datetime
    seed: int
    asked: str
    query: str
    size: int


def distinct(codes: Sequence[str]) -> tuple[str, ...]:
    """Return codes once each, in their order."""
    return tuple(dict.fromkeys(codes))
