"""Reading submissions: state, history, findings, receipt, lists."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from claims.api.access import Reader, Submitter, TheService
from claims.api.limits import MOST_LISTED, MOST_WAIT_S
from claims.api.models import (
    EventView,
    FindingsView,
    PlainText,
    ReceiptView,
    SubmissionKey,
    SubmissionPage,
    SubmissionView,
    Withdrawal,
)
from claims.exchange.lifecycle import PENDING, State
from claims.exchange.submission import FacilityCode, SubmissionFilter, SubmissionId

router = APIRouter(prefix="/v1/submissions", tags=["submissions"])

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.6


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
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
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
async def get_submission(
    submission_id: SubmissionKey,
    service: TheService,
    caller: Reader,
    wait: Annotated[
        float,
        Query(ge=0, le=MOST_WAIT_S, description="Seconds to wait for it to settle, at most."),
    ] = 0,
) -> SubmissionView:
    """Return the submission; with `wait`, once nothing more happens to it by itself or the time is over."""
    deadline, pause = time.monotonic() + wait, _FIRST_PAUSE_S
    while True:
        submission = await run_in_threadpool(
            service.submissions.get, SubmissionId(submission_id), facility=caller.facility
        )
        left = deadline - time.monotonic()
        if submission.state not in PENDING or left <= 0:
            return SubmissionView.of(submission)
        # A look costs a row by its key; nothing is held in between.
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


@router.post(
    "/{submission_id}/withdrawal",
    operation_id="withdrawSubmission",
    summary="Take back a submission that the gateway does not have",
)
def withdraw_submission(
    submission_id: SubmissionKey, wanted: Withdrawal, service: TheService, caller: Submitter
) -> SubmissionView:
    """Take it back for good. What the gateway has is taken back by a later version of the claim (case 8)."""
    submission = service.withdraw(
        SubmissionId(submission_id),
        facility=caller.own_facility(),
        actor=caller.key_id,
        reason=wanted.reason,
    )
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
