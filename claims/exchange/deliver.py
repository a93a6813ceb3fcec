"""Deliver checked submissions to the gateway: exactly once in effect.

The steps of one attempt:

1. take a lease and count the attempt, committed, so that a dying worker leaves a trace;
2. if an earlier attempt may have been taken, ask the gateway by digest before sending anything;
3. send the very bytes that were signed, with no transaction open;
4. write receipt, refusal or the time of the next attempt, if the lease is still ours.
"""

import random
import secrets
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from claims.exchange.breaker import Breaker
from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.exchange.lifecycle import State, advance
from claims.exchange.ports import Clock, Gateway, Leased, Receipt, Sent, Submissions
from claims.exchange.submission import Event, EventKind, SubmissionId

#: The cause of an attempt that its worker had no time left for.
TOO_SLOW: Final = "worker.too_slow"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When an attempt that may help is made again.

    The n-th wait is ``base_s * 2**(n-1)``, at most ``cap_s``, spread by up to half of it either way
    so that a thousand submissions that failed together do not come back together.
    """

    base_s: float
    cap_s: float
    max_attempts: int

    def next_attempt_at(self, now: datetime, attempts: int) -> datetime | None:
        """Return when to try again, or None when the attempts are used up."""
        if attempts >= self.max_attempts:
            return None
        wait_s = min(self.base_s * 2.0 ** (attempts - 1), self.cap_s)
        return now + timedelta(seconds=wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class DeliverSubmissions:
    """Send a batch. Safe to run twice: only the holder of a lease sends.

    Attributes:
        lease_s: Twice the longest that the gateway's client may take over one request of either kind.
        breaker: Says whether the gateway is to be left in peace.
        executor: Has a thread for everything that is leased at once, so that no lease runs out in a queue.
    """

    submissions: Submissions
    gateway: Gateway
    clock: Clock
    retry: RetryPolicy
    lease_s: int
    executor: Executor
    breaker: Breaker

    def __call__(self, ids: Sequence[SubmissionId]) -> tuple[SubmissionId, ...]:
        """Send those that are due, several at once; return the ids whose outcome was written."""
        owner = secrets.token_hex(8)
        now = self.clock.now()
        permit = self.breaker.permit(len(ids), now)
        if permit.number < len(ids):
            # By chance: a probe that is always the same one might fail for a reason of its own.
            going = random.sample(ids, permit.number)
            rest = [one for one in ids if one not in going]
            self.submissions.postpone(rest, until=permit.until, cause=permit.cause, now=now)
            ids = going
        # (1) Nothing is sent without a lease.
        leased = self.submissions.lease_for_delivery(ids, owner=owner, now=now, lease_s=self.lease_s)
        running: set[Future[Sent]] = {self.executor.submit(self._attempt, one) for one in leased}
        written: list[SubmissionId] = []
        broken: list[BaseException] = []
        while running:
            # (4) What has answered is written at once: a slow answer must not hold back its
            # neighbours' receipts. While the transaction runs, more answers gather for the next.
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            broken += [error for future in finished if (error := future.exception()) is not None]
            results = [future.result() for future in finished if future.exception() is None]
            written += self.submissions.record_deliveries(results, owner=owner, now=self.clock.now())
        if broken:
            # A fault of ours. Its lease runs out, and the submission is looked for before it is sent again.
            raise broken[0]
        return tuple(written)

    def _attempt(self, leased: Leased) -> Sent:
        started_at = self.clock.now()
        maybe_taken = leased.maybe_taken
        try:
            if maybe_taken:
                # (2) An earlier attempt ended in doubt: look before sending again.
                receipt = self.gateway.find_receipt(leased.facility, leased.sha256)
                if receipt is not None:
                    self._note(None)
                    return self._acknowledged(leased, receipt, started_at, found=True)
                maybe_taken = False
            self._require_time_to_send(leased)
            # (3) No transaction is open while the gateway thinks.
            receipt = self.gateway.send(leased.facility, leased.body)
        except GatewayRefused as refusal:
            self._note(refusal)
            return self._ended(leased, refusal, started_at)
        except OutcomeUnknown as doubt:
            self._note(doubt)
            return self._try_again(leased, doubt, started_at, maybe_taken=True)
        except GatewayUnavailable as outage:
            self._note(outage)
            return self._try_again(leased, outage, started_at, maybe_taken=maybe_taken)
        self._note(None)
        return self._acknowledged(leased, receipt, started_at, found=False)

    def _note(self, error: GatewayError | None) -> None:
        if error is None or error.cause != TOO_SLOW:
            self.breaker.note(error, self.clock.now())

    def _require_time_to_send(self, leased: Leased) -> None:
        if self.clock.now() + timedelta(seconds=self.lease_s / 2) > leased.until:
            # Paused or starved: somebody else may be sending by the time this would be done.
            raise GatewayUnavailable(TOO_SLOW)

    def _acknowledged(self, leased: Leased, receipt: Receipt, started_at: datetime, *, found: bool) -> Sent:
        detail = {"ma_giao_dich": receipt.ma_giao_dich, "found_by": "digest" if found else "answer"}
        return Sent(
            leased.id,
            leased.attempts,
            advance(State.SENDING, State.ACKNOWLEDGED),
            Event(self.clock.now(), EventKind.ACKNOWLEDGED, State.ACKNOWLEDGED, "worker", detail=detail),
            started_at,
            maybe_taken=True,
            receipt=receipt,
            answer=receipt.answer,
        )

    def _ended(self, leased: Leased, refusal: GatewayRefused, started_at: datetime) -> Sent:
        return Sent(
            leased.id,
            leased.attempts,
            advance(State.SENDING, State.REFUSED),
            Event(self.clock.now(), EventKind.REFUSED, State.REFUSED, "worker", cause=refusal.cause),
            started_at,
            maybe_taken=False,
            answer=refusal.answer,
        )

    def _try_again(
        self, leased: Leased, error: GatewayError, started_at: datetime, *, maybe_taken: bool
    ) -> Sent:
        now = self.clock.now()
        next_attempt_at = self.retry.next_attempt_at(now, leased.attempts)
        if next_attempt_at is None:
            target, kind = State.FAILED, EventKind.GAVE_UP
        elif maybe_taken:
            target, kind = State.OUTCOME_UNKNOWN, EventKind.OUTCOME_UNKNOWN
        else:
            target, kind = State.CHECKED, EventKind.SEND_FAILED
        return Sent(
            leased.id,
            leased.attempts,
            advance(State.SENDING, target),
            Event(now, kind, target, "worker", cause=error.cause, detail={"said": error.detail}),
            started_at,
            maybe_taken=maybe_taken,
            next_attempt_at=next_attempt_at,
        )
