"""Deadlines: what the gateway does not have yet, by the day on which it has to."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from claims.console.naming import TheNames
from claims.console.operators.overview import by_deadline
from claims.console.operators.telling import telling
from claims.console.pages import render
from claims.console.viewer import TheService, Viewer, sees
from claims.localtime import local_date

router = APIRouter()

DEADLINES: Final = "/deadlines"
_MOST: Final = 2_000
_SHOWN: Final = 300


@router.get(DEADLINES)
def deadlines(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("submission.submit")],
    names: TheNames,
) -> Response:
    """Show what is due, the most urgent first."""
    unsettled = service.operating.unsettled(viewer.principal.within, limit=_MOST)
    risks = by_deadline(unsettled)
    known = {risk.unsettled.submission.id for risk in risks}
    now = service.clock.now()
    return render(
        request,
        "hospital/deadlines.html",
        risks=risks[:_SHOWN],
        left=max(0, len(risks) - _SHOWN),
        unknown=[one.submission for one in unsettled if one.submission.id not in known][:_SHOWN],
        is_bounded=len(unsettled) == _MOST,
        today=local_date(now),
        **telling(request, names, now),
    )
