"""Checks: what the service would say of a bundle, without keeping anything of it."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from claims.api.access import TheService, may
from claims.api.intake import XML_BODY
from claims.api.languages import Language
from claims.api.models import CheckView
from claims.api.pacing import keep_pace_of, one_by_one
from claims.checking.check import check_bundle
from claims.checking.report import StageName
from claims.exchange.access.principal import Principal
from claims.runtime.wiring import Service

router = APIRouter(tags=["checks"])

Checker = Annotated[Principal, may("bundle.check")]


class Signature(StrEnum):
    """What a caller wants of the signature."""

    REQUIRED = "required"  # as when the bundle is sent
    IGNORED = "ignored"  # for a bundle that is not signed yet


@router.post(
    "/v1/checks",
    operation_id="checkBundle",
    summary="Check a bundle without submitting it",
    openapi_extra={"requestBody": XML_BODY},
)
async def check(
    request: Request,
    response: Response,
    service: TheService,
    caller: Checker,
    language: Language,
    signature: Annotated[
        Signature, Query(description="`ignored` for a bundle that is not signed yet.")
    ] = Signature.REQUIRED,
    until: Annotated[
        StageName, Query(description="The last stage to run; `schema` says whether it is valid.")
    ] = StageName.HISTORY,
) -> CheckView:
    """Check a `GIAMDINHHS` bundle as it would be when submitted; nothing of it is stored."""
    who = caller.facility_within(None) or caller.id
    await keep_pace_of(service.check_pace, who, response)
    body = await request.body()
    # A facility has one thread at a time: what others want meanwhile does not wait for all of its checks.
    async with one_by_one(f"check {who}"):
        if await request.is_disconnected():
            raise ClientDisconnect
        return await run_in_threadpool(_check, service, caller, body, language, signature, until)


def _check(
    service: Service, caller: Principal, body: bytes, language: str, signature: Signature, until: StageName
) -> CheckView:
    terms = replace(service.terms_for(caller.facility_within(None)), until=until)
    if signature is Signature.IGNORED:
        terms = replace(terms, signature=None)
    return CheckView.of(check_bundle(body, at=service.clock.now(), terms=terms), body, language)
