"""The gateway's own interface: sign in, send a claim, look one up, read late errors."""

import hashlib
import re
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import pybase64
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response

from claims.gateway.mock.cards import CardRegister
from claims.gateway.mock.faults import FAULT_HEADER, Endpoint, Fault, FaultKind, Faults
from claims.gateway.mock.inspection import NotAcceptable
from claims.gateway.mock.journal import Entry
from claims.gateway.mock.options import MockOptions
from claims.gateway.mock.reception import Arrival, Reception, received_at
from claims.gateway.mock.sessions import Session, SessionDesk
from claims.gateway.mock.wire import Result, TooLarge, misbehave, read_body, read_fields, write_result
from claims.gateway.protocol import (
    CARD_PATH,
    ERROR_DETAIL_PATH,
    GENERATIONS,
    LOOKUP_PATH,
    STILL_PROCESSING,
    TOKEN_PATH,
    Generation,
    province_of,
    write_reception_time,
)
from claims.localtime import local_date

_FACILITY: Final = re.compile(r"[0-9A-Z]{5}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIGN_IN_AGAIN: Final = Result("401", {"thongDiep": "Phiên làm việc không hợp lệ hoặc đã hết hạn"})
_FAILED_INSIDE: Final = Result("500", {"thongDiep": "Lỗi hệ thống"})


@dataclass(frozen=True, slots=True)
class MockGateway:
    """The parts of the stand-in, as the routes need them."""

    reception: Reception
    desk: SessionDesk
    faults: Faults
    options: MockOptions
    cards: CardRegister

    def now(self) -> datetime:
        """Return the present moment by the stand-in's clock."""
        return self.options.clock.now()


@dataclass(frozen=True, slots=True)
class _Call:
    """A request with its fields read and its fault drawn."""

    request: Request
    fields: Mapping[str, bytes]
    facility: str
    fault: Fault | None

    def text(self, name: str) -> str:
        return self.fields.get(name, b"").decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")


def make_protocol_routes(gateway: MockGateway) -> APIRouter:
    """Return the routes of the protocol."""
    router = APIRouter()
    handlers: dict[str, Callable[[MockGateway, Request], Awaitable[Response]]] = {
        TOKEN_PATH: _take_token,
        ERROR_DETAIL_PATH: _read_late_errors,
        CARD_PATH: _look_up_card,
    }
    if gateway.options.offers_lookup:
        handlers[LOOKUP_PATH] = _look_up
    for path, handler in handlers.items():
        _add_route(router, path, partial(_guarded, gateway, handler))
    for generation in GENERATIONS.values():
        handler = partial(_receive_claim, generation=generation)
        _add_route(router, generation.send_path, partial(_guarded, gateway, handler))
    return router


def _add_route(router: APIRouter, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
    # A plain Starlette route: these bodies are read here, so FastAPI has nothing to inject or to validate.
    async def serve(request: Request) -> Response:
        return await endpoint(request)

    router.add_route(path, serve, methods=["POST"], include_in_schema=False)


async def _guarded(
    gateway: MockGateway, handler: Callable[[MockGateway, Request], Awaitable[Response]], request: Request
) -> Response:
    try:
        return await handler(gateway, request)
    except TooLarge:
        return PlainTextResponse("Request Entity Too Large", 413, headers={"Connection": "close"})
    except OSError:
        # The journal is as before, so nothing was taken; but a real server could not tell either.
        return write_result(_FAILED_INSIDE, gateway.options)


async def _read_call(gateway: MockGateway, request: Request, endpoint: Endpoint) -> _Call:
    body = await read_body(request, max_bytes=gateway.options.max_body_bytes)
    fields = read_fields(body, content_type=request.headers.get("content-type", ""))
    facility = fields.get("maCSKCB", b"").decode("utf-8", "replace")
    if endpoint is Endpoint.TOKEN:
        facility = gateway.desk.facility_of(fields.get("username", b"").decode("utf-8", "replace"))
    fault = _find_fault_asked_for(request) or gateway.faults.draw(endpoint, facility, now=gateway.now())
    return _Call(request, fields, facility, fault)


def _find_fault_asked_for(request: Request) -> Fault | None:
    text = request.headers.get(FAULT_HEADER)
    if not text:
        return None
    try:
        return Fault.parse(text)
    except ValueError as error:
        raise HTTPException(400, f"{FAULT_HEADER}: {error}") from error


async def _take_token(gateway: MockGateway, request: Request) -> Response:
    call = await _read_call(gateway, request, Endpoint.TOKEN)
    if call.fault is not None and call.fault.is_before_storing:
        return await _turn_away_elsewhere(gateway, call.fault)
    session = gateway.desk.sign_in(call.text("username"), call.text("password"), now=gateway.now())
    if session is None:
        result = Result("401", {"thongDiep": "Sai tài khoản hoặc mật khẩu", "APIKey": None})
    else:
        result = Result("200", {"APIKey": _describe_session(session)})
    return await _answer_elsewhere(gateway, call.fault, result)


def _describe_session(session: Session) -> dict[str, str]:
    return {
        "access_token": session.access_token,
        "id_token": session.id_token,
        "token_type": "Bearer",
        "username": session.account.username,
        "expires_in": session.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def _receive_claim(gateway: MockGateway, request: Request, *, generation: Generation) -> Response:
    # (1) Read everything, so that each arrival can be counted with its digest whatever comes next.
    call = await _read_call(gateway, request, Endpoint.SEND)
    bundle = _decode(call.fields.get("fileHSBase64", b""))
    arrival = Arrival(
        facility=call.facility,
        bundle=bundle or b"",
        sha256=hashlib.sha256(bundle or b"").hexdigest(),
        generation=generation.name,
        fault=str(call.fault) if call.fault else "",
        late_error=call.fault.argument if call.fault and call.fault.kind is FaultKind.LATE_ERROR else "",
    )
    # (2) Trouble before the bundle is looked at.
    fault = call.fault
    if fault is not None and fault.is_before_storing:
        return await _meet_early_fault(gateway, call, fault, arrival)
    # (3) Who asks, and are the parameters right?
    session = _find_session(gateway, call)
    if session is None:
        await gateway.reception.turn_away(arrival, code="401")
        return write_result(_SIGN_IN_AGAIN, gateway.options)
    refusal = _refuse_parameters(call, session, generation, bundle)
    if refusal is not None:
        await gateway.reception.note_refusal(arrival, refusal.code)
        return write_result(Result(refusal.code, {"thongDiep": refusal.text}), gateway.options)
    # (4) The bundle itself; the answer may still go wrong.
    result = await _take_in(gateway, arrival, fault)
    if fault is None or result.code != "200":
        return write_result(result, gateway.options)
    return misbehave(fault, result, gateway.options)


async def _meet_early_fault(gateway: MockGateway, call: _Call, fault: Fault, arrival: Arrival) -> Response:
    if fault.kind is FaultKind.REFUSE:
        await gateway.reception.note_refusal(arrival, fault.argument)
        result = Result(fault.argument, {"thongDiep": "Từ chối theo yêu cầu thử nghiệm"})
        return write_result(result, gateway.options)
    code = "401" if fault.kind is FaultKind.EXPIRE_TOKEN else ""
    await gateway.reception.turn_away(arrival, code=code)
    if fault.kind is FaultKind.EXPIRE_TOKEN:
        gateway.desk.expire(call.header("accessToken"))
        return write_result(_SIGN_IN_AGAIN, gateway.options)
    return misbehave(fault, Result(""), gateway.options)


async def _take_in(gateway: MockGateway, arrival: Arrival, fault: Fault | None) -> Result:
    slow = fault is not None and fault.kind is FaultKind.SLOW
    delay_s = fault.seconds(gateway.options.slow_s) if fault is not None and slow else 0.0
    try:
        return _result_of(await gateway.reception.take(arrival, delay_s=delay_s))
    except NotAcceptable as refusal:
        return Result(refusal.code, {"thongDiep": refusal.text})


def _refuse_parameters(
    call: _Call, session: Session, generation: Generation, bundle: bytes | None
) -> NotAcceptable | None:
    if session.account.facility != call.facility:
        return NotAcceptable("403", "Tài khoản không được gửi hồ sơ cho cơ sở KBCB này")
    if not _FACILITY.fullmatch(call.facility) or call.text("maTinh") != province_of(call.facility):
        return NotAcceptable("205", "maTinh hoặc maCSKCB sai định dạng")
    if call.text("loaiHoSo") != generation.claim_kind:
        return NotAcceptable("205", "loaiHoSo không đúng")
    if bundle is None:
        return NotAcceptable("205", "fileHSBase64 không phải Base64")
    return None


def _decode(value: bytes) -> bytes | None:
    try:
        return pybase64.b64decode(value, validate=True)
    except (Base64Error, ValueError):
        pass
    try:
        # .NET takes white space inside Base64, so the real gateway very likely does.
        return pybase64.b64decode(b"".join(value.split()), validate=True)
    except (Base64Error, ValueError):
        return None


async def _look_up(gateway: MockGateway, request: Request) -> Response:
    call = await _read_call(gateway, request, Endpoint.LOOKUP)
    if call.fault is not None and call.fault.is_before_storing:
        return await _turn_away_elsewhere(gateway, call.fault)
    session = _find_session(gateway, call)
    result = _SIGN_IN_AGAIN
    if session is not None:
        result = await _find_by_digest(gateway, session, call)
    return await _answer_elsewhere(gateway, call.fault, result)


async def _find_by_digest(gateway: MockGateway, session: Session, call: _Call) -> Result:
    if session.account.facility != call.facility:
        return Result("403", {"thongDiep": "Tài khoản không được tra cứu cho cơ sở KBCB này"})
    digest = call.text("sha256").lower()
    if not _DIGEST.fullmatch(digest):
        return Result("205", {"thongDiep": "sha256 sai định dạng"})
    try:
        entry = await gateway.reception.find(digest)
    except TimeoutError:
        return Result(STILL_PROCESSING, {"thongDiep": "Hồ sơ đang được xử lý"})
    if entry is None or entry.facility != call.facility:
        return Result("404", {"thongDiep": "Chưa nhận hồ sơ này"})
    return _result_of(entry)


async def _look_up_card(gateway: MockGateway, request: Request) -> Response:
    call = await _read_call(gateway, request, Endpoint.CARD)
    if call.fault is not None and call.fault.is_before_storing:
        return await _turn_away_elsewhere(gateway, call.fault)
    session = _session_of_query(gateway, request)
    result = _SIGN_IN_AGAIN
    if session is not None:
        asked = {name: call.text(name) for name in call.fields}
        result = gateway.cards.answer(session.account.facility, asked, local_date(gateway.now()))
    return await _answer_elsewhere(gateway, call.fault, result)


async def _read_late_errors(gateway: MockGateway, request: Request) -> Response:
    query, session = request.query_params, _session_of_query(gateway, request)
    if session is None:
        return write_result(_SIGN_IN_AGAIN, gateway.options)
    entry = gateway.reception.ledger.find_receipt(query.get("maGiaoDich", ""))
    if entry is None or entry.facility != session.account.facility:
        return write_result(Result("205", {"thongDiep": "Không có giao dịch này"}), gateway.options)
    return write_result(Result("200", {"dsLoi": _late_errors(gateway, entry)}), gateway.options)


def _late_errors(gateway: MockGateway, entry: Entry) -> list[dict[str, str]]:
    due = received_at(entry) + timedelta(seconds=gateway.options.late_error_after_s)
    if not entry.late_error or gateway.now() < due:
        return []
    return [{"maLoi": entry.late_error, "moTaLoi": "Lỗi phát hiện sau khi tiếp nhận"}]


def _session_of_query(gateway: MockGateway, request: Request) -> Session | None:
    query = request.query_params
    return gateway.desk.find(
        access_token=query.get("token", ""),
        id_token=query.get("id_token", ""),
        username=query.get("username", ""),
        password_md5=query.get("password", ""),
        now=gateway.now(),
    )


def _find_session(gateway: MockGateway, call: _Call) -> Session | None:
    return gateway.desk.find(
        access_token=call.header("accessToken"),
        id_token=call.header("tokenId"),
        username=call.text("username"),
        password_md5=call.header("passwordHash"),
        now=gateway.now(),
    )


def _result_of(entry: Entry) -> Result:
    return Result(
        "200",
        {
            "maGiaoDich": entry.ma_giao_dich,
            "thoiGianTiepNhan": write_reception_time(received_at(entry)),
            "thongDiep": "Thành công",
        },
    )


async def _turn_away_elsewhere(gateway: MockGateway, fault: Fault) -> Response:
    await gateway.reception.note_fault(str(fault))
    if fault.kind is FaultKind.REFUSE:
        return write_result(Result(fault.argument), gateway.options)
    if fault.kind is FaultKind.EXPIRE_TOKEN:
        return write_result(_SIGN_IN_AGAIN, gateway.options)
    return misbehave(fault, Result(""), gateway.options)


async def _answer_elsewhere(gateway: MockGateway, fault: Fault | None, result: Result) -> Response:
    if fault is None:
        return write_result(result, gateway.options)
    await gateway.reception.note_fault(str(fault))
    return misbehave(fault, result, gateway.options)
