"""Reads: what we know is answered from here, the rest is asked of the gateway in the facility's name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import format_datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from claims.api.access import TheService
from claims.api.dropin.requests import day_in, fields_of, query_of
from claims.api.dropin.results import day_of, entry_of, errors_of, fault_of
from claims.api.dropin.sessions import facility_of, signed_in
from claims.api.dropin.speaking import (
    WRONG_PARAMETER,
    GatewayRoute,
    Refusal,
    answer,
    refusal_of_gateway,
)
from claims.api.pacing import take_turn
from claims.api.talks import talk
from claims.exchange.access.principal import Principal
from claims.exchange.errors import NO_ACCOUNT, NOT_CONFIGURED, GatewayError, GatewayUnavailable
from claims.exchange.passing_on import Question, Reply
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import (
    ERROR_DETAIL_PATH,
    READS,
    RECEPTION_OF_DAY_PATH,
    RECEPTION_PATH,
    write_day,
)
from claims.runtime.wiring import Service

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)

#: The gateway's own look-ups reach so far back.
_MOST_DAYS: Final = 60
#: What a request says of its session: the gateway is shown one of its own.
_SESSION: Final = ("token", "id_token", "username", "password")
#: Then nobody is there to ask, which is no outage.
_NOBODY: Final = frozenset({NO_ACCOUNT, NOT_CONFIGURED})

Reader = Annotated[Principal, signed_in("submission.read")]
FindingReader = Annotated[Principal, signed_in("finding.read")]
#: Assessments speak of a claim's lines, cards of a patient.
ClaimReader = Annotated[Principal, signed_in("claim.read")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody asks, and for which facility.

    Attributes:
        question: The same for the gateway.
        named: All that it names, wherever.
    """

    request: Request
    service: Service
    facility: FacilityCode
    question: Question
    named: dict[str, str]


async def _read(request: Request, service: Service, caller: Principal) -> _Asked:
    query, fields = query_of(request), await fields_of(request)
    named = {**fields, **query}
    facility = facility_of(caller, named)
    for one in (query, fields):
        for name in _SESSION:
            one.pop(name, None)
    return _Asked(request, service, facility, Question(request.url.path, query, fields), named)


@router.post(RECEPTION_PATH)
async def read_days(request: Request, service: TheService, caller: Reader) -> Response:
    """Return totals by day, of what was sent from here; of a time in which nothing was, the gateway's."""
    asked = await _read(request, service, caller)
    first, last = day_in(asked.named, "tuNgay"), day_in(asked.named, "denNgay")
    if last < first:
        raise Refusal(WRONG_PARAMETER, "denNgay không được trước tuNgay")
    if (last - first).days > _MOST_DAYS:
        raise Refusal(WRONG_PARAMETER, f"Khoảng ngày dài nhất là {_MOST_DAYS} ngày")
    found = await run_in_threadpool(service.day_book.days, asked.facility, first=first, last=last)
    own = answer(dsKQGuiHoSoNgay=[day_of(one) for one in found])
    return own if found else await _passed_on(asked, otherwise=lambda: own)


@router.post(RECEPTION_OF_DAY_PATH)
async def read_transactions(request: Request, service: TheService, caller: Reader) -> Response:
    """Return a day's transactions, of what was sent from here; where nothing was, the gateway's."""
    asked = await _read(request, service, caller)
    day = day_in(asked.named, "ngayGui")
    found = await run_in_threadpool(service.day_book.of_day, asked.facility, day)
    own = answer(dsHoSo=[entry_of(one, write_day(day)) for one in found])
    return own if found else await _passed_on(asked, otherwise=lambda: own)


@router.post(ERROR_DETAIL_PATH)
async def read_errors(request: Request, service: TheService, caller: FindingReader) -> Response:
    """Return what is wrong with a transaction: the gateway's to say once it has it, and ours before."""
    asked = await _read(request, service, caller)
    number = asked.named.get("maGiaoDich", "")
    own = await run_in_threadpool(_own_errors, service, caller, asked.facility, number)
    if own is None:
        return await _passed_on(asked)
    if own.receipt is None:
        return answer(dsLoi=own.errors)
    renamed = {"maGiaoDich": own.receipt}
    question = asked.question
    question = (
        replace(question, query={**question.query, **renamed})
        if "maGiaoDich" in question.query
        else replace(question, fields={**question.fields, **renamed})
    )
    return await _passed_on(replace(asked, question=question), otherwise=lambda: answer(dsLoi=own.errors))


async def pass_on(request: Request, service: TheService, caller: ClaimReader) -> Response:
    """Return what the gateway says of assessments, settlements, cards and facilities."""
    return await _passed_on(await _read(request, service, caller))


for path in READS.keys() - {RECEPTION_PATH, RECEPTION_OF_DAY_PATH, ERROR_DETAIL_PATH}:
    router.add_api_route(path, pass_on, methods=["POST"])


@dataclass(frozen=True, slots=True)
class _Own:
    """What we know of a transaction: its number at the gateway, if that has it, and what is wrong with it."""

    receipt: str | None
    errors: Sequence[dict[str, str]]


def _own_errors(service: Service, caller: Principal, facility: FacilityCode, number: str) -> _Own | None:
    submission_id = service.day_book.find(facility, number)
    if submission_id is None:
        return None
    submission = service.submissions.get(submission_id, within=caller.within)
    if submission.receipt is None:
        return _Own(None, errors_of(submission, service.submissions.findings(submission_id)))
    view = service.results.reception_of(submission_id)
    return _Own(submission.receipt, [] if view is None else [fault_of(one) for one in view.errors])


async def _passed_on(asked: _Asked, *, otherwise: Callable[[], Response] | None = None) -> Response:
    """Return the gateway's answer; otherwise, where it gives none now, what we know ourselves."""
    await take_turn(asked.service.intake_pace, f"{asked.facility} asks")
    try:
        reply = await talk(asked.request, lambda: _ask(asked))
    except GatewayError as error:
        if otherwise is not None:
            return otherwise()
        if error.cause in _NOBODY and asked.question.path == ERROR_DETAIL_PATH:
            raise Refusal(WRONG_PARAMETER, "Không có giao dịch này") from None
        raise refusal_of_gateway(error) from None
    if not reply.is_accepted and otherwise is not None:
        return otherwise()
    headers = {}
    if reply.as_of is not None:
        headers["Last-Modified"] = format_datetime(reply.as_of.astimezone(UTC), usegmt=True)
    return Response(reply.body, reply.status, headers, JSONResponse.media_type)


def _ask(asked: _Asked) -> Reply:
    if asked.service.pass_on is None:
        raise GatewayUnavailable(NOT_CONFIGURED)
    return asked.service.pass_on(asked.facility, asked.question)
