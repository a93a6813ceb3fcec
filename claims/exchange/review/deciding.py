"""Deciding on claims: one, or many with an identical finding; undoing, confirming, sending back.

The rules: who decides may do so for the claim's facility; has seen the version that he decides on; nobody
else has it open; from some amount on a second person confirms; what is not final can be undone by who did it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.principal import Principal
from claims.exchange.errors import ReviewChanged, ReviewLocked, UnsoundDecision
from claims.exchange.ports import Clock
from claims.exchange.review.policy import ReviewPolicy
from claims.exchange.review.ports import Decided, Reviews
from claims.exchange.review.review import (
    DECIDABLE,
    Decision,
    Review,
    ReviewId,
    ReviewState,
    Verdict,
)

DECIDE: Final = "claim.decide"
CONFIRM: Final = "claim.confirm"
#: How many claims one decision may be about.
MOST_ALIKE: Final = 500
_NEEDS_NOTE: Final = "OTHER"


class AlikeOutcome(StrEnum):
    """What became of one claim of many that were decided together."""

    DECIDED = "decided"
    PROPOSED = "proposed"
    LOCKED = "locked"
    CHANGED = "changed"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class DecideReviews:
    """Decide on claims, and take it back."""

    reviews: Reviews
    policy: ReviewPolicy
    clock: Clock

    def open_to_decide(self, review: Review, *, who: Principal) -> str | None:
        """Keep a claim for this person for a while; return who else has it, if anybody."""
        if review.state not in DECIDABLE or not self._may(who, review):
            return None
        now = self.clock.now()
        until = now + timedelta(seconds=self.policy.lock_s)
        holder = self.reviews.take_lock(review.id, who=who.id, now=now, until=until)
        return None if holder == who.id else holder

    def give_back(self, review: Review, *, who: Principal) -> None:
        """Let others decide on a claim that this person had opened."""
        self.reviews.release_lock(review.id, who=who.id)

    def decide(self, review: Review, *, version: int, decision: Decision, who: Principal) -> Review:
        """Decide on one claim.

        Raises:
            AccessDenied: The claim lies outside this person's area, or belongs to a class kept from him.
            UnsoundDecision: The decision lacks something, or cuts more than there is.
            ReviewLocked: Somebody else has it open.
            ReviewChanged: It is no longer as it was seen.
        """
        if not self._may(who, review):
            raise AccessDenied(f"the right {DECIDE} for this claim", f"quyền {DECIDE} đối với hồ sơ này")
        require_sound(decision, review.claimed, self.policy)
        holder = review.holder(self.clock.now())
        if holder is not None and holder != who.id:
            raise ReviewLocked(holder)
        if review.version != version or review.state not in DECIDABLE:
            raise ReviewChanged
        if not self.reviews.write_decisions([self._decided(review, decision, who)]):
            raise ReviewChanged
        return self.reviews.get(review.submission_id, review.ordinal)

    def decide_alike(
        self, chosen: Sequence[tuple[ReviewId, int]], *, decision: Decision, who: Principal
    ) -> dict[ReviewId, AlikeOutcome]:
        """Decide on many claims in one way; each has its own outcome, none is decided that changed meanwhile.

        Raises:
            UnsoundDecision: The decision lacks something, is not one for many, or there are too many.
        """
        if len(chosen) > MOST_ALIKE:
            raise UnsoundDecision("too-many")
        if decision.verdict is Verdict.REDUCED:
            raise UnsoundDecision("not-for-many")
        require_sound(decision, Decimal(0), self.policy)
        seen = dict(chosen)
        outcomes = dict.fromkeys(seen, AlikeOutcome.CHANGED)
        now = self.clock.now()
        ready: list[Review] = []
        for review in self.reviews.find_many(list(seen)):
            holder = review.holder(now)
            if not self._may(who, review):
                outcomes[review.id] = AlikeOutcome.FORBIDDEN
            elif holder is not None and holder != who.id:
                outcomes[review.id] = AlikeOutcome.LOCKED
            elif review.version == seen[review.id] and review.state in DECIDABLE:
                ready.append(review)
        decided = {review.id: self._decided(review, decision, who) for review in ready}
        for review_id in self.reviews.write_decisions(list(decided.values())):
            is_done = decided[review_id].state is ReviewState.DECIDED
            outcomes[review_id] = AlikeOutcome.DECIDED if is_done else AlikeOutcome.PROPOSED
        return outcomes

    def undo(self, chosen: Sequence[ReviewId], *, who: Principal) -> int:
        """Take back this person's decisions that are not final yet; return how many."""
        now = self.clock.now()
        return sum(self.reviews.undo(review_id, who=who.id, now=now) for review_id in chosen[:MOST_ALIKE])

    def _may(self, who: Principal, review: Review) -> bool:
        return who.may(DECIDE, review.facility) and not who.hidden_classes(review.classes, review.facility)

    def _decided(self, review: Review, decision: Decision, who: Principal) -> Decided:
        now = self.clock.now()
        needs_second = review.claimed >= self.policy.four_eyes_from
        return Decided(
            review_id=review.id,
            version=review.version,
            decision=decision,
            state=ReviewState.PROPOSED if needs_second else ReviewState.DECIDED,
            by=who.id,
            at=now,
            final_at=now + timedelta(seconds=self.policy.undo_s),
        )


@dataclass(frozen=True, slots=True)
class ConfirmReviews:
    """Confirm what somebody else proposed, or send it back."""

    reviews: Reviews
    policy: ReviewPolicy
    clock: Clock

    def confirm(self, review: Review, *, version: int, who: Principal) -> None:
        """Make a proposal a decision.

        Raises:
            AccessDenied: This person may not, or proposed it himself.
            ReviewChanged: It is no longer as it was seen.
        """
        self._require_other(review, who)
        now = self.clock.now()
        final_at = now + timedelta(seconds=self.policy.undo_s)
        if not self.reviews.confirm(review.id, version=version, who=who.id, at=now, final_at=final_at):
            raise ReviewChanged

    def send_back(self, review: Review, *, version: int, note: str, who: Principal) -> None:
        """Open a proposal again, with what speaks against it.

        Raises:
            AccessDenied: This person may not, or proposed it himself.
            UnsoundDecision: It does not say why.
            ReviewChanged: It is no longer as it was seen.
        """
        self._require_other(review, who)
        if not note.strip():
            raise UnsoundDecision("no-note")
        if not self.reviews.send_back(review.id, version=version, who=who.id, note=note, at=self.clock.now()):
            raise ReviewChanged

    def _require_other(self, review: Review, who: Principal) -> None:
        if not who.may(CONFIRM, review.facility) or who.hidden_classes(review.classes, review.facility):
            raise AccessDenied(f"the right {CONFIRM} for this claim", f"quyền {CONFIRM} đối với hồ sơ này")
        if review.decided_by == who.id:
            raise AccessDenied(
                "another pair of eyes: you proposed this yourself", "một người khác: chính bạn đã đề xuất"
            )


def require_sound(decision: Decision, claimed: Decimal, policy: ReviewPolicy) -> None:
    """Pass a decision that says everything it must.

    Raises:
        UnsoundDecision: It does not.
    """
    if decision.verdict is Verdict.DECLINED:
        _require_reason(decision.reason, decision.note, policy)
    if decision.verdict is Verdict.REDUCED:
        _require_sound_cuts(decision, claimed, policy)
    elif decision.cuts:
        raise UnsoundDecision("cuts-without-reducing")


def _require_sound_cuts(decision: Decision, claimed: Decimal, policy: ReviewPolicy) -> None:
    if not decision.cuts:
        raise UnsoundDecision("no-cuts")
    for cut in decision.cuts:
        if not cut.amount.is_finite() or cut.amount <= 0:
            raise UnsoundDecision("no-amount")
        _require_reason(cut.reason, cut.note, policy)
    places = Counter((cut.table, cut.row) for cut in decision.cuts)
    if max(places.values()) > 1:
        raise UnsoundDecision("row-twice")
    if sum((cut.amount for cut in decision.cuts), Decimal(0)) > claimed:
        raise UnsoundDecision("more-than-claimed")


def _require_reason(code: str, note: str, policy: ReviewPolicy) -> None:
    if policy.find_reason(code) is None:
        raise UnsoundDecision("no-reason")
    if code == _NEEDS_NOTE and not note.strip():
        raise UnsoundDecision("no-note")
