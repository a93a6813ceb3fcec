"""Check what was received: signature, schema and cross-checks decide between CHECKED and REJECTED."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from claims.bundle.findings import Finding, Severity
from claims.checking.check import Report
from claims.exchange.access.protection import told_cause
from claims.exchange.lifecycle import State, advance
from claims.exchange.ports import BatchChecker, Checked, Clock, JobQueue, Leased, Submissions
from claims.exchange.submission import Event, EventKind, SubmissionId

#: A bundle whose check took its worker down this often is set aside (it was alone from the second time on).
MAX_CHECK_ATTEMPTS = 3


FindLateCorrections = Callable[[Sequence[tuple[Leased, Report]]], Mapping[SubmissionId, Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class CheckSubmissions:
    """Check a batch of received submissions. Safe to run twice: only the holder of a lease writes.

    Attributes:
        find_late_corrections: What there is to say of those that correct, too late, what the gateway has.
        keep_trust: Keeps what signatures are judged by, and returns its digest; None: nothing is kept.
    """

    submissions: Submissions
    check: BatchChecker
    jobs: JobQueue
    clock: Clock
    lease_s: int
    find_late_corrections: FindLateCorrections = lambda _checked: {}
    keep_trust: Callable[[], str | None] = lambda: None

    def __call__(self, ids: Sequence[SubmissionId]) -> tuple[SubmissionId, ...]:
        """Check those that wait for it; return the ids whose result was written."""
        owner = secrets.token_hex(8)
        leased = self.submissions.lease_for_check(
            ids, owner=owner, now=self.clock.now(), lease_s=self.lease_s
        )
        if not leased:
            return ()  # done already, or another worker is at it
        trust = self.keep_trust()
        checked = self._reports(leased)
        late = self.find_late_corrections([(one, report) for one, report in checked if report is not None])
        results = [self._result(one, report, late.get(one.id, ()), trust) for one, report in checked]
        written = self.submissions.record_checks(results, owner=owner, now=self.clock.now())
        passed = {result.id for result in results if result.target is State.CHECKED}
        self.jobs.wake_delivery([one for one in written if one in passed])
        return written

    def _reports(self, leased: Sequence[Leased]) -> Sequence[tuple[Leased, Report | None]]:
        """Return the reports; none for bundles that have taken their workers down."""
        sound = [one for one in leased if one.attempts <= MAX_CHECK_ATTEMPTS]
        reports = {one.id: report for one, report in zip(sound, self.check(sound), strict=True)}
        return [(one, reports.get(one.id)) for one in leased]

    def _result(
        self, leased: Leased, report: Report | None, late: Sequence[Finding], trust: str | None
    ) -> Checked:
        if report is None:
            return Checked(
                leased.id,
                advance(State.RECEIVED, State.FAILED),
                self._event(EventKind.CHECK_FAILED, State.FAILED, cause="check.kills_worker"),
            )
        report = replace(report, findings=(*report.findings, *late))
        blocking = first_blocking_code(report)
        target = State.CHECKED if blocking is None else State.REJECTED
        kind = EventKind.CHECKED if blocking is None else EventKind.REJECTED
        cause = None if blocking is None else told_cause(blocking)
        event = self._event(kind, target, cause)
        return Checked(leased.id, advance(State.RECEIVED, target), event, report, trust)

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
