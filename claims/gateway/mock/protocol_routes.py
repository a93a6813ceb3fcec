"""The gateway's own interface: sign in, send a claim or a check-in, look up a claim or a card."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from claims.gateway.mock.calls import (
    SIGN_IN_AGAIN,
    Call,
    MockGateway,
    add_route,
    answering,
    file_of,
    find_session,
    read_call,
    refuse_parameters,
    require_own_facility,
    too_many,
    turn_away,
    write_answer,
)
from claims.gateway.mock.faults import Endpoint, Fault, FaultKind
from claims.gateway.mock.inspection import NotAcceptable
from claims.gateway.mock.journal import Entry
from claims.gateway.mock.reception import Arrival, received_at
from claims.gateway.mock.sessions import Session
from claims.gateway.mock.wire import Result, misbehave, write_result
from claims.gateway.protocol import (
    CARD_PATH,
    DIGEST_HEADER,
    EARLIER_KINDS,
    GENERATIONS,
    LOOKUP_PATH,
    OLDER_CARD_PATHS,
    READS,
    STILL_PROCESSING,
    TOKEN_PATH,
    Carries,
    Generation,
    write_reception_time,
)
from claims.localtime import VIETNAM, local_date

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def make_protocol_routes(gateway: MockGateway) -> APIRouter:
    """Return the routes of the protocol."""
    router = APIRouter()
    add_route(router, gateway, TOKEN_PATH, _take_token)
    for path in (CARD_PATH, *OLDER_CARD_PATHS):
        needs_staff = path == CARD_PATH
        look_up = partial(_look_up_card, needs_staff=needs_staff)
        add_route(router, gateway, path, answering(Endpoint.CARD, READS[path], look_up))
    if gateway.options.offers_lookup:
        add_route(router, gateway, LOOKUP_PATH, answering(Endpoint.LOOKUP, Carries.HEADERS, _find_by_digest))
    for generation in GENERATIONS.values():
        add_route(router, gateway, generation.send_path, partial(_receive_claim, generation=generation))
        if generation.check_in_path is not None:
            check_in = partial(_receive_check_in, generation=generation)
            handler = answering(Endpoint.CHECK_IN, generation.carries, check_in)
            add_route(router, gateway, generation.check_in_path, handler)
    return router


async def _take_token(gateway: MockGateway, request: Request) -> Response:
    call = await read_call(gateway, request, Endpoint.TOKEN)
    if call.fault is not None and call.fault.is_before_storing:
        return await turn_away(gateway, call.fault)
    session = gateway.desk.sign_in(call.text("username"), call.text("password"), now=gateway.now())
    if session is None:
        result = Result("401", {"thongDiep": "Sai tài khoản hoặc mật khẩu", "APIKey": None})
    else:
        result = Result("200", {"APIKey": _describe_session(session, call.fault)})
    return await write_answer(gateway, call.fault, result)


def _describe_session(session: Session, fault: Fault | None) -> dict[str, str]:
    expires_at = session.expires_at + _skew(fault)
    return {
        "access_token": session.access_token,
        "id_token": session.id_token,
        "token_type": "Bearer",
        "username": session.account.username,
        "expires_in": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def _receive_claim(gateway: MockGateway, request: Request, *, generation: Generation) -> Response:
    # (1) Read everything, so that each arrival can be counted with its digest whatever comes next.
    call = await read_call(gateway, request, Endpoint.SEND, generation.carries)
    bundle = file_of(call, generation.carries)
    arrival = _arrival(call, bundle, generation)
    # (2) Trouble before the bundle is looked at.
    fault = call.fault
    if fault is not None and fault.is_before_storing:
        return await _meet_early_fault(gateway, call, fault, arrival)
    # (3) Who asks, how often, and are the parameters right?
    session = find_session(gateway, call, generation.carries)
    if session is None:
        await gateway.reception.turn_away(arrival, code="401")
        return write_result(SIGN_IN_AGAIN, gateway.options)
    throttled = too_many(gateway, session)
    if throttled is not None:
        await gateway.reception.turn_away(arrival, code="429")
        return throttled
    refusal = _refuse(gateway, call, session, generation, bundle)
    if refusal is not None:
        await gateway.reception.note_refusal(arrival, refusal.code)
        return write_result(Result(refusal.code, {"thongDiep": refusal.text}), gateway.options)
    # (4) The bundle itself; the answer may still go wrong.
    result = _without_times(await _take_in(gateway, call, arrival, fault), generation)
    if fault is None or result.code != "200":
        return write_result(result, gateway.options)
    return misbehave(fault, result, gateway.options)


def _arrival(call: Call, file: bytes | None, generation: Generation) -> Arrival:
    fault = call.fault
    return Arrival(
        facility=call.facility,
        bundle=file or b"",
        sha256=hashlib.sha256(file or b"").hexdigest(),
        generation=generation.name,
        fault=str(fault) if fault else "",
        late_error=fault.argument if fault and fault.kind is FaultKind.LATE_ERROR else "",
    )


async def _meet_early_fault(gateway: MockGateway, call: Call, fault: Fault, arrival: Arrival) -> Response:
    if fault.kind is FaultKind.REFUSE:
        await gateway.reception.note_refusal(arrival, fault.argument)
        result = Result(fault.argument, {"thongDiep": "Từ chối theo yêu cầu thử nghiệm"})
        return write_result(result, gateway.options)
    code = "401" if fault.kind is FaultKind.EXPIRE_TOKEN else ""
    await gateway.reception.turn_away(arrival, code=code)
    if fault.kind is FaultKind.EXPIRE_TOKEN:
        gateway.desk.expire(call.header("accessToken") or call.text("token"))
        return write_result(SIGN_IN_AGAIN, gateway.options)
    return misbehave(fault, Result(""), gateway.options)


async def _take_in(gateway: MockGateway, call: Call, arrival: Arrival, fault: Fault | None) -> Result:
    slow = fault is not None and fault.kind is FaultKind.SLOW
    delay_s = fault.seconds(gateway.options.slow_s) if fault is not None and slow else 0.0
    try:
        entry = await gateway.reception.take(arrival, delay_s=delay_s)
    except NotAcceptable as refusal:
        return Result(refusal.code, {"thongDiep": refusal.text})
    return _answer_for(gateway, call, entry, fault)


def _answer_for(gateway: MockGateway, call: Call, entry: Entry, fault: Fault | None) -> Result:
    """Return the answer about an acceptance, or the wrong one that the fault asks for."""
    says_digest = gateway.options.offers_lookup and bool(call.header(DIGEST_HEADER))
    kind = None if fault is None else fault.kind
    if kind is FaultKind.OTHER_CLAIM:
        other = gateway.reception.ledger.find_other(entry)
        entry = other or replace(entry, ma_giao_dich=str(int(entry.ma_giao_dich) + 1), sha256="0" * 64)
    result = _result_of(entry, fault, says_digest=says_digest)
    if kind is not FaultKind.WRONG_NUMBER:
        return result
    # Something in between made the answer up: it knows neither the number nor the bytes.
    fields = {name: value for name, value in result.fields.items() if name != "sha256"}
    return Result("200", {**fields, "maGiaoDich": f"9{entry.ma_giao_dich}"})


def _refuse(
    gateway: MockGateway, call: Call, session: Session, generation: Generation, file: bytes | None
) -> NotAcceptable | None:
    kinds = EARLIER_KINDS if generation.carries is Carries.QUERY else frozenset({generation.claim_kind})
    refusal = refuse_parameters(call, session, kinds)
    if refusal is not None:
        return refusal
    if file is None:
        return NotAcceptable("205", "fileHSBase64 không phải Base64")
    first, last = gateway.options.peak_hours
    at_peak = first <= gateway.now().astimezone(VIETNAM).hour < last
    if at_peak and len(file) > gateway.options.peak_bytes:
        return NotAcceptable("1001", "Tệp quá lớn trong giờ cao điểm")
    return None


async def _receive_check_in(
    gateway: MockGateway, session: Session, call: Call, *, generation: Generation
) -> Result:
    refusal = refuse_parameters(call, session, frozenset({generation.check_in_kind}))
    if refusal is not None:
        raise refusal
    document = file_of(call, generation.carries)
    if document is None:
        raise NotAcceptable("205", "fileHSBase64 không phải Base64")
    entry = await gateway.reception.take_check_in(_arrival(call, document, generation))
    return _answer_for(gateway, call, entry, call.fault)


async def _find_by_digest(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    digest = call.text("sha256").lower()
    if not _DIGEST.fullmatch(digest):
        raise NotAcceptable("205", "sha256 sai định dạng")
    try:
        entry = await gateway.reception.find(digest)
    except TimeoutError:
        return Result(STILL_PROCESSING, {"thongDiep": "Hồ sơ đang được xử lý"})
    if entry is None or entry.facility != session.account.facility:
        return Result("404", {"thongDiep": "Chưa nhận hồ sơ này"})
    if call.fault is not None and call.fault.kind is FaultKind.OTHER_CLAIM:
        entry = gateway.reception.ledger.find_other(entry) or replace(entry, sha256="0" * 64)
    return _result_of(entry, call.fault, says_digest=True)


async def _look_up_card(gateway: MockGateway, session: Session, call: Call, *, needs_staff: bool) -> Result:
    asked = {name: call.text(name) for name in call.fields}
    today = local_date(gateway.now())
    return gateway.cards.answer(session.account.facility, asked, today, needs_staff=needs_staff)


def _result_of(entry: Entry, fault: Fault | None, *, says_digest: bool = False) -> Result:
    return Result(
        "200",
        {
            "maGiaoDich": entry.ma_giao_dich,
            "thoiGianTiepNhan": write_reception_time(received_at(entry) + _skew(fault)),
            "thongDiep": "Thành công",
            **({"sha256": entry.sha256} if says_digest else {}),
        },
    )


def _without_times(result: Result, generation: Generation) -> Result:
    """Return what the earlier interface answers: a code and a number, and no more."""
    if generation.carries is Carries.HEADERS:
        return result
    kept = {name: value for name, value in result.fields.items() if name in {"maGiaoDich", "sha256"}}
    return Result(result.code, kept)


def _skew(fault: Fault | None) -> timedelta:
    if fault is None or fault.kind is not FaultKind.CLOCK_SKEW:
        return timedelta()
    return timedelta(seconds=fault.seconds(0.0))
