"""The feed: what happened to a facility's submissions, in an order that stays, read from a cursor on."""

from dataclasses import dataclass
from typing import Protocol

from claims.exchange.submission import Event, FacilityCode, SubmissionId


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Something that happened to a submission."""

    submission_id: SubmissionId
    event: Event


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events in their order.

    Attributes:
        next_cursor: Where the following ones begin, even if there are none yet.
    """

    events: tuple[FeedEvent, ...]
    next_cursor: str
    has_more: bool


class Feed(Protocol):
    """The events of a facility's submissions, in an order that stays."""

    def read(self, facility: FacilityCode, *, after: str | None, limit: int) -> FeedPage:
        """Return the events that follow a cursor, or the first ones.

        Raises:
            InvalidCursor: No page gave this cursor.
        """
        ...

    def latest(self, facility: FacilityCode) -> str:
        """Return a cursor after everything that can be shown now."""
        ...
