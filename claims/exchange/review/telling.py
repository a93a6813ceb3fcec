"""Telling hospitals what was decided, once it can no longer be undone."""

from dataclasses import dataclass

from claims.exchange.ports import Clock
from claims.exchange.review.ports import Reviews


@dataclass(frozen=True, slots=True)
class AnnounceDecisions:
    """Put final decisions into the histories of their submissions, which hospitals read on from."""

    reviews: Reviews
    clock: Clock
    batch: int = 500

    def __call__(self) -> int:
        """Announce some; return how many."""
        return self.reviews.announce(now=self.clock.now(), limit=self.batch)
