"""Submissions: the list with its filters, one submission's story, and what can be fetched of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from claims.bundle.findings import Finding
from claims.bundle.messages import describe
from claims.checking.details import detail
from claims.console.answers import go_to, see_other
from claims.console.findings import Told, tell_once
from claims.console.live import Look, tell
from claims.console.naming import Names, TheNames
from claims.console.operators.asking import LIST, Wanted
from claims.console.operators.telling import telling
from claims.console.pages import language_of, render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import words
from claims.exchange.access.readings import Reading, Seen
from claims.exchange.errors import CannotWithdraw, SubmissionNotFound
from claims.exchange.lifecycle import REPLAYABLE, WITHDRAWABLE, State
from claims.exchange.operating import Attempt, Telling
from claims.exchange.replay import START
from claims.exchange.review.outcome import Outcome
from claims.exchange.submission import Event, Submission, SubmissionId
from claims.runtime.wiring import Service

router = APIRouter()

ONE: Final = f"{LIST}/{{submission_id}}"
PAGE_SIZE: Final = 50
_READ: Final = "claim.read"
_WITHDRAW: Final = "submission.withdraw"
_SHOWN_OF_ANSWER: Final = 2_000
_MOST_FINDINGS: Final = 200
_EVERY_S: Final = 1.0
#: With which nothing happens unless somebody does something.
_SETTLED: Final = frozenset({State.SUPERSEDED, State.WITHDRAWN, State.ACKNOWLEDGED, *REPLAYABLE})

Reader = Annotated[Viewer, sees("submission.read")]
SeenStory = Annotated[str, Query(max_length=60)]
TheId = Annotated[str, Path(pattern="^sub_[0-9A-Z]{26}$")]


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, on the time line.

    Attributes:
        kind: Which of the three it is, ``event``, ``attempt`` or ``telling``.
    """

    at: datetime
    kind: str
    about: Event | Attempt | Telling


@router.get(LIST)
def submissions(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show a page of submissions, newest first."""
    wanted, language = Wanted.of(request.query_params), language_of(request)
    page = service.submissions.list_page(
        wanted.filter(viewer.principal.within), limit=PAGE_SIZE, cursor=cursor
    )
    return render(
        request,
        "operators/submissions.html",
        wanted=wanted,
        page=page,
        state_choices=[(state.value, words(language)[f"sub_{state}"]) for state in State],
        next=wanted.url(cursor=page.next_cursor) if page.next_cursor else "",
        first=wanted.url() if cursor else "",
        is_of_one=viewer.principal.within.only_facility is not None,
        may_replay=viewer.may(START),
        may_export=viewer.may("submission.export"),
        may_submit=viewer.may("submission.submit"),
        **telling(request, names, service.clock.now()),
    )


@router.get(ONE)
def story(
    request: Request, service: TheService, viewer: Reader, names: TheNames, submission_id: TheId
) -> Response:
    """Show what happened to a submission: every event, attempt, answer and call."""
    return story_page(request, service, viewer, names, submission_id)


def story_page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    submission_id: str,
    *,
    problem: str = "",
    status: int = 200,
) -> Response:
    """Return the page of a submission."""
    within = viewer.principal.reach("submission.read")
    submission = service.submissions.get(SubmissionId(submission_id), within=within)
    language, facility = language_of(request), submission.facility
    may_read = viewer.may(_READ, facility)
    hidden = service.protection.hidden_claims(viewer.principal, submission)
    findings = _findings(service, submission, hidden) if viewer.may("finding.read", facility) else ()
    if findings:
        note_submission(service, viewer, "findings", submission, hidden)
    return render(
        request,
        "operators/story.html",
        status=status,
        submission=submission,
        standing="" if submission.state in _SETTLED else _standing(submission),
        next_steps={one.code: detail(one).next[language] for one in findings},
        moments=time_line(service, submission),
        findings=findings,
        told_findings=_told(findings, language),
        most_findings=_MOST_FINDINGS,
        hidden=len(hidden),
        receipt=service.submissions.receipt(submission.id),
        has_signed_receipt=service.submissions.signed_receipt(submission.id) is not None,
        records=service.log.records_of(submission.id),
        shown=lambda answer: answer[:_SHOWN_OF_ANSWER].decode("utf-8", "replace"),
        may_paper=may_read and submission.ma_lk,
        may_archive=viewer.may("archive.read", facility),
        may_see_retention=viewer.may("retention.read", facility),
        may_replay=viewer.may(START, facility) and submission.state in REPLAYABLE,
        may_withdraw=viewer.may(_WITHDRAW, facility) and submission.state in WITHDRAWABLE,
        outcomes=_outcomes(service, submission, hidden) if may_read else (),
        language=language,
        problem=problem,
        **telling(request, names, service.clock.now()),
    )


@router.get(f"{ONE}/live")
async def story_changes(
    request: Request, service: TheService, viewer: Reader, submission_id: TheId, seen: SeenStory = ""
) -> Response:
    """Tell when a submission is not as somebody saw it any more, so that the page is loaded again."""
    within = viewer.principal.within

    def look() -> Look:
        """Compare."""
        now = service.submissions.get(SubmissionId(submission_id), within=within)
        return Look({}, is_over=_standing(now) != seen)

    return await tell(request, look, every_s=_EVERY_S)


@router.get(f"{ONE}/receipt")
def signed_receipt(service: TheService, viewer: Reader, submission_id: TheId) -> Response:
    """Return what the facility was given for having handed it over."""
    submission = service.submissions.get(SubmissionId(submission_id), within=viewer.principal.within)
    token = service.submissions.signed_receipt(submission.id)
    if token is None:
        raise SubmissionNotFound(submission.id)
    return _file(token.encode(), "application/jwt", f"{submission.id}.jwt")


@router.get(f"{ONE}/answer")
def gateway_answer(service: TheService, viewer: Reader, submission_id: TheId) -> Response:
    """Return the gateway's receipt as it came."""
    submission = service.submissions.get(SubmissionId(submission_id), within=viewer.principal.within)
    receipt = service.submissions.receipt(submission.id)
    if receipt is None:
        raise SubmissionNotFound(submission.id)
    return _file(receipt.answer, "application/octet-stream", f"{submission.id}-receipt.txt")


@router.get(f"{ONE}/paper")
def paper(
    request: Request, service: TheService, viewer: Annotated[Viewer, sees(_READ)], submission_id: TheId
) -> Response:
    """Return the claims as the form that people know, to be printed."""
    submission = service.submissions.get(SubmissionId(submission_id), within=viewer.principal.within)
    service.protection.require_whole(viewer.principal, submission)
    note_submission(service, viewer, "paper", submission)
    body = service.submissions.body(submission.id)
    pdf = service.paper_forms(body, submission=submission, language=language_of(request))
    if pdf is None:
        raise SubmissionNotFound(submission.id)
    return _file(pdf, "application/pdf", f"{submission.id}.pdf", disposition="inline")


@router.post(f"{ONE}/withdrawal")
def withdraw(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees(_WITHDRAW)],
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
) -> Response:
    """Take a submission back."""
    reason = str(form.get("reason", "")).strip()[:_SHOWN_OF_ANSWER]
    if not reason:
        return story_page(request, service, viewer, names, submission_id, problem="op_no_reason", status=422)
    try:
        service.withdraw(
            SubmissionId(submission_id),
            facility=viewer.principal.own_facility(),
            actor=viewer.id,
            reason=reason,
        )
    except CannotWithdraw:
        return story_page(
            request, service, viewer, names, submission_id, problem="op_cannot_withdraw", status=409
        )
    return see_other(f"{LIST}/{submission_id}")


@router.get(f"{LIST}-of")
def find(_viewer: Reader, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Lead to what somebody looks for: a submission by its id, a claim by its key."""
    text = q.strip()
    wanted = Wanted.of({"id": text})
    if wanted.narrows:
        return see_other(f"{LIST}/{text}")
    return go_to(Wanted.of({"ma_lk": text}).url())


def _standing(submission: Submission) -> str:
    """Return what tells two moments of a submission apart."""
    return f"{submission.state}-{submission.updated_at:%Y%m%d%H%M%S%f}"


def time_line(service: Service, submission: Submission) -> Sequence[Moment]:
    """Return all that happened, oldest first."""
    operating = service.operating
    moments = [
        *(Moment(event.at, "event", event) for event in service.submissions.events(submission.id)),
        *(Moment(one.started_at, "attempt", one) for one in operating.attempts(submission.id)),
        *(Moment(one.event_at, "telling", one) for one in operating.tellings(submission.id)),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def note_submission(
    service: Service,
    viewer: Viewer,
    page: str,
    submission: Submission,
    hidden: Collection[int] = frozenset(),
) -> None:
    """Note that somebody is about to see what a submission's claims say, but for those hidden from him."""
    if not hidden:
        service.readings.note_submission(submission.id, reader=viewer.id, page=page, at=service.clock.now())
        return
    places = [place for place in range(1, len(submission.ma_lk) + 1) if place not in hidden]
    seen = tuple(Seen(submission.id, place, submission.facility, None) for place in places)
    service.readings.note(Reading(service.clock.now(), viewer.id, page, seen))


def _findings(service: Service, submission: Submission, hidden: Collection[int]) -> Sequence[Finding]:
    found = service.submissions.findings(submission.id)
    return [one for one in found if not hidden or one.location.claim not in {None, *hidden}]


def _told(findings: Sequence[Finding], language: str) -> Sequence[Told[Finding]]:
    def said(one: Finding) -> tuple[object, ...]:
        return one.code, one.severity, one.location.claim, one.location.table, describe(one, language)

    return tell_once(findings, said, lambda one: one.location.row)


def _outcomes(service: Service, submission: Submission, hidden: Collection[int]) -> Sequence[Outcome]:
    """Return what became of the claims, as their hospital may know it: nothing that can still be undone."""
    if not service.settings.reviews:
        return ()
    return [one for one in service.tell_outcome(submission.id) if one.ordinal not in hidden]


def _file(content: bytes, kind: str, name: str, *, disposition: str = "attachment") -> Response:
    headers = {"Content-Disposition": f'{disposition}; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
