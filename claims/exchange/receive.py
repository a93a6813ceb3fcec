"""Receive a signed bundle: durable before anything else happens."""

import hashlib
from dataclasses import dataclass

from claims.exchange.ports import Clock, JobQueue, NewSubmission, Submissions
from claims.exchange.submission import FacilityCode, Submission, new_submission_id


@dataclass(frozen=True, slots=True)
class Received:
    """A submission and whether this call made it; False means the same bytes or key came before."""

    submission: Submission
    is_new: bool


@dataclass(frozen=True, slots=True)
class ReceiveBundle:
    """Store a bundle and wake a worker to check it."""

    submissions: Submissions
    jobs: JobQueue
    clock: Clock

    def __call__(
        self,
        body: bytes,
        *,
        facility: FacilityCode,
        actor: str,
        idempotency_key: str | None = None,
        request_sha256: str | None = None,
    ) -> Received:
        """Store the bytes as they are; the same bytes again give the same submission.

        Args:
            body: The bundle exactly as it came.
            facility: Who submits.
            actor: Who calls, for the history.
            idempotency_key: The caller's key, if it sent one.
            request_sha256: Digest of what the key stands for, when that is not the bundle itself.

        Raises:
            IdempotencyMismatch: The key came before with another body.
        """
        now = self.clock.now()
        sha256 = hashlib.sha256(body).hexdigest()
        submission, is_new = self.submissions.add(
            NewSubmission(
                id=new_submission_id(now),
                facility=facility,
                sha256=sha256,
                body=body,
                received_at=now,
                actor=actor,
                idempotency_key=idempotency_key,
                request_sha256=request_sha256 or sha256,
            )
        )
        if is_new:
            # After the commit: a wake-up that gets lost costs some seconds until the reaper's turn.
            self.jobs.wake_check([submission.id])
        return Received(submission, is_new)
