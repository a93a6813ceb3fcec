"""OAuth clients: machines that sign with keys of their own; those of a facility, or of the service itself."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.forms import prose_of, text_of
from claims.console.naming import TheNames
from claims.console.pages import render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.access.clients import MOST_LIVE, Client
from claims.exchange.access.errors import AccessDenied, KeyNotFound, TooManyKeys, UnknownKey, UnusableKey
from claims.exchange.access.keys import Scope, givable_scopes, require_givable
from claims.exchange.facilities import find_code
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service

router = APIRouter()

CLIENTS: Final = "/clients"
ONE: Final = f"{CLIENTS}/{{client_id}}"
_LONGEST_LABEL: Final = 60

Reader = Annotated[Viewer, sees("key.read")]
Issuer = Annotated[Viewer, sees("key.issue")]
ClientId = Annotated[str, Path(pattern="^cli_[0-9a-f]{16}$")]
Thumbprint = Annotated[str, Path(pattern="^[0-9A-Za-z_-]{43}$")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new client is to be, as it was typed; a key that cannot be used is not shown again."""

    label: str = ""
    scopes: frozenset[Scope] = frozenset({Scope.SUBMIT, Scope.READ})
    is_bound: bool = False
    public_key: str = ""

    @classmethod
    def of(cls, form: FormData) -> "Wanted":
        """Read it from the form."""
        return cls(
            label=text_of(form, "label")[:_LONGEST_LABEL],
            scopes=frozenset(Scope(text) for text in form.getlist("scope") if text in set(Scope)),
            is_bound=form.get("bound") == "yes",
            public_key=prose_of(form, "public_key"),
        )

    @property
    def problem(self) -> str:
        """Under which word it is kept what is missing; empty where nothing is."""
        if not self.label:
            return "oc_no_label"
        return "" if self.scopes else "oc_no_scope"


@router.get(CLIENTS)
def list_clients(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    facility: Annotated[str, Query(pattern="^([0-9A-Z]{5})?$")] = "",
) -> Response:
    """Show the clients of a facility, or those of the service itself."""
    return _list_page(request, service, viewer, names, facility)


@router.post(CLIENTS)
def register_client(
    request: Request, service: TheService, viewer: Issuer, names: TheNames, form: TheForm
) -> Response:
    """Register a client by its public key."""
    facility, wanted = _facility_of(service, viewer, form), Wanted.of(form)
    if wanted.problem:
        return _list_page(request, service, viewer, names, facility or "", wanted, wanted.problem)
    require_givable(wanted.scopes, by=viewer.principal)
    try:
        client = service.manage_clients.register(
            wanted.public_key,
            facility=facility,
            scopes=wanted.scopes,
            label=wanted.label,
            is_bound=wanted.is_bound,
        )
    except UnusableKey as error:
        return _list_page(request, service, viewer, names, facility or "", wanted, f"oc_key_{error.why}")
    return see_other(f"{CLIENTS}/{client.id}")


@router.get(ONE)
def show_client(
    request: Request, service: TheService, viewer: Reader, names: TheNames, client_id: ClientId
) -> Response:
    """Show a client, its keys, and what can be changed."""
    return _one_page(request, service, viewer, names, _find(service, viewer, client_id))


@router.post(f"{ONE}/keys")
def add_key(
    request: Request, service: TheService, viewer: Issuer, names: TheNames, form: TheForm, client_id: ClientId
) -> Response:
    """Let it sign with another key too, until the old one is ended."""
    client = _find(service, viewer, client_id)
    try:
        service.manage_clients.add_key(client_id, prose_of(form, "public_key"))
    except UnusableKey as error:
        return _one_page(request, service, viewer, names, client, f"oc_key_{error.why}")
    except TooManyKeys:
        return _one_page(request, service, viewer, names, client, "oc_too_many")
    except UnknownKey:
        return _one_page(request, service, viewer, names, client, "oc_has_ended")
    return see_other(f"{CLIENTS}/{client_id}")


@router.post(f"{ONE}/keys/{{thumbprint}}/end")
def end_key(service: TheService, viewer: Issuer, client_id: ClientId, thumbprint: Thumbprint) -> Response:
    """End one of its keys."""
    _find(service, viewer, client_id)
    service.manage_clients.end_key(client_id, thumbprint)
    return see_other(f"{CLIENTS}/{client_id}")


@router.post(f"{ONE}/suspend")
def suspend_client(service: TheService, viewer: Issuer, client_id: ClientId) -> Response:
    """Suspend it until it is resumed."""
    _find(service, viewer, client_id)
    service.manage_clients.suspend(client_id)
    return see_other(f"{CLIENTS}/{client_id}")


@router.post(f"{ONE}/resume")
def resume_client(service: TheService, viewer: Issuer, client_id: ClientId) -> Response:
    """Let it call again."""
    _find(service, viewer, client_id)
    service.manage_clients.resume(client_id)
    return see_other(f"{CLIENTS}/{client_id}")


@router.post(f"{ONE}/end")
def end_client(service: TheService, viewer: Issuer, client_id: ClientId) -> Response:
    """End it for good, with every token that it has."""
    _find(service, viewer, client_id)
    service.manage_clients.revoke(client_id)
    return see_other(f"{CLIENTS}/{client_id}")


def _list_page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: TheNames,
    asked: str,
    wanted: Wanted = Wanted(),
    problem: str = "",
) -> Response:
    within = viewer.principal.reach("key.read")
    named = asked if within.covers(asked) else ""
    one = FacilityCode(named or within.only_facility or "") or None
    sees_any = within.reaches(one)
    may_issue = viewer.principal.reach("key.issue").reaches(one)
    return render(
        request,
        "administrators/clients.html",
        status=UNPROCESSABLE if problem else 200,
        asked=asked,
        facility=one,
        names=names,
        now=service.clock.now(),
        is_of_one=within.only_facility is not None,
        sees_any=sees_any,
        clients=service.clients.of_facility(one) if sees_any else (),
        may_issue=may_issue,
        scopes=givable_scopes(by=viewer.principal.allowed("key.issue")) if may_issue else (),
        wanted=wanted,
        problem=problem,
    )


def _one_page(
    request: Request, service: Service, viewer: Viewer, names: TheNames, client: Client, problem: str = ""
) -> Response:
    now = service.clock.now()
    return render(
        request,
        "administrators/client.html",
        status=UNPROCESSABLE if problem else 200,
        client=client,
        names=names,
        now=now,
        may_add=len(client.live_keys(now)) < MOST_LIVE,
        may_issue=viewer.principal.reach("key.issue").reaches(client.facility),
        may_see_log=viewer.may("audit.read"),
        token_address=max(service.grant_token.audiences, key=len),
        problem=problem,
    )


def _facility_of(service: Service, viewer: Viewer, form: FormData) -> FacilityCode | None:
    """Return whose a new client is to be; None: the service's own."""
    facility = viewer.principal.facility_within(text_of(form, "facility") or None)
    is_known = facility is None or (
        find_code(facility) == facility and service.facilities.name_of(facility) is not None
    )
    if not is_known or not viewer.principal.within.reaches(facility):
        raise AccessDenied("a facility that is registered", "một cơ sở đã đăng ký")
    return facility


def _find(service: Service, viewer: Viewer, client_id: str) -> Client:
    client = service.clients.find(client_id)
    if client is None or not viewer.principal.within.reaches(client.facility):
        raise KeyNotFound(client_id)
    return client
