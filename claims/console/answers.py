"""What the console answers besides pages: where to go next, and errors as pages. Knows the status codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import structlog
from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from claims.console.addresses import is_own, page_url
from claims.console.errors import FormExpired, NoText
from claims.console.pages import render
from claims.errors import ClaimsError
from claims.exchange import errors
from claims.exchange.access import errors as access_errors

log = structlog.get_logger()

SEE_OTHER: Final = 303
NOT_FOUND: Final = 404
UNPROCESSABLE: Final = 422
CONFLICT: Final = 409


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of error page: its status and the name under which its words are kept."""

    status: int
    word: str


KINDS: Final[Mapping[type[Exception], Kind]] = {
    access_errors.AccessDenied: Kind(403, "denied"),
    access_errors.ProtectedRecord: Kind(403, "protected"),
    FormExpired: Kind(403, "form_expired"),
    NoText: Kind(400, "bad_request"),
    access_errors.NoRoleGiven: Kind(403, "no_role"),
    access_errors.ProviderUnavailable: Kind(503, "provider_down"),
    access_errors.TooManyAttempts: Kind(429, "too_many"),
    errors.ReviewNotFound: Kind(404, "not_found"),
    errors.SubmissionNotFound: Kind(404, "not_found"),
    errors.ReplayNotFound: Kind(404, "not_found"),
    errors.UnknownFacility: Kind(404, "not_found"),
    access_errors.PersonNotFound: Kind(404, "not_found"),
    access_errors.KeyNotFound: Kind(404, "not_found"),
    errors.InvalidCursor: Kind(400, "bad_request"),
    errors.StoreUnavailable: Kind(503, "unavailable"),
}
_BY_STATUS: Final = {
    404: "not_found",
    405: "not_found",
    400: "bad_request",
    422: "bad_request",
    413: "too_large",
}
_INTERNAL: Final = Kind(500, "internal")
_INVALID: Final = Kind(422, "bad_request")


def see_other(path: str, query: tuple[tuple[str, str], ...] = ()) -> Response:
    """Send the reader on to a page of the console, after a form."""
    return RedirectResponse(page_url(path, query), SEE_OTHER)


def go_to(address: str) -> Response:
    """Send the reader on to an address that `is_own` has approved of, or to the OpenID provider."""
    return RedirectResponse(address, SEE_OTHER)


def install(app: FastAPI) -> None:
    """Make the app answer every error as a page."""
    app.add_exception_handler(access_errors.NotSignedIn, _sign_in_first)
    app.add_exception_handler(ClaimsError, _claims_error)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _internal_error)


def error_page(request: Request, kind: Kind) -> Response:
    """Return an error as a page that says what happened and what to do next."""
    return render(
        request,
        "error.html",
        status=kind.status,
        kind=kind.word,
        back=_form_of(request),
        request_id=correlation_id.get() or "",
    )


def _form_of(request: Request) -> str:
    """Return the page whose form was not taken, to go back to; empty where it is not known."""
    told = urlsplit(request.headers.get("Referer", ""))
    address = f"{told.path}?{told.query}" if told.query else told.path
    return address if request.method == "POST" and is_own(address) else ""


def _sign_in_first(request: Request, _error: Exception) -> Response:
    wanted = str(request.url.path)
    if request.url.query:
        wanted += f"?{request.url.query}"
    is_reading = request.method == "GET"
    return see_other("/signin", (("next", wanted if is_reading else _form_of(request)),))


def _claims_error(request: Request, error: Exception) -> Response:
    kind = next((KINDS[one] for one in type(error).__mro__ if one in KINDS), None)
    return _internal_error(request, error) if kind is None else error_page(request, kind)


def _framework_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else _INTERNAL.status
    return error_page(request, Kind(status, _BY_STATUS.get(status, "internal")))


def _invalid_request(request: Request, _error: Exception) -> Response:
    return error_page(request, _INVALID)


def _internal_error(request: Request, error: Exception) -> Response:
    # The route's pattern, not its address, which may name a claim.
    log.error("page.failed", route=_pattern(request), error=type(error).__name__, exc_info=error)
    return error_page(request, _INTERNAL)


def _pattern(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", ""))
