"""Personal data over HTTP: everything held about one person, and what persons ask about it."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from claims.api.access import TheService, may
from claims.api.limits import MOST_LISTED
from claims.api.models import PlainText
from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.principal import Principal
from claims.exchange.data_requests import DataRequest, Outcome, RequestKind
from claims.exchange.submission import SubmissionId
from claims.localtime import local_date
from claims.runtime.wiring import Service

router = APIRouter(prefix="/v1", tags=["personal data"])

Exporter = Annotated[Principal, may("person.export")]
Officer = Annotated[Principal, may("person.request")]
Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8,20}$")]
RequestId = Annotated[str, Field(pattern="^dreq_[0-9A-HJKMNP-TV-Z]{26}$")]
Text = Annotated[PlainText, Field(min_length=1, max_length=4_000)]


class PersonWanted(BaseModel, extra="forbid"):
    """Who is meant. In a body, because a number of a person never belongs into an address."""

    numbers: Annotated[list[Number], Field(min_length=1, max_length=10)] = Field(
        description="Card, citizen and social insurance numbers of one person; they are not kept."
    )


class NewDataRequest(PersonWanted):
    """What a person asks."""

    kind: RequestKind
    facility: PlainText | None = Field(None, description="Whose claims it is about; by default one's own.")
    text: Text = Field(description="What the person asks, such as which field is wrong and what is right.")


class Extension(BaseModel, extra="forbid"):
    """Why more time is needed; the person is told."""

    reason: Text


class RequestAnswer(BaseModel, extra="forbid"):
    """What came of a request."""

    outcome: Outcome
    text: Text = Field(description="What the person is told.")
    corrected_by: PlainText | None = Field(
        None, description="Of `corrected`: the later submission of the same episode."
    )


class DataRequestView(BaseModel):
    """A request as it stands."""

    id: str
    kind: RequestKind
    facility: str
    text: str
    claims: list[str] = Field(description="What it is about: submission and claim.")
    recorded_by: str
    recorded_at: datetime
    acknowledge_by: date = Field(description="Until when the person must hear that it came.")
    answer_by: date
    acknowledged_at: datetime | None
    extended_at: datetime | None
    extension_reason: str
    answered_at: datetime | None
    answered_by: str | None
    outcome: Outcome | None
    answer: str
    corrected_by: str | None
    is_late: bool

    @classmethod
    def of(cls, one: DataRequest, service: Service) -> Self:
        """Make the view of a request."""
        return cls(
            id=one.id,
            kind=one.kind,
            facility=one.facility,
            text=one.text,
            claims=[f"{each.submission_id}/{each.ordinal}" for each in one.claims],
            recorded_by=one.recorded_by,
            recorded_at=one.recorded_at,
            acknowledge_by=one.acknowledge_by,
            answer_by=one.answer_by,
            acknowledged_at=one.acknowledged_at,
            extended_at=one.extended_at,
            extension_reason=one.extension_reason,
            answered_at=one.answered_at,
            answered_by=one.answered_by,
            outcome=one.outcome,
            answer=one.answer,
            corrected_by=one.corrected_by,
            is_late=one.is_late(local_date(service.clock.now())),
        )


class DataRequestPage(BaseModel):
    """Requests, newest first."""

    data: list[DataRequestView]
    next_cursor: str | None
    has_more: bool


@router.post(
    "/person-exports",
    operation_id="exportPerson",
    summary="Everything held about one person, as a ZIP file",
    response_class=Response,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def export_person(wanted: PersonWanted, service: TheService, caller: Exporter) -> Response:
    """Return what the caller's places hold; it is noted as a reading of every claim in it."""
    content = service.export_person(caller, _persons(service, wanted))
    headers = {
        "Content-Disposition": 'attachment; filename="personal-data.zip"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="application/zip", headers=headers)


@router.post(
    "/data-requests",
    status_code=201,
    operation_id="recordDataRequest",
    summary="Record what a person asks about the data",
)
def record_data_request(wanted: NewDataRequest, service: TheService, caller: Officer) -> DataRequestView:
    """Record it, linked to the person's claims at the facility; its times begin."""
    facility = caller.facility_within(wanted.facility)
    if facility is None:
        raise AccessDenied("a facility that is named", "nêu rõ cơ sở nào")
    request = service.data_requests.record(
        caller, wanted.kind, _persons(service, wanted), facility=facility, text=wanted.text
    )
    return DataRequestView.of(request, service)


@router.get("/data-requests", operation_id="listDataRequests", summary="Requests of persons, newest first")
def list_data_requests(
    service: TheService,
    caller: Officer,
    only_open: bool = False,  # noqa: FBT001, FBT002 - a query parameter
    cursor: Annotated[str | None, Query(pattern="^dreq_[0-9A-HJKMNP-TV-Z]{26}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> DataRequestPage:
    """Return a page."""
    found = service.data_requests.requests.list_page(
        within=caller.within, only_open=only_open, before=cursor, limit=limit + 1
    )
    has_more = len(found) > limit
    return DataRequestPage(
        data=[DataRequestView.of(one, service) for one in found[:limit]],
        next_cursor=found[limit - 1].id if has_more else None,
        has_more=has_more,
    )


@router.get("/data-requests/{request_id}", operation_id="getDataRequest", summary="One request")
def get_data_request(request_id: RequestId, service: TheService, caller: Officer) -> DataRequestView:
    """Return it as it stands."""
    return DataRequestView.of(service.data_requests.find(request_id, within=caller.within), service)


@router.post(
    "/data-requests/{request_id}/acknowledgement",
    operation_id="acknowledgeDataRequest",
    summary="Note that the person heard that the request came",
)
def acknowledge(request_id: RequestId, service: TheService, caller: Officer) -> DataRequestView:
    """Note it; once is enough."""
    return DataRequestView.of(service.data_requests.acknowledge(request_id, within=caller.within), service)


@router.post(
    "/data-requests/{request_id}/extension",
    operation_id="extendDataRequest",
    summary="Put the end of a request off, once",
)
def extend(request_id: RequestId, wanted: Extension, service: TheService, caller: Officer) -> DataRequestView:
    """Put it off."""
    changed = service.data_requests.extend(request_id, wanted.reason, within=caller.within)
    return DataRequestView.of(changed, service)


@router.post(
    "/data-requests/{request_id}/answer", operation_id="answerDataRequest", summary="Answer a request"
)
def answer(
    request_id: RequestId, wanted: RequestAnswer, service: TheService, caller: Officer
) -> DataRequestView:
    """Answer it; a correction names the submission that corrects."""
    corrected_by = None if wanted.corrected_by is None else SubmissionId(wanted.corrected_by)
    changed = service.data_requests.answer(
        caller, request_id, wanted.outcome, wanted.text, corrected_by=corrected_by
    )
    return DataRequestView.of(changed, service)


def _persons(service: Service, wanted: PersonWanted) -> tuple[bytes, ...]:
    return tuple(one for number in wanted.numbers for one in service.blind_persons(number))
