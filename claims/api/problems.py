"""Problems: every error the API answers, as RFC 9457 documents. The only place that knows status codes.

``code`` is stable and part of the API; ``title`` and ``detail`` are for people and may change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.building.errors import CannotBuild
from claims.emr.errors import MalformedEncounter
from claims.errors import ClaimsError
from claims.exchange import errors
from claims.exchange.submit_encounter import WrongFacility

MEDIA_TYPE = "application/problem+json"
#: What `/readyz` answers while the service cannot do its work.
NOT_READY = 503
#: Where the service itself explains its problems; a problem's ``type`` is a place on this page.
PAGE = "/docs/problems"

log = structlog.get_logger()


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its stable code, its status and whether sending the same again can help."""

    code: str
    status: int
    title: str
    retryable: bool = False


#: Errors of the service and what the caller sees of them.
KINDS: Mapping[type[Exception], Kind] = {
    errors.UnknownKey: Kind("unauthenticated", 401, "No valid API key"),
    errors.AccessDenied: Kind("forbidden", 403, "Not allowed"),
    errors.UnknownFacility: Kind("unknown-facility", 422, "Unknown facility"),
    errors.SubmissionNotFound: Kind("not-found", 404, "No such submission"),
    errors.ReplayNotFound: Kind("not-found", 404, "No such replay"),
    errors.CannotWithdraw: Kind("cannot-withdraw", 409, "The gateway has it, or may have it"),
    errors.ReplayEnded: Kind("replay-ended", 409, "The replay has ended"),
    errors.InvalidCursor: Kind("invalid-cursor", 400, "Invalid cursor"),
    errors.IdempotencyMismatch: Kind("idempotency-mismatch", 422, "Idempotency-Key used with another body"),
    errors.EmptySelection: Kind("empty-selection", 422, "A replay needs a condition"),
    errors.NoSigningKey: Kind("no-signing-key", 409, "No signing key for this facility"),
    errors.StoreUnavailable: Kind(
        "unavailable", 503, "The service cannot store anything now", retryable=True
    ),
    WrongFacility: Kind("wrong-facility", 403, "Another facility's encounter"),
    MalformedEncounter: Kind("malformed-encounter", 422, "The encounter document cannot be read"),
    CannotBuild: Kind("cannot-build", 422, "No claim can be made from this encounter"),
}
INTERNAL = Kind("internal", 500, "The service failed", retryable=True)
INVALID = Kind("invalid-request", 422, "The request cannot be read")
#: What the framework itself refuses.
BY_STATUS: Mapping[int, Kind] = {
    400: Kind("bad-request", 400, "Bad request"),
    404: Kind("not-found", 404, "No such resource"),
    405: Kind("method-not-allowed", 405, "Method not allowed"),
    413: Kind("body-too-large", 413, "The body is too large"),
}


def every_kind() -> Sequence[Kind]:
    """Return each kind of problem once, by code."""
    kinds = {kind.code: kind for kind in (*KINDS.values(), INVALID, *BY_STATUS.values(), INTERNAL)}
    return [kinds[code] for code in sorted(kinds)]


def install(app: FastAPI) -> None:
    """Make the app answer every error as a problem document."""
    app.add_exception_handler(ClaimsError, _claims_error)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _internal_error)


class NoPlainErrors:
    """Turns the framework's plain-text refusal of a body that declares too great a length into a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but that one answer."""
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                replaced = True
                kind = BY_STATUS[message["status"]]
                await answer(Request(scope), kind, kind.title)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_problem if scope["type"] == "http" else send)


def _is_plain_refusal(message: Message) -> bool:
    is_plain = Headers(raw=message["headers"]).get("Content-Type", "").startswith("text/plain")
    return is_plain and message["status"] in BY_STATUS


def answer(request: Request, kind: Kind, detail: str, **extra: object) -> JSONResponse:
    """Return a problem document."""
    problem = Problem(
        type=f"{PAGE}#{kind.code}",
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=detail,
        instance=request.url.path,
        request_id=correlation_id.get(),
        retryable=kind.retryable,
        **extra,
    )
    headers = {"WWW-Authenticate": "Bearer"} if kind.status == 401 else {}  # noqa: PLR2004 - RFC 9110, 11.6.1
    if kind.retryable:
        headers["Retry-After"] = "5"
    return JSONResponse(problem.model_dump(), kind.status, headers, MEDIA_TYPE)


def _claims_error(request: Request, error: Exception) -> JSONResponse:
    kind = next((KINDS[one] for one in type(error).__mro__ if one in KINDS), None)
    if kind is None:
        return _internal_error(request, error)
    return answer(request, kind, str(error), **_facts(error))


def _facts(error: Exception) -> dict[str, object]:
    """Return what a program can use of an error."""
    match error:
        case MalformedEncounter():
            problems: Sequence[dict[str, str]] = [
                {"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.problems
            ]
            return {"errors": problems}
        case CannotBuild():
            return {
                "errors": [
                    {"code": one.code, "pointer": one.pointer, "detail": one.detail} for one in error.reasons
                ]
            }
        case errors.IdempotencyMismatch():
            return {"submission_id": error.submission_id}
        case _:
            return {}


def _framework_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(type(error))
    kind = BY_STATUS.get(error.status_code, Kind("http-error", error.status_code, "HTTP error"))
    response = answer(request, kind, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error))
    # The input is left out: it may hold what must not be repeated.
    problems = [
        {
            "pointer": "/" + "/".join(str(part) for part in one["loc"]),
            "code": one["type"],
            "detail": one["msg"],
        }
        for one in error.errors()
    ]
    return answer(request, INVALID, "see errors", errors=problems)


def _internal_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return answer(request, INTERNAL, "the service failed; it has been noted under this request_id")
