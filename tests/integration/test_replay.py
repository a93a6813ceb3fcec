"""A replay sends again what failed, unchanged, and nothing that the gateway acknowledged."""

import pytest

from claims.exchange.errors import EmptySelection, GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.exchange.lifecycle import State
from claims.exchange.ports import ItemOutcome
from claims.exchange.submission import EventKind, Submission, SubmissionFilter
from tests.integration.conftest import Exchange

ALL = SubmissionFilter(states=tuple(State))


def failed(exchange: Exchange, body: bytes, error: type[GatewayUnavailable | OutcomeUnknown]) -> Submission:
    submission = exchange.checked(body)
    exchange.gateway.failures = [error("gateway.x")] * 3
    for _ in range(3):
        exchange.deliver([submission.id])
        exchange.clock.advance(1000)
    exchange.gateway.failures = []
    exchange.gateway.sends.clear()
    exchange.gateway.lookups.clear()
    return exchange.now(submission)


def replay_all(exchange: Exchange) -> str:
    replay = exchange.start_replay(ALL, actor="op", reason="test", facility=None)
    exchange.run_replay(replay.id)
    return replay.id


def test_what_failed_goes_again_with_the_same_bytes(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)
    assert submission.state is State.FAILED

    replay_id = replay_all(exchange)
    exchange.deliver([submission.id])

    assert exchange.outcomes(replay_id) == {submission.id: ItemOutcome.REPLAYED}
    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert exchange.gateway.sends == [submission.sha256]
    assert EventKind.REPLAYED in exchange.history(submission)


def test_what_may_have_been_taken_is_looked_for_first(exchange: Exchange) -> None:
    exchange.gateway.takes_before_failing = True
    exchange.gateway.lookup_failure = GatewayUnavailable("gateway.unreachable")
    submission = failed(exchange, b"1", OutcomeUnknown)
    exchange.gateway.lookup_failure = None

    replay_all(exchange)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert (exchange.gateway.sends, exchange.gateway.lookups) == ([], [submission.sha256])


def test_what_the_gateway_acknowledged_is_refused(exchange: Exchange) -> None:
    submission = exchange.checked()
    exchange.deliver([submission.id])

    replay_id = replay_all(exchange)
    exchange.deliver([submission.id])

    assert exchange.outcomes(replay_id) == {submission.id: ItemOutcome.REFUSED_ACKNOWLEDGED}
    assert len(exchange.gateway.sends) == 1


def test_what_is_under_way_is_left_alone(exchange: Exchange) -> None:
    submission = exchange.checked()

    assert exchange.outcomes(replay_all(exchange)) == {submission.id: ItemOutcome.SKIPPED_UNDER_WAY}


def test_a_refused_one_goes_again_when_an_operator_says_so(exchange: Exchange) -> None:
    submission = exchange.checked()
    exchange.gateway.failures = [GatewayRefused("gateway.403")]
    exchange.deliver([submission.id])

    replay_all(exchange)
    exchange.deliver([submission.id])

    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_a_plan_says_what_a_run_then_does(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)
    acknowledged = exchange.checked(b"2")
    exchange.deliver([acknowledged.id])
    exchange.checked(b"3")

    plan = exchange.plan_replay(ALL)
    replay_id = replay_all(exchange)

    assert plan.counts == exchange.replays.get(replay_id, facility=None).counts
    assert set(plan.counts.values()) == {1}


def test_a_replay_run_twice_replays_once(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)

    replay_id = replay_all(exchange)
    exchange.run_replay(replay_id)

    assert exchange.history(submission).count(EventKind.REPLAYED) == 1
    assert exchange.replays.get(replay_id, facility=None).finished_at is not None


def test_the_selection_is_frozen_when_the_replay_starts(exchange: Exchange) -> None:
    first = failed(exchange, b"1", GatewayUnavailable)
    replay = exchange.start_replay(ALL, actor="op", reason="test", facility=None)
    later = failed(exchange, b"2", GatewayUnavailable)

    exchange.run_replay(replay.id)

    assert exchange.now(first).state is State.CHECKED
    assert exchange.now(later).state is State.FAILED


def test_a_replay_that_was_cut_off_is_woken_again(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)
    replay = exchange.start_replay(ALL, actor="op", reason="test", facility=None)
    exchange.jobs.replays.clear()

    exchange.reap()

    assert exchange.jobs.replays == [replay.id]


def test_an_empty_selection_is_refused(exchange: Exchange) -> None:
    with pytest.raises(EmptySelection):
        exchange.start_replay(SubmissionFilter(), actor="op", reason="test", facility=None)
    with pytest.raises(EmptySelection):
        exchange.plan_replay(SubmissionFilter())
