"""Who calls: an address that may come near, a session, and the one facility that it speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from claims.api import problems
from claims.api.access import TheService
from claims.api.dropin.door import Door
from claims.api.dropin.requests import query_of
from claims.api.dropin.speaking import NOT_ALLOWED, NOT_SIGNED_IN, Refusal
from claims.exchange.access.bounds import bind
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Principal
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import ACCESS_TOKEN_HEADER, ID_TOKEN_HEADER, PASSWORD_HEADER
from claims.runtime.wiring import Service


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A dependency that lets only a session through that may do something.

    The claims of today carry their session in headers, the older calls in the query.
    """

    action: str

    def __post_init__(self) -> None:
        load_policy().action(self.action)

    async def __call__(self, request: Request, service: TheService) -> Principal:
        """Return the caller, if it may."""
        address = enter(request, service)
        query, headers = query_of(request), request.headers
        caller = await run_in_threadpool(
            service.dropin_desk.recognize,
            query.get("token") or headers.get(ACCESS_TOKEN_HEADER, ""),
            query.get("id_token") or headers.get(ID_TOKEN_HEADER, ""),
            query.get("password") or headers.get(PASSWORD_HEADER, ""),
            address=address,
        )
        allowed = caller.allowed(self.action)
        bind(allowed.within)
        return allowed


def signed_in(action: str) -> Any:  # noqa: ANN401 - FastAPI's own marker has no type
    """Name the action that a call is; beside `Principal` in its caller's annotation."""
    return Depends(SignedIn(action))


def enter(request: Request, service: Service) -> str:
    """Return the caller's address, if anybody may sign in from there."""
    door = Door.of(service.settings)
    peer = request.client.host if request.client is not None else ""
    if not door.admits(peer, request.headers):
        raise Refusal(NOT_ALLOWED, "Địa chỉ này không được phép kết nối", status=problems.NOT_ADMITTED)
    return door.address_of(peer, request.headers)


def facility_of(caller: Principal, named: Mapping[str, str]) -> FacilityCode:
    """Return the caller's facility, unless the request names another, or another account."""
    facility = caller.own_facility()
    username = caller.id.partition(":")[2]
    if named.get("username", username) != username:
        raise Refusal(NOT_SIGNED_IN, "username không phải của phiên làm việc này")
    if named.get("maCSKCB", facility) != facility:
        raise Refusal(NOT_ALLOWED, "Tài khoản không được làm việc cho cơ sở KBCB này")
    return facility
