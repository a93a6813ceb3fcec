"""Problems: every error the API answers, as RFC 9457 documents. The only place that knows status codes.

``code`` is stable and part of the API; ``title`` and ``detail`` are for people and may change.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.api.languages import language_of
from claims.api.problem_details import in_vietnamese
from claims.api.problem_titles import VIETNAMESE
from claims.building.errors import CannotBuild
from claims.building.reasons import Told, told_of_building, told_of_reading
from claims.bundle.messages import LANGUAGES
from claims.checking.details import detail, detail_to_json
from claims.emr.errors import MalformedEncounter
from claims.errors import ClaimsError
from claims.exchange import errors
from claims.exchange.access import errors as access_errors
from claims.exchange.batches import describe_fault
from claims.exchange.submit_encounter import WrongFacility
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.validation import told, unfit

MEDIA_TYPE = "application/problem+json"
#: What `/readyz` answers while the service cannot do its work.
NOT_READY = 503
#: How the drop-in intake, which speaks the gateway's protocol and no problem documents, answers where its
#: result code alone would not do.
NOT_ADMITTED = 403
TOO_MANY_REQUESTS = 429
#: What a page answers that is switched off.
NOT_FOUND = 404
#: What a caller is told whose copy is still right.
NOT_MODIFIED = 304
#: So many of what is wrong with a request stand in its detail as well; all of them in ``errors``.
_ERRORS_TOLD = 3
#: Where the service itself explains its problems; a problem's ``type`` is a place on this page.
PAGE = "/docs/problems"

_SLASHES: Final = re.compile("/+")

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
    access_errors.UnknownKey: Kind("unauthenticated", 401, "No valid API key"),
    access_errors.AccessDenied: Kind("forbidden", 403, "Not allowed"),
    access_errors.KeyNotFound: Kind("not-found", 404, "No such key or client"),
    access_errors.TooManyKeys: Kind("too-many-keys", 409, "Two keys are live"),
    access_errors.UnusableKey: Kind("unusable-key", 422, "Not a public key that counts"),
    access_errors.ProtectedRecord: Kind("protected-record", 403, "A specially protected record"),
    access_errors.NotSignedIn: Kind("unauthenticated", 401, "No valid API key"),
    errors.UnknownFacility: Kind("unknown-facility", 422, "Unknown facility"),
    errors.SubmissionNotFound: Kind("not-found", 404, "No such submission"),
    errors.CheckInRefused: Kind("check-in-refused", 422, "The check-in was not sent"),
    errors.GatewayRefused: Kind("gateway-refused", 422, "The insurer's gateway refused it"),
    errors.GatewayError: Kind(
        "gateway-unavailable", 503, "No answer from the insurer's gateway", retryable=True
    ),
    errors.NothingToShow: Kind("nothing-to-show", 422, "The bytes hold no claim that can be shown"),
    errors.DataRequestNotFound: Kind("not-found", 404, "No such request about personal data"),
    errors.DataRequestClosed: Kind("data-request-closed", 409, "The request takes no more of this"),
    errors.NoCorrection: Kind("no-correction", 422, "That submission corrects nothing of the request"),
    errors.NothingHeld: Kind("nothing-held", 422, "The facility has no claim of this person"),
    errors.TooMuchHeld: Kind("too-much-held", 422, "More is held about the person than one file takes"),
    errors.ReplayNotFound: Kind("not-found", 404, "No such replay"),
    errors.BatchNotFound: Kind("not-found", 404, "No such batch"),
    errors.UnusableBatch: Kind("unusable-batch", 422, "The batch cannot be read"),
    errors.ReviewNotFound: Kind("not-found", 404, "No review of such a claim"),
    errors.ReviewChanged: Kind("review-changed", 409, "Nothing is asked about this claim now"),
    errors.UnsoundDecision: Kind("invalid-request", 422, "The request cannot be read"),
    errors.CannotErase: Kind("cannot-erase", 409, "It is under way, held, or must be kept longer"),
    errors.AlreadyErased: Kind("already-erased", 409, "Its content was erased"),
    errors.HeldAgain: Kind("held-again", 409, "It was held again since it was looked at"),
    errors.CannotWithdraw: Kind("cannot-withdraw", 409, "The gateway has it, or may have it"),
    errors.ReplayEnded: Kind("replay-ended", 409, "The replay has ended"),
    errors.NotYetLogged: Kind("not-yet-logged", 503, "Not in the log yet", retryable=True),
    errors.NotInLog: Kind("not-in-log", 404, "Not in the log"),
    errors.InvalidCursor: Kind("invalid-cursor", 400, "Invalid cursor"),
    errors.WebhookNotFound: Kind("not-found", 404, "No such webhook or delivery"),
    errors.TooManyWebhooks: Kind("too-many-webhooks", 409, "A facility has this many webhooks at most"),
    errors.TwoSecretsLive: Kind("two-secrets-live", 409, "The webhook has two secrets"),
    errors.WebhookDisabled: Kind("webhook-disabled", 409, "The webhook is switched off"),
    UnusableAddress: Kind("unusable-address", 422, "Nothing is sent to this address"),
    TargetUnreachable: Kind("unusable-address", 422, "Nothing is sent to this address"),
    errors.IdempotencyMismatch: Kind("idempotency-mismatch", 422, "Idempotency-Key used with another body"),
    errors.EmptyBundle: Kind("empty-body", 422, "The body is empty"),
    errors.EmptySelection: Kind("empty-selection", 422, "A replay needs a condition"),
    errors.NothingToAdjust: Kind("nothing-to-adjust", 409, "Nothing of the claim is not paid"),
    errors.NoSigningKey: Kind("no-signing-key", 409, "No signing key for this facility"),
    access_errors.TooManyRequests: Kind("too-many-requests", 429, "Too many requests", retryable=True),
    errors.StoreUnavailable: Kind(
        "unavailable", 503, "The service cannot store anything now", retryable=True
    ),
    WrongFacility: Kind("wrong-facility", 403, "Another facility's encounter"),
    MalformedEncounter: Kind("malformed-encounter", 422, "The encounter document cannot be read"),
    CannotBuild: Kind("cannot-build", 422, "No claim can be made from this encounter"),
}
#: What clients that ask for a token are told (RFC 6749, 5.2), which is no problem document.
OAUTH_STATUS: Mapping[str, int] = {"invalid_client": 401, "invalid_scope": 400, "unsupported_grant_type": 400}
INTERNAL = Kind("internal", 500, "The service failed", retryable=True)
TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
ENCODED = Kind("encoded-body", 415, "The body is compressed")
INVALID = Kind("invalid-request", 422, "The request cannot be read")
_FAILED: Mapping[str, str] = {
    "en": "the service failed; it has been noted under this request_id",
    "vi": "dịch vụ gặp lỗi; lỗi đã được ghi lại theo request_id này",
}
#: Of an answer that nobody waits for any more; the measurements tell it from what was refused.
LEFT = 499
#: What the framework itself refuses.
BY_STATUS: Mapping[int, Kind] = {
    400: Kind("bad-request", 400, "Bad request"),
    404: Kind("not-found", 404, "No such resource"),
    405: Kind("method-not-allowed", 405, "Method not allowed"),
    413: TOO_LARGE,
    415: ENCODED,
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
    app.add_exception_handler(ClientDisconnect, _left)
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
                request = Request(scope)
                said = _said_of_status(request, kind, kind.title)
                await answer(request, kind, said)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_problem if scope["type"] == "http" else send)


def _is_plain_refusal(message: Message) -> bool:
    is_plain = Headers(raw=message["headers"]).get("Content-Type", "").startswith("text/plain")
    return is_plain and message["status"] in BY_STATUS


def answer(request: Request, kind: Kind, said: Mapping[str, str], **extra: object) -> JSONResponse:
    """Return a problem document, with what is said of it in the reader's language."""
    language = language_of(request)
    title = VIETNAMESE.get(kind.code, kind.title) if language == "vi" else kind.title
    problem = Problem(
        type=f"{PAGE}#{kind.code}",
        title=title,
        status=kind.status,
        code=kind.code,
        detail=said[language],
        instance=request.url.path,
        request_id=correlation_id.get(),
        retryable=kind.retryable,
        **extra,
    )
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if kind.status == 401:  # noqa: PLR2004 - RFC 9110, 11.6.1
        headers["WWW-Authenticate"] = "Bearer"
    if kind.retryable:
        headers["Retry-After"] = "5"
    return JSONResponse(problem.model_dump(), kind.status, headers, MEDIA_TYPE)


def _claims_error(request: Request, error: Exception) -> JSONResponse:
    kind = next((KINDS[one] for one in type(error).__mro__ if one in KINDS), None)
    if kind is None:
        return _internal_error(request, error)
    response = answer(request, kind, _told(error), **_facts(error))
    if isinstance(error, access_errors.TooManyRequests):
        response.headers.update(pace_headers(error.limit, 0, error.retry_after_s))
    if isinstance(error, access_errors.TooManyRequests | errors.GatewayError) and error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def pace_headers(limit: int, remaining: int, reset_s: int) -> dict[str, str]:
    """Return what tells a program how fast it may go on."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(reset_s),
    }


def _told(error: Exception) -> Mapping[str, str]:
    """Return what a person reads of an error, by language."""
    match error:
        case MalformedEncounter() | CannotBuild():
            each = _each(error)
            return {one: _listed([told.sentence(one) for told in each], one) for one in LANGUAGES}
        case errors.UnusableBatch():
            english = describe_fault(error, "en")
        case _:
            english = str(error)
    return {"en": english, "vi": in_vietnamese(error)}


def _each(error: MalformedEncounter | CannotBuild) -> Sequence[Told]:
    if isinstance(error, CannotBuild):
        return [told_of_building(one) for one in error.reasons]
    return [told_of_reading(one.code, one.pointer, one.detail) for one in error.problems]


def _facts(error: Exception) -> dict[str, object]:
    """Return what a program can use of an error."""
    match error:
        case MalformedEncounter() | CannotBuild():
            return {"errors": [one.to_json() for one in _each(error)]}
        case errors.CheckInRefused():
            return {"findings": [detail_to_json(detail(one, None)) for one in error.findings]}
        case errors.UnusableBatch():
            return {"reason": error.reason}
        case errors.HeldAgain():
            return {"newest_hold_at": error.newest_hold_at.isoformat()}
        case errors.IdempotencyMismatch():
            return {"made": error.made}
        case _:
            return {}


def _framework_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(type(error))
    kind = BY_STATUS.get(error.status_code, Kind("http-error", error.status_code, "HTTP error"))
    response = answer(request, kind, _said_of_status(request, kind, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


def _said_of_status(request: Request, kind: Kind, detail: str) -> Mapping[str, str]:
    match kind.code:
        case "not-found":
            said = {
                "en": f"there is nothing at {request.url.path}",
                "vi": f"không có gì ở {request.url.path}",
            }
            if meant := _meant_by(request):
                said["en"] += f"; did you mean {meant}?"
                said["vi"] += f"; có phải là {meant}?"
            return said
        case "method-not-allowed":
            return {
                "en": f"{request.method} is not taken here; the header Allow says what is",
                "vi": f"ở đây không nhận {request.method}; header Allow ghi những gì được nhận",
            }
        case "encoded-body":
            return {
                "en": f"Content-Encoding {detail} is not taken: send the bytes as they are, and many bundles "
                "as a ZIP file to /v1/batches",
                "vi": f"không nhận Content-Encoding {detail}: hãy gửi nguyên các byte, không nén; nhiều hồ "
                "sơ thì gửi tệp ZIP tới /v1/batches",
            }
        case "body-too-large":
            return {
                "en": "it is longer than is taken here: see /v1/limits; many bundles go to /v1/batches",
                "vi": "dài quá mức được nhận ở đây: xem /v1/limits; nhiều hồ sơ thì gửi tới /v1/batches",
            }
        case _:
            return {"en": detail, "vi": f"yêu cầu không đọc được ({detail})"}


def _meant_by(request: Request) -> str | None:
    """Return the path with no slash too many, if there is something."""
    asked = request.scope["path"]
    path = _SLASHES.sub("/", asked).rstrip("/")
    routes = request.app.router.routes if path != asked else []
    scope = {**request.scope, "path": path}
    return path if any(route.matches(scope)[0] is not Match.NONE for route in routes) else None


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error))
    found = [_UNLABELED if _is_unlabeled(request, one) else one for one in error.errors()]
    told_each = [
        {
            "pointer": _pointer(one),
            "code": one["type"],
            "detail": told(one),
            "message": {language: told(one, language) for language in LANGUAGES},
        }
        for one in found
    ]
    said = {
        language: _listed([f"{_pointer(one)}: {told(one, language)}" for one in found], language)
        for language in LANGUAGES
    }
    return answer(request, INVALID, said, errors=told_each)


#: A body that is sent without its media type, as by ``curl -d``, comes to the models as bytes.
_UNLABELED: Final = unfit(
    ("body",),
    "content-type",
    "is read with Content-Type: application/json only",
    "chỉ đọc được khi có Content-Type: application/json",
)


def _is_unlabeled(request: Request, error: Mapping[str, Any]) -> bool:
    is_bytes = error["type"] == "model_attributes_type" and isinstance(error.get("input"), bytes)
    return is_bytes and "json" not in request.headers.get("Content-Type", "").lower()


def _listed(sentences: Sequence[str], language: str) -> str:
    """Return the first of what is wrong, and how much more there is in ``errors``."""
    left = len(sentences) - _ERRORS_TOLD
    more = {"en": f"{left} more in errors", "vi": f"còn {left} lỗi nữa trong errors"}[language]
    return "; ".join([*sentences[:_ERRORS_TOLD], *([more] if left > 0 else [])])


def _pointer(error: Mapping[str, Any]) -> str:
    return "/" + "/".join(str(part) for part in error["loc"])


def _left(request: Request, error: Exception) -> Response:
    del error
    log.info("request.left", path=request.url.path)
    return Response(status_code=LEFT)


def _internal_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return answer(request, INTERNAL, _FAILED)
