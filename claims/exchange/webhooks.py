"""Webhooks: what happens to a facility's submissions is posted to addresses that the facility chose.

The event feed is the source: for each webhook a cursor goes along it and leaves one delivery an event, so
nothing is missed, and receiving and sending claims pays nothing for it. A webhook is served by one worker at
a time, so a receiver that is slow or silent holds one thread; of those that were so the last time only some
have a turn at once, so that hundreds of them delay nobody else's. Order is not promised; ids stay.
"""

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Semaphore
from typing import Final, Protocol

from claims.exchange.deliver import RetryPolicy
from claims.exchange.errors import TooManyWebhooks, WebhookDisabled
from claims.exchange.ports import Clock
from claims.exchange.submission import EventKind, FacilityCode

#: 22 attempts: doubling from 5 s to 8 hours, three days in all.
RETRIES: Final = RetryPolicy(base_s=5.0, cap_s=8 * 3600.0, max_attempts=22)
#: A receiver that did not answer gets one request only after this long, later after ever longer.
SILENCES: Final = RetryPolicy(base_s=5.0, cap_s=600.0, max_attempts=2**31)
#: So many in a row make about three days: what has waited for its turn as long then fails without one. One
#: request every ten minutes would never come to the end of it.
SILENT_FOR_GOOD: Final = 438
LONGEST_SILENCE: Final = timedelta(days=3)
#: So long a receiver that was slow waits where others like it have all turns that there are for them.
PUT_OFF: Final = timedelta(seconds=15)
#: Whose answer takes longer holds its thread as somebody who is silent does.
SLOW_MS: Final = 3_000
#: Webhooks of one facility, at most.
MOST: Final = 10
PING: Final = "webhook.ping"
GONE: Final = "gone"
#: What is posted unless a facility chooses otherwise: how a submission ended.
SETTLED_TYPES: Final = tuple(
    f"submission.{kind.value}"
    for kind in (
        EventKind.ACKNOWLEDGED,
        EventKind.REJECTED,
        EventKind.REFUSED,
        EventKind.GAVE_UP,
        EventKind.CHECK_FAILED,
        EventKind.SUPERSEDED,
        EventKind.WITHDRAWN,
        EventKind.HANDED_IN_AGAIN,
    )
)
EVERY_TYPE: Final = tuple(f"submission.{kind.value}" for kind in EventKind)

_GONE_STATUS: Final = 410
_SECRET_BYTES: Final = 32
#: Posts to one receiver at once.
POSTS_AT_ONCE: Final = 4
DISABLED_BY_FACILITY: Final = "by the facility"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  # for its first or next attempt
    DELIVERED = "delivered"  # answered with 2xx
    FAILED = "failed"  # attempts or three days are used up, or the receiver is gone; it may be sent again


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a facility wants to be told, and of what.

    Attributes:
        types: Event types, such as ``submission.acknowledged``.
        disabled_why: Why nothing is sent there; None while it is.
        overlap_until: Until when deliveries are signed with the secret before the last rotation too.
    """

    id: str
    facility: FacilityCode
    url: str
    types: tuple[str, ...]
    description: str
    created_at: datetime
    disabled_why: str | None = None
    overlap_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to post.

    Attributes:
        status: The HTTP status; None when nobody answered.
        error: What went wrong, without the receiver's text.
    """

    at: datetime
    took_ms: int
    status: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event on its way to one webhook.

    Attributes:
        id: The ``webhook-id`` header: the same with every attempt.
        submission_id: None for a ping.
    """

    id: str
    webhook_id: str
    type: str
    event_at: datetime
    submission_id: str | None
    state_then: str | None
    cause: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    tries: tuple[Try, ...] = ()

    def body(self) -> bytes:
        """Return what is posted: ids, state, cause and links, nothing about a person."""
        data: dict[str, object] = {}
        if self.submission_id is not None:
            here = f"/v1/submissions/{self.submission_id}"
            data = {
                "submission_id": self.submission_id,
                "state": self.state_then,
                "cause": self.cause,
                "links": {"submission": here, "findings": f"{here}/findings", "receipt": f"{here}/receipt"},
            }
        at = self.event_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return json.dumps({"type": self.type, "timestamp": at, "data": data}).encode()


@dataclass(frozen=True, slots=True)
class Turn:
    """A webhook that this worker serves until its lease runs out, and what is due for it.

    Attributes:
        keys: The live secrets' bytes, newest first.
        silences: How often in a row nobody answered there.
    """

    webhook: Webhook
    keys: tuple[bytes, ...]
    due: tuple[WebhookDelivery, ...]
    silences: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one attempt led to."""

    delivery_id: str
    state: DeliveryState
    tried: Try
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class AfterTurn:
    """How a webhook stands after a turn.

    Attributes:
        rests_until: No request goes there before.
        disabled_why: Why none goes there at all any more.
        fails_before: What has been due since before then has failed; None: nothing has by that.
    """

    silences: int
    rests_until: datetime | None
    disabled_why: str | None
    fails_before: datetime | None = None


class Receivers(Protocol):
    """The facilities' receivers, at their addresses."""

    def check(self, url: str) -> None:
        """Pass if webhooks may go there.

        Raises:
            UnusableAddress: They may not.
            TargetUnreachable: Its name has no address.
        """
        ...

    def post(self, url: str, message_id: str, body: bytes, *, keys: Sequence[bytes], at: datetime) -> Try:
        """Post once, signed with every key; whatever goes wrong is part of the answer."""
        ...


class Webhooks(Protocol):
    """Webhooks and their deliveries, as stored; secrets are sealed."""

    def add(self, webhook: Webhook, key: bytes, *, most: int) -> bool:
        """Store a webhook whose events begin now; False if the facility has as many as it may."""
        ...

    def get(self, webhook_id: str, *, facility: FacilityCode | None) -> Webhook:
        """Return a webhook.

        Raises:
            WebhookNotFound: There is none, or it is another facility's.
        """
        ...

    def of_facility(self, facility: FacilityCode) -> tuple[Webhook, ...]:
        """Return a facility's webhooks, oldest first."""
        ...

    def change(self, webhook: Webhook) -> None:
        """Store address, types, description and whether it is on; switched on, its events begin now."""
        ...

    def rotate(self, webhook_id: str, key: bytes, *, now: datetime, overlap_until: datetime) -> None:
        """Store a new secret; the one before stays live until then. Without an overlap no other stays live.

        Raises:
            TwoSecretsLive: There is an overlap of the rotation before, and is to be one of this.
            WebhookNotFound: There is no such webhook.
        """
        ...

    def remove(self, webhook_id: str) -> None:
        """Forget a webhook and its deliveries."""
        ...

    def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> tuple[tuple[int, WebhookDelivery], ...]:
        """Return deliveries, newest first, each with its number."""
        ...

    def ping(self, webhook_id: str, *, at: datetime) -> WebhookDelivery:
        """Leave a delivery that says nothing but that it came, before all others, and end a rest.

        Raises:
            WebhookNotFound: There is no such webhook.
        """
        ...

    def send_again(self, webhook_id: str, delivery_id: str, *, now: datetime) -> WebhookDelivery:
        """Let a delivery begin anew under its id.

        Raises:
            WebhookNotFound: There is none.
        """
        ...

    def fan_out(self, *, now: datetime, limit: int) -> int:
        """Go along the feed and leave a delivery for each event that a webhook wants; return how many."""
        ...

    def due(self, *, now: datetime, limit: int) -> tuple[str, ...]:
        """Return the webhooks for which something is due and that nobody serves."""
        ...

    def lease(self, webhook_id: str, *, owner: str, now: datetime, lease_s: int, limit: int) -> Turn | None:
        """Take a webhook for a while, with what is due for it; None when somebody serves it."""
        ...

    def record(
        self,
        webhook_id: str,
        told: Sequence[Told],
        after: AfterTurn,
        *,
        owner: str,
    ) -> bool:
        """Write what came of a turn, if the lease is still held, and give it back."""
        ...

    def forget(self, *, before: datetime, limit: int) -> int:
        """Delete deliveries that are settled and older; return how many."""
        ...


def new_webhook_secret() -> tuple[str, bytes]:
    """Return a fresh secret: its text, to be shown once, and its bytes."""
    key = secrets.token_bytes(_SECRET_BYTES)
    return f"whsec_{base64.b64encode(key).decode()}", key


@dataclass(frozen=True, slots=True)
class KeepWebhooks:
    """Make, change and remove a facility's webhooks."""

    webhooks: Webhooks
    receivers: Receivers
    clock: Clock

    def make(
        self, facility: FacilityCode, *, url: str, types: Sequence[str], description: str
    ) -> tuple[Webhook, str]:
        """Return a new webhook and its secret, which is shown this once.

        Raises:
            UnusableAddress: Nothing is sent to this address.
            TargetUnreachable: Its name has no address.
            TooManyWebhooks: The facility has as many as it may.
        """
        self.receivers.check(url)
        text, key = new_webhook_secret()
        webhook = Webhook(
            f"whk_{secrets.token_hex(12)}", facility, url, tuple(types), description, self.clock.now()
        )
        if not self.webhooks.add(webhook, key, most=MOST):
            raise TooManyWebhooks(MOST)
        return webhook, text

    def change(
        self,
        webhook: Webhook,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        description: str | None = None,
        is_enabled: bool | None = None,
    ) -> Webhook:
        """Change what is given. Switched on again, its events begin now; the feed has those in between.

        Raises:
            UnusableAddress: Nothing is sent to the new address.
            TargetUnreachable: Its name has no address.
        """
        if url is not None:
            self.receivers.check(url)
        disabled_why = webhook.disabled_why
        if is_enabled is not None:
            disabled_why = None if is_enabled else (disabled_why or DISABLED_BY_FACILITY)
        changed = replace(
            webhook,
            url=webhook.url if url is None else url,
            types=webhook.types if types is None else tuple(types),
            description=webhook.description if description is None else description,
            disabled_why=disabled_why,
        )
        self.webhooks.change(changed)
        return changed

    def rotate(self, webhook: Webhook, *, overlap: timedelta) -> tuple[Webhook, str]:
        """Return the webhook with a new secret, shown this once; the one before stays live for a while.

        Raises:
            TwoSecretsLive: The one before that does so still, and which of them the receiver knows is not
                known here. Without an overlap all end.
        """
        text, key = new_webhook_secret()
        now = self.clock.now()
        until = now + overlap
        self.webhooks.rotate(webhook.id, key, now=now, overlap_until=until)
        return replace(webhook, overlap_until=until), text

    def ping(self, webhook: Webhook) -> WebhookDelivery:
        """Send a test that says nothing but that it came, before all that waits and without a rest.

        Raises:
            WebhookDisabled: It is switched off.
        """
        if webhook.disabled_why is not None:
            raise WebhookDisabled(webhook.id, webhook.disabled_why)
        return self.webhooks.ping(webhook.id, at=self.clock.now())

    def send_again(self, webhook: Webhook, delivery_id: str) -> WebhookDelivery:
        """Let a delivery begin anew under its id.

        Raises:
            WebhookDisabled: The webhook is switched off.
            WebhookNotFound: There is no such delivery.
        """
        if webhook.disabled_why is not None:
            raise WebhookDisabled(webhook.id, webhook.disabled_why)
        return self.webhooks.send_again(webhook.id, delivery_id, now=self.clock.now())


@dataclass(frozen=True, slots=True)
class Announce:
    """Go along the feed and wake whoever serves webhooks for which something is due. Any number may run.

    Attributes:
        is_behind: Whether so many wake-ups wait that more of them would only wait behind these.
    """

    webhooks: Webhooks
    wake: Callable[[str], None]
    clock: Clock
    keep: timedelta = timedelta(days=30)
    is_behind: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        """Return how many webhooks were woken."""
        now = self.clock.now()
        self.webhooks.fan_out(now=now, limit=500)
        self.webhooks.forget(before=now - self.keep, limit=2_000)
        if self.is_behind():
            return 0
        due = self.webhooks.due(now=now, limit=1_000)
        for webhook_id in due:
            self.wake(webhook_id)
        return len(due)


@dataclass(frozen=True, slots=True)
class Tell:
    """Serve one webhook. Safe to run twice: only the holder of its lease posts.

    Attributes:
        lease_s: More than all rounds of a turn may take: each is over after the receivers' time limit.
        executor: Has threads for `POSTS_AT_ONCE` posts of each turn that runs at once.
        slow: As many of those that were slow or silent the last time have a turn at once.
        note: Called with each attempt.
    """

    webhooks: Webhooks
    receivers: Receivers
    clock: Clock
    executor: Executor
    slow: Semaphore
    lease_s: int = 120
    limit: int = 20
    note: Callable[[Told], None] = lambda _told: None
    _were_slow: set[str] = field(default_factory=set)

    def __call__(self, webhook_id: str) -> int:
        """Post what is due, some at once; return how many attempts were written."""
        owner, now = secrets.token_hex(8), self.clock.now()
        turn = self.webhooks.lease(webhook_id, owner=owner, now=now, lease_s=self.lease_s, limit=self.limit)
        if turn is None:
            return 0
        if not turn.silences and webhook_id not in self._were_slow:
            return self._serve(turn, owner)
        if not self.slow.acquire(blocking=False):
            after = AfterTurn(turn.silences, now + PUT_OFF, None)
            self.webhooks.record(webhook_id, (), after, owner=owner)
            return 0
        try:
            return self._serve(turn, owner)
        finally:
            self.slow.release()

    def _serve(self, turn: Turn, owner: str) -> int:
        told: list[Told] = []
        was_slow = turn.webhook.id in self._were_slow
        # After a silence one goes ahead and the others follow when it has been answered.
        step = 1 if turn.silences else POSTS_AT_ONCE
        at, silences, disabled_why = 0, turn.silences, None
        while at < len(turn.due):
            batch = turn.due[at : at + step]
            at, step = at + len(batch), POSTS_AT_ONCE
            answers = list(self.executor.map(lambda one: self._post(turn, one), batch))
            told += answers
            if any(one.tried.status == _GONE_STATUS for one in answers):
                disabled_why = GONE
            silences = 0 if any(one.tried.status is not None for one in answers) else silences + 1
            if _is_slow(answers) and not was_slow:
                break  # the rest goes where those go that are known to be slow
            if silences or disabled_why:
                break
        if _is_slow(told):
            self._were_slow.add(turn.webhook.id)
        else:
            self._were_slow.discard(turn.webhook.id)
        now = self.clock.now()
        rests_until = SILENCES.next_attempt_at(now, silences) if silences else None
        fails_before = now - LONGEST_SILENCE if silences >= SILENT_FOR_GOOD else None
        after = AfterTurn(silences, rests_until, disabled_why, fails_before)
        if not self.webhooks.record(turn.webhook.id, told, after, owner=owner):
            return 0
        for one in told:
            self.note(one)
        return len(told)

    def _post(self, turn: Turn, delivery: WebhookDelivery) -> Told:
        at = self.clock.now()
        tried = self.receivers.post(turn.webhook.url, delivery.id, delivery.body(), keys=turn.keys, at=at)
        if tried.status is not None and tried.status // 100 == 2:  # noqa: PLR2004 - success, RFC 9110, 15.3
            return Told(delivery.id, DeliveryState.DELIVERED, tried, None)
        again = RETRIES.next_attempt_at(self.clock.now(), delivery.attempts + 1)
        if again is None or tried.status == _GONE_STATUS:
            return Told(delivery.id, DeliveryState.FAILED, tried, None)
        return Told(delivery.id, DeliveryState.WAITING, tried, again)


def _is_slow(told: Sequence[Told]) -> bool:
    return any(one.tried.took_ms > SLOW_MS for one in told)
