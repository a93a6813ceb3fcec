"""Adapters that count: the queue of record, the gateway and checks, each measured where it is used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from opentelemetry.trace import SpanKind

from claims.checking.check import Report
from claims.exchange.destination import Circuit
from claims.exchange.errors import GatewayError, GatewayRefused, OutcomeUnknown
from claims.exchange.lifecycle import State
from claims.exchange.parcels import Piece
from claims.exchange.ports import Checked, Gateway, Leased, NewSubmission, Receipt, Sent
from claims.exchange.submission import Submission, SubmissionId
from claims.exchange.webhooks import DeliveryState, Told
from claims.runtime.telemetry.metrics import (
    CIRCUIT,
    FINDINGS,
    GATEWAY,
    SIGNATURES,
    SUBMISSIONS,
    WEBHOOKS,
    timed,
)
from claims.runtime.telemetry.tracing import current_traceparent, link_all, span
from claims.storage.batches import PostgresBatches
from claims.storage.queue import PostgresSubmissions

log = structlog.get_logger()

#: Codes are as many as fields and rules; should somebody find a way to make more, these are enough.
_MOST_CODES: Final = 1_000
_codes: set[str] = set()


@dataclass(frozen=True, slots=True)
class MeasuredBatches(PostgresBatches):
    """Batches, which count what becomes a submission."""

    def record(
        self, batch_id: str, pieces: Sequence[tuple[Piece, NewSubmission | None]]
    ) -> Sequence[SubmissionId]:
        """Take pieces in, and count the new submissions."""
        accepted = PostgresBatches.record(self, batch_id, pieces)
        SUBMISSIONS.labels(State.RECEIVED.value).inc(len(accepted))
        return accepted


class MeasuredSubmissions(PostgresSubmissions):
    """The queue of record, which counts what it writes and keeps each submission's trace with it."""

    def add(self, new: NewSubmission) -> tuple[Submission, bool]:
        """Store a bundle; the trace of the request that brought it goes on from there."""
        submission, is_new = PostgresSubmissions.add(self, replace(new, traceparent=current_traceparent()))
        if is_new:
            SUBMISSIONS.labels(State.RECEIVED.value).inc()
        return submission, is_new

    def lease_for_check(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those that wait for a check; the batch is linked to each."""
        leased = PostgresSubmissions.lease_for_check(self, ids, owner=owner, now=now, lease_s=lease_s)
        link_all([one.traceparent for one in leased])
        return leased

    def lease_for_delivery(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those that are due to be sent; the batch is linked to each."""
        leased = PostgresSubmissions.lease_for_delivery(self, ids, owner=owner, now=now, lease_s=lease_s)
        link_all([one.traceparent for one in leased])
        return leased

    def record_checks(
        self, results: Sequence[Checked], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results, and count states, findings and verdicts."""
        written = PostgresSubmissions.record_checks(self, results, owner=owner, now=now)
        kept = frozenset(written)
        for one in results:
            if one.id in kept:
                SUBMISSIONS.labels(one.target.value).inc()
                if one.report is not None:
                    _count_report(one.report)
        return written

    def record_deliveries(
        self, results: Sequence[Sent], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results, and count states."""
        written = PostgresSubmissions.record_deliveries(self, results, owner=owner, now=now)
        kept = frozenset(written)
        for one in results:
            if one.id in kept:
                SUBMISSIONS.labels(one.target.value).inc()
        return written


@dataclass(frozen=True, slots=True)
class MeasuredGateway:
    """A gateway whose exchanges are timed."""

    gateway: Gateway

    @property
    def can_find(self) -> bool:
        """Whether it can be asked by digest."""
        return self.gateway.can_find

    def send(self, facility: str, bundle: bytes, *, decision: str | None = None) -> Receipt:
        """Hand over one signed bundle, made by this Decision as far as that is known."""
        with (
            span("gateway.send", kind=SpanKind.CLIENT),
            timed(GATEWAY, call="send", outcome="broke") as labels,
        ):
            try:
                receipt = self.gateway.send(facility, bundle, decision=decision)
            except GatewayError as error:
                labels["outcome"] = _note(error, "send")
                raise
            labels["outcome"] = "taken"
            return receipt

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        """Ask whether the gateway took the bundle with this digest."""
        with (
            span("gateway.find", kind=SpanKind.CLIENT),
            timed(GATEWAY, call="find", outcome="broke") as labels,
        ):
            try:
                receipt = self.gateway.find_receipt(facility, sha256)
            except GatewayError as error:
                labels["outcome"] = _note(error, "find")
                raise
            labels["outcome"] = "absent" if receipt is None else "found"
            return receipt


def note_circuit(state: Circuit) -> None:
    """Show whether requests to the gateway rest."""
    CIRCUIT.set(0 if state is Circuit.CLOSED else 1)


def note_webhook(told: Told) -> None:
    """Count an attempt to post to a webhook."""
    if told.state is DeliveryState.DELIVERED:
        outcome = "delivered"
    elif told.tried.status is None:
        outcome = "unanswered"
    else:
        outcome = "refused"
    WEBHOOKS.labels(outcome).inc()


def _note(error: GatewayError, call: str) -> str:
    # While nobody answers the breaker lets one request through at a time, so this is no flood.
    log.warning("gateway.failed", call=call, cause=error.cause)
    if isinstance(error, GatewayRefused):
        return "refused"
    return "unknown" if isinstance(error, OutcomeUnknown) else "unavailable"


def _count_report(report: Report) -> None:
    for finding in report.findings:
        # Rules of hospitals have names of their own, as many as they like: a label has few.
        code = "OWN.*" if finding.code.startswith("OWN.") else finding.code
        if len(_codes) < _MOST_CODES:
            _codes.add(code)
        FINDINGS.labels(code if code in _codes else "other").inc()
    if report.signature is not None:
        SIGNATURES.labels(report.signature.indication.value).inc()
