"""Random samples for review: so many, or so many of a hundred, drawn with a seed that is kept."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

from claims.exchange.access.principal import Principal
from claims.exchange.errors import UnsoundDecision
from claims.exchange.ports import Clock
from claims.exchange.review.ports import Reviews
from claims.exchange.review.review import ReviewFilter, Sample

MOST_DRAWN: Final = 500
_ASKED: Final = re.compile(r"([0-9]{1,4})\s*(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DrawSample:
    """Draw a sample of the reviews that a filter means.

    Every claim has a dice that was rolled when its review began. A sample is the claims whose dice follow the
    seed; so the same seed over the same claims is the same sample, and nobody can choose what is in it.
    """

    reviews: Reviews
    clock: Clock

    def __call__(
        self, which: ReviewFilter, *, asked: str, query: str, who: Principal, seed: int | None = None
    ) -> int:
        """Draw and keep one; return its number.

        Raises:
            UnsoundDecision: What was asked for is no number and no percentage, or nothing.
        """
        match = _ASKED.fullmatch(asked.strip())
        if match is None or int(match[1]) == 0:
            raise UnsoundDecision("no-sample")
        wanted = int(match[1])
        if match[2]:
            counted = self.reviews.count(which)
            wanted = -(-counted.seen * min(wanted, 100) // 100)
        chosen = secrets.randbelow(2**31) if seed is None else seed % 2**31
        size = max(1, min(wanted, MOST_DRAWN))
        sample = Sample(0, who.id, self.clock.now(), chosen, asked.strip(), query, size)
        return self.reviews.draw_sample(which, sample=sample)
