"""What reviewers decided about a submission's claims, what they ask, and the hospital's answers."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from claims.api.access import TheService, may
from claims.api.models import PlainText, SubmissionKey
from claims.api.readings import note_reading
from claims.exchange.access.principal import Principal
from claims.exchange.review.outcome import ADJUSTMENT_COLUMNS, Outcome, adjustments
from claims.exchange.review.review import Cut, Message, ReviewState, Verdict
from claims.exchange.review.talking import LONGEST_MESSAGE
from claims.exchange.submission import SubmissionId

router = APIRouter(prefix="/v1/submissions/{submission_id}/reviews", tags=["reviews"])

Reader = Annotated[Principal, may("finding.read")]
Answerer = Annotated[Principal, may("submission.submit")]
ClaimNumber = Annotated[int, Path(ge=1, le=32_000, description="The claim's place in the bundle, from 1.")]
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CutView(BaseModel):
    """An amount that is not paid. Without ``table``: of the claim as a whole."""

    table: str | None
    row: int | None
    amount: Decimal
    reason: str
    note: str

    @classmethod
    def of(cls, cut: Cut) -> Self:
        """Return a cut for the outside."""
        return cls(table=cut.table, row=cut.row, amount=cut.amount, reason=cut.reason, note=cut.note)


class MessageView(BaseModel):
    """A question of a reviewer, or an answer of the facility."""

    at: datetime
    from_facility: bool
    text: str

    @classmethod
    def of(cls, message: Message) -> Self:
        """Return a message for the outside: who of the insurer's people wrote it is not told."""
        return cls(at=message.at, from_facility=message.is_hospital, text=message.text)


class ReviewView(BaseModel):
    """How far the insurer is with a claim, and what was decided once that is final."""

    claim: int
    ma_lk: str
    state: ReviewState
    claimed: Decimal
    verdict: Verdict | None
    approved: Decimal | None
    reason: str
    note: str
    cuts: list[CutView]
    messages: list[MessageView]

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Return an outcome for the outside."""
        return cls(
            claim=outcome.ordinal,
            ma_lk=outcome.ma_lk,
            state=outcome.state,
            claimed=outcome.claimed,
            verdict=outcome.verdict,
            approved=outcome.approved,
            reason=outcome.reason,
            note=outcome.note,
            cuts=[CutView.of(cut) for cut in outcome.cuts],
            messages=[MessageView.of(message) for message in outcome.messages],
        )


class Answer(BaseModel):
    """The facility's answer to a reviewer's question."""

    text: PlainText = Field(min_length=1, max_length=LONGEST_MESSAGE)


@router.get("", operation_id="getReviews", summary="What reviewers decided and ask")
def get_reviews(submission_id: SubmissionKey, service: TheService, caller: Reader) -> list[ReviewView]:
    """Return the review of each claim that is not kept from the caller; a decision shows once it is final."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    note_reading(service, caller, "reviews", submission)
    hidden = service.protection.hidden_claims(caller, submission)
    outcomes = service.tell_outcome(submission.id)
    return [ReviewView.of(outcome) for outcome in outcomes if outcome.ordinal not in hidden]


@router.get(
    "/adjustments",
    operation_id="getAdjustments",
    summary="The amounts that are not paid, as data for form 09/BH (CSV)",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "UTF-8 with a byte order mark, for Excel"}},
)
def get_adjustments(
    submission_id: SubmissionKey,
    service: TheService,
    caller: Reader,
    language: Annotated[str, Query(pattern="^(vi|en)$")] = "vi",
) -> Response:
    """Return a line for each amount that is not paid, with its reason."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    note_reading(service, caller, "adjustments", submission)
    hidden = service.protection.hidden_claims(caller, submission)
    outcomes = [one for one in service.tell_outcome(submission.id) if one.ordinal not in hidden]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(ADJUSTMENT_COLUMNS)
    for line in adjustments(submission.facility, outcomes, service.review_policy, language):
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in line])
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8")


class FormMakers(BaseModel):
    """What stands at the foot of form 09/BH."""

    prepared_by: PlainText = Field(min_length=1, description="NGUOILAPBIEU: who prepared it.")
    head: PlainText = Field(min_length=1, description="THUTRUONG_DV: who heads the facility.")
    signed: bool = Field(default=True, description="False: for the facility to sign with a key of its own.")


@router.post(
    "/{claim}/adjustments",
    operation_id="makeAdjustments",
    summary="Form 09/BH of a claim as signed XML (profile B)",
    response_class=Response,
    responses={200: {"content": {"application/xml": {}}, "description": "HOSO_DIEUCHINH_GD"}},
)
def make_adjustments(
    submission_id: SubmissionKey,
    claim: ClaimNumber,
    makers: FormMakers,
    service: TheService,
    caller: Answerer,
) -> Response:
    """Return the form for what a final decision does not pay of a claim. Nothing is kept or sent."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    review = service.reviews.get(submission.id, claim)
    service.protection.require(caller, submission.id, facility=review.facility, classes=review.classes)
    note_reading(service, caller, "adjustments", submission)
    make = service.make_adjustments.signed if makers.signed else service.make_adjustments.unsigned
    form = make(submission, claim, prepared_by=makers.prepared_by, head=makers.head)
    return Response(form, media_type="application/xml")


@router.post(
    "/{claim}/answers", operation_id="answerReview", summary="Answer a reviewer's question", status_code=201
)
def answer_review(
    submission_id: SubmissionKey, claim: ClaimNumber, answer: Answer, service: TheService, caller: Answerer
) -> ReviewView:
    """Answer; the claim goes back to the reviewers."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    review = service.reviews.get(submission.id, claim)
    service.talk_about_review.answer(review, text=answer.text, who=caller)
    outcomes = service.tell_outcome(submission.id)
    return ReviewView.of(next(one for one in outcomes if one.ordinal == claim))
