"""OAuth 2.0 tokens for clients: client credentials (RFC 6749, 4.4) with a signed statement (RFC 7523)."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from claims.api import problems
from claims.api.access import TheService
from claims.exchange.access.errors import ClientRefused
from claims.runtime.proxies import TrustedProxies

TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
_GRANT: Final = "client_credentials"
_STATEMENT: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOT_KEPT: Final = {"Cache-Control": "no-store"}

router = APIRouter(include_in_schema=False)


@router.post(TOKEN)
async def grant_token(
    request: Request,
    service: TheService,
    grant_type: Annotated[str, Form(max_length=100)] = "",
    client_assertion_type: Annotated[str, Form(max_length=100)] = "",
    client_assertion: Annotated[str, Form(max_length=8_000)] = "",
    scope: Annotated[str | None, Form(max_length=500)] = None,
) -> JSONResponse:
    """Return a short-lived token; over mutual TLS one that is bound to the certificate (RFC 8705)."""
    if grant_type != _GRANT:
        return _refuse("unsupported_grant_type")
    if client_assertion_type != _STATEMENT or not client_assertion:
        return _refuse("invalid_client")
    certificate = TrustedProxies.of(service.settings).certificate_of(request)
    scopes = None if scope is None else frozenset(scope.split())
    try:
        granted = await run_in_threadpool(
            service.grant_token, client_assertion, scopes=scopes, certificate=certificate
        )
    except ClientRefused as refused:
        return _refuse(refused.code)
    return JSONResponse(
        {
            "access_token": granted.token,
            "token_type": "Bearer",
            "expires_in": int(granted.lasts.total_seconds()),
            "scope": " ".join(sorted(granted.scopes)),
        },
        headers=_NOT_KEPT,
    )


def _refuse(code: str) -> JSONResponse:
    return JSONResponse({"error": code}, problems.OAUTH_STATUS[code], headers=_NOT_KEPT)
