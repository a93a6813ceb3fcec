"""The event feed: what happened to a facility's submissions, to be read on from where one was."""

import asyncio
import time
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from claims.api.access import TheService, may
from claims.api.limits import MOST_EVENTS, MOST_WAIT_S
from claims.api.models import FeedPageView, PlainText
from claims.exchange.access.principal import Principal
from claims.validation import unfit

router = APIRouter(prefix="/v1/events", tags=["events"])

Reader = Annotated[Principal, may("submission.read")]

_PAUSE_S: Final = 0.5
#: A cursor that says: from now on.
_LATEST: Final = "latest"


@router.get("", operation_id="readFeed", summary="Events, oldest first, after a cursor")
async def read_feed(
    service: TheService,
    caller: Reader,
    cursor: Annotated[
        str | None,
        Query(
            max_length=64,
            description="`next_cursor` of the page before; `latest`: from now on; none: from the beginning.",
        ),
    ] = None,
    facility: Annotated[
        PlainText | None, Query(description="Required for keys that are not a facility's own.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = 100,
    wait: Annotated[
        float, Query(ge=0, le=MOST_WAIT_S, description="Seconds to wait for an event, at most.")
    ] = 0,
) -> FeedPageView:
    """Return events in an order that stays; who goes on from `next_cursor` misses none."""
    whose = caller.facility_within(facility)
    if whose is None:
        raise RequestValidationError(
            [unfit(("query", "facility"), "missing", "say whose events", "hãy ghi cơ sở nào")]
        )
    if cursor == _LATEST:
        cursor = await run_in_threadpool(service.feed.latest, whose)
    deadline = time.monotonic() + wait
    while True:
        page = await run_in_threadpool(service.feed.read, whose, after=cursor, limit=limit)
        left = deadline - time.monotonic()
        if page.events or left <= 0:
            return FeedPageView.of(page)
        await asyncio.sleep(min(_PAUSE_S, left))
