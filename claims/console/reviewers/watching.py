"""What changes while a reviewer looks: new claims, what others open or decide on, answers of hospitals.

Nothing of a patient is told here, so that no reading is noted.
"""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from claims.console.live import Look, tell
from claims.console.naming import TheNames
from claims.console.pages import render_part
from claims.console.reviewers.asking import LIVE, Asked
from claims.console.reviewers.claim import LIVE_CLAIM, Reader, TheId, TheOrdinal, find_review
from claims.console.reviewers.inbox import Reviewer
from claims.console.viewer import TheService
from claims.exchange.review.deciding import DECIDE
from claims.exchange.review.review import DECIDABLE, Order, ReviewId

router = APIRouter()

#: More new claims than these are told as "more than".
MOST_NEW: Final = 99
_LOOK_EVERY_S: Final = 2.0
_ROWS: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}){0,199}", re.ASCII)


@router.get(LIVE)
async def watch_list(
    request: Request,
    service: TheService,
    viewer: Reviewer,
    names: TheNames,
    after: Annotated[int, Query(ge=0, lt=2**63)],
    rows: Annotated[str, Query(max_length=4_000)] = "",
) -> Response:
    """Tell how many claims are new, and which of those shown others have open or have decided on."""
    asked = Asked.of(request.query_params)
    which = asked.filter(viewer.principal.reach(DECIDE))
    ids = [ReviewId(int(one)) for one in rows.split(".")] if _ROWS.fullmatch(rows) else []

    def look() -> Look:
        """Say how the list stands."""
        number = service.reviews.arrivals(which, after=ReviewId(after), most=MOST_NEW + 1)
        parts = {
            "news": render_part(
                request,
                "reviewers/list_news.html",
                number=number,
                most=MOST_NEW,
                newest=asked.url(order=Order.NEWEST),
            )
        }
        now = service.clock.now()
        for review in service.reviews.find_many(ids):
            if viewer.may(DECIDE, review.facility):
                parts[f"now-{review.id}"] = render_part(
                    request,
                    "reviewers/standing.html",
                    review=review,
                    shown=asked.state,
                    now=now,
                    viewer=viewer,
                    names=names,
                )
        return Look(parts)

    return await tell(request, look, every_s=_LOOK_EVERY_S)


@router.get(LIVE_CLAIM)
async def watch_claim(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    submission_id: TheId,
    ordinal: TheOrdinal,
    version: Annotated[int, Query(ge=0, lt=2**31)],
    messages: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    holder: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Tell who else has a claim open, has decided on it, or has answered, since the page was made."""

    def look() -> Look:
        """Say how the claim stands."""
        review = find_review(service, viewer, submission_id, ordinal)
        is_other = review.version != version
        thread = service.reviews.messages(review.id) if is_other else ()
        held_by = review.holder(service.clock.now()) if review.state in DECIDABLE else None
        part = render_part(
            request,
            "reviewers/claim_news.html",
            review=review,
            is_other=is_other,
            is_answered=len(thread) > messages and thread[-1].is_hospital,
            holder=held_by if held_by != viewer.id else None,
            held_before=holder,
            may_decide=viewer.may(DECIDE, review.facility) and review.state in DECIDABLE,
            names=names,
        )
        return Look({"news": part})

    return await tell(request, look, every_s=_LOOK_EVERY_S)
