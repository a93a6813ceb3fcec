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
from claims.exchange.errors import StoreUnavailable
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
    """

    def __init__(self, code: str, text: str, *, status: int = 200) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status


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
    return JSONResponse(document, refusal.status, dict(headers or {}))


def _too_often(error: TooManyRequests) -> JSONResponse:
    text = f"Gửi quá nhanh, hãy thử lại sau {error.retry_after_s} giây"
    headers = problems.pace_headers(error.limit, 0, error.retry_after_s)
    return refuse(
        Refusal(TOO_OFTEN, text, status=problems.TOO_MANY_REQUESTS),
        headers | {"Retry-After": str(error.retry_after_s)},
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
    return Refusal(WRONG_PARAMETER, "Yêu cầu không đọc được", status=error.status_code)


def _failed(status: int) -> Refusal:
    return Refusal(FAILED_INSIDE, "Lỗi hệ thống, chưa tiếp nhận; hãy gửi lại", status=status)
