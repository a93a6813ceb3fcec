"""The gateway's calls that do something: sign in, send a claim, tell that a patient has come."""

from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from claims.api.access import TheService
from claims.api.dropin.requests import READABLE, fields_of, query_of
from claims.api.dropin.results import number_of, refusal_of, state_of
from claims.api.dropin.sessions import enter, facility_of, signed_in
from claims.api.dropin.speaking import (
    EMPTY,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    TOO_LARGE,
    WRONG_CONTENT,
    WRONG_PARAMETER,
    GatewayRoute,
    Refusal,
    answer,
    refusal_of_gateway,
)
from claims.api.pacing import one_by_one, require_turn, take_turn
from claims.api.talks import talk
from claims.exchange.access.errors import UnknownKey
from claims.exchange.access.principal import Principal
from claims.exchange.errors import CheckInRefused, GatewayError
from claims.exchange.lifecycle import State
from claims.exchange.receive import Received
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import (
    DECISION_3176,
    DECISION_4210,
    GENERATIONS,
    TOKEN_PATH,
    Carries,
    province_of,
    write_reception_time,
)
from claims.gateway.receiving import read_bare_file, read_fields, read_file
from claims.runtime.wiring import Service

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)

_FILE: Final = "fileHSBase64"
_TOO_LARGE: Final = "Tệp hồ sơ quá lớn"
#: Bytes of before that will not go to the gateway any more.
_NEVER_SENT: Final = frozenset({State.SUPERSEDED, State.WITHDRAWN})


Sender = Annotated[Principal, signed_in("submission.submit")]


@router.post(TOKEN_PATH)
async def take_token(request: Request, service: TheService) -> JSONResponse:
    """Sign in with a name and the digest of a password."""
    address = enter(request, service)
    fields = await fields_of(request)
    if not (fields.get("username") and fields.get("password")):
        raise Refusal(NOT_SIGNED_IN, f"Thiếu username hoặc password. {READABLE}")
    username, password = fields.get("username", ""), fields.get("password", "")
    pace, counted = service.dropin_sign_in_pace, (f"name {username}", f"address {address}")
    async with one_by_one(*counted):
        for who in counted:
            await require_turn(pace, who)
        try:
            session = await run_in_threadpool(
                service.dropin_desk.sign_in, username, password, address=address
            )
        except UnknownKey:
            # Guesses are counted, and they alone: there is software that signs in for every claim.
            for who in counted:
                await take_turn(pace, who)
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
    facility = _sending_facility(caller, named)
    if named.get("loaiHoSo") != DECISION_3176.claim_kind:
        raise Refusal(WRONG_PARAMETER, f"loaiHoSo phải là {DECISION_3176.claim_kind}")
    received = await _receive(service, caller, facility, bundle)
    return answer(
        maGiaoDich=number_of(received.submission),
        thoiGianTiepNhan=write_reception_time(received.submission.received_at),
        thongDiep="Tiếp nhận thành công" if received.is_new else "Hồ sơ đã được tiếp nhận trước đó",
    )


async def send_earlier_claim(request: Request, service: TheService, caller: Sender) -> JSONResponse:
    """Take a claim as the older calls hand it over: the session in the query, the file as the body."""
    await take_turn(service.intake_pace, caller.own_facility())
    named = query_of(request)
    facility = _sending_facility(caller, named, hint="Trường này nằm trong địa chỉ (query)")
    if named.get("loaiHoSo") != DECISION_4210.claim_kind:
        raise Refusal(WRONG_PARAMETER, "Chỉ nhận hồ sơ khám chữa bệnh (loaiHoSo 3)")
    body, content_type = await request.body(), request.headers.get("content-type", "")
    # An array of byte values is told to be too long before each of them becomes a number.
    if body.count(b",") >= service.settings.max_body_bytes:
        raise Refusal(TOO_LARGE, _TOO_LARGE)
    bundle = await run_in_threadpool(_read_earlier, body, content_type)
    received = await _receive(service, caller, facility, bundle)
    return answer(maGiaoDich=number_of(received.submission))


async def send_check_in(request: Request, service: TheService, caller: Sender) -> JSONResponse:
    """Take a check-in and pass it on; its answer is the gateway's."""
    if not service.settings.check_ins:
        raise Refusal(NOT_ALLOWED, "Cơ sở chưa bật gửi trạng thái KCB qua dịch vụ này")
    await take_turn(service.intake_pace, caller.own_facility())
    body, content_type = await request.body(), request.headers.get("content-type", "")
    named, file = await run_in_threadpool(_read_sent, body, content_type)
    facility = _sending_facility(caller, named)
    if named.get("loaiHoSo") != DECISION_3176.check_in_kind:
        raise Refusal(WRONG_PARAMETER, f"loaiHoSo phải là {DECISION_3176.check_in_kind}")
    document = _sendable(service, file)
    try:
        done = await talk(request, lambda: service.send_check_in(document, facility=facility))
    except CheckInRefused as refusal:
        raise refusal_of(refusal) from None
    except GatewayError as error:
        raise refusal_of_gateway(error) from None
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
        raise Refusal(TOO_LARGE, _TOO_LARGE)
    return file


def _read_sent(body: bytes, content_type: str) -> tuple[Mapping[str, str], bytes | None]:
    fields = dict(read_fields(body, content_type=content_type))
    bundle = read_file(fields.pop(_FILE, b""))
    return {name: value.decode("utf-8", "replace") for name, value in fields.items()}, bundle


def _read_earlier(body: bytes, content_type: str) -> bytes | None:
    named = read_fields(body, content_type=content_type)
    return read_file(named[_FILE]) if _FILE in named else read_bare_file(body)


def _sending_facility(caller: Principal, named: Mapping[str, str], *, hint: str = READABLE) -> FacilityCode:
    """Return the caller's facility, if the request names it as the gateway wants it named."""
    for field in ("maCSKCB", "maTinh"):
        if not named.get(field):
            raise Refusal(WRONG_PARAMETER, f"Thiếu {field}. {hint}")
    facility = facility_of(caller, named)
    if named["maTinh"] != province_of(facility):
        raise Refusal(WRONG_PARAMETER, f"maTinh phải là {province_of(facility)}")
    return facility
