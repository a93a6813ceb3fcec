"""Facilities: found, registered one by one or from a list, renamed, given their accounts at the gateway."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.catalogues.problems import CatalogueProblem, describe_problem, gravest_first
from claims.catalogues.sheets import ENDINGS
from claims.console.addresses import page_url
from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.forms import file_of, text_of, typed_in
from claims.console.pages import language_of, render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.errors import UnknownFacility
from claims.exchange.facilities import (
    MANAGE,
    Facility,
    Registered,
    find_code,
    find_name,
    read_facility_list,
)
from claims.exchange.ports import Account, CardStaff
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import hash_password
from claims.runtime.wiring import Service

router = APIRouter()

FACILITIES: Final = "/facilities"
ONE: Final = f"{FACILITIES}/{{code}}"
_PAGE_SIZE: Final = 50
_LONGEST: Final = 255
_MOST_PROBLEMS: Final = 200

Administrator = Annotated[Viewer, sees(MANAGE)]
TheCode = Annotated[str, Path(pattern="^[0-9A-Z]{5}$")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form came to.

    Attributes:
        done: What a list came to.
        problem: Under which word it is kept what went wrong.
        rows: What is wrong with rows of a list.
    """

    done: Registered | None = None
    problem: str = ""
    rows: Sequence[CatalogueProblem] = ()


@router.get(FACILITIES)
def list_facilities(
    request: Request,
    service: TheService,
    _viewer: Administrator,
    q: Annotated[str, Query(max_length=_LONGEST)] = "",
    after: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """Show facilities by code, found by the beginning of a code or by a part of a name."""
    return _list_page(request, service, q=q, after=after)


@router.post(FACILITIES)
def add_facility(request: Request, service: TheService, _viewer: Administrator, form: TheForm) -> Response:
    """Register a facility; one that is registered keeps its name."""
    code, name = find_code(text_of(form, "code")), find_name(text_of(form, "name"))
    if code is None or name is None:
        return _list_page(
            request, service, Shown(problem="fa_bad_name" if code else "fa_bad_code"), typed=form
        )
    if service.facilities.find(code) is not None:
        return _list_page(request, service, Shown(problem="fa_known"), typed=form)
    service.facilities.add(code, name=name, at=service.clock.now())
    return see_other(f"{FACILITIES}/{code}")


@router.post(f"{FACILITIES}/list")
async def add_list(request: Request, service: TheService, _viewer: Administrator, form: TheForm) -> Response:
    """Register all facilities of a list, or none where a row cannot be used."""
    shown = await run_in_threadpool(_register_list, service, *await file_of(form))
    return await run_in_threadpool(_list_page, request, service, shown)


@router.get(ONE)
def show_facility(request: Request, service: TheService, _viewer: Administrator, code: TheCode) -> Response:
    """Show a facility, and what can be changed."""
    return _one_page(request, _find(service, code))


@router.post(f"{ONE}/name")
def rename_facility(
    request: Request, service: TheService, _viewer: Administrator, form: TheForm, code: TheCode
) -> Response:
    """Give it another name."""
    facility, name = _find(service, code), find_name(text_of(form, "name"))
    if name is None:
        return _one_page(request, facility, "fa_bad_name", typed=form)
    service.facilities.add(facility.code, name=name, at=service.clock.now())
    return see_other(f"{FACILITIES}/{code}")


@router.post(f"{ONE}/account")
def set_account(
    request: Request, service: TheService, _viewer: Administrator, form: TheForm, code: TheCode
) -> Response:
    """Keep how it signs in at the gateway; the password is sealed and never shown."""
    facility, username = _find(service, code), find_name(text_of(form, "username"))
    password = str(form.get("password", ""))
    if username is None or not password:
        return _one_page(request, facility, "fa_no_account", typed=form)
    service.gateway_accounts.put(facility.code, Account(username, hash_password(password)))
    return see_other(f"{FACILITIES}/{code}")


@router.post(f"{ONE}/card-staff")
def set_card_staff(
    request: Request, service: TheService, _viewer: Administrator, form: TheForm, code: TheCode
) -> Response:
    """Keep in whose name it looks up cards; both are sealed and never shown."""
    facility, name = _find(service, code), find_name(text_of(form, "staff"))
    citizen_id = text_of(form, "citizen_id")
    if name is None or not (citizen_id.isascii() and citizen_id.isdigit()):
        return _one_page(request, facility, "fa_no_staff", typed=form)
    if facility.gateway_username is None:
        return _one_page(request, facility, "fa_account_first", typed=form)
    service.gateway_accounts.put_card_staff(facility.code, CardStaff(name, citizen_id))
    return see_other(f"{FACILITIES}/{code}")


def _register_list(service: Service, name: str, data: bytes) -> Shown:
    ending = FilePath(name).suffix.lower()
    if not data or ending not in ENDINGS:
        return Shown(problem="fa_no_list")
    with TemporaryDirectory(prefix="ehoso-list-") as folder:
        path = FilePath(folder) / f"list{ending}"
        path.write_bytes(data)
        found = read_facility_list(path, FilePath(name).name[:_LONGEST])
    rows = gravest_first(found.problems)[:_MOST_PROBLEMS]
    if found.has_errors or not found.names:
        return Shown(problem="fa_bad_list", rows=rows)
    return Shown(done=service.facilities.add_all(found.names, at=service.clock.now()), rows=rows)


def _list_page(
    request: Request,
    service: Service,
    shown: Shown = Shown(),
    *,
    q: str = "",
    after: str = "",
    typed: FormData | None = None,
) -> Response:
    found = service.facilities.find_some(q.strip(), after=after, limit=_PAGE_SIZE + 1)
    some, following = found[:_PAGE_SIZE], found[_PAGE_SIZE:]
    language = language_of(request)
    return render(
        request,
        "administrators/facilities.html",
        status=UNPROCESSABLE if shown.problem else 200,
        facilities=some,
        q=q,
        next=page_url(FACILITIES, (("q", q), ("after", some[-1].code))) if following else "",
        first=page_url(FACILITIES, (("q", q),)) if after else "",
        shown=shown,
        done=None if shown.done is None else asdict(shown.done),
        describe_problem=lambda problem: describe_problem(problem, language),
        endings=",".join(ENDINGS),
        typed=typed_in(typed, "code", "name"),
    )


def _one_page(
    request: Request, facility: Facility, problem: str = "", *, typed: FormData | None = None
) -> Response:
    return render(
        request,
        "administrators/facility.html",
        status=UNPROCESSABLE if problem else 200,
        facility=facility,
        problem=problem,
        typed=typed_in(typed, "name", "username", "staff"),
    )


def _find(service: Service, code: str) -> Facility:
    facility = service.facilities.find(FacilityCode(code))
    if facility is None:
        raise UnknownFacility(code)
    return facility
