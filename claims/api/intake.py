"""Intake: signed bundles and encounters come in. Bytes are durable before the 202."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from claims.api.access import Submitter, TheService
from claims.api.models import SubmissionView
from claims.exchange.receive import Received

router = APIRouter(tags=["intake"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Your own key for this request. The same key with the same body gives the same "
        "submission; with another body it is refused.",
    ),
]

XML_BODY = {
    "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
    "required": True,
}
_JSON = {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}


@router.post(
    "/v1/submissions",
    status_code=202,
    operation_id="submitBundle",
    summary="Submit a signed bundle",
    openapi_extra={"requestBody": XML_BODY},
)
async def submit_bundle(
    request: Request,
    response: Response,
    service: TheService,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> SubmissionView:
    """Take a signed `GIAMDINHHS` bundle as it is; the same bytes again give the same submission."""
    facility = caller.own_facility()
    body = await request.body()
    received = await run_in_threadpool(
        service.receive, body, facility=facility, actor=caller.key_id, idempotency_key=idempotency_key
    )
    return _accepted(received, response)


@router.post(
    "/v1/encounters",
    status_code=202,
    operation_id="submitEncounter",
    summary="Submit an encounter; the service builds and signs the bundle",
    openapi_extra={"requestBody": _JSON},
)
async def submit_encounter(
    request: Request,
    response: Response,
    service: TheService,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> SubmissionView:
    """Take an encounter document; build, sign (with the key held for the facility) and submit it."""
    facility = caller.own_facility()
    document = await request.body()
    received = await run_in_threadpool(
        service.submit_encounter,
        document,
        facility=facility,
        actor=caller.key_id,
        idempotency_key=idempotency_key,
    )
    return _accepted(received, response)


def _accepted(received: Received, response: Response) -> SubmissionView:
    response.headers["Location"] = f"/v1/submissions/{received.submission.id}"
    if not received.is_new:
        response.headers["Idempotent-Replayed"] = "true"
    return SubmissionView.of(received.submission)
