"""The gateway's calls: sign in, send a claim, read what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from claims.api import problems
from claims.api.access import TheService
from claims.api.dropin.door import Door
from claims.api.dropin.results import day_of, entry_of, errors_of, number_of, refusal_of, state_of
from claims.api.dropin.speaking import (
    EMPTY,
    FAILED_INSIDE,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    TOO_LARGE,
    WRONG_CONTENT,
    WRONG_PARAMETER,
    GatewayRoute,
    Refusal,
    answer,
)
from claims.api.pacing import take_turn
from claims.exchange.access.bounds import bind
from claims.exchange.access.errors import UnknownKey
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Principal
from claims.exchange.errors import CheckInRefused, GatewayError, GatewayRefused
from claims.exchange.lifecycle import State
from claims.exchange.receive import Received
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import (
    ACCESS_TOKEN_HEADER,
    DECISION_3176,
    DECISION_4210,
    ERROR_DETAIL_PATH,
    GENERATIONS,
    ID_TOKEN_HEADER,
    PASSWORD_HEADER,
    RECEPTION_OF_DAY_PATH,
    RECEPTION_PATH,
    TOKEN_PATH,
    Carries,
    province_of,
    read_day,
    write_day,
    write_reception_time,
)
from claims.gateway.receiving import read_bare_file, read_fields, read_file, spell
from claims.runtime.wiring import Service

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)

_FILE: Final = "fileHSBase64"
#: The gateway's own look-ups reach so far back.
_MOST_DAYS: Final = 60
#: Bytes of before that will not go to the gateway any more.
_NEVER_SENT: Final = frozenset({State.SUPERSEDED, State.WITHDRAWN})
#: Of what can have been sent.
_YEARS: Final = range(2000, 3000)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A dependency that lets only a session through that may do something.

    The claims of today carry their session in headers, the older calls in the query.
    """

    action: str

    def __post_init__(self) -> None:
        load_policy().action(self.action)

    async def __call__(self, request: Request, service: TheService) -> Principal:
        """Return the caller, if it may."""
        address = _enter(request, service)
        query, headers = _query(request), request.headers
        caller = await run_in_threadpool(
            service.dropin_desk.recognize,
            query.get("token") or headers.get(ACCESS_TOKEN_HEADER, ""),
            query.get("id_token") or headers.get(ID_TOKEN_HEADER, ""),
            query.get("password") or headers.get(PASSWORD_HEADER, ""),
            address=address,
        )
        allowed = caller.allowed(self.action)
        bind(allowed.within)
        return allowed


def signed_in(action: str) -> Any:  # noqa: ANN401 - FastAPI's own marker has no type
    """Name the action that a call is; beside `Principal` in its caller's annotation."""
    return Depends(SignedIn(action))


Sender = Annotated[Principal, signed_in("submission.submit")]
Reader = Annotated[Principal, signed_in("submission.read")]
FindingReader = Annotated[Principal, signed_in("finding.read")]


@router.post(TOKEN_PATH)
async def take_token(request: Request, service: TheService) -> JSONResponse:
    """Sign in with a name and the digest of a password."""
    address = _enter(request, service)
    fields = _fields(request, await request.body())
    username, password = fields.get("username", ""), fields.get("password", "")
    for who in (f"name {username}", f"address {address}"):
        await take_turn(service.dropin_sign_in_pace, who)
    try:
        session = await run_in_threadpool(service.dropin_desk.sign_in, username, password, address=address)
    except UnknownKey:
        raise Refusal(NOT_SIGNED_IN, "Sai tài khoản hoặc mật khẩu") from None
    return answer(
        APIKey={
            "access_token": session.access_token,
            "id_token": session.id_token,
            "token_type": "Bearer",
            "username": session.username,
            "expires_in": session.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


async def send_claim(request: Request, service: TheService, caller: Sender) -> JSONResponse:
    """Take a claim; the same bytes again give the first one's number."""
    await take_turn(service.intake_pace, caller.own_facility())
    body, content_type = await request.body(), request.headers.get("content-type", "")
    named, bundle = await run_in_threadpool(_read_sent, body, content_type)
    facility = _facility_of(caller, named)
    if named.get("loaiHoSo") != DECISION_3176.claim_kind:
        raise Refusal(WRONG_PARAMETER, "loaiHoSo không đúng")
    received = await _receive(service, caller, facility, bundle)
    return answer(
        maGiaoDich=number_of(received.submission),
        thoiGianTiepNhan=write_reception_time(received.submission.received_at),
        thongDiep="Tiếp nhận thành công" if received.is_new else "Hồ sơ đã được tiếp nhận trước đó",
    )


async def send_earlier_claim(request: Request, service: TheService, caller: Sender) -> JSONResponse:
    """Take a claim as the older calls hand it over: the session in the query, the file as the body."""
    await take_turn(service.intake_pace, caller.own_facility())
    named = _query(request)
    facility = _facility_of(caller, named)
    if named.get("loaiHoSo") != DECISION_4210.claim_kind:
        raise Refusal(WRONG_PARAMETER, "Chỉ nhận hồ sơ khám chữa bệnh (loaiHoSo 3)")
    body, content_type = await request.body(), request.headers.get("content-type", "")
    bundle = await run_in_threadpool(_read_earlier, body, content_type)
    received = await _receive(service, caller, facility, bundle)
    return answer(maGiaoDich=number_of(received.submission))


async def send_check_in(request: Request, service: TheService, caller: Sender) -> JSONResponse:
    """Take a check-in and pass it on; its answer is the gateway's."""
    if not service.settings.check_ins:
        raise Refusal(NOT_ALLOWED, "Cơ sở chưa bật gửi trạng thái KCB qua dịch vụ này")
    await take_turn(service.intake_pace, caller.own_facility())
    body, content_type = await request.body(), request.headers.get("content-type", "")
    named, document = await run_in_threadpool(_read_sent, body, content_type)
    facility = _facility_of(caller, named)
    if named.get("loaiHoSo") != DECISION_3176.check_in_kind:
        raise Refusal(WRONG_PARAMETER, "loaiHoSo không đúng")
    try:
        done = await run_in_threadpool(service.send_check_in, _sendable(service, document), facility=facility)
    except CheckInRefused as refusal:
        raise refusal_of(refusal) from None
    except GatewayRefused as refusal:
        raise Refusal(WRONG_CONTENT, f"Cổng từ chối: {refusal.cause}") from None
    except GatewayError:
        raise Refusal(FAILED_INSIDE, "Cổng chưa trả lời, hãy gửi lại", status=problems.NOT_READY) from None
    receipt = done.receipt
    return answer(
        maGiaoDich=receipt.ma_giao_dich,
        thoiGianTiepNhan=write_reception_time(receipt.received_at or service.clock.now()),
        thongDiep="Tiếp nhận thành công",
    )


for generation in GENERATIONS.values():
    send = send_claim if generation.carries is Carries.HEADERS else send_earlier_claim
    router.add_api_route(generation.send_path, send, methods=["POST"])
    if generation.check_in_path is not None:
        router.add_api_route(generation.check_in_path, send_check_in, methods=["POST"])


@router.post(RECEPTION_PATH)
async def read_days(request: Request, service: TheService, caller: Reader) -> JSONResponse:
    """Return totals by day."""
    asked = await _asked(request)
    facility = _facility_of(caller, asked, with_province=False)
    first, last = _day(asked, "tuNgay"), _day(asked, "denNgay")
    if not 0 <= (last - first).days <= _MOST_DAYS:
        raise Refusal(WRONG_PARAMETER, f"Khoảng ngày dài nhất là {_MOST_DAYS} ngày")
    found = await run_in_threadpool(service.day_book.days, facility, first=first, last=last)
    return answer(dsKQGuiHoSoNgay=[day_of(one) for one in found])


@router.post(RECEPTION_OF_DAY_PATH)
async def read_transactions(request: Request, service: TheService, caller: Reader) -> JSONResponse:
    """Return a day's transactions."""
    asked = await _asked(request)
    facility = _facility_of(caller, asked, with_province=False)
    day = _day(asked, "ngayGui")
    found = await run_in_threadpool(service.day_book.of_day, facility, day)
    return answer(dsHoSo=[entry_of(one, write_day(day)) for one in found])


@router.post(ERROR_DETAIL_PATH)
async def read_errors(request: Request, service: TheService, caller: FindingReader) -> JSONResponse:
    """Return what stands in a transaction's way."""
    asked = await _asked(request)
    facility = _facility_of(caller, asked, with_province=False)
    return await run_in_threadpool(_errors, service, caller, facility, asked.get("maGiaoDich", ""))


def _errors(service: Service, caller: Principal, facility: FacilityCode, number: str) -> JSONResponse:
    submission_id = service.day_book.find(facility, number)
    if submission_id is None:
        raise Refusal(WRONG_PARAMETER, "Không có giao dịch này")
    submission = service.submissions.get(submission_id, within=caller.within)
    return answer(dsLoi=errors_of(submission, service.submissions.findings(submission_id)))


async def _receive(
    service: Service, caller: Principal, facility: FacilityCode, bundle: bytes | None
) -> Received:
    received = await run_in_threadpool(
        service.receive, _sendable(service, bundle), facility=facility, actor=caller.id
    )
    state = received.submission.state
    if state in _NEVER_SENT:
        raise Refusal(
            WRONG_CONTENT, f"{state_of(state)}: hồ sơ này không được gửi nữa, hãy lập tệp hồ sơ mới"
        )
    return received


def _sendable(service: Service, file: bytes | None) -> bytes:
    """Return a file that was sent, if there is one and it is not too large."""
    if file is None:
        raise Refusal(WRONG_PARAMETER, "Tệp hồ sơ không phải Base64")
    if not file.strip():
        raise Refusal(EMPTY, "Tệp hồ sơ trống")
    if len(file) > service.settings.max_body_bytes:
        raise Refusal(TOO_LARGE, "Tệp hồ sơ quá lớn")
    return file


def _enter(request: Request, service: Service) -> str:
    """Return the caller's address, if anybody may sign in from there."""
    door = Door.of(service.settings)
    peer = request.client.host if request.client is not None else ""
    if not door.admits(peer, request.headers):
        raise Refusal(NOT_ALLOWED, "Địa chỉ này không được phép kết nối", status=problems.NOT_ADMITTED)
    return door.address_of(peer, request.headers)


def _read_sent(body: bytes, content_type: str) -> tuple[Mapping[str, str], bytes | None]:
    fields = dict(read_fields(body, content_type=content_type))
    bundle = read_file(fields.pop(_FILE, b""))
    return {name: value.decode("utf-8", "replace") for name, value in fields.items()}, bundle


def _read_earlier(body: bytes, content_type: str) -> bytes | None:
    named = read_fields(body, content_type=content_type)
    return read_file(named[_FILE]) if _FILE in named else read_bare_file(body)


def _query(request: Request) -> dict[str, str]:
    return {spell(name): value for name, value in request.query_params.items()}


def _fields(request: Request, body: bytes) -> Mapping[str, str]:
    fields = read_fields(body, content_type=request.headers.get("content-type", ""))
    return {name: value.decode("utf-8", "replace") for name, value in fields.items()}


async def _asked(request: Request) -> Mapping[str, str]:
    """Return what a read asks for: in the query, in the body, or some of both."""
    return {**_fields(request, await request.body()), **_query(request)}


def _facility_of(caller: Principal, named: Mapping[str, str], *, with_province: bool = True) -> FacilityCode:
    """Return the caller's facility, if it is the one that the request names."""
    facility = caller.own_facility()
    if named.get("username", caller.id.partition(":")[2]) != caller.id.partition(":")[2]:
        raise UnknownKey
    if named.get("maCSKCB", facility) != facility:
        raise Refusal(NOT_ALLOWED, "Tài khoản không được gửi hồ sơ cho cơ sở KBCB này")
    if with_province and named.get("maTinh") != province_of(facility):
        raise Refusal(WRONG_PARAMETER, "maTinh sai")
    return facility


def _day(asked: Mapping[str, str], name: str) -> date:
    day = read_day(asked.get(name, ""))
    if day is None or day.year not in _YEARS:
        raise Refusal(WRONG_PARAMETER, f"{name} phải có dạng DD/MM/YYYY")
    return day
