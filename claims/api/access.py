"""Access: who calls, and that every route says what a caller needs."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from claims.api.known_queries import refuse_unknown_query
from claims.api.single_headers import refuse_repeated_headers
from claims.exchange.access.acting import act_as
from claims.exchange.access.bounds import bind
from claims.exchange.access.errors import UnknownKey
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Principal
from claims.runtime.proxies import TrustedProxies
from claims.runtime.wiring import Service

_BEARER = HTTPBearer(auto_error=False, scheme_name="API key", description="`ehs_…`, one per facility")


async def service_of(request: Request) -> Service:
    """Return the service that the app was made with."""
    service = request.app.state.service
    if not isinstance(service, Service):
        raise TypeError(type(service))
    return service


TheService = Annotated[Service, Depends(service_of)]


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency that lets only those through who may do something somewhere; where, the caller says.

    And of those only who asks for nothing but what the route has: whoever may not, is not told what that is.
    """

    action: str

    def __post_init__(self) -> None:
        load_policy().action(self.action)  # an unknown one stops start-up

    async def __call__(
        self,
        request: Request,
        service: TheService,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Principal:
        """Return the caller with the places where it may, if there are any."""
        refuse_repeated_headers(request)
        if credentials is None:
            raise UnknownKey
        token = credentials.credentials
        caller = service.who_calls.recall(token)
        if caller is None:
            certificate = TrustedProxies.of(service.settings).certificate_of(request)
            caller = await run_in_threadpool(service.who_calls, token, certificate=certificate)
        admitted = _admit(caller, self.action)
        await refuse_unknown_query(request)
        return admitted


def known_caller(request: Request, service: Service, action: str) -> Principal | None:
    """Return a caller who showed the same key a moment ago, as `Requires` would; None: ask `Requires`.

    Raises:
        AccessDenied: It may not do that.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = service.who_calls.recall(token) if scheme.lower() == "bearer" else None
    return None if caller is None else _admit(caller, action)


def _admit(caller: Principal, action: str) -> Principal:
    allowed = caller.allowed(action)
    bind(allowed.within)
    act_as(caller.id)
    return allowed


def may(action: str) -> Any:  # noqa: ANN401 - FastAPI's own marker has no type
    """Name the action (``policy.toml``) that a route is; beside `Principal` in its caller's annotation."""
    return Depends(Requires(action))
