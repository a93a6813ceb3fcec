"""Requests in a second, and the size of files by the hour."""

from datetime import datetime, timedelta

import pytest

from claims.exchange.quota import Quota, read_size_limits, sendable_at
from claims.localtime import VIETNAM
from tests.fakes import NOON, SetClock

PEAK = read_size_limits("07:00-17:00=100, 11:00-13:00=50")


def at(hour: int) -> datetime:
    return datetime(2026, 11, 2, hour, 30, tzinfo=VIETNAM)


def test_without_a_quota_everything_goes_now() -> None:
    assert set(Quota().take(1000, NOON).moments) == {NOON}


def test_no_more_go_in_a_second_than_the_quota_says_whatever_the_batches() -> None:
    quota, moments = Quota(10.0, timedelta(seconds=10)), list[datetime]()
    for step in range(100):  # ten seconds
        moments += quota.take(16, NOON + timedelta(seconds=step / 10)).moments

    each = timedelta(seconds=0.1)
    assert moments == [NOON + place * each for place in range(199)]  # and ten seconds ahead


def test_turns_are_taken_only_so_far_ahead_and_the_rest_is_told_when_it_may_ask() -> None:
    quota = Quota(2.0, timedelta(seconds=5))

    first, then = quota.take(16, NOON), quota.take(1, NOON)

    assert (len(first.moments), then.moments) == (10, ())
    assert then.free_at == NOON + timedelta(seconds=5)
    assert quota.take(1, then.free_at).moments == (then.free_at,)


def test_turns_that_nobody_took_are_not_saved_up() -> None:
    quota = Quota(2.0, timedelta(seconds=5))
    quota.take(1, NOON)
    later = NOON + timedelta(hours=1)

    assert quota.take(2, later).moments == (later, later + timedelta(seconds=0.5))


def test_whoever_waits_for_an_answer_goes_at_once_and_the_others_the_later() -> None:
    quota = Quota(2.0, timedelta(seconds=5))
    quota.take(16, NOON)  # all that there are

    assert quota.cut_in(NOON) is None

    assert quota.take(1, NOON + timedelta(seconds=0.5)).moments == ()
    later = NOON + timedelta(seconds=1)
    assert quota.take(2, later).moments == (NOON + timedelta(seconds=5.5),)


def test_no_more_cut_in_than_leave_the_others_a_turn() -> None:
    quota = Quota(2.0, timedelta(seconds=5))
    told = [quota.cut_in(NOON) for _ in range(21)]

    assert told == [*[None] * 20, NOON + timedelta(seconds=5)]
    assert quota.cut_in(NOON + timedelta(seconds=5)) is None
    assert Quota().cut_in(NOON) is None


def test_whoever_has_a_turn_waits_for_its_moment() -> None:
    clock = SetClock()
    quota = Quota(2.0, wait=clock.pass_by)

    quota.wait_for(NOON + timedelta(seconds=3), clock)
    quota.wait_for(NOON, clock)

    assert clock.now() == NOON + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("size", "hour", "sends_at"),
    [(100, 8, 8.5), (101, 8, 17), (101, 6, 6.5), (101, 17, 17.5), (51, 12, 13), (101, 12, 17)],
)
def test_a_file_waits_for_the_end_of_the_hours_in_which_it_is_too_large(
    size: int, hour: int, sends_at: float
) -> None:
    day = at(hour).replace(hour=0, minute=0)

    assert sendable_at(PEAK, size, at(hour)) == day + timedelta(hours=sends_at)


@pytest.mark.parametrize(
    ("limits", "hour", "sends_at"),
    [
        pytest.param("22:00-06:00=100", 21, 21.5, id="before-the-night"),
        pytest.param("22:00-06:00=100", 22, 30, id="before-midnight"),
        pytest.param("22:00-06:00=100", 5, 6, id="after-midnight"),
        pytest.param("22:00-06:00=100", 6, 6.5, id="after-the-night"),
        pytest.param("17:00-24:00=100", 23, 24, id="up-to-midnight"),
    ],
)
def test_hours_may_go_past_midnight(limits: str, hour: int, sends_at: float) -> None:
    day = at(hour).replace(hour=0, minute=0)

    assert sendable_at(read_size_limits(limits), 101, at(hour)) == day + timedelta(hours=sends_at)


@pytest.mark.parametrize(
    "text",
    [
        "7-17=1", "7h-17h=1", "07:00-07:00=1", "00:00-24:00=1",
        "07:00-17:00", "07:00-17:00=0", "07:00-17:00=20MB",
    ],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused_with_what_does(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}: (no|some) hours"):
        read_size_limits(text)
