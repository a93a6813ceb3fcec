"""What every endpoint of the stand-in does first: read the request, draw its fault, find its session."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from claims.exchange.breaker import Window
from claims.gateway.mock.assessment import Assessor
from claims.gateway.mock.cards import CardRegister
from claims.gateway.mock.faults import FAULT_HEADER, Endpoint, Fault, FaultKind, Faults
from claims.gateway.mock.inspection import NotAcceptable
from claims.gateway.mock.options import MockOptions
from claims.gateway.mock.reception import Reception
from claims.gateway.mock.sessions import Session, SessionDesk
from claims.gateway.mock.throttle import Throttle
from claims.gateway.mock.wire import Result, TooLarge, misbehave, read_body, write_result
from claims.gateway.protocol import (
    ACCESS_TOKEN_HEADER,
    ID_TOKEN_HEADER,
    PASSWORD_HEADER,
    Carries,
    province_of,
)
from claims.gateway.receiving import read_bare_file, read_fields, read_file, spell

FACILITY: Final = re.compile(r"[0-9A-Z]{5}")
SIGN_IN_AGAIN: Final = Result("401", {"thongDiep": "Phiên làm việc không hợp lệ hoặc đã hết hạn"})
_FAILED_INSIDE: Final = Result("500", {"thongDiep": "Lỗi hệ thống"})


@dataclass(slots=True)
class MockGateway:
    """The parts of the stand-in, as the routes need them.

    Attributes:
        maintenance: Times in which it is closed; a switch changes them.
    """

    reception: Reception
    desk: SessionDesk
    faults: Faults
    options: MockOptions
    cards: CardRegister
    assessor: Assessor
    throttle: Throttle
    maintenance: tuple[Window, ...] = ()

    def now(self) -> datetime:
        """Return the present moment by the stand-in's clock."""
        return self.options.clock.now()


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its fields read and its fault drawn.

    Attributes:
        fields: What body and query say; the query counts where both do.
        query: What the query says.
        body: The body as it came.
    """

    request: Request
    fields: Mapping[str, bytes]
    facility: str
    fault: Fault | None
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def text(self, name: str) -> str:
        """Return a field as text; nothing when it is missing."""
        return self.fields.get(name, b"").decode("utf-8", "replace").strip()

    def header(self, name: str) -> str:
        """Return a header; nothing when it is missing."""
        return self.request.headers.get(name, "")


Handler: TypeAlias = Callable[[MockGateway, Request], Awaitable[Response]]
#: Answers a call in a session.
Answer: TypeAlias = Callable[[MockGateway, Session, Call], Awaitable[Result]]


def add_route(router: APIRouter, gateway: MockGateway, path: str, handler: Handler) -> None:
    """Serve a path. A plain Starlette route: these bodies are read here, FastAPI has nothing to validate."""
    serve = partial(_guarded, gateway, handler)
    router.add_route(path, serve, methods=["POST"], include_in_schema=False)


async def _guarded(gateway: MockGateway, handler: Handler, request: Request) -> Response:
    now = gateway.now()
    closed = next((window for window in gateway.maintenance if window.holds(now)), None)
    if closed is not None:
        wait_s = max(1, int((closed.ends - now).total_seconds()))
        page = "<html><body><h1>503</h1><p>Hệ thống đang bảo trì</p></body></html>"
        return HTMLResponse(page, 503, headers={"Retry-After": str(wait_s), "Connection": "close"})
    try:
        return await handler(gateway, request)
    except TooLarge:
        return PlainTextResponse("Request Entity Too Large", 413, headers={"Connection": "close"})
    except OSError:
        # The journal is as before, so nothing was taken; but a real server could not tell either.
        return write_result(_FAILED_INSIDE, gateway.options)


async def read_call(
    gateway: MockGateway, request: Request, endpoint: Endpoint, carries: Carries = Carries.HEADERS
) -> Call:
    """Read a request and draw the fault that it meets.

    What stands in the query counts beside a session in the query only: passwords of a sign-in, and the
    parameters of today's calls, are looked for in the body.

    Raises:
        TooLarge: Its body is longer than anything the stand-in reads.
    """
    body = await read_body(request, max_bytes=gateway.options.max_body_bytes)
    said = request.query_params.items() if carries is Carries.QUERY else ()
    query = {spell(name): value for name, value in said}
    fields = {
        **read_fields(body, content_type=request.headers.get("content-type", "")),
        **{name: value.encode("utf-8", "replace") for name, value in query.items()},
    }
    facility = fields.get("maCSKCB", b"").decode("utf-8", "replace")
    if endpoint is Endpoint.TOKEN or not facility:
        facility = gateway.desk.facility_of(fields.get("username", b"").decode("utf-8", "replace"))
    fault = _find_fault_asked_for(request) or gateway.faults.draw(endpoint, facility, now=gateway.now())
    return Call(request, fields, facility, fault, query, body)


def _find_fault_asked_for(request: Request) -> Fault | None:
    text = request.headers.get(FAULT_HEADER)
    if not text:
        return None
    try:
        return Fault.parse(text)
    except ValueError as error:
        raise HTTPException(400, f"{FAULT_HEADER}: {error}") from error


def find_session(gateway: MockGateway, call: Call, carries: Carries) -> Session | None:
    """Return the session that a call shows where its interface wants it shown."""
    if carries is Carries.QUERY:
        shown = [call.query.get(name, "") for name in ("token", "id_token", "username", "password")]
    else:
        shown = [
            call.header(ACCESS_TOKEN_HEADER),
            call.header(ID_TOKEN_HEADER),
            call.text("username") or gateway.desk.username_of(call.header(ACCESS_TOKEN_HEADER)),
            call.header(PASSWORD_HEADER),
        ]
    access_token, id_token, username, password_md5 = shown
    return gateway.desk.find(
        access_token=access_token,
        id_token=id_token,
        username=username,
        password_md5=password_md5,
        now=gateway.now(),
    )


def too_many(gateway: MockGateway, session: Session) -> Response | None:
    """Return 429 for an account that asks too often."""
    wait_s = gateway.throttle.take(session.account.username, gateway.now())
    if wait_s is None:
        return None
    return PlainTextResponse("Too Many Requests", 429, headers={"Retry-After": str(wait_s)})


def answering(endpoint: Endpoint, carries: Carries, answer: Answer) -> Handler:
    """Return a handler for what is neither sign-in nor sending: a fault, the session, then the answer."""

    async def handle(gateway: MockGateway, request: Request) -> Response:
        """Answer one request."""
        call = await read_call(gateway, request, endpoint, carries)
        if call.fault is not None and call.fault.is_before_storing:
            return await turn_away(gateway, call.fault)
        session = find_session(gateway, call, carries)
        if session is None:
            return await write_answer(gateway, call.fault, SIGN_IN_AGAIN)
        refused = too_many(gateway, session)
        if refused is not None:
            return refused
        try:
            result = await answer(gateway, session, call)
        except NotAcceptable as refusal:
            result = Result(refusal.code, {"thongDiep": refusal.text})
        if call.fault is not None and call.fault.kind is FaultKind.SLOW:
            await asyncio.sleep(call.fault.seconds(gateway.options.slow_s))
        return await write_answer(gateway, call.fault, result)

    return handle


async def turn_away(gateway: MockGateway, fault: Fault) -> Response:
    """Answer with a fault before anything was done."""
    await gateway.reception.note_fault(str(fault))
    if fault.kind is FaultKind.REFUSE:
        return write_result(Result(fault.argument), gateway.options)
    if fault.kind is FaultKind.EXPIRE_TOKEN:
        return write_result(SIGN_IN_AGAIN, gateway.options)
    return misbehave(fault, Result(""), gateway.options)


async def write_answer(gateway: MockGateway, fault: Fault | None, result: Result) -> Response:
    """Answer, the way the fault has it."""
    if fault is None:
        return write_result(result, gateway.options)
    await gateway.reception.note_fault(str(fault))
    return misbehave(fault, result, gateway.options)


def refuse_parameters(call: Call, session: Session, kinds: frozenset[str]) -> NotAcceptable | None:
    """Return why the parameters of something that is sent are refused, if they are."""
    named = call.text("maCSKCB")
    if not FACILITY.fullmatch(named) or call.text("maTinh") != province_of(named):
        return NotAcceptable("205", "maTinh hoặc maCSKCB sai định dạng")
    if session.account.facility != named:
        return NotAcceptable("403", "Tài khoản không được gửi hồ sơ cho cơ sở KBCB này")
    if call.text("loaiHoSo") not in kinds:
        return NotAcceptable("205", "loaiHoSo không đúng")
    return None


def require_own_facility(session: Session, call: Call) -> None:
    """Refuse to speak of another facility.

    Raises:
        NotAcceptable: It is another one.
    """
    if call.text("maCSKCB") not in {"", session.account.facility}:
        raise NotAcceptable("403", "Tài khoản không được tra cứu cho cơ sở KBCB này")


def file_of(call: Call, carries: Carries, name: str = "fileHSBase64") -> bytes | None:
    """Return the file that was sent, None when there is none that can be read.

    Beside a session in the query the file is the body.
    """
    if carries is Carries.HEADERS or name in call.fields:
        return read_file(call.fields.get(name, b"").strip(b'"'))
    return read_bare_file(call.body)
