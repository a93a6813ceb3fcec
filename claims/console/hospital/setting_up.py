"""The first day of a facility, as one page that needs nobody from an IT department.

A key for the hospital's software, the certificate that signs, price lists, and a trial that sends nothing.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from claims.building.build import build_bundle
from claims.catalogues.columns import list_specs
from claims.catalogues.loading import catalogue_files, load_catalogue
from claims.catalogues.problems import CatalogueProblem, Weight, describe_problem, gravest_first
from claims.catalogues.sheets import ENDINGS
from claims.checking.check import check_bundle
from claims.checking.formats.checked import describe_check
from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.forms import file_of
from claims.console.naming import Names, TheNames
from claims.console.operators.telling import telling
from claims.console.pages import language_of, render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import words
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.exchange.access.keys import ApiKey, Scope
from claims.exchange.errors import IllegalRegistration, TooManyCertificates, UnfitCertificate
from claims.exchange.registrations import Note
from claims.exchange.submission import FacilityCode
from claims.localtime import local_date
from claims.runtime.wiring import Service
from signing.certificate_files import find_own_certificate

router = APIRouter()

SETUP: Final = "/setup"
_SCOPES: Final = frozenset({Scope.SUBMIT, Scope.READ, Scope.MANAGE})
_LONGEST_LABEL: Final = 60
_MOST_PROBLEMS: Final = 200
_SOON: Final = timedelta(days=30)
_SEED: Final = 7
_FILE: Final = re.compile(r"[a-z_]{1,40}\.(?:csv|tsv|txt|xlsx)", re.ASCII)

Manager = Annotated[Viewer, sees("catalogue.manage")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the last step came to, to be shown once.

    Attributes:
        key: A new key's text, which is kept nowhere.
        problem: Under which word it is kept what went wrong, at the step that it names.
        rows: What is wrong with the rows of a list.
    """

    step: str = ""
    key: str = ""
    problem: str = ""
    file: str = ""
    is_kept: bool = False
    rows: Sequence[CatalogueProblem] = ()
    trial: Mapping[str, Any] | None = None


@router.get(SETUP)
def setup(request: Request, service: TheService, viewer: Manager, names: TheNames) -> Response:
    """Show the steps, and which of them are done."""
    return _page(request, service, viewer, names, Shown())


@router.post(f"{SETUP}/key")
def make_key(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("key.issue")],
    names: TheNames,
    form: TheForm,
) -> Response:
    """Make a key for the hospital's software; its text is shown once."""
    facility = viewer.principal.own_facility()
    label = str(form.get("label", "")).strip()[:_LONGEST_LABEL]
    if not label:
        return _page(request, service, viewer, names, Shown("key", problem="hs_no_label"))
    if any(key.label == label and key.is_live(service.clock.now()) for key in _keys(service, facility)):
        # Also when the page that showed the key is loaded again.
        return _page(request, service, viewer, names, Shown("key", problem="hs_label_taken"))
    text = service.issue_key(facility=facility, scopes=_SCOPES, label=label)
    return _page(request, service, viewer, names, Shown("key", key=text))


@router.post(f"{SETUP}/certificate")
async def register_certificate(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("certificate.register")],
    names: TheNames,
    form: TheForm,
) -> Response:
    """Register the certificate that signs for the facility."""
    data = await file_of(form)
    problem = await run_in_threadpool(_register, service, viewer, data[1])
    if problem:
        return await run_in_threadpool(
            _page, request, service, viewer, names, Shown("certificate", problem=problem)
        )
    return see_other(SETUP)


@router.post(f"{SETUP}/lists")
async def upload_list(
    request: Request, service: TheService, viewer: Manager, names: TheNames, form: TheForm
) -> Response:
    """Take a list; of one with rows that cannot be used, say which, and keep it only if that is wanted."""
    name, data = await file_of(form)
    shown = await run_in_threadpool(
        _keep_list, service, viewer, name.lower(), data, keeps_anyway=form.get("anyway") == "yes"
    )
    return await run_in_threadpool(_page, request, service, viewer, names, shown)


@router.post(f"{SETUP}/trial")
def trial(request: Request, service: TheService, viewer: Manager, names: TheNames) -> Response:
    """Check a made-up claim of the facility as if it were sent; nothing is kept or sent."""
    facility = viewer.principal.own_facility()
    now = service.clock.now()
    (document,) = generate_encounters(seed=_SEED, count=1, facilities=[facility], on=local_date(now))
    encounter = parse_encounter(json.dumps(document, ensure_ascii=False).encode())
    bundle = build_bundle([encounter], made_on=local_date(now)).bundle
    # It is not signed: whether the key fits is seen with the first file of the hospital's own software.
    terms = replace(service.terms_for(facility), signature=None, catalogue=None)
    checked = describe_check("", bundle, check_bundle(bundle, at=now, terms=terms))
    return _page(request, service, viewer, names, Shown("trial", trial=checked.document))


def _page(request: Request, service: Service, viewer: Viewer, names: Names, shown: Shown) -> Response:
    facility = viewer.principal.own_facility()
    now, language = service.clock.now(), language_of(request)
    folder = _folder(service, facility)
    keys = [key for key in _keys(service, facility) if key.is_live(now)]
    registrations = [one for one in service.registrations.of_facility(facility) if one.is_live(now)]
    files = [] if folder is None else [path.name for path in catalogue_files(folder)]
    return render(
        request,
        "hospital/setup.html",
        status=UNPROCESSABLE if shown.problem else 200,
        facility=facility,
        shown=shown,
        keys=keys,
        registrations=registrations,
        soon=now + _SOON,
        may_issue=viewer.may("key.issue", facility),
        may_register=viewer.may("certificate.register", facility),
        takes_lists=service.settings.catalogue_folder is not None,
        files=files,
        known=sorted(list_specs()),
        describe_problem=lambda problem: describe_problem(problem, language),
        may_submit=viewer.may("submission.submit", facility),
        language=language,
        **telling(request, names, now),
    )


def _keys(service: Service, facility: FacilityCode) -> Sequence[ApiKey]:
    return service.api_keys.of_facility(facility)


def _register(service: Service, viewer: Viewer, data: bytes) -> str:
    """Register a certificate; return under which word it is kept why not, or nothing."""
    certificate = find_own_certificate(data)
    if certificate is None:
        return "hs_no_certificate"
    facility = viewer.principal.own_facility()
    try:
        service.register_certificate(
            facility, certificate.public_bytes(Encoding.DER), Note(viewer.id, "set-up in the console")
        )
    except UnfitCertificate as error:
        key = "hs_" + error.reason.replace(".", "_")
        return key if key in words("vi") else "hs_certificate_other"
    except IllegalRegistration:
        return "hs_registered_already"
    except TooManyCertificates:
        return "hs_too_many_certificates"
    return ""


def _keep_list(service: Service, viewer: Viewer, name: str, data: bytes, *, keeps_anyway: bool) -> Shown:
    facility = viewer.principal.own_facility()
    folder = _folder(service, facility, even_if_missing=True)
    if folder is None:
        return Shown("lists", problem="hs_takes_no_lists")
    if not data or _FILE.fullmatch(name) is None or Path(name).stem not in list_specs():
        return Shown("lists", problem="hs_unknown_list", file=name[:_LONGEST_LABEL])
    # Beside what is there already, so that doubles across files are seen as the service will see them.
    with TemporaryDirectory(prefix="ehoso-list-") as trial_folder:
        trial = Path(trial_folder)
        if folder.is_dir():
            shutil.copytree(folder, trial, dirs_exist_ok=True)
        for ending in ENDINGS:
            (trial / f"{Path(name).stem}{ending}").unlink(missing_ok=True)
        (trial / name).write_bytes(data)
        problems = [one for one in load_catalogue(trial).problems if one.file == name]
    is_kept = keeps_anyway or not any(one.weight is Weight.ERROR for one in problems)
    if is_kept:
        _replace_list(folder, name, data)
    return Shown("lists", file=name, is_kept=is_kept, rows=gravest_first(problems)[:_MOST_PROBLEMS])


def _replace_list(folder: Path, name: str, data: bytes) -> None:
    """Put a list in the place of the one of its kind; whoever reads meanwhile sees one or the other."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}.new"
    fresh.write_bytes(data)
    fresh.replace(folder / name)
    for ending in ENDINGS:
        other = folder / f"{Path(name).stem}{ending}"
        if other.name != name:
            other.unlink(missing_ok=True)


def _folder(service: Service, facility: FacilityCode, *, even_if_missing: bool = False) -> Path | None:
    if service.settings.catalogue_folder is None:
        return None
    folder = service.settings.catalogue_folder / facility
    return folder if even_if_missing or folder.is_dir() else None
