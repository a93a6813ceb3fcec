"""The log of readings over HTTP: noting who sees patients' data, and telling whose data they were."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from claims.api.access import TheService, may
from claims.api.limits import MOST_LISTED
from claims.api.models import PlainText
from claims.exchange.access.principal import Principal
from claims.exchange.access.readings import Reading, ReadingFilter
from claims.exchange.submission import Submission
from claims.runtime.wiring import Service

router = APIRouter(prefix="/v1/readings", tags=["audit"])

Auditor = Annotated[Principal, may("audit.read")]


def note_reading(service: Service, caller: Principal, page: str, submission: Submission) -> None:
    """Note that a caller is about to see what a submission says of patients."""
    service.readings.note_submission(submission.id, reader=caller.id, page=page, at=service.clock.now())


class ReadingSearch(BaseModel, extra="forbid"):
    """Which readings are meant; every condition narrows.

    In a body, because a number of a person never belongs into an address.
    """

    reader: PlainText | None = Field(None, description="The id of a person or key.")
    submission_id: PlainText | None = None
    person: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8,20}$")] | None = Field(
        None, description="A card's, citizen's or social insurance number; it is not kept."
    )
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(
        None, description="`next_cursor` of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 50


class SeenView(BaseModel):
    """A claim that was shown; 0: before it was known which claims there are."""

    submission_id: str
    claim: int
    facility: str


class ReadingView(BaseModel):
    """One reading."""

    at: datetime
    reader: str
    page: str = Field(description="What was looked at.", examples=["findings"])
    seen: list[SeenView]

    @classmethod
    def of(cls, one: Reading) -> "ReadingView":
        """Make the view of a reading; the digest of the person stays inside."""
        seen = [
            SeenView(submission_id=each.submission_id, claim=each.ordinal, facility=each.facility)
            for each in one.seen
        ]
        return cls(at=one.at, reader=one.reader, page=one.page, seen=seen)


class ReadingPageView(BaseModel):
    """Some readings, newest first."""

    data: list[ReadingView]
    next_cursor: int | None
    has_more: bool


class ReadingHeadView(BaseModel):
    """How far the log has come: keep it, and `claims readings verify --head` tells what is gone."""

    position: int
    digest: str = Field(description="SHA-256 over this reading and all before it, hexadecimal.")


@router.post("/search", operation_id="searchReadings", summary="Who saw what of which patients, newest first")
def search_readings(wanted: ReadingSearch, service: TheService, caller: Auditor) -> ReadingPageView:
    """Return a page; a facility sees the readings of its own records. Looking for a person is noted, too."""
    which = ReadingFilter(
        within=caller.within,
        reader=wanted.reader,
        submission_id=wanted.submission_id,
        persons=None if wanted.person is None else service.blind_persons(wanted.person),
        since=wanted.since,
        until=wanted.until,
    )
    page = service.consult_readings(which, reader=caller.id, limit=wanted.limit, before=wanted.before)
    return ReadingPageView(
        data=[ReadingView.of(one) for one in page.items],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
    )


@router.get(
    "/head", operation_id="getReadingHead", summary="How far the log has come; null while it is empty"
)
def get_reading_head(service: TheService, _caller: Auditor) -> ReadingHeadView | None:
    """Return the digest over all readings."""
    head = service.reading_chain.head()
    return None if head is None else ReadingHeadView(position=head.position, digest=head.digest)
