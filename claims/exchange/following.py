"""What may follow a submission: sending it again, replacing it, taking it back; and until when by law.

What may, depends on whether the gateway's number exists. A claim's key never changes; there is no call of the
gateway's that replaces or deletes. What is corrected is sent whole again, as a later version.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from claims.exchange.corrections import correct_by
from claims.exchange.lifecycle import HAND_IN_AGAIN_WITHIN, PENDING, REPLAYABLE, WITHDRAWABLE, State
from claims.exchange.submission import Submission
from claims.localtime import local_date


class Step(StrEnum):
    """What may be done."""

    RESEND = "resend"
    REPLACE = "replace"
    WITHDRAW = "withdraw"


class Way(StrEnum):
    """How it is done, or why it is not."""

    REPLAY = "replay"
    REPLAY_AFTER_ASKING = "replay_after_asking"
    BY_ITSELF = "by_itself"
    HAND_IN_AGAIN = "hand_in_again"  # the same bytes
    LATER_VERSION = "later_version"
    LATER_VERSION_WAITS = "later_version_waits"
    WITHDRAWAL = "withdrawal"
    GATEWAY_HAS_IT = "gateway_has_it"
    SEND_CASE_8 = "later_version_with_case_8"
    NOT_KNOWN_YET = "not_known_yet"
    IS_OVER = "is_over"


@dataclass(frozen=True, slots=True)
class Following:
    """One thing that may or may not follow.

    Attributes:
        until: The last day in time; None where no day is set or known.
        needs_reason: Whether the law wants one: a correction of what the gateway has, after its day.
    """

    step: Step
    is_allowed: bool
    way: Way
    until: date | None = None
    needs_reason: bool = False


def what_may_follow(
    submission: Submission, *, discharges: Iterable[date], today: date
) -> tuple[Following, ...]:
    """Say what may follow; discharges are the days of NGAY_RA of its claims, as far as they are known."""
    return _resend(submission, today), _replace(submission, discharges, today), _withdraw(submission)


def _resend(submission: Submission, today: date) -> Following:
    state = submission.state
    if state is State.WITHDRAWN:
        until = local_date(submission.updated_at + HAND_IN_AGAIN_WITHIN)
        return Following(Step.RESEND, is_allowed=today <= until, way=Way.HAND_IN_AGAIN, until=until)
    if state is State.ACKNOWLEDGED:
        return Following(Step.RESEND, is_allowed=False, way=Way.GATEWAY_HAS_IT)
    if state in REPLAYABLE:
        way = Way.REPLAY_AFTER_ASKING if submission.may_be_taken else Way.REPLAY
        return Following(Step.RESEND, is_allowed=True, way=way)
    way = Way.BY_ITSELF if state in PENDING else Way.IS_OVER
    return Following(Step.RESEND, is_allowed=False, way=way)


def _replace(submission: Submission, discharges: Iterable[date], today: date) -> Following:
    if submission.superseded_by is not None:
        return Following(Step.REPLACE, is_allowed=False, way=Way.IS_OVER)
    refused_on = local_date(submission.updated_at) if submission.state is State.REFUSED else None
    days = (correct_by(day, faulted_on=refused_on) for day in discharges)
    until = min((day for day in days if day is not None), default=None)
    in_doubt = submission.state in {State.SENDING, State.OUTCOME_UNKNOWN}
    return Following(
        Step.REPLACE,
        is_allowed=True,
        way=Way.LATER_VERSION_WAITS if in_doubt else Way.LATER_VERSION,
        until=until,
        # Circular 48/2017, article 13.9: later only with a stated reason.
        needs_reason=submission.receipt is not None and until is not None and today > until,
    )


def _withdraw(submission: Submission) -> Following:
    state = submission.state
    if state is State.ACKNOWLEDGED:
        return Following(Step.WITHDRAW, is_allowed=False, way=Way.SEND_CASE_8)
    if submission.may_be_taken:
        return Following(Step.WITHDRAW, is_allowed=False, way=Way.NOT_KNOWN_YET)
    if state in WITHDRAWABLE:
        return Following(Step.WITHDRAW, is_allowed=True, way=Way.WITHDRAWAL)
    return Following(Step.WITHDRAW, is_allowed=False, way=Way.IS_OVER)
