"""Who looks at a page: the person signed in, and that every route says what its viewer must be allowed.

A form counts only with the token of the session that it was shown in. The token is derived from the session's
secret, so that nothing more is stored and a page that leaks it does not leak the session.
"""

import hmac
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, ImmutableMultiDict
from starlette.responses import Response

from claims.console.errors import FormExpired, NoText
from claims.exchange.access.acting import act_as
from claims.exchange.access.bounds import bind
from claims.exchange.access.errors import NotSignedIn
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Principal
from claims.exchange.access.sessions import SignedIn
from claims.runtime.wiring import Service

#: Over TLS: only this host, no other path. Plain HTTP is for loopback, where browsers differ about that name.
_SECURE_COOKIE: Final = "__Host-ehoso"
_PLAIN_COOKIE: Final = "ehoso"
_SAFE: Final = frozenset({"GET", "HEAD"})
#: What browsers say of a request that this site's own page, or the person, began.
_OWN_SITE: Final = frozenset({"same-origin", "none", ""})


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person signed in.

    Attributes:
        name: How the page addresses the person.
        token: What every form of this session brings back, so that no other site can send one.
    """

    principal: Principal
    name: str
    token: str

    @property
    def id(self) -> str:
        """What histories name."""
        return self.principal.id

    def may(self, action: str, facility: str | None = None) -> bool:
        """Return whether the person may do something: to this facility's records, or at all."""
        return self.principal.may(action, facility)


async def service_of(request: Request) -> Service:
    """Return the service that the app was made with."""
    service = request.app.state.service
    if not isinstance(service, Service):
        raise TypeError(type(service))
    return service


TheService = Annotated[Service, Depends(service_of)]


async def form_of(request: Request, service: TheService) -> FormData:
    """Return the form that was sent, read once however many ask; what is pasted may be as long as a file.

    Raises:
        NoText: A field of it is none.
    """
    form = await request.form(max_part_size=service.settings.max_body_bytes)
    require_text(form)
    return form


TheForm = Annotated[FormData, Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Sees:
    """A dependency that lets only those through who may do something, and only forms of their own session."""

    action: str

    def __post_init__(self) -> None:
        load_policy().action(self.action)  # an unknown one stops start-up

    async def __call__(self, request: Request, service: TheService) -> Viewer:
        """Return who looks, if he may.

        Raises:
            NotSignedIn: Nobody is signed in, or not completely.
            NoText: The address holds what is no text.
            FormExpired: A form came without the session's token.
            AccessDenied: He may not.
        """
        require_text(request.query_params)
        signed_in = await run_in_threadpool(find_session, request, service)
        token = form_token(session_token(request))
        if request.method not in _SAFE:
            require_own_form(request, await form_of(request, service), token)
        # Before it is asked what he may: an error page shows who is signed in as well.
        viewer = Viewer(signed_in.principal, signed_in.person.name, token)
        request.state.viewer = viewer
        principal = signed_in.principal.allowed(self.action)
        bind(principal.within)
        act_as(principal.id)
        return replace(viewer, principal=principal)


def sees(action: str) -> Any:  # noqa: ANN401 - FastAPI's own marker has no type
    """Name the action of the table of rights that a page is.

    Written as ``viewer: Annotated[Viewer, sees("claim.read")]``.
    """
    return Depends(Sees(action))


def find_session(request: Request, service: Service) -> SignedIn:
    """Return the session that a request shows.

    Raises:
        NotSignedIn: It shows none that lives.
    """
    token = session_token(request)
    if not token:
        raise NotSignedIn
    return service.sessions.find(token)


def session_token(request: Request) -> str:
    """Return the token that the browser shows; empty when there is none."""
    return request.cookies.get(_cookie_name(request), "")


def keep_session(request: Request, response: Response, token: str) -> None:
    """Give the browser a session's token, or with an empty one take it away."""
    keep_cookie(request, response, _cookie_name(request), token, max_age=None if token else 0)


def keep_cookie(request: Request, response: Response, name: str, value: str, *, max_age: int | None) -> None:
    """Give the browser a cookie that scripts and other sites' forms do not see."""
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def form_token(session: str) -> str:
    """Return what forms of a session bring back."""
    return hmac.digest(session.encode(), b"forms", "sha256").hex()[:32] if session else ""


def require_text(fields: ImmutableMultiDict[str, Any]) -> None:
    """Pass what holds text that can be stored and looked for.

    Raises:
        NoText: It holds a NUL.
    """
    if any("\0" in text for pair in fields.multi_items() for text in pair if isinstance(text, str)):
        raise NoText


def require_own_form(request: Request, form: FormData, token: str) -> None:
    """Pass a form that a page of this session sent.

    Raises:
        FormExpired: It is not one.
    """
    require_own_site(request)
    sent = form.get("token")
    if not isinstance(sent, str) or not token or not hmac.compare_digest(sent.encode(), token.encode()):
        raise FormExpired


def require_own_site(request: Request) -> None:
    """Pass a request that no other site made the browser send.

    Raises:
        FormExpired: Another one did.
    """
    if request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITE:
        raise FormExpired
    origin = request.headers.get("Origin", "")
    if origin not in ("", f"{request.url.scheme}://{request.url.netloc}"):
        raise FormExpired


def own_cookie_name(request: Request, what: str) -> str:
    """Return the name of another cookie of the console, bound to this host where that is possible."""
    return f"{_cookie_name(request)}-{what}"


def _cookie_name(request: Request) -> str:
    return _SECURE_COOKIE if _is_secure(request) else _PLAIN_COOKIE


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
