"""What every list of claims needs besides the claims: names, what is hidden, what is fresh."""

from typing import Any

from fastapi import Request

from claims.console.naming import Names, sentence_of
from claims.console.pages import language_of
from claims.console.reviewers.flashes import fresh_decisions
from claims.console.viewer import Viewer
from claims.exchange.review.review import Review
from claims.runtime.wiring import Service


def list_values(request: Request, service: Service, viewer: Viewer, names: Names) -> dict[str, Any]:
    """Return what the templates of lists ask for."""
    language = language_of(request)

    def is_hidden(review: Review) -> bool:
        return bool(viewer.principal.hidden_classes(review.classes, review.facility))

    return {
        "names": names,
        "now": service.clock.now(),
        "hidden": is_hidden,
        "sentence_of": lambda code: sentence_of(code, language),
        "fresh": fresh_decisions(service, viewer),
    }
