"""Access: who calls, and that every route says what a caller needs."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from claims.exchange.access import Principal, Scope
from claims.exchange.errors import UnknownKey
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
    """A dependency that lets only holders of a scope through."""

    scope: Scope

    async def __call__(
        self,
        service: TheService,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Principal:
        """Return the caller, if it has the scope."""
        if credentials is None:
            raise UnknownKey
        caller = await run_in_threadpool(service.authenticate, credentials.credentials)
        caller.require(self.scope)
        return caller


Submitter = Annotated[Principal, Depends(Requires(Scope.SUBMIT))]
Reader = Annotated[Principal, Depends(Requires(Scope.READ))]
Operator = Annotated[Principal, Depends(Requires(Scope.OPERATE))]
