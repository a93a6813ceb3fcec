"""Handing in and checking: files or pasted text, bundles or encounters, each with an outcome of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from claims.building.build import build_bundle
from claims.building.errors import CannotBuild, Reason
from claims.checking.check import check_bundle
from claims.checking.formats.checked import CheckedFile, describe_check
from claims.checking.formats.page import to_page
from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.findings import Told, tell_once
from claims.console.operators.asking import LIST
from claims.console.pages import language_of, render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import words
from claims.emr.encounter import parse_encounter
from claims.emr.errors import MalformedEncounter, Problem
from claims.errors import ClaimsError
from claims.exchange.errors import NoSigningKey
from claims.exchange.submission import FacilityCode, Submission
from claims.exchange.submit_encounter import WrongFacility
from claims.localtime import local_date
from claims.runtime.wiring import Service

log = structlog.get_logger()
router = APIRouter()

SEND: Final = "/send"
CHECK: Final = "/check"
MOST_FILES: Final = 100
_MOST_FINDINGS: Final = 300
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
#: The report brings its own style and nothing else.
_REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

Submitter = Annotated[Viewer, sees("submission.submit")]
Checker = Annotated[Viewer, sees("bundle.check")]


@dataclass(frozen=True, slots=True)
class Given:
    """One document that somebody gave, and what he knows it by."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document: a submission, new or known; or under which word it is kept why not.

    Attributes:
        details: What is wrong, one thing each.
    """

    name: str
    submission: Submission | None = None
    is_new: bool = True
    problem: str = ""
    details: Sequence[str] = ()


@router.get(SEND)
def send_page(request: Request, viewer: Submitter) -> Response:
    """Ask for bundles or encounters."""
    return _send_page(request, viewer)


@router.post(SEND)
async def send(request: Request, service: TheService, viewer: Submitter, form: TheForm) -> Response:
    """Take what was given; the same bytes again are the same submission, so nothing is sent twice."""
    facility, language = viewer.principal.own_facility(), language_of(request)
    given, pasted = await _given(form, language), _pasted(form)
    if problem := _unfit_number(given):
        return _send_page(request, viewer, status=UNPROCESSABLE, problem=problem, pasted=pasted)
    outcomes = [await run_in_threadpool(_hand_in, service, viewer, facility, one, language) for one in given]
    if len(outcomes) == 1 and outcomes[0].submission is not None:
        return see_other(f"{LIST}/{outcomes[0].submission.id}")
    is_taken = any(one.submission for one in outcomes)
    return _send_page(
        request,
        viewer,
        status=200 if is_taken else UNPROCESSABLE,
        outcomes=outcomes,
        pasted=pasted,
    )


@router.get(CHECK)
def check_page(request: Request, viewer: Checker) -> Response:
    """Ask for what is to be checked."""
    return _check_page(request, viewer)


@router.post(CHECK)
async def check(request: Request, service: TheService, viewer: Checker, form: TheForm) -> Response:
    """Check without sending: as a page, or as the report that the command line writes. Nothing is kept."""
    language, pasted = language_of(request), _pasted(form)
    given = await _given(form, language)
    is_signed = form.get("signature") != "ignored"
    if problem := _unfit_number(given):
        return _check_page(request, viewer, is_signed=is_signed, problem=problem, pasted=pasted)
    seen = [
        await run_in_threadpool(_check, service, viewer, one, language, is_signed=is_signed) for one in given
    ]
    log.info("bundle.checked", actor=viewer.id, files=len(seen))
    checked = [one for one in seen if isinstance(one, CheckedFile)]
    unbuilt = [one for one in seen if isinstance(one, Outcome)]
    if form.get("as") == "report" and not unbuilt:
        headers = {
            "Content-Security-Policy": _REPORT_POLICY,
            "Content-Disposition": 'attachment; filename="report.html"',
            "Cache-Control": "no-store",
        }
        return Response(to_page(checked, language), media_type="text/html; charset=utf-8", headers=headers)
    return _check_page(request, viewer, checked=checked, unbuilt=unbuilt, is_signed=is_signed, pasted=pasted)


def _send_page(
    request: Request,
    viewer: Viewer,
    *,
    status: int = 200,
    outcomes: Sequence[Outcome] = (),
    problem: str = "",
    pasted: str = "",
) -> Response:
    return render(
        request,
        "hospital/send.html",
        status=status,
        may_check=viewer.may("bundle.check"),
        outcomes=outcomes,
        problem=problem,
        pasted=pasted,
    )


def _check_page(
    request: Request,
    viewer: Viewer,
    *,
    checked: Sequence[CheckedFile] = (),
    unbuilt: Sequence[Outcome] = (),
    is_signed: bool = True,
    problem: str = "",
    pasted: str = "",
) -> Response:
    language = language_of(request)
    return render(
        request,
        "hospital/check.html",
        status=UNPROCESSABLE if problem else 200,
        checked=checked,
        unbuilt=unbuilt,
        most=_MOST_FINDINGS,
        tell_once=lambda findings: _told(findings, language),
        is_signed=is_signed,
        problem=problem,
        pasted=pasted,
        language=language,
        may_submit=viewer.may("submission.submit"),
    )


def _told(findings: Sequence[Mapping[str, Any]], language: str) -> Sequence[Told[Mapping[str, Any]]]:
    def said(one: Mapping[str, Any]) -> tuple[object, ...]:
        return one["code"], one["severity"], one["claim"], one["table"], one["message"][language]

    return tell_once(findings, said, lambda one: one["row"])


def _pasted(form: FormData) -> str:
    """Return what was pasted, for the next form: what was typed is not lost, as files are."""
    pasted = form.get("pasted", "")
    return pasted.strip() if isinstance(pasted, str) else ""


async def _given(form: FormData, language: str) -> Sequence[Given]:
    """Return the files of a form, and what was pasted."""
    unnamed = words(language).hs_pasted
    # A form in which no file was chosen has one without a name; an empty file has one, and is told of.
    files = [one for one in form.getlist("file") if isinstance(one, UploadFile)]
    read = [Given((one.filename or unnamed)[:200], await one.read()) for one in files]
    await form.close()
    given = [one for one, file in zip(read, files, strict=True) if one.data or file.filename]
    pasted = _pasted(form)
    if pasted:
        given.append(Given(unnamed, pasted.encode("utf-8", "replace")))
    return given


def _unfit_number(given: Sequence[Given]) -> str:
    """Return the word for that there is nothing, or more than is done at once; empty if neither."""
    if not given:
        return "hs_nothing_given"
    return "hs_too_many" if len(given) > MOST_FILES else ""


def _hand_in(
    service: Service, viewer: Viewer, facility: FacilityCode, given: Given, language: str
) -> Outcome:
    if not given.data.strip():
        return Outcome(given.name, problem="hs_empty_file")
    if not _is_document(given.data):
        received = service.receive(given.data, facility=facility, actor=viewer.id)
        return Outcome(given.name, received.submission, received.is_new)
    try:
        received = service.submit_encounter(given.data, facility=facility, actor=viewer.id)
    except ClaimsError as error:
        problem, details = _explained(error, language)
        if not problem:
            raise
        return Outcome(given.name, problem=problem, details=details)
    return Outcome(given.name, received.submission, received.is_new)


def _explained(error: ClaimsError, language: str) -> tuple[str, Sequence[str]]:
    match error:
        case MalformedEncounter():
            return "hs_malformed", [_unfit(one, language) for one in error.problems]
        case CannotBuild():
            return "hs_cannot_build", [_unfit(one, language) for one in error.reasons]
        case WrongFacility():
            return "hs_wrong_facility", ()
        case NoSigningKey():
            return "hs_no_key", ()
        case _:
            return "", ()


def _unfit(one: Problem | Reason, language: str) -> str:
    """Say where in an encounter is what that cannot be; what has no words here is told as programs are."""
    return f"{one.pointer or '/'}: {words(language).get('unfit_' + one.code.replace('-', '_'), one.detail)}"


def _check(
    service: Service, viewer: Viewer, given: Given, language: str, *, is_signed: bool
) -> CheckedFile | Outcome:
    """Check a bundle, or the one that is built from an encounter; an outcome says why there is none."""
    facility, data = viewer.principal.facility_within(None), given.data
    terms: Any = service.terms_for(facility)
    if _is_document(data):
        is_signed = False
        catalogue = None if facility is None else service.catalogues.find(facility)
        try:
            built = build_bundle(
                [parse_encounter(data)], made_on=local_date(service.clock.now()), catalogue=catalogue
            )
        except ClaimsError as error:
            problem, details = _explained(error, language)
            if not problem:
                raise
            return Outcome(given.name, problem=problem, details=details)
        data = built.bundle
    if not is_signed:
        terms = replace(terms, signature=None)
    report = check_bundle(data, at=service.clock.now(), terms=terms)
    return describe_check(given.name, data, report, records_in=language)


def _is_document(data: bytes) -> bool:
    """Whether it is an encounter (JSON); everything else is taken for a bundle, and checked as one."""
    return data.lstrip(_BLANK).startswith(b"{")
