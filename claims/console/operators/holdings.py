"""What facilities have with the service: certificates, API keys and lists, each with its dates."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.naming import Names, TheNames
from claims.console.operators.overview import endings
from claims.console.operators.telling import telling
from claims.console.pages import render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.access.errors import AccessDenied, KeyNotFound
from claims.exchange.access.keys import Scope, givable_scopes, require_givable
from claims.exchange.access.places import Place, Reach
from claims.exchange.facilities import find_code
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service

router = APIRouter()

HOLDINGS: Final = "/holdings"
_READ: Final = "certificate.read"
_SHOWN: Final = 200
_EVER: Final = timedelta(days=36_500)
_SOON: Final = timedelta(days=30)
_LONGEST_LABEL: Final = 60

Issuer = Annotated[Viewer, sees("key.issue")]
KeyId = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What making a key came to: its text, which is kept nowhere, or under which word it is kept why not."""

    key: str = ""
    problem: str = ""


@router.get(HOLDINGS)
def holdings(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees(_READ)],
    names: TheNames,
    facility: Annotated[str, Query(pattern="^([0-9A-Z]{5})?$")] = "",
) -> Response:
    """Show the certificates that may sign by their ends; or all that one facility has."""
    return _page(request, service, viewer, names, facility)


@router.post(f"{HOLDINGS}/keys")
def make_key(
    request: Request, service: TheService, viewer: Issuer, names: TheNames, form: TheForm
) -> Response:
    """Make a key of a facility; its text is shown once."""
    named = str(form.get("facility", ""))
    facility = viewer.principal.facility_within(named or None)
    if facility is None or find_code(facility) != facility or service.facilities.name_of(facility) is None:
        raise AccessDenied("a facility that is registered", "một cơ sở đã đăng ký")
    scopes = frozenset(Scope(text) for text in form.getlist("scope") if text in set(Scope))
    label = str(form.get("label", "")).strip()[:_LONGEST_LABEL]
    keys, now = service.api_keys.of_facility(facility), service.clock.now()
    if not label or not label.isprintable():
        shown = Shown(problem="hs_no_label")
    elif not scopes:
        shown = Shown(problem="op_no_scope")
    elif any(key.label == label and key.is_live(now) for key in keys):
        # Also when the page that showed the key is loaded again.
        shown = Shown(problem="hs_label_taken")
    else:
        require_givable(scopes, by=viewer.principal)
        shown = Shown(key=service.issue_key(facility=facility, scopes=scopes, label=label))
    return _page(request, service, viewer, names, facility, shown)


@router.post(f"{HOLDINGS}/keys/{{key_id}}/end")
def end_key(service: TheService, viewer: Issuer, key_id: KeyId) -> Response:
    """End a key for good."""
    key = service.api_keys.find(key_id)
    if key is None or not viewer.principal.within.reaches(key.facility):
        raise KeyNotFound(key_id)
    service.api_keys.revoke(key_id, at=service.clock.now())
    return see_other(HOLDINGS, (("facility", key.facility or ""),))


def _page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    asked: str,
    shown: Shown = Shown(),
) -> Response:
    now, within = service.clock.now(), viewer.principal.reach(_READ)
    named = asked if within.covers(asked) else ""
    one = FacilityCode(named or within.only_facility or "") or None
    reach = within if one is None else Reach.of(Place(one))
    found = endings(service.operating.certificates(reach), until=now + _EVER)
    catalogue = (
        service.catalogues.find(one) if one is not None and viewer.may("catalogue.read", one) else None
    )
    may_issue = one is not None and viewer.may("key.issue", one)
    return render(
        request,
        "operators/holdings.html",
        status=UNPROCESSABLE if shown.problem else 200,
        asked=asked,
        facility=one,
        is_of_one=within.only_facility is not None,
        certificates=found[:_SHOWN],
        left=max(0, len(found) - _SHOWN),
        registrations=() if one is None else service.registrations.of_facility(one),
        keys=service.api_keys.of_facility(one) if one is not None and viewer.may("key.read", one) else (),
        may_issue=may_issue,
        may_see_clients=viewer.principal.reach("key.read").reaches(one),
        scopes=givable_scopes(by=viewer.principal.allowed("key.issue")) if may_issue else (),
        shown=shown,
        catalogue=catalogue,
        lists=[]
        if catalogue is None
        else [(str(kind), len(table)) for kind, table in catalogue.tables.items()],
        soon=now + _SOON,
        **telling(request, names, now),
    )
