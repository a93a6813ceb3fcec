"""Signing in through an OpenID provider: sending browsers there and taking them back."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from claims.console.account import Next, client_of, go_on, render_sign_in
from claims.console.answers import NOT_FOUND, go_to, see_other
from claims.console.viewer import TheService, keep_cookie, own_cookie_name
from claims.exchange.access.errors import ProviderRefused
from claims.exchange.access.provider import LASTS, Answer, SignInThroughProvider
from claims.runtime.wiring import Service

router = APIRouter(prefix="/signin/provider")
log = structlog.get_logger()

_COOKIE: Final = "provider"
Said = Annotated[str, Query(max_length=4_000)]


@router.get("")
def go_there(request: Request, service: TheService, after: Next = "") -> Response:
    """Send the browser to the provider."""
    begun = _provider(service).begin(after)
    response = go_to(begun.address)
    max_age = int(LASTS.total_seconds())
    keep_cookie(request, response, own_cookie_name(request, _COOKIE), begun.cookie, max_age=max_age)
    return response


@router.get("/answer")
def come_back(
    request: Request,
    service: TheService,
    state: Said = "",
    code: Said = "",
    iss: Said = "",
    error: Said = "",
) -> Response:
    """Open a session for whom the provider vouches, or say in one sentence that it did not work."""
    name = own_cookie_name(request, _COOKIE)
    # What the provider says instead of a code is shown to nobody: anybody can write it into an address.
    answer = Answer(state, "" if error else code, iss)
    try:
        opened, after = _provider(service).finish(request.cookies.get(name, ""), answer, client_of(request))
    except ProviderRefused as refused:
        log.warning("sign_in.refused", reason=refused.reason)
        response = render_sign_in(request, service, problem="provider_refused")
    else:
        response = go_on(request, opened, after)
    keep_cookie(request, response, name, "", max_age=0)
    return response


@router.get("/out")
def leave(service: TheService) -> Response:
    """Send whoever has signed out here to the provider, to sign out there too."""
    address = _provider(service).provider.sign_out_address()
    return see_other("/signin") if address is None else go_to(address)


def _provider(service: Service) -> SignInThroughProvider:
    if service.provider is None:
        raise HTTPException(NOT_FOUND)
    return service.provider
