"""Waits grow, are spread, and end."""

from hypothesis import given
from hypothesis import strategies as st

from claims.exchange.deliver import RetryPolicy
from tests.fakes import NOON

POLICY = RetryPolicy(base_s=5, cap_s=1800, max_attempts=12)


@given(st.integers(min_value=1, max_value=11))
def test_a_wait_doubles_up_to_the_cap_and_is_spread_by_half(attempts: int) -> None:
    due = POLICY.next_attempt_at(NOON, attempts)

    assert due is not None
    planned_s = min(5 * 2 ** (attempts - 1), 1800)
    assert planned_s * 0.5 <= (due - NOON).total_seconds() <= planned_s * 1.5


def test_submissions_that_failed_together_do_not_come_back_together() -> None:
    assert len({POLICY.next_attempt_at(NOON, 3) for _ in range(50)}) > 40


def test_attempts_are_used_up() -> None:
    assert POLICY.next_attempt_at(NOON, 12) is None
