"""Failures, grouped by cause: what went wrong, how often, since when, and where one goes from there."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from claims.console.naming import TheNames
from claims.console.operators.telling import telling
from claims.console.pages import render
from claims.console.viewer import TheService, Viewer, sees
from claims.exchange.replay import START

router = APIRouter()

FAILURES: Final = "/failures"


@router.get(FAILURES)
def failures(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("replay.read")],
    names: TheNames,
) -> Response:
    """Show what failed, by cause."""
    groups = service.operating.failures(viewer.principal.within)
    return render(
        request,
        "operators/failures.html",
        groups=groups,
        number=sum(group.number for group in groups),
        is_bounded=any(group.is_bounded for group in groups),
        may_replay=viewer.may(START),
        **telling(request, names, service.clock.now()),
    )
