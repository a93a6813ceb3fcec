"""Retention and legal holds: which stand and which were released, and how long one submission is kept."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.answers import CONFLICT, UNPROCESSABLE, see_other
from claims.console.forms import prose_of
from claims.console.naming import Names, TheNames
from claims.console.pages import render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.errors import AlreadyErased, HeldAgain, SubmissionNotFound
from claims.exchange.lifecycle import PENDING
from claims.exchange.submission import SUBMISSION_KEY, SubmissionFilter, SubmissionId
from claims.localtime import local_date
from claims.proof.container import MIMETYPE
from claims.runtime.wiring import Service

router = APIRouter()

READ: Final = "retention.read"
HOLD: Final = "retention.hold"
ERASE: Final = "retention.erase"
RETENTION: Final = "/retention"
ONE: Final = f"{RETENTION}/{{submission_id}}"
PAGE_SIZE: Final = 50
LONGEST_REASON: Final = 500
_MOST_FOUND: Final = 50

Reader = Annotated[Viewer, sees(READ)]
Holder = Annotated[Viewer, sees(HOLD)]
TheId = Annotated[str, Path(pattern=SUBMISSION_KEY)]
Cursor = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was not taken: under which word it is kept why, what was typed, and the answer's status."""

    word: str = ""
    reason: str = ""
    status: int = 200


#: No form was sent.
UNSENT: Final = Refused()


def reason_of(form: FormData) -> Refused:
    """Return the reason that a form gives; refused where it says nothing, or too much."""
    reason = prose_of(form, "reason")
    if not reason:
        return Refused("rt_no_reason", reason, UNPROCESSABLE)
    return Refused("rt_long_reason" if len(reason) > LONGEST_REASON else "", reason, UNPROCESSABLE)


@router.get(RETENTION)
def list_holds(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    released: Annotated[bool, Query()] = False,  # noqa: FBT002 - a parameter of the address
    cursor: Cursor = None,
) -> Response:
    """Show the holds that stand, or those that were released, newest first."""
    page = service.kept_records.holds(
        within=viewer.principal.within, is_standing=not released, cursor=cursor, limit=PAGE_SIZE
    )
    narrowed = (("released", "yes" if released else ""),)
    return render(
        request,
        "administrators/holds.html",
        holds=page.items,
        is_released=released,
        next=page_url(RETENTION, (*narrowed, ("cursor", page.next_cursor or ""))) if page.next_cursor else "",
        first=page_url(RETENTION, narrowed) if cursor else "",
        may_erase=viewer.may(ERASE),
        names=names,
    )


@router.get(f"{RETENTION}-of")
def find(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Lead to a submission by its id, or to all that handed over a claim, by its key."""
    text = q.strip()
    within = viewer.principal.within
    by_id = SubmissionFilter(within=within, ids=(SubmissionId(text),))
    by_claim = SubmissionFilter(within=within, ma_lk=text)
    found = [
        one
        for which in (by_id, by_claim)
        for one in (
            service.submissions.list_page(which, limit=_MOST_FOUND, cursor=None).items if text else ()
        )
    ]
    if len(found) == 1:
        return see_other(f"{RETENTION}/{found[0].id}")
    return render(
        request,
        "administrators/kept_versions.html",
        q=text,
        found=found,
        may_erase=viewer.may(ERASE),
        names=names,
    )


@router.get(ONE)
def show(
    request: Request, service: TheService, viewer: Reader, names: TheNames, submission_id: TheId
) -> Response:
    """Show how long a submission is kept, the holds on it, and that it was erased."""
    return _page(request, service, viewer, names, submission_id)


@router.post(f"{ONE}/hold")
def hold(
    request: Request,
    service: TheService,
    viewer: Holder,
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
) -> Response:
    """Let nothing of it be erased until it is released."""
    said, found = reason_of(form), SubmissionId(submission_id)
    if said.word:
        return _page(request, service, viewer, names, submission_id, said)
    within = viewer.principal.within
    try:
        service.retain.hold(found, within=within, actor=viewer.id, reason=said.reason)
    except AlreadyErased:
        refused = Refused("rt_erased_meanwhile", said.reason, CONFLICT)
        return _page(request, service, viewer, names, submission_id, refused)
    return see_other(f"{RETENTION}/{submission_id}")


@router.post(f"{ONE}/release")
def release(
    request: Request,
    service: TheService,
    viewer: Holder,
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
) -> Response:
    """End all holds on it, unless somebody has placed one that this person was not shown."""
    said, found = reason_of(form), SubmissionId(submission_id)
    if said.word:
        return _page(request, service, viewer, names, submission_id, said, is_releasing=True)
    within = viewer.principal.within
    try:
        service.retain.release(found, within=within, actor=viewer.id, reason=said.reason, seen=_seen(form))
    except HeldAgain:
        refused = Refused("rt_held_again", said.reason, CONFLICT)
        return _page(request, service, viewer, names, submission_id, refused, is_releasing=True)
    return see_other(f"{RETENTION}/{submission_id}")


@router.get(f"{ONE}/proof")
def proof(service: TheService, viewer: Reader, submission_id: TheId) -> Response:
    """Return the archive of a submission that was erased: it says nothing of claims."""
    within = viewer.principal.within
    submission = service.submissions.get(SubmissionId(submission_id), within=within)
    if service.kept_records.erasure_of(submission.id) is None:
        raise SubmissionNotFound(submission.id)
    data = service.archive(submission.id, within=within)
    headers = {
        "Content-Disposition": f'attachment; filename="{submission.id}.asice"',
        "Cache-Control": "no-store",
    }
    return Response(data, media_type=MIMETYPE, headers=headers)


def _page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    submission_id: str,
    refused: Refused = UNSENT,
    *,
    is_releasing: bool = False,
) -> Response:
    within, now = viewer.principal.reach(READ), service.clock.now()
    submission = service.submissions.get(SubmissionId(submission_id), within=within)
    # Its class may tell of a death.
    service.readings.note_submission(submission.id, reader=viewer.id, page="retention", at=now)
    holds = service.kept_records.holds_on(submission.id)
    retention = service.retain.look(submission.id, within=within)
    is_due = retention.kept_until <= local_date(now) and submission.state not in PENDING
    return render(
        request,
        "administrators/kept.html",
        status=refused.status,
        submission=submission,
        retention=retention,
        holds=holds,
        # Of the list that is shown: a hold that was placed since is not in it.
        seen=next((one.placed_at.isoformat() for one in holds if one.released_at is None), ""),
        erasure=service.kept_records.erasure_of(submission.id),
        records=service.log.records_of(submission.id),
        is_due=is_due,
        may_hold=viewer.may(HOLD, submission.facility),
        may_erase=viewer.may(ERASE, submission.facility),
        may_see_story=viewer.may("submission.read", submission.facility),
        names=names,
        refused=refused,
        is_releasing=is_releasing,
    )


def _seen(form: FormData) -> datetime:
    """Return when the newest hold was placed that the form's reader was shown; without one: long ago."""
    try:
        return datetime.fromisoformat(str(form.get("seen"))).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)
