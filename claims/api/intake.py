"""Intake: signed bundles and encounters come in. Bytes are durable before the 202."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Header, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from claims.api.access import TheService, known_caller, service_of
from claims.api.models import AcceptedView
from claims.api.pacing import AT_PACE, SUBMIT, Submitter, keep_pace
from claims.api.single_headers import repeated_headers
from claims.exchange.receive import Received


class _OrdinaryFirst(APIRoute):
    """Serves the ordinary request directly, and leaves any other to the framework.

    Ordinary is a caller who was here a moment ago, with a body and a key at most. The framework would look
    for the same values among the declared dependencies, which costs more than storing a bundle.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what serves this route's requests."""
        by_framework = super().get_route_handler()

        async def serve(request: Request) -> Response:
            service = await service_of(request)
            headers = request.headers
            caller = None if repeated_headers(headers) else known_caller(request, service, SUBMIT)
            key = headers.get("Idempotency-Key")
            if caller is None or request.scope["query_string"] or not _is_ordinary(headers, key):
                return await by_framework(request)
            response = Response()
            del response.headers["Content-Length"]  # the headers are another body's
            await keep_pace(response, service, caller)
            return await submit_bundle(request, response, service, caller, key)

        return serve


router = APIRouter(tags=["intake"])
_hot = APIRouter(tags=["intake"], route_class=_OrdinaryFirst)

_LONGEST_KEY: Final = 255

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=_LONGEST_KEY,
        description="Your own key for this request. The same key with the same body gives the same "
        "submission, for seven days; with another body it is refused.",
    ),
]

CorrectionReason = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=500,
        description="Why this corrects what was sent before, percent-encoded UTF-8; kept in its history. "
        "`/v1/submissions/{id}/options` says whether one is wanted.",
    ),
]

XML_BODY = {
    "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
    "required": True,
}
_JSON = {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}


@_hot.post(
    "/v1/submissions",
    status_code=202,
    response_model=AcceptedView,
    operation_id="submitBundle",
    summary="Submit a signed bundle",
    openapi_extra={"requestBody": XML_BODY},
    dependencies=[AT_PACE],
)
async def submit_bundle(
    request: Request,
    response: Response,
    service: TheService,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
    correction_reason: CorrectionReason = None,
) -> Response:
    """Take a signed `GIAMDINHHS` bundle as it is; the same bytes again give the same submission."""
    facility = caller.own_facility()
    body = await request.body()
    received = await run_in_threadpool(
        service.receive,
        body,
        facility=facility,
        actor=caller.id,
        idempotency_key=idempotency_key,
        reason=_readable(correction_reason),
    )
    return _accepted(received, response)


router.include_router(_hot)


@router.post(
    "/v1/encounters",
    status_code=202,
    response_model=AcceptedView,
    operation_id="submitEncounter",
    summary="Submit an encounter; the service builds and signs the bundle",
    openapi_extra={"requestBody": _JSON},
    dependencies=[AT_PACE],
)
async def submit_encounter(
    request: Request,
    response: Response,
    service: TheService,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
    correction_reason: CorrectionReason = None,
) -> Response:
    """Take an encounter document; build, sign (with the key held for the facility) and submit it.

    FHIR documents, HL7 v2 messages and bundles in XML are no encounter documents: they are refused with a
    code that names them (`a-fhir-document`, `an-hl7-message`, `an-xml-document`) and says where they go.
    """
    facility = caller.own_facility()
    document = await request.body()
    received = await run_in_threadpool(
        service.submit_encounter,
        document,
        facility=facility,
        actor=caller.id,
        idempotency_key=idempotency_key,
        reason=_readable(correction_reason),
    )
    return _accepted(received, response)


def _is_ordinary(headers: Headers, key: str | None) -> bool:
    return "Correction-Reason" not in headers and (key is None or 0 < len(key) <= _LONGEST_KEY)


def _readable(reason: str | None) -> str | None:
    """Return a header's text with its Vietnamese letters; what PostgreSQL cannot hold is left out."""
    return None if reason is None else unquote(reason).replace("\0", "")


def _accepted(received: Received, response: Response) -> Response:
    # Made here and not by the framework, which would validate our own words again, at a tenth of a request.
    view = AcceptedView.of(received.submission, signed_receipt=received.receipt)
    headers = {**response.headers, "Location": f"/v1/submissions/{received.submission.id}"}
    if not received.is_new:
        headers["Idempotent-Replayed"] = "true"
    return Response(view.model_dump_json(), 202, headers, "application/json")
