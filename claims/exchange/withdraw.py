"""Withdraw: a facility takes back what the gateway does not have."""

from dataclasses import dataclass

from claims.exchange.lifecycle import State
from claims.exchange.ports import Clock, Submissions
from claims.exchange.submission import Event, EventKind, FacilityCode, Submission, SubmissionId


@dataclass(frozen=True, slots=True)
class WithdrawSubmission:
    """Take a submission back; twice is as good as once."""

    submissions: Submissions
    clock: Clock

    def __call__(
        self, submission_id: SubmissionId, *, facility: FacilityCode, actor: str, reason: str
    ) -> Submission:
        """Take it back with a reason, which its history keeps.

        Raises:
            SubmissionNotFound: There is none, or it is another facility's.
            CannotWithdraw: The gateway has it, or may have it.
        """
        event = Event(
            self.clock.now(), EventKind.WITHDRAWN, State.WITHDRAWN, actor, detail={"reason": reason}
        )
        return self.submissions.withdraw(submission_id, facility=facility, event=event)
