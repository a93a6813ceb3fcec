"""How much at a time: what a program asks once, so that it need not find out by errors."""

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from claims.api.access import Reader, TheService

router = APIRouter(tags=["limits"])

#: How long an answer may be waited for: less than proxies wait before they break off.
MOST_WAIT_S: Final = 30
MOST_LISTED: Final = 200
MOST_EVENTS: Final = 1000


class LimitsView(BaseModel):
    """What a request may be at most."""

    body_bytes: int = Field(description="Bytes of a body.")
    page_items: int = Field(description="Items of a page (`limit`).")
    feed_events: int = Field(description="Events of a page of the feed (`limit`).")
    wait_s: int = Field(description="Seconds of `wait`.")


@router.get("/v1/limits", operation_id="getLimits", summary="How much at a time")
def limits(service: TheService, _caller: Reader) -> LimitsView:
    """Return what a request may be at most."""
    return LimitsView(
        body_bytes=service.settings.max_body_bytes,
        page_items=MOST_LISTED,
        feed_events=MOST_EVENTS,
        wait_s=MOST_WAIT_S,
    )
