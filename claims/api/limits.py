"""How much at a time: what a program asks once, so that it need not find out by errors."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from claims.api.access import TheService, may
from claims.exchange.access.principal import Principal

router = APIRouter(tags=["limits"])

Caller = Annotated[Principal, may("limits.read")]

#: How long an answer may be waited for: less than proxies wait before they break off.
MOST_WAIT_S: Final = 30
MOST_LISTED: Final = 200
MOST_EVENTS: Final = 1000


class LimitsView(BaseModel):
    """What a request may be at most."""

    body_bytes: int = Field(description="Bytes of a body.")
    batch_bytes: int = Field(description="Bytes of a batch's body.")
    batch_items: int = Field(description="Files of a batch.")
    page_items: int = Field(description="Items of a page (`limit`).")
    feed_events: int = Field(description="Events of a page of the feed (`limit`).")
    wait_s: int = Field(description="Seconds of `wait`.")
    intake_rate: str | None = Field(
        description="With how many requests a facility may hand in, such as `600/minute`; a batch is one. "
        "null: as fast as it can."
    )
    check_rate: str | None = Field(
        description="How often a facility may have a bundle checked. null: as often as it can."
    )


@router.get("/v1/limits", operation_id="getLimits", summary="How much at a time")
def limits(service: TheService, _caller: Caller) -> LimitsView:
    """Return what a request may be at most."""
    return LimitsView(
        body_bytes=service.settings.max_body_bytes,
        batch_bytes=service.settings.batch_bytes,
        batch_items=service.settings.batch_items,
        page_items=MOST_LISTED,
        feed_events=MOST_EVENTS,
        wait_s=MOST_WAIT_S,
        intake_rate=service.settings.intake_rate or None,
        check_rate=service.settings.check_rate or None,
    )
