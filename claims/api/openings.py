"""Breaking the glass: a protected record opened for a reason and a time, and who did so."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from claims.api.access import TheService, may
from claims.api.limits import MOST_LISTED
from claims.api.models import PlainText, SubmissionKey
from claims.api.paging import cut
from claims.exchange.access.principal import Principal
from claims.exchange.access.protection import LONGEST, SHORTEST_REASON, USUAL, Opening
from claims.exchange.submission import SubmissionId
from claims.validation import unfit

router = APIRouter(tags=["protected records"])

Breaker = Annotated[Principal, may("glass.break")]
GlassReader = Annotated[Principal, may("glass.read")]

_MINUTE = timedelta(minutes=1)


class OpeningRequest(BaseModel, extra="forbid"):
    """Why a protected record is opened, and for how long."""

    reason: PlainText = Field(
        min_length=SHORTEST_REASON, description="Its facility reads it: say why without it nothing goes on."
    )
    minutes: int = Field(USUAL // _MINUTE, ge=1, le=LONGEST // _MINUTE)


class OpeningView(BaseModel):
    """One opening of a protected record."""

    id: str
    submission_id: str
    facility: str
    by: str = Field(description="Who: the id of a person.")
    reason: str
    opened_at: datetime
    until: datetime

    @classmethod
    def of(cls, one: Opening) -> Self:
        """Make the view of an opening."""
        return cls(
            id=one.id,
            submission_id=one.submission_id,
            facility=one.facility,
            by=one.by,
            reason=one.reason,
            opened_at=one.opened_at,
            until=one.until,
        )


class OpeningPage(BaseModel):
    """Openings, newest first."""

    data: list[OpeningView]
    next_cursor: str | None
    has_more: bool


@router.post(
    "/v1/submissions/{submission_id}/openings",
    status_code=201,
    operation_id="breakGlass",
    summary="Open a specially protected record for a stated reason and a limited time",
)
def break_glass(
    submission_id: SubmissionKey, wanted: OpeningRequest, service: TheService, caller: Breaker
) -> OpeningView:
    """Open it for the caller alone; the facility is told who did, why and until when."""
    try:
        opening = service.break_glass(
            caller,
            SubmissionId(submission_id),
            reason=wanted.reason,
            lasts=timedelta(minutes=wanted.minutes),
        )
    except ValueError as error:
        raise RequestValidationError(
            [
                unfit(
                    ("body", "reason"),
                    "string_too_short",
                    str(error),
                    f"lý do phải có ít nhất {SHORTEST_REASON} ký tự",
                )
            ]
        ) from error
    return OpeningView.of(opening)


@router.get("/v1/openings", operation_id="listOpenings", summary="Who opened protected records, newest first")
def list_openings(
    service: TheService,
    caller: GlassReader,
    facility: PlainText | None = None,
    cursor: Annotated[str | None, Query(pattern="^gls_[0-9A-HJKMNP-TV-Z]{26}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> OpeningPage:
    """Return a page; a facility sees the openings of its own records."""
    whose = caller.facility_within(facility)
    found = service.openings.list_page(within=caller.within, facility=whose, before=cursor, limit=limit + 1)
    page = cut(found, limit, cursor=lambda one: one.id)
    return OpeningPage(
        data=[OpeningView.of(one) for one in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )
