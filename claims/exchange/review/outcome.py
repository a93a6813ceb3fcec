"""What a hospital is told of a review: nothing of a decision until it can no longer be undone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from claims.exchange.review.policy import ReviewPolicy
from claims.exchange.review.ports import Reviews
from claims.exchange.review.review import Cut, Message, Review, ReviewState, Verdict
from claims.exchange.submission import SubmissionId


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claim's review as its hospital may see it.

    Attributes:
        state: OPEN until a decision is final, ASKED while an answer is waited for, DECIDED, SUPERSEDED.
    """

    ordinal: int
    ma_lk: str
    state: ReviewState
    claimed: Decimal
    verdict: Verdict | None
    approved: Decimal | None
    reason: str
    note: str
    cuts: tuple[Cut, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class TellOutcome:
    """Say what became of a submission's claims."""

    reviews: Reviews

    def __call__(self, submission_id: SubmissionId) -> Sequence[Outcome]:
        """Return the outcome of each claim, in their order."""
        return [self._outcome(review) for review in self.reviews.of_submission(submission_id)]

    def _outcome(self, review: Review) -> Outcome:
        is_told = review.state is ReviewState.DECIDED and review.final_at is None
        waits = review.state in (ReviewState.PROPOSED, ReviewState.DECIDED) and not is_told
        return Outcome(
            ordinal=review.ordinal,
            ma_lk=review.ma_lk,
            state=ReviewState.OPEN if waits else review.state,
            claimed=review.claimed,
            verdict=review.verdict if is_told else None,
            approved=review.approved if is_told else None,
            reason=review.reason if is_told else "",
            note=review.note if is_told else "",
            cuts=tuple(self.reviews.cuts(review.id)) if is_told else (),
            messages=tuple(self.reviews.messages(review.id)),
        )


#: The columns of the data for form 09/BH, in its order.
ADJUSTMENT_COLUMNS = (
    "MA_CSKCB",
    "MA_LK",
    "BANG",
    "DONG",
    "DE_NGHI",
    "KHONG_CHAP_NHAN",
    "MA_LY_DO",
    "LY_DO",
    "GHI_CHU",
)


def adjustments(
    facility: str, outcomes: Sequence[Outcome], policy: ReviewPolicy, language: str
) -> Iterator[tuple[str, ...]]:
    """Yield a line for each amount that is not paid: what form 09/BH lists for the hospital to sign.

    A line without a table is about the claim as a whole.
    """
    for outcome in outcomes:
        cuts = outcome.cuts
        if outcome.verdict is Verdict.DECLINED:
            cuts = (Cut(outcome.claimed, outcome.reason, note=outcome.note),)
        for cut in cuts:
            reason = policy.find_reason(cut.reason)
            yield (
                facility,
                outcome.ma_lk,
                cut.table or "",
                "" if cut.row is None else str(cut.row),
                f"{outcome.claimed:f}",
                f"{cut.amount:f}",
                cut.reason,
                cut.reason if reason is None else reason.text(language),
                cut.note,
            )
