"""People who sign in: found, added, closed, reset, given roles and freed of them.

A one-time password is shown once, on the page that answers the form; nothing keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.forms import text_of, typed_in
from claims.console.naming import Names, TheNames
from claims.console.pages import render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.errors import ClaimsError
from claims.exchange.access.errors import AccessDenied, IllegalGrant, LoginTaken, PersonNotFound
from claims.exchange.access.people import ONE_TIME_PASSWORD_FOR, Person, grant_of
from claims.exchange.access.places import FACILITY_LENGTH
from claims.exchange.access.policy import Role, load_policy
from claims.exchange.access.principal import Grant
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service

router = APIRouter()

PEOPLE: Final = "/people"
ONE: Final = f"{PEOPLE}/{{person_id}}"
_PAGE_SIZE: Final = 50
_LONGEST: Final = 100
_FIELDS: Final = ("login", "name", "role", "place")

Administrator = Annotated[Viewer, sees("user.manage")]
TheId = Annotated[str, Path(pattern="^usr_[0-9A-Z]{26}$")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form came to.

    Attributes:
        password: A one-time password, to be shown once.
        problem: Under which word it is kept what went wrong.
    """

    password: str = ""
    problem: str = ""


@router.get(PEOPLE)
def list_people(
    request: Request,
    service: TheService,
    _viewer: Administrator,
    names: TheNames,
    q: Annotated[str, Query(max_length=_LONGEST)] = "",
    after: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """Show people by login, found by the beginning of a login or by a part of a name."""
    return _list_page(request, service, names, q=q, after=after)


@router.post(PEOPLE)
def add_person(
    request: Request, service: TheService, viewer: Administrator, names: TheNames, form: TheForm
) -> Response:
    """Add somebody with a first role, and show the one-time password."""
    try:
        grant, name = _grant(service, form), _name(form)
        person, password = service.manage_people.add(
            text_of(form, "login"), name=name, grants=[grant], by=viewer.id
        )
    except (_Unfit, LoginTaken, IllegalGrant, ValueError) as error:
        return _list_page(request, service, names, problem=_problem(error), typed=form)
    return _person_page(request, service, viewer, names, person, Shown(password=password))


@router.get(ONE)
def show_person(
    request: Request, service: TheService, viewer: Administrator, names: TheNames, person_id: TheId
) -> Response:
    """Show somebody, and what can be done."""
    return _person_page(request, service, viewer, names, _find(service, person_id))


@router.post(f"{ONE}/reset")
def reset_person(
    request: Request, service: TheService, viewer: Administrator, names: TheNames, person_id: TheId
) -> Response:
    """Forget password and second factor of somebody who lost them; show a one-time password."""
    person = _another(service, viewer, person_id)
    try:
        shown = Shown(password=service.manage_people.reset(person.login))
    except AccessDenied:
        shown = Shown(problem="pp_elsewhere")
    return _person_page(request, service, viewer, names, _find(service, person_id), shown)


@router.post(f"{ONE}/close")
def close_account(service: TheService, viewer: Administrator, person_id: TheId) -> Response:
    """Close an account; what is open ends at once."""
    service.manage_people.disable(_another(service, viewer, person_id).login)
    return see_other(f"{PEOPLE}/{person_id}")


@router.post(f"{ONE}/reopen")
def reopen_account(service: TheService, viewer: Administrator, person_id: TheId) -> Response:
    """Open a closed account."""
    service.manage_people.enable(_another(service, viewer, person_id).login)
    return see_other(f"{PEOPLE}/{person_id}")


@router.post(f"{ONE}/roles")
def give_role(
    request: Request,
    service: TheService,
    viewer: Administrator,
    names: TheNames,
    form: TheForm,
    person_id: TheId,
) -> Response:
    """Give a role for a place."""
    person = _another(service, viewer, person_id)

    def give() -> None:
        """Give what the form says."""
        service.manage_people.grant(person.login, _grant(service, form), by=viewer.id)

    return _change_roles(request, service, viewer, names, person, give, form)


@router.post(f"{ONE}/roles/take")
def take_role(
    request: Request,
    service: TheService,
    viewer: Administrator,
    names: TheNames,
    form: TheForm,
    person_id: TheId,
) -> Response:
    """Take a role; one that he has not, or not any more, is as good as taken."""
    person = _another(service, viewer, person_id)

    def take() -> None:
        """Take what the form says."""
        grant = grant_of(text_of(form, "role"), text_of(form, "place"))
        service.manage_people.revoke(person.login, grant, by=viewer.id)

    return _change_roles(request, service, viewer, names, person, take, form)


class _Unfit(ClaimsError):
    """What was typed cannot be used; `word` says why."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def _change_roles(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    person: Person,
    change: Callable[[], None],
    typed: FormData,
) -> Response:
    try:
        change()
    except (_Unfit, IllegalGrant, AccessDenied) as error:
        shown = Shown(problem=_problem(error))
        return _person_page(request, service, viewer, names, person, shown, typed=typed)
    return see_other(f"{PEOPLE}/{person.id}")


def _list_page(
    request: Request,
    service: Service,
    names: Names,
    *,
    q: str = "",
    after: str = "",
    problem: str = "",
    typed: FormData | None = None,
) -> Response:
    found = service.people.find_some(q.strip(), after=after, limit=_PAGE_SIZE + 1)
    people, following = found[:_PAGE_SIZE], found[_PAGE_SIZE:]
    return render(
        request,
        "administrators/people.html",
        status=UNPROCESSABLE if problem else 200,
        people=people,
        q=q,
        next=page_url(PEOPLE, (("q", q), ("after", people[-1].login))) if following else "",
        first=page_url(PEOPLE, (("q", q),)) if after else "",
        names=names,
        roles=_roles(),
        role_of=load_policy().role,
        problem=problem,
        typed=typed_in(typed, *_FIELDS),
        now=service.clock.now(),
    )


def _person_page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    person: Person,
    shown: Shown = Shown(),
    *,
    typed: FormData | None = None,
) -> Response:
    return render(
        request,
        "administrators/person.html",
        status=UNPROCESSABLE if shown.problem else 200,
        person=person,
        grants=sorted(person.grants),
        is_oneself=person.id == viewer.id,
        hours=int(ONE_TIME_PASSWORD_FOR.total_seconds() // 3600),
        shown=shown,
        names=names,
        roles=_roles(),
        role_of=load_policy().role,
        typed=typed_in(typed, *_FIELDS),
        now=service.clock.now(),
    )


def _roles() -> list[Role]:
    return [role for role in load_policy().roles.values() if not role.is_machine]


def _find(service: Service, person_id: str) -> Person:
    person = service.people.find(person_id)
    if person is None:
        raise PersonNotFound(person_id)
    return person


def _another(service: Service, viewer: Viewer, person_id: str) -> Person:
    """Return somebody else than the viewer: nobody changes his own rights, or locks himself out."""
    person = _find(service, person_id)
    if person.id == viewer.id:
        raise AccessDenied("another administrator", "một quản trị viên khác")
    return person


def _grant(service: Service, form: FormData) -> Grant:
    """Return the role that a form gives, for a place that there is."""
    place = text_of(form, "place").upper()
    grant = grant_of(text_of(form, "role"), place)
    if len(place) == FACILITY_LENGTH and not service.facilities.name_of(FacilityCode(place)):
        raise _Unfit("pp_unknown_facility")
    return grant


def _name(form: FormData) -> str:
    name = text_of(form, "name")
    if not name:
        raise _Unfit("pp_no_name")
    return name


def _problem(error: Exception) -> str:
    """Return under which word it is kept what went wrong."""
    match error:
        case _Unfit():
            return error.word
        case LoginTaken():
            return "pp_login_taken"
        case IllegalGrant():
            return "pp_illegal_grant"
        case AccessDenied():
            return "pp_elsewhere"
        case _:
            return "pp_bad_login"
