"""Retention: how long a submission is kept, holds on it, and the end of its content."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from claims.api.access import TheService, may
from claims.api.models import Reason, SubmissionKey
from claims.api.readings import note_reading
from claims.exchange.access.principal import Principal
from claims.exchange.retention import RecordClass, Retention
from claims.exchange.submission import SubmissionId

router = APIRouter(prefix="/v1/submissions/{submission_id}", tags=["retention"])

Reader = Annotated[Principal, may("retention.read")]
Holder = Annotated[Principal, may("retention.hold")]
Eraser = Annotated[Principal, may("retention.erase")]


class RetentionReason(BaseModel, extra="forbid"):
    """Why something is done."""

    reason: Reason = Field(description="Kept in the history, which its facility reads.")


class RetentionRelease(RetentionReason):
    """Why all holds are ended, and which were seen."""

    seen_hold_at: AwareDatetime | None = Field(
        default=None,
        description="`newest_hold_at` as it was read: if it has been held again since, nothing is released. "
        "Left out: whatever holds there are end.",
    )


class RetentionView(BaseModel):
    """How long a submission is kept."""

    record_class: RecordClass = Field(description="Of its claims the one that is kept longest.")
    kept_until: date = Field(description="The first day on which its content may be erased.")
    is_held: bool
    newest_hold_at: datetime | None = Field(description="When the newest hold that stands was placed.")
    is_erased: bool

    @classmethod
    def of(cls, one: Retention) -> Self:
        """Make the view of it."""
        return cls(
            record_class=one.record_class,
            kept_until=one.kept_until,
            is_held=one.is_held,
            newest_hold_at=one.newest_hold_at,
            is_erased=one.is_erased,
        )


@router.get("/retention", operation_id="getRetention", summary="How long it is kept")
def get_retention(submission_id: SubmissionKey, service: TheService, caller: Reader) -> RetentionView:
    """Return its class, from when on it may be erased, and whether it is held."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    note_reading(service, caller, "retention", submission)  # its class may tell of a death
    return RetentionView.of(service.retain.look(submission.id, within=caller.within))


@router.post("/hold", operation_id="holdSubmission", summary="Let nothing of it be erased")
def hold(
    submission_id: SubmissionKey, wanted: RetentionReason, service: TheService, caller: Holder
) -> RetentionView:
    """Hold it until it is released, whatever its class. The same caller's same reason twice is one hold."""
    found = SubmissionId(submission_id)
    service.retain.hold(found, within=caller.within, actor=caller.id, reason=wanted.reason)
    return RetentionView.of(service.retain.look(found, within=caller.within))


@router.post("/release", operation_id="releaseSubmission", summary="End all holds on it")
def release(
    submission_id: SubmissionKey, wanted: RetentionRelease, service: TheService, caller: Holder
) -> RetentionView:
    """End all holds, unless it has been held again since it was looked at."""
    found = SubmissionId(submission_id)
    service.retain.release(
        found, within=caller.within, actor=caller.id, reason=wanted.reason, seen=wanted.seen_hold_at
    )
    return RetentionView.of(service.retain.look(found, within=caller.within))


@router.post("/erasure", operation_id="eraseSubmission", summary="Erase its content, when its time is over")
def erase(
    submission_id: SubmissionKey, wanted: RetentionReason, service: TheService, caller: Eraser
) -> RetentionView:
    """Erase what its claims say; what proves that they existed stays. Twice is as good as once."""
    found = SubmissionId(submission_id)
    service.retain.erase(found, within=caller.within, actor=caller.id, reason=wanted.reason)
    return RetentionView.of(service.retain.look(found, within=caller.within))
