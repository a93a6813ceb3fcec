"""What somebody just decided, shown for as long as it can be undone. Nothing of it is kept in addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from claims.console.viewer import Viewer
from claims.exchange.review.review import Review, ReviewState, Verdict
from claims.runtime.wiring import Service


@dataclass(frozen=True, slots=True)
class Fresh:
    """Decisions that can still be undone.

    Attributes:
        verdict: What was decided, where it was the same for all.
        proposed: How many of them wait for a second pair of eyes.
        until: When the first of them becomes final.
    """

    count: int
    verdict: Verdict | None
    proposed: int
    until: datetime


def fresh_decisions(service: Service, viewer: Viewer) -> Fresh | None:
    """Return what somebody decided in the last seconds, if anything."""
    found = fresh_reviews(service, viewer)
    if not found:
        return None
    verdicts = {review.verdict for review in found}
    return Fresh(
        count=len(found),
        verdict=verdicts.pop() if len(verdicts) == 1 else None,
        proposed=sum(review.state is ReviewState.PROPOSED for review in found),
        until=min(review.final_at for review in found if review.final_at is not None),
    )


def fresh_reviews(service: Service, viewer: Viewer) -> Sequence[Review]:
    """Return the reviews that somebody decided on and can still undo."""
    return service.reviews.fresh_of(viewer.id, now=service.clock.now())
