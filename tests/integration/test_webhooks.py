"""Webhooks: every event that a facility wants is posted until it is taken, signed, and visible meanwhile."""

import base64
import ipaddress
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifying
from standardwebhooks.webhooks import WebhookVerificationError

from claims.exchange.errors import TooManyWebhooks, TwoSecretsLive, WebhookDisabled, WebhookNotFound
from claims.exchange.webhooks import (
    EVERY_TYPE,
    GONE,
    MOST,
    POSTS_AT_ONCE,
    RETRIES,
    SETTLED_TYPES,
    SILENT_FOR_GOOD,
    SLOW_MS,
    AfterTurn,
    Announce,
    DeliveryState,
    KeepWebhooks,
    Tell,
    Try,
    Webhook,
    WebhookDelivery,
)
from claims.outbound.errors import UnusableAddress
from claims.outbound.guard import Guard
from claims.outbound.webhooks import GuardedReceivers
from claims.storage.sealing import Seal
from claims.storage.webhooks import PostgresWebhooks
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange
from tests.unit.authorities.web import Web, serving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Told:
    """A receiver, and all that serves it."""

    exchange: Exchange
    web: Web
    executor: ThreadPoolExecutor
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.exchange.clock.time = datetime.now(UTC)  # a library takes signatures of the present only
        self.stored = PostgresWebhooks(self.exchange.pool, Seal(bytes(32)))
        receivers = GuardedReceivers(Guard(LOOPBACK, needs_tls=True))
        self.keep = KeepWebhooks(self.stored, receivers, self.exchange.clock)
        self.announce = Announce(self.stored, self.woken.append, self.exchange.clock)
        self.tell = Tell(
            self.stored, receivers, self.exchange.clock, self.executor, slow=threading.Semaphore(1)
        )

    def answers(self, status: int, path: str = "/hook") -> None:
        self.web.answers[path] = lambda _body: (status, {}, b"")

    def hook(self, path: str = "/hook", types: tuple[str, ...] = SETTLED_TYPES) -> tuple[Webhook, str]:
        return self.keep.make(FACILITY, url=self.web.url(path), types=types, description="")

    def serve(self) -> int:
        """Do what the workers do, once."""
        self.woken.clear()
        self.announce()
        return sum(self.tell(one) for one in self.woken)

    def serve_until(self, count: int) -> None:
        """Serve until so many posts were tried; transactions of other databases may delay the feed."""
        pause = threading.Event()
        done = 0
        for _ in range(1500):
            done += self.serve()
            if done >= count:
                return
            pause.wait(0.02)
        raise AssertionError(f"{done} posts instead of {count}")

    def deliveries(self, webhook: Webhook) -> list[WebhookDelivery]:
        found = self.stored.deliveries(webhook.id, state=None, before=None, limit=100)
        return [one for _, one in found]


@pytest.fixture
def told(exchange: Exchange) -> Iterator[Told]:
    with serving() as web, ThreadPoolExecutor(8) as executor:
        told = Told(exchange, web, executor)
        told.answers(204)
        yield told


def test_an_event_is_posted_signed_and_says_nothing_about_a_person(told: Told) -> None:
    webhook, secret = told.hook()
    submission = told.exchange.checked()
    told.exchange.deliver([submission.id])

    told.serve_until(1)

    (delivery,) = told.deliveries(webhook)
    assert (delivery.state, delivery.type) == (DeliveryState.DELIVERED, "submission.acknowledged")
    (headers, body) = told.web.posts[0]
    said = Verifying(secret).verify(body, headers)
    assert headers["webhook-id"] == delivery.id
    assert said == {
        "type": "submission.acknowledged",
        "timestamp": said["timestamp"],
        "data": {
            "submission_id": submission.id,
            "state": "acknowledged",
            "cause": None,
            "links": {
                "submission": f"/v1/submissions/{submission.id}",
                "findings": f"/v1/submissions/{submission.id}/findings",
                "receipt": f"/v1/submissions/{submission.id}/receipt",
            },
        },
    }


def test_a_webhook_hears_of_what_it_chose_and_of_its_own_facility_from_its_making_on(told: Told) -> None:
    told.hook("/witness", types=("submission.received",))
    told.answers(200, "/witness")
    told.exchange.checked(b"<before/>")
    told.serve_until(1)  # the witness alone
    webhook, _ = told.hook(types=("submission.received",))
    told.exchange.received(b"<other/>", facility=OTHER_FACILITY)
    told.exchange.checked(b"<after/>")

    told.serve_until(2)

    assert [one.type for one in told.deliveries(webhook)] == ["submission.received"]
    assert told.serve() == 0


def test_what_is_not_taken_is_posted_again_under_its_id_for_three_days(told: Told) -> None:
    webhook, _ = told.hook(types=("submission.received",))
    told.answers(500)
    told.exchange.received()
    began = told.exchange.clock.now()
    told.serve_until(1)

    while (delivery := told.deliveries(webhook)[0]).next_attempt_at is not None:
        told.exchange.clock.time = delivery.next_attempt_at
        assert told.serve() == 1

    assert delivery.state is DeliveryState.FAILED
    assert delivery.attempts == len(delivery.tries) == RETRIES.max_attempts
    assert {one.status for one in delivery.tries} == {500}
    assert {headers["webhook-id"] for headers, _ in told.web.posts} == {delivery.id}
    lasted = told.exchange.clock.now() - began
    assert timedelta(days=2) < lasted < timedelta(days=5)


def test_retries_last_three_days_on_average() -> None:
    waits = [min(RETRIES.base_s * 2**n, RETRIES.cap_s) for n in range(RETRIES.max_attempts - 1)]

    assert timedelta(days=3) < timedelta(seconds=sum(waits)) < timedelta(days=3.5)


def test_410_switches_a_webhook_off_until_its_facility_switches_it_on(told: Told) -> None:
    webhook, _ = told.hook(types=("submission.received",))
    told.hook("/witness", types=("submission.received",))
    told.answers(200, "/witness")
    told.answers(410)
    told.exchange.received(b"<a/>")
    told.serve_until(2)
    gone = told.stored.get(webhook.id, facility=FACILITY)
    told.exchange.received(b"<b/>")

    assert gone.disabled_why == GONE
    told.serve_until(1)  # the witness alone
    assert told.serve() == 0
    with pytest.raises(WebhookDisabled):
        told.keep.ping(gone)

    told.answers(200)
    told.keep.change(gone, is_enabled=True)
    told.exchange.received(b"<c/>")
    told.serve_until(2)
    states = [one.state for one in told.deliveries(webhook)]
    assert states.count(DeliveryState.DELIVERED) == 1
    assert states.count(DeliveryState.FAILED) == 1


def test_nothing_is_due_while_a_webhook_is_switched_off(told: Told) -> None:
    webhook, _ = told.hook()
    told.answers(500)
    told.keep.ping(webhook)
    told.serve_until(1)

    off = told.keep.change(webhook, is_enabled=False)
    assert [one.next_attempt_at for one in told.deliveries(webhook)] == [None]
    told.keep.change(off, is_enabled=True)
    assert told.deliveries(webhook)[0].next_attempt_at is not None


def test_while_a_secret_is_replaced_both_sign_and_then_only_the_new_one(told: Told) -> None:
    webhook, first = told.hook()
    webhook, second = told.keep.rotate(webhook, overlap=timedelta(hours=1))
    told.keep.ping(webhook)
    told.serve_until(1)
    with told.exchange.pool.connection() as connection:
        connection.execute("UPDATE webhook SET overlap_until = now() - interval '1 day'")
    told.keep.ping(webhook)
    told.serve_until(1)

    (during, body), (after, later) = told.web.posts
    Verifying(first).verify(body, during)
    Verifying(second).verify(body, during)
    Verifying(second).verify(later, after)
    with pytest.raises(WebhookVerificationError):
        Verifying(first).verify(later, after)


def test_a_third_secret_is_made_only_once_the_first_has_ended_or_is_meant_to(told: Told) -> None:
    webhook, first = told.hook()
    rotated, second = told.keep.rotate(webhook, overlap=timedelta(hours=1))

    with pytest.raises(TwoSecretsLive) as refused:
        told.keep.rotate(webhook, overlap=timedelta(hours=1))
    told.keep.ping(webhook)
    told.serve_until(1)
    _, third = told.keep.rotate(webhook, overlap=timedelta(0))
    told.keep.ping(webhook)
    told.serve_until(1)
    told.keep.rotate(webhook, overlap=timedelta(hours=1))

    (during, body), (after, later) = told.web.posts
    assert refused.value.until == rotated.overlap_until
    Verifying(first).verify(body, during)
    Verifying(second).verify(body, during)
    Verifying(third).verify(later, after)
    for ended in (first, second):
        with pytest.raises(WebhookVerificationError):
            Verifying(ended).verify(later, after)


def test_secrets_are_sealed_at_rest(told: Told) -> None:
    _, secret = told.hook()
    with told.exchange.pool.connection() as connection:
        row = connection.execute("SELECT secret_sealed FROM webhook").fetchone()

    assert row is not None
    assert base64.b64decode(secret.removeprefix("whsec_")) not in bytes(row[0])


class Impatient(GuardedReceivers):
    """Knows where nothing will come, and waits a second there."""

    def post(self, url: str, message_id: str, body: bytes, *, keys: Sequence[bytes], at: datetime) -> Try:
        guard = replace(self.guard, timeout_s=1) if url.endswith("/silent") else self.guard
        return GuardedReceivers(guard).post(url, message_id, body, keys=keys, at=at)


def test_a_silent_receiver_delays_nobody_else_and_gets_one_request_at_a_time(told: Told) -> None:
    told.tell = replace(told.tell, receivers=Impatient(Guard(LOOPBACK, needs_tls=True)))
    release = threading.Event()

    def hang(_body: bytes) -> tuple[int, dict[str, str], bytes]:
        release.wait(60)
        return 200, {}, b""

    told.web.answers["/silent"] = hang
    silent, _ = told.hook("/silent", types=("submission.received",))
    quick, _ = told.hook("/quick", types=("submission.received",))
    told.answers(200, "/quick")
    for number in range(12):
        told.exchange.received(b"<x%d/>" % number)

    told.serve_until(16)  # twelve of the quick one, and one round of the silent one
    release.set()

    assert {one.state for one in told.deliveries(quick)} == {DeliveryState.DELIVERED}
    assert sum(one.attempts for one in told.deliveries(silent)) == 4
    now = told.exchange.clock.now()
    assert told.stored.due(now=now, limit=10) == ()
    shown = [one.next_attempt_at for one in told.deliveries(silent)]
    assert all(at is not None and at > now for at in shown)  # it rests: none of the twelve goes before
    told.exchange.clock.advance(60)
    release.clear()
    assert told.serve() == 1
    release.set()


class Slow(GuardedReceivers):
    """Says of some that their answer took long."""

    def post(self, url: str, message_id: str, body: bytes, *, keys: Sequence[bytes], at: datetime) -> Try:
        tried = GuardedReceivers(self.guard).post(url, message_id, body, keys=keys, at=at)
        return replace(tried, took_ms=SLOW_MS + 1) if url.endswith("/slow") else tried


@pytest.mark.parametrize("path", [pytest.param(":9/silent", id="silent"), pytest.param("/slow", id="slow")])
def test_however_many_were_slow_some_of_them_have_a_turn_at_once(told: Told, path: str) -> None:
    told.tell = replace(told.tell, receivers=Slow(Guard(LOOPBACK, needs_tls=True)))
    url = f"http://127.0.0.1{path}" if path.startswith(":") else told.web.url(path)
    told.answers(500, "/slow")
    slow = [
        told.keep.make(FACILITY, url=url, types=("submission.received",), description="")[0] for _ in range(3)
    ]
    quick, _ = told.hook("/quick", types=("submission.received",))
    told.answers(200, "/quick")
    told.exchange.received(b"<first/>")
    told.serve_until(4)  # nobody knows yet who is slow
    told.exchange.clock.advance(60)

    told.tell.slow.acquire()  # somebody who is slow has a turn
    told.exchange.received(b"<second/>")
    told.serve_until(1)

    assert [one.attempts for one in told.deliveries(quick)] == [1, 1]
    assert [one.attempts for hook in slow for one in told.deliveries(hook)] == [0, 1] * 3
    assert told.stored.due(now=told.exchange.clock.now(), limit=10) == ()
    told.tell.slow.release()
    told.exchange.clock.advance(60)
    assert told.serve() >= 3


def test_who_is_found_slow_keeps_no_others_waiting_with_all_that_waits(told: Told) -> None:
    told.tell = replace(told.tell, receivers=Slow(Guard(LOOPBACK, needs_tls=True)))
    webhook, _ = told.hook("/slow", types=("submission.received",))
    told.answers(200, "/slow")
    for number in range(12):
        told.exchange.received(b"<x%d/>" % number)
    while len(told.deliveries(webhook)) < 12:
        told.announce()

    assert [told.tell(webhook.id) for _ in range(3)] == [POSTS_AT_ONCE, 12 - POSTS_AT_ONCE, 0]


def test_where_many_wait_for_a_worker_nobody_is_woken_once_more(told: Told) -> None:
    told.hook(types=("submission.received",))
    behind = replace(told.announce, is_behind=lambda: True)
    told.exchange.received()
    while not told.stored.due(now=told.exchange.clock.now(), limit=1):
        behind()

    assert told.woken == []
    told.announce()
    assert len(told.woken) == 1


@pytest.mark.parametrize(
    ("silences", "fail"),
    [
        pytest.param(SILENT_FOR_GOOD - 1, 3, id="for-three-days"),
        pytest.param(SILENT_FOR_GOOD - 2, 0, id="for-less"),
    ],
)
def test_what_has_waited_three_days_for_a_receiver_that_is_silent_fails(
    told: Told, silences: int, fail: int
) -> None:
    nobody = "http://127.0.0.1:9/"
    webhook, _ = told.keep.make(FACILITY, url=nobody, types=("submission.received",), description="")
    for number in range(4):
        told.exchange.received(b"<x%d/>" % number)
    told.serve_until(4)
    told.exchange.clock.advance(4 * 24 * 3600)
    now = told.exchange.clock.now()
    assert told.stored.lease(webhook.id, owner="x", now=now, lease_s=120, limit=1) is not None
    assert told.stored.record(webhook.id, (), AfterTurn(silences, now, None), owner="x")

    assert told.serve() == 1

    failed = [one for one in told.deliveries(webhook) if one.state is DeliveryState.FAILED]
    assert len(failed) == fail  # all but the one that went ahead
    assert {one.next_attempt_at for one in failed} <= {None}
    assert told.keep.send_again(webhook, told.deliveries(webhook)[0].id).state is DeliveryState.WAITING


def test_only_the_holder_of_a_lease_posts_and_what_a_dead_worker_left_is_posted(told: Told) -> None:
    webhook, _ = told.hook()
    told.keep.ping(webhook)
    now = told.exchange.clock.now()
    assert told.stored.lease(webhook.id, owner="dead", now=now, lease_s=120, limit=20) is not None

    assert told.tell(webhook.id) == 0
    told.exchange.clock.advance(121)

    assert told.serve() == 1


def test_a_test_goes_before_all_that_waits_and_waits_for_no_rest(told: Told) -> None:
    told.answers(500)
    webhook, _ = told.hook(types=("submission.received",))
    for number in range(3):
        told.exchange.received(b"<a%d/>" % number)
    told.serve_until(3)
    told.exchange.clock.advance(3600)  # all of them are due again
    now = told.exchange.clock.now()
    resting = AfterTurn(silences=3, rests_until=now + timedelta(hours=1), disabled_why=None)
    assert told.stored.lease(webhook.id, owner="x", now=now, lease_s=120, limit=1) is not None
    assert told.stored.record(webhook.id, (), resting, owner="x")
    told.answers(204)

    ping = told.keep.ping(webhook)
    told.serve()

    assert [headers["webhook-id"] for headers, _ in told.web.posts][3] == ping.id
    assert len(told.web.posts) == 7


def test_a_delivery_is_sent_again_when_asked_for(told: Told) -> None:
    webhook, _ = told.hook()
    delivery = told.keep.ping(webhook)
    told.serve_until(1)

    told.keep.send_again(webhook, delivery.id)
    told.serve_until(1)

    assert [headers["webhook-id"] for headers, _ in told.web.posts] == [delivery.id] * 2
    with pytest.raises(WebhookNotFound):
        told.keep.send_again(webhook, "msg_" + "0" * 32)


@pytest.mark.attack
def test_a_name_that_changes_its_address_later_reaches_nothing_inside(told: Told) -> None:
    addresses = iter(["93.184.216.34", "127.0.0.1"])
    guard = Guard(needs_tls=True, resolver=lambda _host, _port: [next(addresses)])
    receivers = GuardedReceivers(guard)
    receivers.check("https://rebinding.example.test/hook")

    tried = receivers.post(
        told.web.url("/hook", "rebinding.example.test"), "msg_1", b"{}", keys=[b"k"], at=datetime.now(UTC)
    )

    assert tried.status is None
    assert "not in a public network" in str(tried.error)
    assert told.web.asked == []


@pytest.mark.attack
def test_a_redirection_is_not_followed(told: Told) -> None:
    told.web.answers["/hook"] = lambda _body: (307, {"Location": told.web.url("/inside")}, b"")
    webhook, _ = told.hook()
    told.keep.ping(webhook)

    told.serve_until(1)

    assert told.web.asked == ["/hook"]
    assert told.deliveries(webhook)[0].tries[0].status == 307


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, bytes(1_000_000)), ({"Content-Encoding": "gzip"}, b"?")],
    ids=["long", "packed"],
)
def test_what_follows_the_status_does_not_count(told: Told, headers: dict[str, str], body: bytes) -> None:
    told.web.answers["/hook"] = lambda _body: (200, headers, body)
    webhook, _ = told.hook()
    told.keep.ping(webhook)

    told.serve_until(1)

    assert told.deliveries(webhook)[0].state is DeliveryState.DELIVERED


@pytest.mark.attack
def test_an_attempt_repeats_nothing_of_an_answer_that_is_not_http(told: Told) -> None:
    told.web.answers["/hook"] = lambda _body: (200, {"X-Inside": "secret\0"}, b"")
    webhook, _ = told.hook()
    told.keep.ping(webhook)

    told.serve_until(1)

    (tried,) = told.deliveries(webhook)[0].tries
    assert (tried.status, tried.error) == (None, "what it answered is not HTTP, or ends too early")


@pytest.mark.attack
@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:password@93.184.216.34/",
        "http://93.184.216.34/",
        "https://0.0.0.0/",
    ],
)
def test_no_webhook_is_made_for_an_address_that_is_not_asked(told: Told, url: str) -> None:
    keep = KeepWebhooks(told.stored, GuardedReceivers(Guard(needs_tls=True)), told.exchange.clock)

    with pytest.raises(UnusableAddress):
        keep.make(FACILITY, url=url, types=EVERY_TYPE, description="")
    assert told.stored.of_facility(FACILITY) == ()


def test_a_facility_has_ten_webhooks_at_most(told: Told) -> None:
    for _ in range(MOST):
        told.hook()

    with pytest.raises(TooManyWebhooks):
        told.hook()


def test_settled_deliveries_are_forgotten_after_thirty_days(told: Told) -> None:
    webhook, _ = told.hook()
    told.keep.ping(webhook)
    told.serve_until(1)

    told.exchange.clock.advance(31 * 86_400)
    told.serve()

    assert told.deliveries(webhook) == []


def test_another_facility_sees_nothing_of_it(told: Told) -> None:
    webhook, _ = told.hook()

    with pytest.raises(WebhookNotFound):
        told.stored.get(webhook.id, facility=OTHER_FACILITY)
