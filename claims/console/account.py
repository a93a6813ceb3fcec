"""Signing in and out, a password of one's own, the code generator; and what all may choose.

Each step of signing in has its page; a session that is not complete is led to the one that is missing.
"""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from claims import qr
from claims.console.addresses import is_own, page_url
from claims.console.answers import NOT_FOUND, UNPROCESSABLE, go_to, see_other
from claims.console.navigation import visible_places
from claims.console.pages import preferences_of, render
from claims.console.preferences import COOKIE, KEYS, THEMES, Preferences
from claims.console.viewer import (
    TheForm,
    TheService,
    Viewer,
    find_session,
    form_token,
    keep_cookie,
    keep_session,
    require_own_form,
    require_own_site,
    sees,
    session_token,
)
from claims.console.wording import LANGUAGES
from claims.exchange.access.attempts import Client
from claims.exchange.access.errors import NotSignedIn, SignInRefused, TooManyAttempts, WeakPassword
from claims.exchange.access.passkeys import UsePasskeys
from claims.exchange.access.session import Stage
from claims.exchange.access.sign_in import Opened
from claims.runtime.wiring import Service

router = APIRouter()

#: Pages that are open to whoever is not signed in, or not completely.
PUBLIC: Final = frozenset(
    {
        "/",
        "/signin",
        "/signin/code",
        "/signin/password",
        "/signin/generator",
        "/signin/passkey",
        "/signin/provider",
        "/signin/provider/answer",
        "/signin/provider/out",
        "/preferences",
    }
)
_DEVICE_COOKIE: Final = "device"
_YEAR_S: Final = 365 * 24 * 3600
_STEPS: Final = {
    Stage.SECOND_FACTOR: "/signin/code",
    Stage.PASSWORD: "/signin/password",
    Stage.ENROLL: "/signin/generator",
}
_LONGEST: Final = 400

Next = Annotated[str, Query(alias="next", max_length=2_000)]


@router.get("/")
def start(request: Request, service: TheService) -> Response:
    """Lead to the first place that the person may see, or to the step of signing in that is missing."""
    signed_in = find_session(request, service)
    if not signed_in.is_complete:
        return see_other(_STEPS[signed_in.session.stage])
    principal = signed_in.principal
    viewer = Viewer(principal, signed_in.person.name, "")
    places = visible_places(viewer)
    return see_other(places[0].path if places else "/help")


@router.get("/signin")
def sign_in_page(request: Request, service: TheService, after: Next = "", left: str = "") -> Response:
    """Ask for name and password, or offer the provider at which people sign in."""
    return render_sign_in(request, service, after=after, has_left=bool(left))


def render_sign_in(
    request: Request,
    service: Service,
    *,
    after: str = "",
    name: str = "",
    problem: str = "",
    has_left: bool = False,
) -> Response:
    """Return the page that asks who somebody is, with what was wrong before."""
    return render(
        request,
        "signin.html",
        status=UNPROCESSABLE if problem else 200,
        next=after,
        name=name,
        problem=problem,
        has_provider=service.provider is not None,
        has_left=has_left and service.provider is not None,
    )


@router.post("/signin")
def sign_in(request: Request, service: TheService, form: TheForm) -> Response:
    """Open a session, or say in one sentence that it did not work."""
    require_own_site(request)
    name, after = _text(form, "name"), _text(form, "next")
    try:
        opened = service.sign_in.with_password(name, _text(form, "password"), client_of(request))
    except (SignInRefused, TooManyAttempts) as error:
        return render_sign_in(request, service, after=after, name=name, problem=_problem(error))
    return go_on(request, opened, after)


@router.get("/signin/code")
def code_page(request: Request, service: TheService, after: Next = "") -> Response:
    """Ask for the code of the generator."""
    return _code(request, service, after)


@router.post("/signin/code")
def use_code(request: Request, service: TheService, form: TheForm) -> Response:
    """Go on with a code."""
    code, client = _text(form, "code"), client_of(request)
    return _advance(
        request, service, form, _code, lambda token: service.sign_in.with_code(token, code, client)
    )


@router.get("/signin/password")
def password_page(request: Request, service: TheService, after: Next = "") -> Response:
    """Ask for a password of one's own, in place of the one that somebody else has seen."""
    return _password(request, service, after)


@router.post("/signin/password")
def change_password(request: Request, service: TheService, form: TheForm) -> Response:
    """Choose a password."""
    old, new, client = _text(form, "old"), _text(form, "new"), client_of(request)
    return _advance(
        request,
        service,
        form,
        _password,
        lambda token: service.sign_in.change_password(token, old=old, new=new, client=client),
    )


@router.get("/signin/generator")
def generator_page(request: Request, service: TheService, after: Next = "") -> Response:
    """Show what a code generator is set up with."""
    return _generator(request, service, after)


@router.post("/signin/generator")
def confirm_generator(request: Request, service: TheService, form: TheForm) -> Response:
    """Prove that the generator works."""
    code, client = _text(form, "code"), client_of(request)
    return _advance(
        request, service, form, _generator, lambda token: service.sign_in.confirm_totp(token, code, client)
    )


@router.get("/signin/passkey")
def passkey_page(request: Request, service: TheService, after: Next = "") -> Response:
    """Ask for a passkey as the second factor, or offer to register one."""
    return _passkey(request, service, after)


@router.post("/signin/passkey")
def use_passkey(request: Request, service: TheService, form: TheForm) -> Response:
    """Go on with what the browser answered."""
    answer, client = _text(form, "credential", longest=20_000), client_of(request)
    passkeys = _passkeys(service)

    def use(token: str) -> Opened:
        """Prove with the passkey, or register it."""
        if passkeys.stage_of(token) is Stage.SECOND_FACTOR:
            return passkeys.prove(token, answer, client)
        return passkeys.register(token, answer)

    return _advance(request, service, form, _passkey, use)


@router.post("/signout")
def sign_out(
    request: Request, service: TheService, _viewer: Annotated[Viewer, sees("account.use")]
) -> Response:
    """End the session."""
    is_provided = find_session(request, service).session.method == "oidc"
    service.sessions.end(session_token(request))
    # Not straight to the provider: browsers hold a form's redirections to `form-action` as well.
    response = see_other("/signin", (("left", "1"),) if is_provided else ())
    keep_session(request, response, "")
    return response


@router.get("/help")
def help_page(request: Request, _viewer: Annotated[Viewer, sees("account.use")]) -> Response:
    """Explain the pages and their keys."""
    return render(request, "help.html")


@router.post("/preferences")
def choose(request: Request, form: TheForm) -> Response:
    """Keep what the reader chose for all pages, and go back to where he was."""
    require_own_site(request)
    now = preferences_of(request)
    chosen = Preferences(
        _one_of(form, "language", LANGUAGES, now.language),
        _one_of(form, "theme", THEMES, now.theme),
        _one_of(form, "keys", KEYS, now.keys),
    )
    back = _text(form, "back", longest=2_000)
    response = go_to(back if is_own(back) else page_url("/"))
    keep_cookie(request, response, COOKIE, chosen.as_cookie(), max_age=_YEAR_S)
    return response


def _advance(
    request: Request,
    service: TheService,
    form: FormData,
    page: Callable[[Request, TheService, str, Exception | None], Response],
    take: Callable[[str], Opened],
) -> Response:
    """Take a step of signing in with a session's token: go on, or show its page with what was wrong."""
    token, after = _own(request, form), _text(form, "next")
    try:
        opened = take(token)
    except (SignInRefused, TooManyAttempts, WeakPassword) as error:
        return page(request, service, after, error)
    return go_on(request, opened, after)


def _code(request: Request, service: TheService, after: str, error: Exception | None = None) -> Response:
    return _step(request, service, Stage.SECOND_FACTOR, "signin_code.html", after, error)


def _password(request: Request, service: TheService, after: str, error: Exception | None = None) -> Response:
    return _step(request, service, Stage.PASSWORD, "signin_password.html", after, error)


def _step(
    request: Request,
    service: TheService,
    stage: Stage,
    template: str,
    after: str,
    error: Exception | None = None,
    **values: object,
) -> Response:
    """Return the page of a step, or lead to the one that is due."""
    session = find_session(request, service).session
    if session.stage is not stage:
        return see_other(_STEPS.get(session.stage, "/"))
    status = 200 if error is None else UNPROCESSABLE
    token = form_token(session_token(request))
    return render(
        request,
        template,
        status=status,
        next=after,
        token=token,
        problem=_problem(error),
        has_passkeys=service.passkeys is not None,
        **values,
    )


def _generator(request: Request, service: TheService, after: str, error: Exception | None = None) -> Response:
    session = find_session(request, service).session
    if session.stage is not Stage.ENROLL:
        return see_other(_STEPS.get(session.stage, "/"))
    made = service.sign_in.begin_totp(session_token(request))
    # Black on white in both colour schemes: cameras need it.
    values = {"secret": made.secret, "image": qr.svg(made.uri)}
    return _step(request, service, Stage.ENROLL, "signin_generator.html", after, error, **values)


def _passkey(request: Request, service: TheService, after: str, error: Exception | None = None) -> Response:
    token, passkeys = session_token(request), _passkeys(service)
    is_proof = passkeys.stage_of(token) is Stage.SECOND_FACTOR
    return render(
        request,
        "signin_passkey.html",
        status=200 if error is None else UNPROCESSABLE,
        next=after,
        token=form_token(token),
        problem=_problem(error),
        ceremony="prove" if is_proof else "register",
        options=passkeys.offer_proof(token) if is_proof else passkeys.offer_registration(token),
    )


def _passkeys(service: TheService) -> UsePasskeys:
    if service.passkeys is None:
        raise HTTPException(NOT_FOUND)
    return service.passkeys


def _own(request: Request, form: FormData) -> str:
    """Return the token of the session whose form this is."""
    token = session_token(request)
    if not token:
        raise NotSignedIn
    require_own_form(request, form, form_token(token))
    return token


def go_on(request: Request, opened: Opened, after: str) -> Response:
    """Lead on from a step of signing in, with the session's new token."""
    if opened.stage is Stage.FULL:
        response = go_to(after if is_own(after) else page_url("/"))
    else:
        response = see_other(_STEPS[opened.stage], (("next", after),))
    keep_session(request, response, opened.token)
    if opened.device:
        keep_cookie(request, response, _DEVICE_COOKIE, opened.device, max_age=_YEAR_S)
    return response


def client_of(request: Request) -> Client:
    """Return from where somebody tries to sign in."""
    address = "" if request.client is None else request.client.host
    return Client(address, request.cookies.get(_DEVICE_COOKIE, ""))


def _problem(error: Exception | None) -> str:
    """Return under which word it is kept what went wrong."""
    match error:
        case None:
            return ""
        case TooManyAttempts():
            return "slow_sign_in"
        case WeakPassword():
            return f"weak_{error.reason}"
        case _:
            return "wrong_sign_in"


def _text(form: FormData, name: str, *, longest: int = _LONGEST) -> str:
    value = form.get(name, "")
    return value[:longest] if isinstance(value, str) else ""


def _one_of(form: FormData, name: str, known: tuple[str, ...], now: str) -> str:
    value = _text(form, name)
    return value if value in known else now
