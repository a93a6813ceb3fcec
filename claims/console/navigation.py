"""The places of the console: what the bar at the top offers, to those who may do something there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from claims.console.addresses import page_url


class MayAsk(Protocol):
    """Somebody of whom can be asked what he may do."""

    def may(self, action: str) -> bool:
        """Return whether the person may do something at all."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the bar.

    Attributes:
        path: Where it leads.
        word: Under which name its text is kept.
        action: What one must be allowed to see it.
        also: Where else one is in this place.
    """

    path: str
    word: str
    action: str
    also: tuple[str, ...] = ()

    def holds(self, address: str) -> bool:
        """Return whether a page of this address is in this place."""
        return any(address.startswith(page_url(path)) for path in (self.path, *self.also))


#: In the order of the bar; the first one that a person may see is where signing in leads.
PLACES: Final[tuple[Place, ...]] = (
    Place("/claims", "nav_inbox", "claim.decide"),
    Place("/same", "nav_same", "claim.decide"),
    Place("/confirmations", "nav_confirmations", "claim.confirm"),
    Place("/people", "nav_people", "user.manage"),
    Place("/facilities", "nav_facilities", "facility.manage"),
    Place("/overview", "nav_overview", "operations.read"),
    Place("/send", "nav_send", "submission.submit"),
    Place("/deadlines", "nav_deadlines", "submission.submit"),
    Place("/questions", "nav_questions", "submission.submit"),
    Place("/setup", "nav_setup", "catalogue.manage"),
    Place("/failures", "nav_failures", "replay.read"),
    Place("/submissions", "nav_submissions", "submission.read"),
    Place("/replays", "nav_replays", "replay.start"),
    Place("/queues", "nav_queues", "operations.read"),
    Place("/holdings", "nav_holdings", "key.read", also=("/clients",)),
    Place("/readings", "nav_readings", "audit.read"),
    Place("/retention", "nav_retention", "retention.hold"),
)


def visible_places(viewer: MayAsk | None) -> Sequence[Place]:
    """Return what a person is offered; nothing to nobody."""
    return () if viewer is None else [place for place in PLACES if viewer.may(place.action)]
