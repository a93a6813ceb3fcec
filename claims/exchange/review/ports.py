"""What reviewing needs from the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from claims.bundle.findings import Finding
from claims.exchange.review.review import (
    Cut,
    Decision,
    Facets,
    Message,
    NewReview,
    Order,
    Review,
    ReviewFilter,
    ReviewId,
    ReviewPage,
    ReviewState,
    Sample,
    Step,
)
from claims.exchange.submission import FacilityCode, SubmissionId


@dataclass(frozen=True, slots=True)
class ToReview:
    """An acknowledged submission whose claims nobody has begun to review."""

    id: SubmissionId
    facility: FacilityCode
    received_at: datetime
    body: bytes
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision to be written.

    Attributes:
        version: The version of the review that was seen.
        state: Where it leads: DECIDED, or PROPOSED where a second one confirms.
    """

    review_id: ReviewId
    version: int
    decision: Decision
    state: ReviewState
    by: str
    at: datetime
    final_at: datetime


class Reviews(Protocol):
    """Reviews: rows with a version, and their histories."""

    def take_unreviewed(self, *, limit: int) -> Sequence[ToReview]:
        """Return acknowledged submissions without reviews; of several takers each gets others or the same."""
        ...

    def begin(self, submission_id: SubmissionId, new: Sequence[NewReview], *, now: datetime) -> None:
        """Store the reviews of a submission, once; earlier versions that wait for a decision give way."""
        ...

    def get(self, submission_id: SubmissionId, ordinal: int) -> Review:
        """Return a review.

        Raises:
            ReviewNotFound: There is none.
        """
        ...

    def find_many(self, ids: Sequence[ReviewId]) -> Sequence[Review]:
        """Return those reviews that exist, in the order of their ids."""
        ...

    def of_submission(self, submission_id: SubmissionId) -> Sequence[Review]:
        """Return the reviews of a submission's claims, by their place in it."""
        ...

    def list_page(self, which: ReviewFilter, *, order: Order, limit: int, cursor: str | None) -> ReviewPage:
        """Return a page of an inbox.

        Raises:
            InvalidCursor: No page gave this cursor.
        """
        ...

    def cursor_behind(self, review: Review) -> str:
        """Return where the page begins that follows a review, whatever order an inbox is in."""
        ...

    def count(self, which: ReviewFilter) -> Facets:
        """Return how many there are of what: kept counts where they tell, else the first ones counted."""
        ...

    def newest(self) -> ReviewId:
        """Return the number that the last review began with; 0 before the first."""
        ...

    def arrivals(self, which: ReviewFilter, *, after: ReviewId, most: int) -> int:
        """Return how many reviews of a filter began after another one, at most so many."""
        ...

    def take_lock(self, review_id: ReviewId, *, who: str, now: datetime, until: datetime) -> str:
        """Keep a review for somebody unless another has it; return who has it then."""
        ...

    def release_lock(self, review_id: ReviewId, *, who: str) -> None:
        """Give a review back."""
        ...

    def write_decisions(self, decisions: Sequence[Decided]) -> frozenset[ReviewId]:
        """Write decisions on reviews that still are as they were seen; return those written."""
        ...

    def fresh_of(self, who: str, *, now: datetime) -> Sequence[Review]:
        """Return the reviews that somebody decided on and can still undo."""
        ...

    def undo(self, review_id: ReviewId, *, who: str, now: datetime) -> bool:
        """Take a decision back that is not final; return whether it was."""
        ...

    def confirm(
        self, review_id: ReviewId, *, version: int, who: str, at: datetime, final_at: datetime
    ) -> bool:
        """Confirm a proposal of somebody else; return whether it still was as it was seen."""
        ...

    def send_back(self, review_id: ReviewId, *, version: int, who: str, note: str, at: datetime) -> bool:
        """Open a proposal of somebody else again; return whether it still was as it was seen."""
        ...

    def add_message(self, review_id: ReviewId, message: Message, *, state: ReviewState) -> bool:
        """Add to the thread and move the review; return whether it could still be moved."""
        ...

    def messages(self, review_id: ReviewId) -> Sequence[Message]:
        """Return the thread, oldest first."""
        ...

    def cuts(self, review_id: ReviewId) -> Sequence[Cut]:
        """Return what is not paid."""
        ...

    def steps(self, review_id: ReviewId) -> Sequence[Step]:
        """Return the history, oldest first."""
        ...

    def of_person(self, person: bytes, *, reach: Sequence[str], limit: int) -> Sequence[Review]:
        """Return the reviews of one insured person, newest first."""
        ...

    def announce(self, *, now: datetime, limit: int) -> int:
        """Tell hospitals about decisions that became final (an event each); return how many."""
        ...

    def draw_sample(self, which: ReviewFilter, *, sample: Sample) -> int:
        """Draw and keep a sample; return its number."""
        ...

    def find_sample(self, sample_id: int) -> Sample | None:
        """Return a sample that was drawn."""
        ...

    def saved_filters(self, who: str) -> Sequence[tuple[str, str]]:
        """Return somebody's saved filters, name and query."""
        ...

    def save_filter(self, who: str, name: str, query: str) -> None:
        """Keep a filter under a name, in the place of one that has it."""
        ...

    def forget_filter(self, who: str, name: str) -> None:
        """Forget a saved filter."""
        ...
