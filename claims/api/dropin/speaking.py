"""How the drop-in intake answers: the gateway's result codes, also for whatever goes wrong here."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from claims.api import problems
from claims.exchange.access.errors import AccessDenied, TooManyRequests, UnknownKey
from claims.exchange.errors import (
    NO_ACCOUNT,
    NOT_CONFIGURED,
    GatewayError,
    GatewayRefused,
    StoreUnavailable,
)
from claims.gateway.protocol import ACCEPTED

log = structlog.get_logger()

MALFORMED: Final = "201"
WRONG_CONTENT: Final = "202"
EMPTY: Final = "204"
WRONG_PARAMETER: Final = "205"
NOT_SIGNED_IN: Final = "401"
NOT_ALLOWED: Final = "403"
TOO_OFTEN: Final = "429"
FAILED_INSIDE: Final = "500"
TOO_LARGE: Final = "1001"


class Refusal(Exception):
    """The answer to a request that is not taken.

    Attributes:
        code: The gateway's code.
        text: What a person reads; in Vietnamese, as the gateway's.
        retry_after_s: When to come again, where that is known.
    """

    def __init__(self, code: str, text: str, *, status: int = 200, retry_after_s: int | None = None) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_s = retry_after_s


class GatewayRoute(APIRoute):
    """A route whose every answer speaks the gateway's protocol."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the gateway's answers around it."""
        handle = super().get_route_handler()

        async def speak(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except TooManyRequests as error:
                return _too_often(error)
            except Exception as error:
                refusal = _refusal_of(error)
                if refusal is None:
                    log.exception("request.failed", path=request.url.path, error=type(error).__name__)
                return refuse(refusal or _failed(problems.INTERNAL.status))

        return speak


def answer(**fields: object) -> JSONResponse:
    """Return what was asked for."""
    return JSONResponse({"maKetQua": ACCEPTED, **fields})


def refuse(refusal: Refusal, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal. The status says little in this protocol: clients read the code."""
    document = {"maKetQua": refusal.code, "thongDiep": refusal.text}
    headers = dict(headers or {})
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    return JSONResponse(document, refusal.status, headers)


def refusal_of_gateway(error: GatewayError) -> Refusal:
    """Return what to answer where the gateway refused, in its own code, or gave no answer."""
    code = error.cause.removeprefix("gateway.")
    # That it does not know a session is about ours, not about the caller's.
    is_said = code.isdecimal() and code != NOT_SIGNED_IN
    if error.cause == NOT_CONFIGURED:
        return Refusal(NOT_ALLOWED, "Dịch vụ chưa được nối với cổng")
    if error.cause == NO_ACCOUNT or (isinstance(error, GatewayRefused) and code.startswith("login.")):
        return Refusal(NOT_ALLOWED, "Dịch vụ không đăng nhập được cổng bằng tài khoản của cơ sở")
    if isinstance(error, GatewayRefused):
        return Refusal(code if is_said else WRONG_CONTENT, f"Cổng từ chối: {error.cause}")
    return Refusal(
        code if is_said else FAILED_INSIDE,
        "Cổng chưa trả lời, hãy gửi lại",
        status=problems.NOT_READY,
        retry_after_s=error.retry_after_s,
    )


def _too_often(error: TooManyRequests) -> JSONResponse:
    text = f"Gửi quá nhanh, hãy thử lại sau {error.retry_after_s} giây"
    return refuse(
        Refusal(TOO_OFTEN, text, status=problems.TOO_MANY_REQUESTS, retry_after_s=error.retry_after_s),
        problems.pace_headers(error.limit, 0, error.retry_after_s),
    )


def _refusal_of(error: Exception) -> Refusal | None:
    """Return what to answer, or None where nobody foresaw this."""
    match error:
        case Refusal():
            return error
        case UnknownKey():
            return Refusal(NOT_SIGNED_IN, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
        case AccessDenied():
            return Refusal(NOT_ALLOWED, "Tài khoản không được làm việc này")
        case HTTPException():
            return _of_status(error)
        case StoreUnavailable():
            return _failed(problems.NOT_READY)
        case _:
            return None


def _of_status(error: HTTPException) -> Refusal:
    if error.status_code == problems.TOO_LARGE.status:
        return Refusal(TOO_LARGE, "Tệp quá lớn", status=error.status_code)
    if error.status_code == problems.ENCODED.status:
        text = "Không nhận nội dung bị nén (Content-Encoding); hãy gửi nguyên các byte"
        return Refusal(WRONG_PARAMETER, text, status=error.status_code)
    return Refusal(WRONG_PARAMETER, "Yêu cầu không đọc được", status=error.status_code)


def _failed(status: int) -> Refusal:
    return Refusal(FAILED_INSIDE, "Lỗi hệ thống, chưa tiếp nhận; hãy gửi lại", status=status)
