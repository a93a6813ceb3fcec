"""From received to acknowledged: what workers do, twice or dying or late."""

from dataclasses import replace
from datetime import timedelta

import pytest

from claims.bundle.findings import Finding, Severity
from claims.exchange.breaker import Window
from claims.exchange.destination import Circuit
from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable, OutcomeUnknown, Patience
from claims.exchange.lifecycle import State
from claims.exchange.reap import Step
from claims.exchange.submission import EventKind, SubmissionId
from tests.integration.conftest import LEASE_S, OTHER_FACILITY, Exchange

BLOCKING = Finding("XML1.GIOI_TINH.length", Severity.ERROR)
REMARK = Finding("XML2.ORDER", Severity.INFO)


#: By when the gateway has had the time to read what reached it.
SETTLE_S = 31


class KilledWorkerError(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


def test_a_bundle_that_passes_is_sent_and_acknowledged(exchange: Exchange) -> None:
    submission = exchange.checked()
    assert exchange.jobs.deliveries == [submission.id]

    exchange.deliver([submission.id])

    after = exchange.now(submission)
    assert (after.state, after.receipt) == (State.ACKNOWLEDGED, "GD1")
    assert exchange.history(submission) == [EventKind.RECEIVED, EventKind.CHECKED, EventKind.ACKNOWLEDGED]
    receipt = exchange.submissions.receipt(submission.id)
    assert receipt is not None
    assert receipt.answer == b'{"maKetQua":"200"}'


def test_a_finding_that_blocks_rejects(exchange: Exchange) -> None:
    exchange.checker.findings[b"bad"] = (REMARK, BLOCKING)

    submission = exchange.checked(b"bad")

    assert (submission.state, submission.cause) == (State.REJECTED, BLOCKING.code)
    assert exchange.submissions.findings(submission.id) == (REMARK, BLOCKING)
    assert exchange.jobs.deliveries == []


def test_a_remark_does_not_block(exchange: Exchange) -> None:
    exchange.checker.findings[b"odd"] = (REMARK,)

    assert exchange.checked(b"odd").state is State.CHECKED


def test_a_task_that_comes_twice_checks_once(exchange: Exchange) -> None:
    submission = exchange.received().submission

    assert exchange.check([submission.id]) == (submission.id,)
    assert exchange.check([submission.id]) == ()

    assert exchange.history(submission).count(EventKind.CHECKED) == 1


def test_a_task_that_comes_twice_sends_once(exchange: Exchange) -> None:
    submission = exchange.checked()

    second: list[tuple[SubmissionId, ...]] = []
    exchange.gateway.while_sending = lambda: second.append(exchange.deliver([submission.id]))
    exchange.deliver([submission.id])

    assert second == [()]
    assert len(exchange.gateway.sends) == 1


def test_an_outage_is_tried_again_after_a_wait_with_the_same_bytes(exchange: Exchange) -> None:
    exchange.gateway.failures = [GatewayUnavailable("gateway.unreachable")]
    submission = exchange.checked()

    exchange.deliver([submission.id])
    waiting = exchange.now(submission)
    exchange.deliver([submission.id])  # too early
    exchange.clock.advance(20)
    exchange.deliver([submission.id])

    assert (waiting.state, waiting.cause) == (State.CHECKED, "gateway.unreachable")
    assert exchange.gateway.sends == [submission.sha256] * 2
    assert exchange.gateway.lookups == []
    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_after_a_timeout_the_gateway_is_asked_before_anything_is_sent_again(exchange: Exchange) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    exchange.gateway.takes_before_failing = True
    submission = exchange.checked()

    exchange.deliver([submission.id])
    in_doubt = exchange.now(submission)
    exchange.clock.advance(20)
    exchange.deliver([submission.id])

    assert in_doubt.state is State.OUTCOME_UNKNOWN
    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert (len(exchange.gateway.sends), len(exchange.gateway.lookups)) == (1, 1)


def test_after_a_timeout_that_took_nothing_it_is_asked_for_twice_and_sent_again(exchange: Exchange) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    submission = exchange.checked()

    exchange.deliver([submission.id])
    exchange.clock.advance(20)
    exchange.deliver([submission.id])
    asked_once = exchange.now(submission)
    exchange.deliver([submission.id])
    exchange.clock.advance(SETTLE_S)
    exchange.deliver([submission.id])

    assert (asked_once.state, asked_once.cause) == (State.OUTCOME_UNKNOWN, "gateway.not-known")
    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert (len(exchange.gateway.sends), len(exchange.gateway.lookups)) == (2, 2)


def test_a_request_that_the_gateway_reads_after_the_question_about_it_is_not_sent_again(
    exchange: Exchange,
) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    submission = exchange.checked()
    exchange.deliver([submission.id])
    exchange.clock.advance(20)

    exchange.deliver([submission.id])
    exchange.gateway.send("99001", exchange.submissions.body(submission.id))
    exchange.clock.advance(SETTLE_S)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert exchange.gateway.resends == []


def test_asking_uses_up_no_attempt_and_new_doubt_begins_anew(exchange: Exchange) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")] * 2
    submission = exchange.checked()

    for seconds in (20, SETTLE_S, 40, SETTLE_S):
        exchange.deliver([submission.id])
        exchange.clock.advance(seconds)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert (len(exchange.gateway.sends), len(exchange.gateway.lookups)) == (3, 4)
    with exchange.pool.connection() as connection:
        rows = connection.execute("SELECT attempt FROM attempt ORDER BY attempt").fetchall()
    assert [number for (number,) in rows] == [1, 2, 3]


def test_a_look_up_that_fails_sends_nothing(exchange: Exchange) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    exchange.gateway.takes_before_failing = True
    exchange.gateway.lookup_failure = GatewayUnavailable("gateway.unreachable")
    submission = exchange.checked()

    exchange.deliver([submission.id])
    exchange.clock.advance(20)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.OUTCOME_UNKNOWN
    assert len(exchange.gateway.sends) == 1


def test_a_refusal_is_final_until_an_operator_acts(exchange: Exchange) -> None:
    exchange.gateway.failures = [GatewayRefused("gateway.205", answer=b"no")]
    submission = exchange.checked()

    exchange.deliver([submission.id])
    exchange.clock.advance(10_000)
    exchange.reap()
    exchange.deliver([submission.id])

    assert (exchange.now(submission).state, exchange.now(submission).cause) == (State.REFUSED, "gateway.205")
    assert len(exchange.gateway.sends) == 1


def test_attempts_end_and_leave_it_to_an_operator(exchange: Exchange) -> None:
    exchange.gateway.failures = [GatewayUnavailable("gateway.500")] * 3
    submission = exchange.checked()

    for _ in range(5):
        exchange.deliver([submission.id])
        exchange.clock.advance(1000)

    assert (exchange.now(submission).state, exchange.now(submission).cause) == (State.FAILED, "gateway.500")
    assert len(exchange.gateway.sends) == 3


@pytest.mark.parametrize("took_it", [pytest.param(True, id="taken"), pytest.param(False, id="not-taken")])
def test_a_worker_killed_while_sending_leads_to_a_look_not_a_second_send(
    exchange: Exchange, took_it: bool
) -> None:
    submission = exchange.checked()
    exchange.gateway.takes_before_failing = took_it

    def die() -> None:
        exchange.gateway.while_sending = lambda: None
        if took_it:
            exchange.gateway.send("99001", exchange.submissions.body(submission.id))
            exchange.gateway.sends.pop()
        raise KilledWorkerError

    exchange.gateway.while_sending = die
    with pytest.raises(KilledWorkerError):
        exchange.deliver([submission.id])
    assert exchange.now(submission).state is State.SENDING

    exchange.clock.advance(LEASE_S + 1)
    exchange.reap()
    assert exchange.now(submission).state is State.OUTCOME_UNKNOWN
    assert submission.id in exchange.jobs.deliveries[1:]
    exchange.deliver([submission.id])
    exchange.clock.advance(SETTLE_S)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert exchange.gateway.lookups == [submission.sha256] * (1 if took_it else 2)
    assert len(exchange.gateway.sends) == (1 if took_it else 2)


def test_a_worker_that_lost_its_lease_writes_nothing(exchange: Exchange) -> None:
    submission = exchange.checked()

    def take_too_long() -> None:
        exchange.gateway.while_sending = lambda: None
        exchange.clock.advance(LEASE_S + 1)
        exchange.reap()

    exchange.gateway.while_sending = take_too_long

    assert exchange.deliver([submission.id]) == ()
    assert exchange.now(submission).state is State.OUTCOME_UNKNOWN


def test_a_worker_whose_lease_is_half_over_does_not_begin_to_send(exchange: Exchange) -> None:
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    submission = exchange.checked()
    exchange.deliver([submission.id])
    exchange.clock.advance(20)
    exchange.deliver([submission.id])
    exchange.clock.advance(SETTLE_S)
    exchange.gateway.sends.clear()
    exchange.gateway.while_looking = lambda: exchange.clock.advance(LEASE_S / 2 + 1)

    exchange.deliver([submission.id])

    assert exchange.gateway.sends == []
    assert (exchange.now(submission).state, exchange.now(submission).cause) == (
        State.CHECKED,
        "worker.too_slow",
    )


@pytest.mark.parametrize(
    ("behind", "step", "state"), [(Step.CHECK, 0, "received"), (Step.DELIVER, 1, "checked")]
)
def test_what_waits_in_a_long_queue_is_not_woken_again_for_a_while(
    exchange: Exchange, behind: Step, step: int, state: str
) -> None:
    waiting = [exchange.received(b"<a/>").submission, exchange.checked(b"<b/>")]
    exchange.reap = replace(exchange.reap, is_behind=behind.__eq__)

    def woken(after_s: float) -> list[str]:
        exchange.clock.advance(after_s)
        exchange.jobs.checks.clear()
        exchange.jobs.deliveries.clear()
        exchange.reap()
        return [*exchange.jobs.checks, *exchange.jobs.deliveries]

    assert exchange.now(waiting[step]).state == state
    assert woken(60) == [waiting[1 - step].id]
    assert set(woken(15 * 60)) == {one.id for one in waiting}


def test_a_lost_wake_up_costs_only_time(exchange: Exchange) -> None:
    submission = exchange.received().submission
    exchange.jobs.checks.clear()

    exchange.reap()
    assert exchange.jobs.checks == []  # it was woken a moment ago
    exchange.clock.advance(31)
    exchange.reap()
    exchange.reap()

    assert exchange.jobs.checks == [submission.id]


def test_a_bundle_that_kills_its_worker_is_set_aside_and_takes_no_others_along(exchange: Exchange) -> None:
    poison, good = exchange.received(b"poison").submission, exchange.received(b"good").submission

    def die_of_poison(body: bytes) -> None:
        if body == b"poison":
            raise KilledWorkerError

    exchange.checker.while_checking = die_of_poison
    with pytest.raises(KilledWorkerError):
        exchange.check([poison.id, good.id])
    for _ in range(5):
        exchange.clock.advance(LEASE_S + 31)
        exchange.jobs.checks.clear()
        exchange.reap()
        for woken in exchange.jobs.checks:  # suspects come one by one
            try:
                exchange.check([woken])
            except KilledWorkerError:
                continue

    assert exchange.now(good).state is State.CHECKED
    assert (exchange.now(poison).state, exchange.now(poison).cause) == (State.FAILED, "check.kills_worker")
    assert exchange.checker.checked.count(b"poison") == 3


def test_while_nobody_answers_what_is_due_waits_without_using_up_attempts(exchange: Exchange) -> None:
    first = [exchange.checked(str(number).encode()) for number in range(5)]
    exchange.gateway.failures = [GatewayUnavailable("gateway.unreachable")] * 5
    exchange.deliver([one.id for one in first])
    waiting = [exchange.checked(f"w{number}".encode()) for number in range(3)]

    exchange.deliver([one.id for one in waiting])

    assert len(exchange.gateway.sends) == 5
    for one in map(exchange.now, waiting):
        assert (one.state, one.attempts, one.cause) == (State.CHECKED, 0, "gateway.resting")
    exchange.clock.advance(15)
    exchange.jobs.deliveries.clear()
    exchange.reap()
    assert set(exchange.jobs.deliveries) >= {one.id for one in waiting}

    exchange.deliver([one.id for one in waiting])
    assert sorted(exchange.now(one).state for one in waiting) == [State.ACKNOWLEDGED, *[State.CHECKED] * 2]
    exchange.clock.advance(60)
    exchange.deliver([one.id for one in [*first, *waiting]])

    assert {exchange.now(one).state for one in [*first, *waiting]} == {State.ACKNOWLEDGED}


@pytest.mark.parametrize(("can_find", "state"), [(False, Circuit.OPEN), (True, Circuit.CLOSED)])
def test_a_gateway_that_cannot_be_asked_by_digest_has_not_answered_either(
    exchange: Exchange, can_find: bool, state: Circuit
) -> None:
    exchange.gateway.can_find = can_find
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")] * 5
    doubtful = exchange.checked(b"doubt")
    exchange.deliver([doubtful.id])
    for number in range(3):
        exchange.deliver([exchange.checked(b"%d" % number).id])
    exchange.clock.advance(20)

    exchange.deliver([doubtful.id])  # looks
    exchange.deliver([exchange.checked(b"last").id])

    assert exchange.breaker.state is state


def test_a_gateway_that_asks_for_patience_has_it_and_no_attempt_is_used_up(exchange: Exchange) -> None:
    patience = Patience(60, is_everybodys=True)
    asked, other = exchange.checked(b"asked"), exchange.checked(b"other")
    exchange.gateway.failures = [OutcomeUnknown("gateway.http-503", patience=patience)]
    exchange.gateway.lookup_failure = GatewayUnavailable("gateway.http-503", patience=patience)

    for _ in range(exchange.retry.max_attempts + 1):
        exchange.deliver([asked.id])
        exchange.deliver([other.id])
        after = exchange.now(asked)
        assert (after.state, after.cause, after.attempts) == (State.OUTCOME_UNKNOWN, "gateway.http-503", 0)
        assert exchange.now(other).cause == "gateway.resting"
        exchange.clock.advance(75)
    assert exchange.gateway.sends == [asked.sha256]

    exchange.gateway.lookup_failure = None
    for _ in range(3):
        exchange.deliver([asked.id, other.id])
        exchange.clock.advance(SETTLE_S)
    assert {exchange.now(one).state for one in (asked, other)} == {State.ACKNOWLEDGED}
    assert exchange.gateway.resends == []


def test_whose_account_asks_too_often_waits_alone_and_no_attempt_is_used_up(exchange: Exchange) -> None:
    too_often = GatewayUnavailable("gateway.http-429", patience=Patience(60, is_everybodys=False))
    first, second = exchange.checked(b"first"), exchange.checked(b"second")
    others = exchange.received(b"others", OTHER_FACILITY).submission
    exchange.check([others.id])

    for _ in range(exchange.retry.max_attempts + 1):
        exchange.gateway.failures = [too_often]
        exchange.deliver([first.id])
        exchange.deliver([second.id])
        assert [(one.state, one.cause, one.attempts) for one in map(exchange.now, (first, second))] == [
            (State.CHECKED, "gateway.http-429", 0),
            (State.CHECKED, "gateway.throttled", 0),
        ]
        exchange.clock.advance(75)
    exchange.gateway.failures = [too_often]
    exchange.deliver([first.id])
    exchange.deliver([others.id])
    assert exchange.now(others).state is State.ACKNOWLEDGED

    exchange.clock.advance(75)
    exchange.deliver([first.id, second.id])
    assert {exchange.now(one).state for one in (first, second)} == {State.ACKNOWLEDGED}


@pytest.mark.parametrize(
    "silence",
    [
        pytest.param(GatewayUnavailable("gateway.unreachable"), id="unreachable"),
        pytest.param(OutcomeUnknown("gateway.timeout"), id="no-answer"),
    ],
)
def test_an_outage_of_any_length_uses_up_no_attempts_of_the_few_that_wait(
    silence: GatewayError, exchange: Exchange
) -> None:
    submission = exchange.checked()
    for _ in range(4):
        exchange.breaker.note(silence, exchange.clock.now())

    for _ in range(3 * exchange.retry.max_attempts):
        exchange.gateway.failures, exchange.gateway.lookup_failure = [silence], silence
        exchange.deliver([submission.id])
        exchange.clock.advance(600)
    assert exchange.now(submission).state in {State.CHECKED, State.OUTCOME_UNKNOWN}
    exchange.gateway.failures, exchange.gateway.lookup_failure = [], None
    for _ in range(3):  # in doubt it is asked for twice
        exchange.deliver([submission.id])
        exchange.clock.advance(600)

    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_what_gets_no_answer_lets_others_see_whether_somebody_answers_and_then_its_attempts_count(
    exchange: Exchange,
) -> None:
    silence, breaker, clock = GatewayUnavailable("gateway.timeout"), exchange.breaker, exchange.clock
    poison = exchange.checked(b"poison")

    def answer_others() -> None:
        if exchange.gateway.sends[-1] == poison.sha256:
            raise silence

    exchange.gateway.while_sending = answer_others
    for number in range(6):
        other = exchange.checked(f"{number}".encode())
        for _ in range(5):
            breaker.note(silence, clock.now())
        clock.advance(400)
        exchange.deliver([poison.id])
        exchange.deliver([other.id])
        assert {exchange.now(one).state for one in (poison, other)} == {State.CHECKED}

        clock.advance((breaker.destination.look().rests_until - clock.now()).total_seconds())
        exchange.jobs.deliveries.clear()
        exchange.reap()
        exchange.deliver(exchange.jobs.deliveries)
        assert exchange.now(other).state is State.ACKNOWLEDGED

    for _ in range(exchange.retry.max_attempts):
        clock.advance(400)
        exchange.deliver([poison.id])
    assert exchange.now(poison).state is State.FAILED


@pytest.mark.parametrize(
    ("silences", "state"),
    [
        pytest.param(1_900, State.CHECKED, id="six-days"),
        pytest.param(2_100, State.FAILED, id="longer-than-any-outage"),
    ],
)
def test_what_alone_gets_no_answer_is_given_up_in_the_end(
    silences: int, state: State, exchange: Exchange
) -> None:
    silence = GatewayUnavailable("gateway.timeout")
    submission = exchange.checked()
    for _ in range(silences):
        exchange.breaker.note(silence, exchange.clock.now())

    exchange.gateway.failures = [silence] * exchange.retry.max_attempts
    for _ in range(exchange.retry.max_attempts):
        exchange.clock.advance(400)
        exchange.deliver([submission.id])

    assert exchange.now(submission).state is state


def test_what_is_in_doubt_at_a_gateway_that_cannot_be_asked_may_be_what_looks_whether_it_answers(
    exchange: Exchange,
) -> None:
    exchange.gateway.can_find, exchange.breaker.first_rest_s = False, 100
    submission = exchange.checked()
    exchange.gateway.failures = [OutcomeUnknown("gateway.timeout")]
    for _ in range(4):
        exchange.breaker.note(GatewayUnavailable("gateway.unreachable"), exchange.clock.now())
    exchange.deliver([submission.id])

    for _ in range(60):  # how long rests last is left to chance, in part
        exchange.clock.advance(35)
        exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_once_a_probe_is_answered_the_others_wait_for_nothing(exchange: Exchange) -> None:
    submissions = [exchange.checked(f"{number}".encode()) for number in range(3)]
    ids = [one.id for one in submissions]
    for _ in range(5):
        exchange.breaker.note(GatewayUnavailable("gateway.unreachable"), exchange.clock.now())
    exchange.deliver(ids)
    assert {exchange.now(one).cause for one in submissions} == {"gateway.resting"}
    assert exchange.let_go.of_rests() == 0

    exchange.clock.advance(60)
    exchange.deliver(ids)
    assert sum(exchange.now(one).state is State.ACKNOWLEDGED for one in submissions) == 1
    exchange.jobs.deliveries.clear()
    exchange.reap()
    exchange.deliver(exchange.jobs.deliveries)

    assert {exchange.now(one).state for one in submissions} == {State.ACKNOWLEDGED}


def test_a_late_wake_up_is_no_probe_and_lets_nobody_wait(exchange: Exchange) -> None:
    sent, fresh = [exchange.checked(f"{number}".encode()) for number in range(3)], exchange.checked(b"fresh")
    exchange.deliver([one.id for one in sent])
    for _ in range(5):
        exchange.breaker.note(GatewayUnavailable("gateway.unreachable"), exchange.clock.now())
    exchange.clock.advance(400)

    for _ in range(100):  # which of them goes is left to chance
        exchange.deliver([*(one.id for one in sent), fresh.id])

    assert exchange.now(fresh).state is State.ACKNOWLEDGED


def test_in_announced_maintenance_nothing_is_sent(exchange: Exchange) -> None:
    now = exchange.clock.now()
    exchange.breaker.maintenance = (Window(now, now + timedelta(hours=1)),)
    submission = exchange.checked()

    exchange.deliver([submission.id])
    assert exchange.now(submission).cause == "gateway.maintenance"
    exchange.clock.advance(3600)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert exchange.now(submission).cause is None


def test_what_waits_for_maintenance_that_is_announced_otherwise_is_let_go(exchange: Exchange) -> None:
    now = exchange.clock.now()
    mistaken = Window(now, now + timedelta(days=365))
    announced = Window(now + timedelta(hours=1), now + timedelta(hours=2))
    exchange.breaker.maintenance = (mistaken, announced)
    first, second = exchange.checked(b"1"), exchange.checked(b"2")
    exchange.deliver([first.id])
    assert exchange.let_go.of_maintenance() == 0

    exchange.breaker.maintenance = (announced,)
    assert exchange.let_go.of_maintenance() == 1
    exchange.deliver([first.id])
    assert exchange.now(first).state is State.ACKNOWLEDGED

    exchange.clock.advance(3600)
    exchange.deliver([second.id])
    assert exchange.let_go.of_maintenance() == 0
    assert exchange.now(second).next_attempt_at == announced.ends


def test_a_bundle_that_kills_each_worker_that_sends_it_is_set_aside(exchange: Exchange) -> None:
    submission = exchange.checked()

    def die() -> None:
        raise KilledWorkerError

    exchange.gateway.while_sending = die
    for number in range(exchange.retry.max_attempts):
        if number:
            exchange.deliver([submission.id])  # the first time that it is asked for
            exchange.clock.advance(SETTLE_S)
        with pytest.raises(KilledWorkerError):
            exchange.deliver([submission.id])
        exchange.clock.advance(LEASE_S + 1)
        exchange.reap()
    exchange.deliver([submission.id])

    after = exchange.now(submission)
    assert (after.state, after.cause) == (State.FAILED, "send.kills_worker")
    assert len(exchange.gateway.sends) == exchange.retry.max_attempts
