"""A replay sends again what failed, unchanged, and nothing that the gateway acknowledged."""

from dataclasses import replace

import pytest

from claims.exchange.access.places import EVERYWHERE, NATION, Place, Reach
from claims.exchange.errors import (
    EmptySelection,
    GatewayRefused,
    GatewayUnavailable,
    IdempotencyMismatch,
    OutcomeUnknown,
    ReplayEnded,
    ReplayNotFound,
)
from claims.exchange.lifecycle import State
from claims.exchange.replay import ItemOutcome, NewReplay, Replay, ReplayState
from claims.exchange.submission import Event, EventKind, Submission, SubmissionFilter
from claims.storage.retention import PostgresRetained
from tests.integration.conftest import FACILITY, Exchange

ALL = SubmissionFilter(within=EVERYWHERE, states=tuple(State))


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


def start(
    exchange: Exchange,
    which: SubmissionFilter = ALL,
    *,
    per_minute: int | None = None,
    key: str | None = None,
) -> Replay:
    return exchange.start_replay(
        NewReplay(which, actor="op", reason="test", place=NATION, per_minute=per_minute, request_key=key)
    )


def replay_all(exchange: Exchange) -> str:
    replay = start(exchange)
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

    assert plan.counts == exchange.replays.get(replay_id, within=EVERYWHERE).counts
    assert sorted(plan.counts.values(), reverse=True)[:4] == [1, 1, 1, 0]


def test_a_replay_run_twice_replays_once(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)

    replay_id = replay_all(exchange)
    exchange.run_replay(replay_id)

    assert exchange.history(submission).count(EventKind.REPLAYED) == 1
    assert exchange.replays.get(replay_id, within=EVERYWHERE).finished_at is not None


def test_the_selection_is_frozen_when_the_replay_starts(exchange: Exchange) -> None:
    first = failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)
    later = failed(exchange, b"2", GatewayUnavailable)

    exchange.run_replay(replay.id)

    assert exchange.now(first).state is State.CHECKED
    assert exchange.now(later).state is State.FAILED


def test_a_replay_that_was_cut_off_is_woken_again(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)
    exchange.jobs.replays.clear()

    exchange.reap()

    assert exchange.jobs.replays == [replay.id]


def test_an_empty_selection_is_refused(exchange: Exchange) -> None:
    with pytest.raises(EmptySelection):
        start(exchange, SubmissionFilter(within=EVERYWHERE))
    with pytest.raises(EmptySelection):
        exchange.plan_replay(SubmissionFilter(within=EVERYWHERE))


def test_a_paused_replay_waits_until_it_is_resumed(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)

    paused = exchange.steer_replay.pause(replay.id, within=EVERYWHERE)
    exchange.run_replay(replay.id)
    exchange.jobs.replays.clear()
    exchange.reap()

    assert paused.state is ReplayState.PAUSED
    assert exchange.now(submission).state is State.FAILED
    assert exchange.jobs.replays == []

    resumed = exchange.steer_replay.resume(replay.id, within=EVERYWHERE)
    exchange.run_replay(exchange.jobs.replays.pop())

    assert resumed.state is ReplayState.RUNNING
    assert exchange.now(submission).state is State.CHECKED
    assert exchange.replays.get(replay.id, within=EVERYWHERE).state is ReplayState.FINISHED


def test_a_canceled_replay_leaves_the_rest_alone_for_good(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)

    canceled = exchange.steer_replay.cancel(replay.id, within=EVERYWHERE)
    exchange.run_replay(replay.id)

    assert canceled.state is ReplayState.CANCELED
    assert exchange.outcomes(replay.id) == {submission.id: ItemOutcome.CANCELED}
    assert exchange.now(submission).state is State.FAILED
    assert exchange.steer_replay.cancel(replay.id, within=EVERYWHERE) == exchange.replays.get(
        replay.id, within=EVERYWHERE
    )
    for step in (exchange.steer_replay.pause, exchange.steer_replay.resume):
        with pytest.raises(ReplayEnded):
            step(replay.id, within=EVERYWHERE)


def test_what_has_come_to_its_end_cannot_be_canceled(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)
    exchange.run_replay(replay.id)

    with pytest.raises(ReplayEnded):
        exchange.steer_replay.cancel(replay.id, within=EVERYWHERE)


def test_another_facilitys_replay_cannot_be_steered(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)
    own = Reach.of(Place(FACILITY))

    with pytest.raises(ReplayNotFound):
        exchange.steer_replay.cancel(replay.id, within=own)
    assert exchange.replays.list_recent(within=own, before=None, limit=10) == ()
    assert [one.id for one in exchange.replays.list_recent(within=EVERYWHERE, before=None, limit=10)] == [
        replay.id
    ]


def test_a_paced_replay_keeps_its_pace(exchange: Exchange) -> None:
    for number in range(8):
        failed(exchange, str(number).encode(), GatewayUnavailable)
    replay = start(exchange, per_minute=12)
    done = []

    for _ in range(4):
        exchange.run_replay(replay.id)
        exchange.run_replay(replay.id)
        done.append(exchange.replays.get(replay.id, within=EVERYWHERE).done)
        exchange.clock.advance(10)

    # One at once, then one every five seconds.
    assert done == [1, 3, 5, 7]


def test_a_pace_that_was_not_used_does_not_gather_without_end(exchange: Exchange) -> None:
    for number in range(20):
        failed(exchange, str(number).encode(), GatewayUnavailable)
    replay = start(exchange, per_minute=12)
    exchange.run_replay(replay.id)
    exchange.clock.advance(3600)

    exchange.run_replay(replay.id)

    assert exchange.replays.get(replay.id, within=EVERYWHERE).done == 1 + 6


def test_a_request_made_twice_under_one_key_is_one_replay(exchange: Exchange) -> None:
    failed(exchange, b"1", GatewayUnavailable)

    first, second = start(exchange, key="k"), start(exchange, key="k")

    assert first.id == second.id
    assert second.total == 1


def test_a_key_that_comes_with_another_request_is_refused(exchange: Exchange) -> None:
    asked = NewReplay(
        ALL, actor="op", reason="test", place=NATION, request_key="daily", request_sha256="1" * 64
    )
    first = exchange.start_replay(asked)

    with pytest.raises(IdempotencyMismatch) as refused:
        exchange.start_replay(replace(asked, request_sha256="2" * 64))

    assert refused.value.made == first.id
    assert exchange.start_replay(asked).id == first.id


def test_an_item_says_where_its_submission_stands_now(exchange: Exchange) -> None:
    submission = failed(exchange, b"1", GatewayUnavailable)
    replay_id = replay_all(exchange)
    exchange.deliver([submission.id])

    (item,) = exchange.replays.items(replay_id, after=None, limit=10)

    assert (item.state_before, item.state_now, item.receipt) == (State.FAILED, State.ACKNOWLEDGED, "GD1")


def test_a_plans_sample_shows_what_would_be_skipped_beside_what_would_go(exchange: Exchange) -> None:
    for number in range(3):
        failed(exchange, str(number).encode(), GatewayUnavailable)
    under_way = exchange.received(b"under way").submission

    plan = exchange.replays.plan(ALL, sample=2)

    assert len(plan.sample) == 2
    skipped = [one for one in plan.sample if one.outcome is ItemOutcome.SKIPPED_UNDER_WAY]
    assert [one.submission_id for one in skipped] == [under_way.id]


def test_what_matches_later_is_not_in_the_selection(exchange: Exchange) -> None:
    first = failed(exchange, b"1", GatewayUnavailable)
    replay = start(exchange)
    later = failed(exchange, b"2", GatewayUnavailable)

    exchange.run_replay(replay.id)

    assert exchange.outcomes(replay.id) == {first.id: ItemOutcome.REPLAYED}
    assert exchange.now(later).state is State.FAILED


def test_what_was_erased_cannot_go_again(exchange: Exchange) -> None:
    whole, erased = (failed(exchange, body, GatewayUnavailable) for body in (b"1", b"2"))
    event = Event(exchange.clock.now(), EventKind.ERASED, State.FAILED, "op", detail={"reason": "over"})
    PostgresRetained(exchange.pool).erase(erased.id, event)
    told = {whole.id: ItemOutcome.REPLAYED, erased.id: ItemOutcome.SKIPPED_ERASED}

    plan = exchange.replays.plan(ALL, sample=20)
    replay_id = replay_all(exchange)

    assert {item.submission_id: item.outcome for item in plan.sample} == told
    assert {outcome: number for outcome, number in plan.counts.items() if number} == dict.fromkeys(
        told.values(), 1
    )
    assert exchange.outcomes(replay_id) == told
    assert exchange.now(erased).state is State.FAILED
    assert EventKind.REPLAYED not in exchange.history(erased)
