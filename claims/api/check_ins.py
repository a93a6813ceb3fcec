"""Check-ins (XML0): that a patient has come, told to the gateway while the caller waits."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel

from claims.api.access import TheService, may
from claims.api.intake import XML_BODY
from claims.api.languages import Language
from claims.api.models import FindingView, ReceiptView
from claims.api.pacing import AT_PACE
from claims.api.talks import talk
from claims.exchange.access.principal import Principal

router = APIRouter(tags=["intake"])

Submitter = Annotated[Principal, may("submission.submit")]


class CheckedInView(BaseModel):
    """A check-in that the gateway took."""

    receipt: ReceiptView
    findings: list[FindingView]


@router.post(
    "/v1/check-ins",
    operation_id="checkIn",
    summary="Hand a check-in (XML0) to the gateway",
    openapi_extra={"requestBody": XML_BODY},
    dependencies=[AT_PACE],
)
async def check_in(
    request: Request, service: TheService, caller: Submitter, language: Language
) -> CheckedInView:
    """Check the document and pass it on; without an answer send it again: it says the same."""
    facility = caller.own_facility()
    document = await request.body()
    done = await talk(request, lambda: service.send_check_in(document, facility=facility))
    return CheckedInView(
        receipt=ReceiptView.of(done.receipt),
        findings=[FindingView.of(one, language) for one in done.findings],
    )
