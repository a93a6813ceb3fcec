"""Check what was received: signature, schema and cross-checks decide between CHECKED and REJECTED."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from claims.bundle.findings import Severity
from claims.checking.check import Report
from claims.exchange.lifecycle import State, advance
from claims.exchange.ports import BundleChecker, Checked, Clock, JobQueue, Leased, Submissions
from claims.exchange.submission import Event, EventKind, SubmissionId

#: A bundle whose check took its worker down this often is set aside (it was alone from the second time on).
MAX_CHECK_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class CheckSubmissions:
    """Check a batch of received submissions. Safe to run twice: only the holder of a lease writes."""

    submissions: Submissions
    check: BundleChecker
    jobs: JobQueue
    clock: Clock
    lease_s: int

    def __call__(self, ids: Sequence[SubmissionId]) -> tuple[SubmissionId, ...]:
        """Check those that wait for it; return the ids whose result was written."""
        owner = secrets.token_hex(8)
        leased = self.submissions.lease_for_check(
            ids, owner=owner, now=self.clock.now(), lease_s=self.lease_s
        )
        if not leased:
            return ()  # done already, or another worker is at it
        results = [self._check_one(one) for one in leased]
        written = self.submissions.record_checks(results, owner=owner, now=self.clock.now())
        passed = {result.id for result in results if result.target is State.CHECKED}
        self.jobs.wake_delivery([one for one in written if one in passed])
        return written

    def _check_one(self, leased: Leased) -> Checked:
        if leased.attempts > MAX_CHECK_ATTEMPTS:
            return Checked(
                leased.id,
                advance(State.RECEIVED, State.FAILED),
                self._event(EventKind.CHECK_FAILED, State.FAILED, cause="check.kills_worker"),
            )
        # The signature is judged at the moment of receipt, not when a worker got round to it.
        report = self.check(leased.body, facility=leased.facility, at=leased.received_at)
        blocking = first_blocking_code(report)
        target = State.CHECKED if blocking is None else State.REJECTED
        kind = EventKind.CHECKED if blocking is None else EventKind.REJECTED
        return Checked(
            leased.id, advance(State.RECEIVED, target), self._event(kind, target, blocking), report
        )

    def _event(self, kind: EventKind, state: State, cause: str | None) -> Event:
        at: datetime = self.clock.now()
        return Event(at=at, kind=kind, state=state, actor="worker", cause=cause)


def first_blocking_code(report: Report) -> str | None:
    """Return the code of the gravest finding that blocks sending, or None when nothing does."""
    if report.is_acceptable:
        return None
    for severity in (Severity.CRITICAL, Severity.ERROR):
        for finding in report.findings:
            if finding.severity is severity:
                return finding.code
    return "check.blocked"
