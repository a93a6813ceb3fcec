"""What operators are told, the pause of sending, and replays that are frozen before they run."""

from datetime import timedelta

import pytest

from claims.bundle.findings import Finding, Severity
from claims.exchange.access.places import EVERYWHERE, NATION, Place, Reach
from claims.exchange.errors import EmptySelection, GatewayRefused, ReplayNotFound
from claims.exchange.lifecycle import State
from claims.exchange.operating import PAUSED
from claims.exchange.replay import DraftReplay, ItemOutcome, NewReplay
from claims.exchange.submission import SubmissionFilter
from claims.storage.operating import PostgresOperating, PostgresSendingSwitch
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange

OWN = Reach.of(Place(FACILITY))


def rejected(exchange: Exchange, *bodies: bytes, code: str = "XML1.NGAY_RA.format") -> None:
    for body in bodies:
        exchange.checker.findings[body] = (Finding(code, Severity.CRITICAL),)
        exchange.checked(body)


def test_failures_are_told_by_cause_the_most_frequent_first(exchange: Exchange) -> None:
    operating = PostgresOperating(exchange.pool)
    rejected(exchange, b"<a/>")
    rejected(exchange, b"<b/>", b"<c/>", code="XML2.SO_LUONG.range")
    exchange.gateway.failures = [GatewayRefused("gateway.205", "no")]
    exchange.deliver([exchange.checked(b"<d/>").id])

    groups = operating.failures(EVERYWHERE)

    assert [(one.state, one.cause, one.number) for one in groups] == [
        (State.REJECTED, "XML2.SO_LUONG.range", 2),
        (State.REJECTED, "XML1.NGAY_RA.format", 1),
        (State.REFUSED, "gateway.205", 1),
    ]
    assert list(groups[0].facilities) == [(FACILITY, 2)]
    assert groups[0].first < groups[0].last
    assert operating.failures(Reach.of(Place(OTHER_FACILITY))) == []


def test_the_backlog_says_what_waits_and_why(exchange: Exchange) -> None:
    operating = PostgresOperating(exchange.pool)
    exchange.received(b"<a/>")
    exchange.checked(b"<b/>")

    backlog = operating.backlog(EVERYWHERE)

    assert (backlog.number(State.RECEIVED), backlog.number(State.CHECKED)) == (1, 1)
    assert backlog.oldest == exchange.clock.now()
    assert not backlog.is_bounded
    assert operating.backlog(Reach.of(Place(OTHER_FACILITY))).by_state == {}


def test_the_last_day_is_told_by_hours(exchange: Exchange) -> None:
    operating = PostgresOperating(exchange.pool)
    first = exchange.checked(b"<a/>")
    exchange.clock.advance(40)
    exchange.deliver([first.id])
    rejected(exchange, b"<b/>")

    hours = operating.hours(until=exchange.clock.now())

    assert len(hours) == 24
    assert hours[-1].received == 2
    assert (hours[-1].acknowledged, hours[-1].failed) == (1, 1)
    assert hours[-1].half_s == pytest.approx(40)
    assert sum(hour.received for hour in hours[:-1]) == 0


def test_nothing_is_sent_while_sending_is_paused_and_no_attempt_is_used_up(exchange: Exchange) -> None:
    switch = PostgresSendingSwitch(exchange.pool)
    exchange.deliver = type(exchange.deliver)(
        exchange.submissions,
        exchange.gateway,
        exchange.clock,
        exchange.retry,
        60,
        exchange.executor,
        exchange.breaker,
        is_paused=lambda: switch.in_force() is not None,
    )
    submission = exchange.checked()
    switch.pause(by="usr_1", reason="the gateway asked for it", at=exchange.clock.now())
    switch.pause(by="usr_2", reason="again", at=exchange.clock.now())

    exchange.deliver([submission.id])

    waiting = exchange.now(submission)
    assert (waiting.state, waiting.cause, waiting.attempts) == (State.CHECKED, PAUSED, 0)
    pause = switch.in_force()
    assert pause is not None
    assert pause.began_by == "usr_1"
    switch.resume(by="usr_1", at=exchange.clock.advance(1))
    exchange.deliver([submission.id])
    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_what_is_not_settled_is_told_until_the_gateway_has_it(exchange: Exchange) -> None:
    operating = PostgresOperating(exchange.pool)
    submission = exchange.checked()

    assert [one.submission.id for one in operating.unsettled(OWN, limit=5)] == [submission.id]
    exchange.deliver([submission.id])
    assert operating.unsettled(OWN, limit=5) == []
    assert [one.outcome for one in operating.attempts(submission.id)] == ["acknowledged"]


@pytest.fixture
def draft(exchange: Exchange) -> DraftReplay:
    return DraftReplay(exchange.replays, exchange.jobs, exchange.clock)


def new_replay(which: SubmissionFilter) -> NewReplay:
    return NewReplay(which, actor="usr_1", reason="", place=NATION)


def test_a_plan_is_run_as_it_was_seen(exchange: Exchange, draft: DraftReplay) -> None:
    rejected(exchange, b"<a/>", b"<b/>")
    which = SubmissionFilter(within=EVERYWHERE, states=(State.REJECTED,))

    plan = draft(new_replay(which))
    rejected(exchange, b"<late/>")

    seen = exchange.replays.look_at(plan, within=EVERYWHERE, sample=20)
    assert seen.counts[ItemOutcome.REPLAYED] == 2
    assert len(seen.sample) == 2
    assert exchange.replays.list_recent(within=EVERYWHERE, before=None, limit=5) == ()
    assert exchange.replays.unfinished() == ()
    exchange.run_replay(plan)
    started = draft.start(plan, within=EVERYWHERE, reason="the rule was wrong", per_minute=None)
    again = draft.start(plan, within=EVERYWHERE, reason="clicked twice", per_minute=1)
    exchange.run_replay(plan)
    assert (started.total, started.done) == (2, 0)
    assert again.reason == "the rule was wrong"
    assert exchange.replays.get(plan, within=EVERYWHERE).counts[ItemOutcome.REPLAYED] == 2


def test_a_plan_needs_a_condition_and_is_forgotten_when_nobody_starts_it(
    exchange: Exchange, draft: DraftReplay
) -> None:
    rejected(exchange, b"<a/>")
    which = SubmissionFilter(within=EVERYWHERE, states=(State.REJECTED,))
    with pytest.raises(EmptySelection):
        draft(new_replay(SubmissionFilter(within=EVERYWHERE)))
    plan = draft(new_replay(which))
    exchange.clock.advance(timedelta(days=2).total_seconds())

    draft(new_replay(which))

    with pytest.raises(ReplayNotFound):
        exchange.replays.look_at(plan, within=EVERYWHERE, sample=20)
