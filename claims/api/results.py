"""Reading results: what reception found after it took a submission, its assessment, settlements."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from claims.api.access import TheService, may
from claims.api.models import PlainText, SubmissionKey
from claims.api.readings import note_reading
from claims.exchange.access.principal import Principal
from claims.exchange.lifecycle import Level
from claims.exchange.results import (
    AssessedLine,
    KeptAssessment,
    ReceptionView,
    Settlement,
    Standing,
)
from claims.exchange.submission import SubmissionId
from claims.validation import unfit

router = APIRouter(tags=["results"])

#: It speaks of a claim's lines, and the gateway's words may name a patient.
ClaimReader = Annotated[Principal, may("claim.read")]


class ReceptionErrorView(BaseModel):
    """One fault that the gateway found."""

    code: str = Field(description="maLoi.")
    said: str = Field(description="moTaLoi: the gateway's words; may name a patient.")


class ReceptionFaultsView(BaseModel):
    """What the gateway found after it had taken the submission."""

    noted_at: datetime
    errors: list[ReceptionErrorView]

    @classmethod
    def of(cls, view: ReceptionView) -> Self:
        """Make the view of faults."""
        errors = [ReceptionErrorView(code=one.code, said=one.said) for one in view.errors]
        return cls(noted_at=view.noted_at, errors=errors)


class AssessedLineView(BaseModel):
    """One line of a claim as the assessment sees it; amounts in đồng, as decimal text."""

    line_id: str = Field(description="The gateway's number of the line, for form 09/BH.")
    table: str
    row: str = Field(description="STT of the line in its table.")
    code: str
    standing: Standing
    asked_vnd: Decimal | None
    granted_vnd: Decimal | None
    reason: str = Field(description="A refusal reference such as S.005.434.")
    said: str = Field(description="The reason in the gateway's words.")

    @classmethod
    def of(cls, line: AssessedLine) -> Self:
        """Make the view of a line."""
        return cls(
            line_id=line.line_id,
            table=line.table,
            row=line.row,
            code=line.code,
            standing=line.standing,
            asked_vnd=line.asked_vnd,
            granted_vnd=line.granted_vnd,
            reason=line.reason,
            said=line.said,
        )


class AssessedClaimView(BaseModel):
    """The assessment of one claim."""

    ma_lk: str
    claim_id: str = Field(description="The gateway's number of the claim (XML1_ID), for form 09/BH.")
    noted_at: datetime
    round: str = Field(description="maDot.")
    standing: Standing
    asked_vnd: Decimal | None
    granted_vnd: Decimal | None
    reason: str
    said: str
    lines: list[AssessedLineView] = Field(description="Empty where the gateway speaks of whole claims only.")

    @classmethod
    def of(cls, kept: KeptAssessment) -> Self:
        """Make the view of an assessment."""
        one = kept.assessment
        return cls(
            ma_lk=one.ma_lk,
            claim_id=one.claim_id,
            noted_at=kept.noted_at,
            round=one.round,
            standing=one.standing,
            asked_vnd=one.asked_vnd,
            granted_vnd=one.granted_vnd,
            reason=one.reason,
            said=one.said,
            lines=[AssessedLineView.of(line) for line in one.lines],
        )


class AssessmentView(BaseModel):
    """Everything the gateway has said of a submission after it took it."""

    level: Level
    assessed_at: datetime | None = Field(description="Null until every claim in it is assessed.")
    reception: ReceptionFaultsView | None = Field(description="Null while reception has found nothing.")
    claims: list[AssessedClaimView]


class SettlementView(BaseModel):
    """What is settled for a period; amounts in đồng, as decimal text."""

    period: str = Field(examples=["11/2026"])
    asked_vnd: Decimal | None
    granted_vnd: Decimal | None
    refused_vnd: Decimal | None
    said: str
    is_closed: bool

    @classmethod
    def of(cls, one: Settlement) -> Self:
        """Make the view of a settlement."""
        return cls(
            period=one.period,
            asked_vnd=one.asked_vnd,
            granted_vnd=one.granted_vnd,
            refused_vnd=one.refused_vnd,
            said=one.said,
            is_closed=one.is_closed,
        )


class SettlementsView(BaseModel):
    """A facility's settlements, the latest first; there are twelve in a year."""

    data: list[SettlementView]
    next_cursor: None = None
    has_more: bool = False


@router.get(
    "/v1/submissions/{submission_id}/assessment",
    operation_id="getAssessment",
    summary="What the gateway said of it after it took it",
)
def get_assessment(submission_id: SubmissionKey, service: TheService, caller: ClaimReader) -> AssessmentView:
    """Return the faults that reception found and the assessment, as far as they have been read."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    service.protection.require_whole(caller, submission)
    note_reading(service, caller, "assessment", submission)
    reception = service.results.reception_of(submission.id)
    return AssessmentView(
        level=submission.level,
        assessed_at=submission.assessed_at,
        reception=None if reception is None else ReceptionFaultsView.of(reception),
        claims=[AssessedClaimView.of(one) for one in service.results.assessments_of(submission.id)],
    )


@router.get("/v1/settlements", operation_id="listSettlements", summary="What is settled, by month")
def list_settlements(
    service: TheService,
    caller: ClaimReader,
    facility: Annotated[
        PlainText | None, Query(description="Required for keys that are not a facility's own.")
    ] = None,
) -> SettlementsView:
    """Return a facility's settlements as far as they have been read."""
    whose = caller.facility_within(facility)
    if whose is None:
        raise RequestValidationError(
            [unfit(("query", "facility"), "missing", "say whose settlements", "hãy ghi cơ sở nào")]
        )
    return SettlementsView(data=[SettlementView.of(one) for one in service.results.settlements_of(whose)])
