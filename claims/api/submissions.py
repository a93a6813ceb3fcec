"""Reading submissions: state, history, findings, receipt, lists."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from claims.api.access import Reader, TheService
from claims.api.models import (
    EventView,
    FindingsView,
    PlainText,
    ReceiptView,
    SubmissionKey,
    SubmissionPage,
    SubmissionView,
)
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionFilter, SubmissionId

router = APIRouter(prefix="/v1/submissions", tags=["submissions"])


@router.get("", operation_id="listSubmissions", summary="List submissions, newest first")
def list_submissions(
    service: TheService,
    caller: Reader,
    state: Annotated[list[State] | None, Query(description="One or more states.")] = None,
    facility: Annotated[
        PlainText | None, Query(description="Only for keys that are not a facility's own.")
    ] = None,
    ma_lk: Annotated[PlainText | None, Query(description="Episode key (MA_LK).")] = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="Digest of the bytes.")] = None,
    cause: PlainText | None = None,
    received_from: Annotated[datetime | None, Query(description="Received at or after.")] = None,
    received_until: Annotated[datetime | None, Query(description="Received before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SubmissionPage:
    """Return a page; a facility sees only its own."""
    which = SubmissionFilter(
        states=tuple(state or ()),
        facility=caller.facility or (FacilityCode(facility) if facility else None),
        ma_lk=ma_lk,
        sha256=sha256,
        cause=cause,
        received_from=received_from,
        received_until=received_until,
    )
    return SubmissionPage.of(service.submissions.list_page(which, limit=limit, cursor=cursor))


@router.get("/{submission_id}", operation_id="getSubmission", summary="Where a submission stands")
def get_submission(submission_id: SubmissionKey, service: TheService, caller: Reader) -> SubmissionView:
    """Return the submission."""
    submission = service.submissions.get(SubmissionId(submission_id), facility=caller.facility)
    return SubmissionView.of(submission)


@router.get("/{submission_id}/events", operation_id="getEvents", summary="What happened to it")
def get_events(submission_id: SubmissionKey, service: TheService, caller: Reader) -> list[EventView]:
    """Return the history, oldest first."""
    submission = service.submissions.get(SubmissionId(submission_id), facility=caller.facility)
    return [EventView.of(event) for event in service.submissions.events(submission.id)]


@router.get("/{submission_id}/findings", operation_id="getFindings", summary="What the check found")
def get_findings(submission_id: SubmissionKey, service: TheService, caller: Reader) -> FindingsView:
    """Return the last check's stages and findings."""
    submission = service.submissions.get(SubmissionId(submission_id), facility=caller.facility)
    stages, claims = service.submissions.check_summary(submission.id)
    return FindingsView.of(stages, claims, service.submissions.findings(submission.id))


@router.get(
    "/{submission_id}/receipt",
    operation_id="getReceipt",
    summary="The gateway's receipt, null until there is one",
)
def get_receipt(submission_id: SubmissionKey, service: TheService, caller: Reader) -> ReceiptView | None:
    """Return the receipt with the gateway's answer verbatim."""
    submission = service.submissions.get(SubmissionId(submission_id), facility=caller.facility)
    receipt = service.submissions.receipt(submission.id)
    return None if receipt is None else ReceiptView.of(receipt)
