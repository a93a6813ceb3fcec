"""What reviewers ask and decide about a facility's claims: its answers, form 09/BH for what is not paid."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from claims.console.answers import CONFLICT, UNPROCESSABLE, see_other
from claims.console.naming import Names, TheNames
from claims.console.operators.telling import telling
from claims.console.pages import language_of, render
from claims.console.readings import note_reading
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.errors import (
    NoSigningKey,
    NothingToAdjust,
    ReviewChanged,
    ReviewNotFound,
    UnsoundDecision,
)
from claims.exchange.review.review import Order, Review, ReviewFilter, ReviewState
from claims.exchange.review.talking import ANSWER
from claims.exchange.submission import SubmissionId
from claims.runtime.wiring import Service

router = APIRouter()

QUESTIONS: Final = "/questions"
ONE: Final = f"{QUESTIONS}/{{submission_id}}/{{ordinal}}"
_READ: Final = "claim.read"
_PAGE_SIZE: Final = 50
_LONGEST_NAME: Final = 200

Reader = Annotated[Viewer, sees(_READ)]
TheId = Annotated[str, Path(pattern="^sub_[0-9A-Z]{26}$")]
TheOrdinal = Annotated[int, Path(ge=1, le=32_000)]


@router.get(QUESTIONS)
def questions(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees(ANSWER)],
    names: TheNames,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the claims that reviewers ask about, the oldest first."""
    which = ReviewFilter(reach=tuple(viewer.principal.within.codes), state=ReviewState.ASKED)
    page = service.reviews.list_page(which, order=Order.OLDEST, limit=_PAGE_SIZE, cursor=cursor)
    items = [one for one in page.items if not viewer.principal.hidden_classes(one.classes, one.facility)]
    note_reading(service, viewer, "questions", items)
    return render(
        request,
        "hospital/questions.html",
        reviews=items,
        last_words={one.id: _last_question(service, one) for one in items},
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        **telling(request, names, service.clock.now()),
    )


@router.get(ONE)
def show(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> Response:
    """Show what is asked about a claim, and take an answer."""
    return _page(request, service, viewer, names, _find(service, viewer, submission_id, ordinal))


@router.post(ONE)
def answer(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees(ANSWER)],
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> Response:
    """Answer; the claim goes back to the reviewers."""
    review = _find(service, viewer, submission_id, ordinal)
    text = str(form.get("text", ""))
    try:
        service.talk_about_review.answer(review, text=text, who=viewer.principal)
    except UnsoundDecision as error:
        problem = "hs_" + error.problem.replace("-", "_")
        return _page(
            request, service, viewer, names, review, problem=problem, typed=text, status=UNPROCESSABLE
        )
    except ReviewChanged:
        return _page(request, service, viewer, names, review, problem="hs_not_asked", status=CONFLICT)
    return see_other(f"{QUESTIONS}/{submission_id}/{ordinal}")


@router.post(f"{ONE}/adjustments")
def adjustments(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees(ANSWER)],
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> Response:
    """Return form 09/BH of the claim as a file: signed, or for the facility to sign with its own key."""
    review = _find(service, viewer, submission_id, ordinal)
    prepared_by, head = (str(form.get(name, "")).strip()[:_LONGEST_NAME] for name in ("prepared_by", "head"))
    if not (prepared_by and head):
        return _page(request, service, viewer, names, review, problem="hs_no_makers", status=UNPROCESSABLE)
    submission = service.submissions.get(review.submission_id, within=viewer.principal.within)
    make = service.make_adjustments.unsigned if form.get("key") == "own" else service.make_adjustments.signed
    try:
        content = make(submission, ordinal, prepared_by=prepared_by, head=head)
    except (NoSigningKey, NothingToAdjust) as error:
        problem = "hs_form09_no_key" if isinstance(error, NoSigningKey) else "hs_nothing_to_adjust"
        return _page(request, service, viewer, names, review, problem=problem, status=CONFLICT)
    note_reading(service, viewer, "adjustments", [review])
    headers = {"Content-Disposition": f'attachment; filename="09BH-{submission_id}-{ordinal}.xml"'}
    return Response(content, media_type="application/xml", headers=headers)


def _find(service: Service, viewer: Viewer, submission_id: str, ordinal: int) -> Review:
    review = service.reviews.get(SubmissionId(submission_id), ordinal)
    if not viewer.may(_READ, review.facility):
        raise ReviewNotFound  # that it exists is not told either
    service.protection.require(
        viewer.principal, review.submission_id, facility=review.facility, classes=review.classes
    )
    return review


def _page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    review: Review,
    *,
    problem: str = "",
    typed: str = "",
    status: int = 200,
) -> Response:
    note_reading(service, viewer, "question", [review])
    return render(
        request,
        "hospital/question.html",
        status=status,
        review=review,
        outcome=next(
            one for one in service.tell_outcome(review.submission_id) if one.ordinal == review.ordinal
        ),
        reason_text=lambda code: _reason(service, code, language_of(request)),
        may_adjust=viewer.may(ANSWER, review.facility),
        may_answer=viewer.may(ANSWER, review.facility) and review.state is ReviewState.ASKED,
        problem=problem,
        typed=typed,
        **telling(request, names, service.clock.now()),
    )


def _reason(service: Service, code: str, language: str) -> str:
    reason = service.review_policy.find_reason(code)
    return code if reason is None else reason.text(language)


def _last_question(service: Service, review: Review) -> str:
    asked = [one.text for one in service.reviews.messages(review.id) if not one.is_hospital]
    return asked[-1] if asked else ""
