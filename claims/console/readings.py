"""Noting that somebody sees patients' data, before it is shown."""

from collections.abc import Sequence

from claims.console.viewer import Viewer
from claims.exchange.access.readings import Reading, Seen
from claims.exchange.review.review import Review
from claims.runtime.wiring import Service


def note_reading(service: Service, viewer: Viewer, page: str, reviews: Sequence[Review]) -> None:
    """Note that somebody is about to see these claims; those kept from him are not shown and not noted."""
    seen = tuple(
        Seen(review.submission_id, review.ordinal, review.facility, review.person)
        for review in reviews
        if not service.protection.hides(
            viewer.principal, review.submission_id, facility=review.facility, classes=review.classes
        )
    )
    service.readings.note(Reading(service.clock.now(), viewer.id, page, seen))
