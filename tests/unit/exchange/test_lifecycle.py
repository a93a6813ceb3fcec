"""A submission moves only along its life cycle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.exchange.errors import IllegalTransition
from claims.exchange.lifecycle import PENDING, REPLAYABLE, TRANSITIONS, State, advance, replay_target


@pytest.mark.parametrize(
    ("current", "target"),
    [
        pytest.param(State.RECEIVED, State.CHECKED, id="checks-pass"),
        pytest.param(State.RECEIVED, State.REJECTED, id="a-check-blocks"),
        pytest.param(State.CHECKED, State.SENDING, id="a-worker-takes-it"),
        pytest.param(State.SENDING, State.ACKNOWLEDGED, id="the-gateway-has-it"),
        pytest.param(State.SENDING, State.OUTCOME_UNKNOWN, id="no-answer"),
        pytest.param(State.FAILED, State.CHECKED, id="operator-replays"),
    ],
)
def test_allowed_moves(current: State, target: State) -> None:
    assert advance(current, target) is target


@pytest.mark.parametrize("target", list(State))
def test_an_acknowledged_submission_is_final(target: State) -> None:
    with pytest.raises(IllegalTransition, match="acknowledged cannot become"):
        advance(State.ACKNOWLEDGED, target)


def test_nothing_is_sent_without_a_passed_check() -> None:
    assert State.SENDING not in TRANSITIONS[State.RECEIVED] | TRANSITIONS[State.REJECTED]


@given(st.sampled_from(State), st.booleans(), st.booleans())
def test_a_replay_starts_where_the_life_cycle_allows_or_not_at_all(
    state: State, was_checked: bool, maybe_taken: bool
) -> None:
    if state not in REPLAYABLE:
        with pytest.raises(IllegalTransition):
            replay_target(state, was_checked=was_checked, maybe_taken=maybe_taken)
    elif state is State.FAILED:
        target = replay_target(state, was_checked=was_checked, maybe_taken=maybe_taken)

        assert target in PENDING
        assert (target is State.OUTCOME_UNKNOWN) == (maybe_taken and was_checked)
