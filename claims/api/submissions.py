"""Reading submissions: state, history, findings, receipt, lists."""

import asyncio
import hashlib
import time
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from claims.api import problems
from claims.api.access import TheService, may
from claims.api.languages import Language
from claims.api.limits import MOST_LISTED, MOST_WAIT_S
from claims.api.models import (
    EventView,
    FindingsView,
    HistoryView,
    OptionsView,
    OptionView,
    PlainText,
    ReceiptView,
    Sha256,
    SubmissionKey,
    SubmissionPage,
    SubmissionView,
    Withdrawal,
)
from claims.api.readings import note_reading
from claims.exchange.access.principal import Principal
from claims.exchange.following import what_may_follow
from claims.exchange.lifecycle import PENDING, State
from claims.exchange.submission import SubmissionFilter, SubmissionId
from claims.localtime import local_date

router = APIRouter(prefix="/v1/submissions", tags=["submissions"])

Reader = Annotated[Principal, may("submission.read")]
Withdrawer = Annotated[Principal, may("submission.withdraw")]
FindingReader = Annotated[Principal, may("finding.read")]

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.6


@router.get("", operation_id="listSubmissions", summary="List submissions, newest first")
def list_submissions(
    service: TheService,
    caller: Reader,
    state: Annotated[list[State] | None, Query(description="One or more states.")] = None,
    facility: Annotated[
        PlainText | None, Query(description="For keys that are not a facility's own.")
    ] = None,
    ma_lk: Annotated[PlainText | None, Query(description="Episode key (MA_LK).")] = None,
    sha256: Annotated[Sha256 | None, Query(description="Digest of the bytes.")] = None,
    cause: PlainText | None = None,
    received_from: Annotated[
        AwareDatetime | None, Query(description="Received at or after, with its zone.")
    ] = None,
    received_until: Annotated[AwareDatetime | None, Query(description="Received before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SubmissionPage:
    """Return a page; a facility sees only its own."""
    which = SubmissionFilter(
        states=tuple(state or ()),
        within=caller.within,
        facility=caller.facility_within(facility),
        ma_lk=ma_lk,
        sha256=sha256,
        cause=cause,
        received_from=received_from,
        received_until=received_until,
    )
    return SubmissionPage.of(service.submissions.list_page(which, limit=limit, cursor=cursor))


@router.get(
    "/{submission_id}",
    operation_id="getSubmission",
    summary="Where a submission stands",
    response_model=SubmissionView,
    responses={problems.NOT_MODIFIED: {"description": "It stands where it stood (`If-None-Match`)."}},
)
async def get_submission(
    submission_id: SubmissionKey,
    service: TheService,
    caller: Reader,
    wait: Annotated[
        float,
        Query(ge=0, le=MOST_WAIT_S, description="Seconds to wait for it to settle, at most."),
    ] = 0,
    if_none_match: Annotated[
        str, Header(max_length=1000, description="The `ETag` of what the caller has.")
    ] = "",
) -> Response:
    """Return the submission; with `wait`, once nothing more happens to it by itself or the time is over."""
    deadline, pause = time.monotonic() + wait, _FIRST_PAUSE_S
    while True:
        submission = await run_in_threadpool(
            service.submissions.get, SubmissionId(submission_id), within=caller.within
        )
        left = deadline - time.monotonic()
        if submission.state not in PENDING or left <= 0:
            return _unless_known(SubmissionView.of(submission), if_none_match)
        # A look costs a row by its key; nothing is held in between.
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


@router.post(
    "/{submission_id}/withdrawal",
    operation_id="withdrawSubmission",
    summary="Take back a submission that the gateway does not have",
)
def withdraw_submission(
    submission_id: SubmissionKey,
    wanted: Withdrawal,
    service: TheService,
    caller: Withdrawer,
) -> SubmissionView:
    """Take it back for good. What the gateway has is taken back by a later version of the claim (case 8)."""
    submission = service.withdraw(
        SubmissionId(submission_id),
        facility=caller.own_facility(),
        actor=caller.id,
        reason=wanted.reason,
    )
    return SubmissionView.of(submission)


@router.get("/{submission_id}/options", operation_id="getOptions", summary="What may follow, until when")
def get_options(submission_id: SubmissionKey, service: TheService, caller: Reader) -> OptionsView:
    """Say whether it may be sent again, replaced or taken back, how, and until which day by law."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    _, claims = service.submissions.check_summary(submission.id)
    days = [claim.discharged_on for claim in claims if claim.discharged_on is not None]
    today = local_date(service.clock.now())
    following = what_may_follow(submission, discharges=days, today=today)
    return OptionsView(data=[OptionView.of(one) for one in following])


@router.get("/{submission_id}/events", operation_id="getEvents", summary="What happened to it")
def get_events(submission_id: SubmissionKey, service: TheService, caller: Reader) -> HistoryView:
    """Return the history, oldest first."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    return HistoryView(data=[EventView.of(event) for event in service.submissions.events(submission.id)])


@router.get("/{submission_id}/findings", operation_id="getFindings", summary="What the check found")
def get_findings(
    submission_id: SubmissionKey, service: TheService, caller: FindingReader, language: Language
) -> FindingsView:
    """Return the last check's stages and findings; of protected claims of others, that they are there."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    stages, claims = service.submissions.check_summary(submission.id)
    hidden = service.protection.hidden_claims(caller, submission)
    note_reading(service, caller, "findings", submission)
    found = service.submissions.findings(submission.id)
    return FindingsView.of(stages, claims, found, language, hidden=hidden)


@router.get(
    "/{submission_id}/receipt",
    operation_id="getReceipt",
    summary="The gateway's receipt, null until there is one",
)
def get_receipt(submission_id: SubmissionKey, service: TheService, caller: Reader) -> ReceiptView | None:
    """Return the receipt with the gateway's answer verbatim."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    receipt = service.submissions.receipt(submission.id)
    return None if receipt is None else ReceiptView.of(receipt)


def _unless_known(view: SubmissionView, known: str) -> Response:
    body = view.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=problems.NOT_MODIFIED, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "no-cache"})
