"""How much at a time: what a program asks once, so that it need not find out by errors."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from claims.api.access import Reader, TheService
from claims.api.submissions import MOST_LISTED, MOST_WAIT_S

router = APIRouter(tags=["limits"])


class LimitsView(BaseModel):
    """What a request may be at most."""

    body_bytes: int = Field(description="Bytes of a body.")
    page_items: int = Field(description="Items of a page (`limit`).")
    wait_s: int = Field(description="Seconds of `wait`.")


@router.get("/v1/limits", operation_id="getLimits", summary="How much at a time")
def limits(service: TheService, _caller: Reader) -> LimitsView:
    """Return what a request may be at most."""
    return LimitsView(body_bytes=service.settings.max_body_bytes, page_items=MOST_LISTED, wait_s=MOST_WAIT_S)
