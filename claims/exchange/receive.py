"""Receive a signed bundle: durable before anything else happens."""

import hashlib
from dataclasses import dataclass, replace

from claims.exchange.errors import EmptyBundle
from claims.exchange.ports import Clock, JobQueue, NewSubmission, Origin, Submissions
from claims.exchange.proofs import ServiceKeys
from claims.exchange.submission import FacilityCode, Submission, new_submission_id
from claims.proof.records import AcceptanceReceipt


@dataclass(frozen=True, slots=True)
class Received:
    """A submission and whether this call set it going; False means the same bytes or key came before.

    Attributes:
        receipt: What the facility can show for having handed it over, signed; the first time's.
    """

    submission: Submission
    is_new: bool
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiveBundle:
    """Store a bundle and wake a worker to check it."""

    submissions: Submissions
    jobs: JobQueue
    clock: Clock
    keys: ServiceKeys | None = None

    def __call__(  # noqa: PLR0913 - facts of one call, by keyword
        self,
        body: bytes,
        *,
        facility: FacilityCode,
        actor: str,
        idempotency_key: str | None = None,
        origin: Origin | None = None,
        reason: str | None = None,
    ) -> Received:
        """Store the bytes as they are; the same bytes again give the same submission, withdrawn or not.

        Args:
            body: The bundle exactly as it came.
            facility: Who submits.
            actor: Who calls, for the history.
            idempotency_key: The caller's key, if it sent one.
            origin: What the service built the bundle from, if it did; the key stands for its document.
            reason: Why the facility corrects what it sent before, for the history.

        Raises:
            EmptyBundle: There are no bytes: a mishap of who sends, and no claim to be rejected.
            IdempotencyMismatch: The key came before with another body.
        """
        if not body.strip():
            raise EmptyBundle
        new = self.prepare(
            body, facility=facility, actor=actor, idempotency_key=idempotency_key, origin=origin
        )
        submission, is_set_going = self.submissions.add(replace(new, reason=reason))
        if is_set_going:
            # After the commit: a wake-up that gets lost costs some seconds until the reaper's turn.
            self.jobs.wake_check([submission.id])
        if submission.id == new.id:
            return Received(submission, is_set_going, new.receipt)
        return replace(self.again(submission), is_new=is_set_going)

    def prepare(
        self,
        body: bytes,
        *,
        facility: FacilityCode,
        actor: str,
        idempotency_key: str | None = None,
        origin: Origin | None = None,
    ) -> NewSubmission:
        """Return the submission that these bytes would be, with the receipt for them; nothing is stored."""
        now = self.clock.now()
        sha256 = hashlib.sha256(body).hexdigest()
        submission_id = new_submission_id(now)
        receipt = None
        if self.keys is not None:
            accepted = AcceptanceReceipt(submission_id, facility, sha256, len(body), now)
            receipt = accepted.sign(self.keys.current())
        return NewSubmission(
            id=submission_id,
            facility=facility,
            sha256=sha256,
            body=body,
            received_at=now,
            actor=actor,
            idempotency_key=idempotency_key,
            request_sha256=sha256 if origin is None else hashlib.sha256(origin.document).hexdigest(),
            receipt=receipt,
            origin=origin,
        )

    def again(self, submission: Submission) -> Received:
        """Return what came before, with the receipt of then."""
        return Received(submission, is_new=False, receipt=self.submissions.signed_receipt(submission.id))
