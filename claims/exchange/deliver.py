"""Deliver checked submissions to the gateway: exactly once in effect.

The steps of one attempt:

1. take a lease and count the attempt, committed, so that a dying worker leaves a trace;
2. if an earlier attempt may have been taken, ask the gateway by digest before sending anything;
3. send the very bytes that were signed, with no transaction open;
4. write receipt, refusal or the time of the next attempt, if the lease is still ours.
"""

import random
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from claims.exchange.breaker import (
    LONGEST_PUT_OFF,
    MAINTENANCE,
    RESTING,
    Breaker,
    Permit,
    Throttles,
    until_asked_again,
)
from claims.exchange.errors import (
    TOO_SLOW,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OutcomeUnknown,
)
from claims.exchange.lifecycle import State, advance
from claims.exchange.operating import PAUSED
from claims.exchange.ports import Around, Clock, Gateway, Leased, Receipt, Sent, Submissions
from claims.exchange.quota import QUOTA, TOO_LARGE_NOW, Quota, SizeLimit, sendable_at
from claims.exchange.submission import Event, EventKind, SubmissionId

#: A batch takes a guest of another facility for so many of its own.
GUESTS_OF: Final = 4
_LONG_WAIT: Final = timedelta(seconds=2)
#: How long after the first answer others may come to be written with it. A transaction costs about as much
#: as sending ten claims.
_TOGETHER_S: Final = 0.1
#: Why a submission waits while the gateway wants to hear nothing of its facility.
THROTTLED: Final = "gateway.throttled"
#: The cause of an attempt whose answer was about another submission.
OTHER_CLAIM: Final = "gateway.other-claim"
#: The cause of a submission whose attempts were used up by workers that died over it.
KILLS_WORKER: Final = "send.kills_worker"
#: The cause of a submission in doubt that the gateway does not know; it is asked once more before it is sent.
NOT_KNOWN: Final = "gateway.not-known"
#: How long a submission waits while sending is paused, before it is looked whether it still is.
_PAUSE: Final = timedelta(seconds=30)


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
        return self._after(attempts, now) if attempts < self.max_attempts else None

    def first_again_at(self, now: datetime) -> datetime:
        """Return when to try again what no attempt was used up by."""
        return self._after(1, now)

    def _after(self, attempts: int, now: datetime) -> datetime:
        wait_s = min(self.base_s * 2.0 ** (attempts - 1), self.cap_s)
        return now + timedelta(seconds=wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class LetGo:
    """Let go what waits for the end of something that is over; each returns how many that were."""

    submissions: Submissions
    breaker: Breaker
    clock: Clock
    limit: int = 10_000

    def of_maintenance(self) -> int:
        """Let go what waits for an end of maintenance that is not announced any more, or was a mistake."""
        ends = [window.ends for window in self.breaker.maintenance]
        return self.submissions.bring_forward(cause=MAINTENANCE, but=ends, now=self.clock.now())

    def of_rests(self) -> int:
        """Let go what was put off when a probe was sent, once that was answered."""
        if not self.breaker.conducts():
            return 0
        now = self.clock.now()
        return self.submissions.bring_forward(
            cause=RESTING, now=now, until=now + LONGEST_PUT_OFF, limit=self.limit
        )


@dataclass(frozen=True, slots=True)
class DeliverSubmissions:
    """Send a batch. Safe to run twice: only the holder of a lease sends.

    Attributes:
        lease_s: Twice the longest that the gateway's client may take over one request of either kind.
        breaker: Says whether the gateway is to be left in peace.
        executor: Has a thread for everything that is leased at once, so that no lease runs out in a queue.
        quota: How many requests may go in a second.
        size_limits: The largest files by the hour.
        around: Surrounds the work on each one, for whoever watches.
        is_paused: Says whether somebody has paused sending.
        settle: How long the gateway has for what may have reached it already, once it says that it does not
            know a submission in doubt. As long as one request may take: the first one may still lie unread
            where the question came in.
        throttles: Facilities for which nothing is sent for now, because the gateway said so.
    """

    submissions: Submissions
    gateway: Gateway
    clock: Clock
    retry: RetryPolicy
    lease_s: int
    executor: Executor
    breaker: Breaker
    around: Around = lambda _leased: nullcontext()
    quota: Quota = field(default_factory=Quota)
    size_limits: Sequence[SizeLimit] = ()
    is_paused: Callable[[], bool] = lambda: False
    settle: timedelta = timedelta(seconds=30)
    throttles: Throttles = field(default_factory=Throttles)

    def __call__(self, ids: Sequence[SubmissionId]) -> tuple[SubmissionId, ...]:
        """Send those that are due, several at once; return the ids whose outcome was written."""
        owner = secrets.token_hex(8)
        now = self.clock.now()
        if self.is_paused():
            self.submissions.postpone(ids, until=now + _PAUSE, cause=PAUSED, now=now)
            return ()
        ids = [*ids, *self._waiting_elsewhere(ids, now)]
        allowed = permit = self.breaker.permit(len(ids), now)
        turns = self.quota.take(permit.number, now)
        if len(turns.moments) < permit.number:
            permit = Permit(len(turns.moments), turns.free_at, QUOTA)
        # By chance: a probe that is always the same one might fail for a reason of its own.
        going = ids if permit.number >= len(ids) else random.sample(ids, permit.number)
        # (1) Nothing is sent without a lease.
        leased = self.submissions.lease_for_delivery(going, owner=owner, now=now, lease_s=self.lease_s)
        if not leased:
            self.breaker.give_back(allowed, now)
        # For a probe that had been sent before, and so is none now, nobody waits: the others are woken again.
        if len(going) < len(ids) and (leased or not permit.number):
            rest = [one for one in ids if one not in going]
            # What the gateway did not know is sent when it comes again, however long that takes.
            keeping = () if permit.cause == MAINTENANCE else (NOT_KNOWN,)
            self.submissions.postpone(rest, until=permit.until, cause=permit.cause, now=now, keeping=keeping)
        running: set[Future[Sent]] = {
            # What is known of the batch (its task, its trace) is known in each thread.
            self.executor.submit(copy_context().run, self._watched, one, moment)
            for one, moment in zip(leased, turns.moments, strict=False)
        }
        written: list[SubmissionId] = []
        broken: list[BaseException] = []
        while running:
            # (4) What has answered is written soon: a slow answer must not hold back its neighbours'
            # receipts, and those that come together share a transaction.
            wait(running, return_when=FIRST_COMPLETED)
            finished, running = wait(running, timeout=_TOGETHER_S)
            broken += [error for future in finished if (error := future.exception()) is not None]
            results = [future.result() for future in finished if future.exception() is None]
            written += self.submissions.record_deliveries(results, owner=owner, now=self.clock.now())
        if broken:
            # A fault of ours. Its lease runs out, and the submission is looked for before it is sent again.
            raise broken[0]
        return tuple(written)

    def _waiting_elsewhere(self, ids: Sequence[SubmissionId], now: datetime) -> Sequence[SubmissionId]:
        """Return what waits long at other facilities: one's ten thousand must not delay another's one."""
        room = len(ids) // GUESTS_OF
        if not room:
            return ()
        return self.submissions.waiting_elsewhere(ids, before=now - _LONG_WAIT, limit=room)

    def _watched(self, leased: Leased, moment: datetime) -> Sent:
        self.quota.wait_for(moment, self.clock)
        with self.around(leased):
            now = self.clock.now()
            sendable = sendable_at(self.size_limits, len(leased.body), now)
            if sendable > now:
                return self._keep_until(sendable, leased, now, TOO_LARGE_NOW, "too large for these hours")
            free_at = self.throttles.free_at(leased.facility, now)
            if free_at > now:
                return self._keep_until(free_at, leased, now, THROTTLED, "this account has asked too often")
            return self._attempt(leased)

    @staticmethod
    def _keep_until(  # noqa: PLR0913 - what an event tells
        until: datetime,
        leased: Leased,
        now: datetime,
        cause: str,
        said: str,
        *,
        maybe_taken: bool | None = None,
    ) -> Sent:
        """Let it wait, as the gateway wishes or we do: no attempt is used up, however many days it takes."""
        doubt = leased.maybe_taken if maybe_taken is None else maybe_taken
        target = State.OUTCOME_UNKNOWN if doubt else State.CHECKED
        kind = EventKind.OUTCOME_UNKNOWN if doubt else EventKind.SEND_FAILED
        return Sent(
            leased.id,
            leased.attempts,
            advance(State.SENDING, target),
            Event(now, kind, target, "worker", cause=cause, detail={"said": said}),
            now,
            maybe_taken=doubt,
            next_attempt_at=until,
            is_attempt=False,
        )

    def _attempt(self, leased: Leased) -> Sent:
        started_at = self.clock.now()
        maybe_taken = leased.maybe_taken
        if leased.attempts > self.retry.max_attempts:
            # The last attempt wrote nothing down: its worker died over it. One more would be one too many.
            doubt = GatewayUnavailable(KILLS_WORKER)
            return self._try_again(leased, doubt, started_at, maybe_taken=maybe_taken)
        try:
            if maybe_taken:
                # (2) An earlier attempt ended in doubt: look before sending again.
                looked = self._look(leased, started_at)
                if looked is not None:
                    return looked
                maybe_taken = False
            self._require_time_to_send(leased)
            # (3) No transaction is open while the gateway thinks.
            receipt = self.gateway.send(leased.facility, leased.body, decision=leased.decision)
        except GatewayRefused as refusal:
            self._note(refusal)
            return self._ended(leased, refusal, started_at)
        except OutcomeUnknown as doubt:
            return self._come_back(leased, doubt, started_at, maybe_taken=True)
        except GatewayUnavailable as outage:
            return self._come_back(leased, outage, started_at, maybe_taken=maybe_taken)
        self._note(None)
        return self._acknowledged(leased, receipt, started_at, found=False)

    def _look(self, leased: Leased, started_at: datetime) -> Sent | None:
        """Return what looking led to; None when the gateway has said twice that it does not know it."""
        receipt = self.gateway.find_receipt(leased.facility, leased.sha256)
        if self.gateway.can_find:
            self._note(None)
        if receipt is not None:
            return self._acknowledged(leased, receipt, started_at, found=True)
        if leased.cause == NOT_KNOWN:
            return None
        again = self.clock.now() + self.settle
        return self._keep_until(again, leased, started_at, NOT_KNOWN, "not known, or not yet")

    def _come_back(
        self, leased: Leased, error: GatewayError, started_at: datetime, *, maybe_taken: bool
    ) -> Sent:
        """Try again when the gateway asks for it, or else as the policy has it."""
        self._note(error)
        now = self.clock.now()
        if error.patience is None:
            probes_again_at = self.breaker.probes_again_at(now) if error.is_silence else None
            if probes_again_at is not None:
                # It was sent to see whether anybody answers. Where few wait, an outage of hours would use up
                # the attempts of all. Others go first the next time: it may be this one that gets no answer.
                until = self.retry.first_again_at(probes_again_at)
                return self._keep_until(
                    until, leased, now, error.cause, error.detail, maybe_taken=maybe_taken
                )
            return self._try_again(leased, error, started_at, maybe_taken=maybe_taken)
        until = until_asked_again(error.patience, now)
        if not error.patience.is_everybodys:
            self.throttles.note(leased.facility, until)
        # Not all at that moment, nor at once where it asks for no time at all.
        until = max(until, self.retry.first_again_at(now))
        return self._keep_until(until, leased, now, error.cause, error.detail, maybe_taken=maybe_taken)

    def _note(self, error: GatewayError | None) -> None:
        self.breaker.note(error, self.clock.now())

    def _require_time_to_send(self, leased: Leased) -> None:
        if self.clock.now() + timedelta(seconds=self.lease_s / 2) > leased.until:
            # Paused or starved: somebody else may be sending by the time this would be done.
            raise GatewayUnavailable(TOO_SLOW)

    def _acknowledged(self, leased: Leased, receipt: Receipt, started_at: datetime, *, found: bool) -> Sent:
        detail = {"ma_giao_dich": receipt.ma_giao_dich, "found_by": "digest" if found else "answer"}
        otherwise = None
        if not receipt.is_proven:
            mixed_up = OutcomeUnknown(OTHER_CLAIM, "the number in the answer is another submission's")
            otherwise = self._try_again(leased, mixed_up, started_at, maybe_taken=True)
        return Sent(
            leased.id,
            leased.attempts,
            advance(State.SENDING, State.ACKNOWLEDGED),
            Event(self.clock.now(), EventKind.ACKNOWLEDGED, State.ACKNOWLEDGED, "worker", detail=detail),
            started_at,
            maybe_taken=True,
            receipt=receipt,
            answer=receipt.answer,
            otherwise=otherwise,
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
