"""Breaking the glass: a protected claim opened for a stated reason and a limited time."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.answers import UNPROCESSABLE, go_to
from claims.console.pages import render
from claims.console.reviewers.claim import CLAIM, GLASS, TheId, TheInbox, TheOrdinal
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.access.protection import BREAK, LONGEST, SHORTEST_REASON
from claims.exchange.errors import ReviewNotFound
from claims.exchange.review.review import Review
from claims.exchange.submission import SubmissionId
from claims.runtime.wiring import Service

router = APIRouter()

Breaker = Annotated[Viewer, sees(BREAK)]
_MINUTES: Final = ("15", "60", "240")
_LONGEST_REASON: Final = 500


@router.get(GLASS)
def ask(
    request: Request,
    service: TheService,
    viewer: Breaker,
    submission_id: TheId,
    ordinal: TheOrdinal,
    inbox: TheInbox = "",
) -> Response:
    """Say that the claim is protected, and ask why it has to be opened."""
    return _page(request, _find(service, viewer, submission_id, ordinal), inbox=inbox)


@router.post(GLASS)
def break_glass(
    request: Request,
    service: TheService,
    viewer: Breaker,
    form: TheForm,
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> Response:
    """Open it for this person, and show it."""
    review = _find(service, viewer, submission_id, ordinal)
    reason, minutes, inbox = (str(form.get(name, "")) for name in ("reason", "minutes", "from"))
    has_reason = len(" ".join(reason.split())) >= SHORTEST_REASON and len(reason) <= _LONGEST_REASON
    if not has_reason or minutes not in _MINUTES:
        return _page(request, review, inbox=inbox[:1_000], reason=reason[:_LONGEST_REASON], is_refused=True)
    lasts = min(timedelta(minutes=int(minutes)), LONGEST)
    service.break_glass(viewer.principal, review.submission_id, reason=reason, lasts=lasts)
    query = (("from", inbox),) if inbox else ()
    return go_to(page_url(CLAIM.format(submission_id=submission_id, ordinal=ordinal), query))


def _find(service: Service, viewer: Viewer, submission_id: str, ordinal: int) -> Review:
    review = service.reviews.get(SubmissionId(submission_id), ordinal)
    if not viewer.may(BREAK, review.facility):
        raise ReviewNotFound
    return review


def _page(
    request: Request, review: Review, *, inbox: str, reason: str = "", is_refused: bool = False
) -> Response:
    return render(
        request,
        "reviewers/glass.html",
        status=UNPROCESSABLE if is_refused else 200,
        review=review,
        minutes=_MINUTES,
        inbox=inbox,
        reason=reason,
        is_refused=is_refused,
    )
