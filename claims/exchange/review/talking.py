"""Questions to the hospital and its answers, in one thread under the claim."""

from dataclasses import dataclass
from typing import Final

from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.principal import Principal
from claims.exchange.errors import ReviewChanged, UnsoundDecision
from claims.exchange.ports import Clock
from claims.exchange.review.ports import Reviews
from claims.exchange.review.review import Message, Review, ReviewState

ASK: Final = "claim.decide"
ANSWER: Final = "submission.submit"
LONGEST_MESSAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class TalkAboutReview:
    """Ask the hospital something about a claim, and answer."""

    reviews: Reviews
    clock: Clock

    def ask(self, review: Review, *, text: str, who: Principal) -> None:
        """Ask; the claim waits for the answer, and can still be decided without one.

        Raises:
            AccessDenied: The claim lies outside this person's area, or belongs to a class kept from him.
            UnsoundDecision: There is no text, or too much.
            ReviewChanged: It is decided already.
        """
        if not who.may(ASK, review.facility) or who.hidden_classes(review.classes, review.facility):
            raise AccessDenied(f"the right {ASK} for this claim", f"quyền {ASK} đối với hồ sơ này")
        self._add(review, text, who, is_hospital=False, leads_to=ReviewState.ASKED)

    def answer(self, review: Review, *, text: str, who: Principal) -> None:
        """Answer; the claim goes back into the inbox.

        Raises:
            AccessDenied: It is not this hospital's claim.
            UnsoundDecision: There is no text, or too much.
            ReviewChanged: Nothing is asked any more.
        """
        if not who.may(ANSWER, review.facility):
            raise AccessDenied(f"the right {ANSWER} for this claim", f"quyền {ANSWER} đối với hồ sơ này")
        self._add(review, text, who, is_hospital=True, leads_to=ReviewState.OPEN)

    def _add(
        self, review: Review, text: str, who: Principal, *, is_hospital: bool, leads_to: ReviewState
    ) -> None:
        text = text.strip()
        if not text:
            raise UnsoundDecision("no-text")
        if len(text) > LONGEST_MESSAGE:
            raise UnsoundDecision("too-long")
        message = Message(self.clock.now(), who.id, is_hospital, text)
        if not self.reviews.add_message(review.id, message, state=leads_to):
            raise ReviewChanged
