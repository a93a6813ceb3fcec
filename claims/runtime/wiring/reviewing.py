"""Wiring of what the insurer's people decide."""

from dataclasses import dataclass
from functools import cached_property

from claims.exchange.review.adjusting import MakeAdjustments
from claims.exchange.review.deciding import ConfirmReviews, DecideReviews
from claims.exchange.review.opening import OpenReviews
from claims.exchange.review.outcome import TellOutcome
from claims.exchange.review.policy import ReviewPolicy, default_policy, read_policy
from claims.exchange.review.sampling import DrawSample
from claims.exchange.review.talking import TalkAboutReview
from claims.exchange.review.telling import AnnounceDecisions
from claims.runtime.named_files import read_file
from claims.runtime.wiring.exchange import Exchange
from claims.storage.reviews import PostgresReviews


@dataclass
class Reviewing(Exchange):
    """Adds what the insurer's people decide."""

    @cached_property
    def reviews(self) -> PostgresReviews:
        """What reviewers decide on."""
        return PostgresReviews(self.pool, self.review_names, vault=self.vault)

    @cached_property
    def review_policy(self) -> ReviewPolicy:
        """How the insurer reviews.

        Raises:
            UnusableFile: The file makes no sense.
        """
        file = self.settings.review_policy
        return default_policy() if file is None else read_file(file, read_policy)

    @cached_property
    def open_reviews(self) -> OpenReviews:
        """Put what the gateway took into the inbox."""
        return OpenReviews(self.reviews, self.review_policy, self.clock, self._person_key)

    @cached_property
    def decide_reviews(self) -> DecideReviews:
        """Decide on claims, and take it back."""
        return DecideReviews(self.reviews, self.review_policy, self.clock)

    @cached_property
    def confirm_reviews(self) -> ConfirmReviews:
        """Confirm what somebody else proposed."""
        return ConfirmReviews(self.reviews, self.review_policy, self.clock)

    @cached_property
    def talk_about_review(self) -> TalkAboutReview:
        """Ask the hospital, and answer."""
        return TalkAboutReview(self.reviews, self.clock)

    @cached_property
    def tell_outcome(self) -> TellOutcome:
        """Say what became of a submission's claims."""
        return TellOutcome(self.reviews)

    @cached_property
    def make_adjustments(self) -> MakeAdjustments:
        """Make form 09/BH of what is not paid."""
        return MakeAdjustments(
            self.submissions,
            self.tell_outcome,
            self.results,
            self.signing_keys,
            self.review_policy,
            self.clock,
        )

    @cached_property
    def draw_sample(self) -> DrawSample:
        """Draw a random sample of claims."""
        return DrawSample(self.reviews, self.clock)

    @cached_property
    def announce_decisions(self) -> AnnounceDecisions:
        """Tell hospitals what was decided for good."""
        return AnnounceDecisions(self.reviews, self.clock)
