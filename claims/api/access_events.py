"""The log of access over HTTP: failed sign-ins, lock-outs, changes of roles and keys, broken glass."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from claims.api.access import TheService, may
from claims.api.limits import MOST_LISTED
from claims.api.models import PlainText
from claims.api.readings import ReadingHeadView
from claims.exchange.access.access_log import AccessEvent, AccessFilter, AccessKind
from claims.exchange.access.principal import Principal

router = APIRouter(prefix="/v1/access-events", tags=["audit"])

Auditor = Annotated[Principal, may("audit.read")]


class AccessEventView(BaseModel):
    """One thing that happened."""

    position: int = Field(description="Its place in the log, without gaps.")
    at: datetime
    kind: AccessKind
    by: str = Field(description="Who did it: the id of a person or key, or `cli:ACCOUNT`; empty: not known.")
    about: str = Field(description="Whom or what it was done to; empty: nobody that is known.")
    places: list[str] = Field(description="Where it counts; an empty code is the nation.")
    detail: Mapping[str, str]

    @classmethod
    def of(cls, one: AccessEvent) -> Self:
        """Make the view of an event."""
        return cls(
            position=one.position,
            at=one.at,
            kind=one.kind,
            by=one.by,
            about=one.about,
            places=list(one.places),
            detail=one.detail,
        )


class AccessEventPage(BaseModel):
    """Some events, newest first."""

    data: list[AccessEventView]
    next_cursor: int | None
    has_more: bool


@router.get("", operation_id="listAccessEvents", summary="Sign-ins, and changes of who may do what")
def list_access_events(
    service: TheService,
    caller: Auditor,
    kind: Annotated[list[AccessKind] | None, Query()] = None,
    who: Annotated[PlainText | None, Query(description="Who did it, or whom it was done to.")] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> AccessEventPage:
    """Return a page; a facility sees what concerns its own people and keys."""
    which = AccessFilter(caller.within, tuple(kind or ()), who, since, until)
    found = service.access_log.list_page(which, limit=limit + 1, before=cursor)
    has_more = len(found) > limit
    return AccessEventPage(
        data=[AccessEventView.of(one) for one in found[:limit]],
        next_cursor=found[limit - 1].position if has_more else None,
        has_more=has_more,
    )


@router.get("/head", operation_id="getAccessEventHead", summary="How far the log of access has come")
def get_access_event_head(service: TheService, _caller: Auditor) -> ReadingHeadView | None:
    """Return the digest over all events; null while there are none."""
    head = service.access_log.head()
    return None if head is None else ReadingHeadView(position=head.position, digest=head.digest)
