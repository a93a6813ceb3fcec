"""One keeper at a time, whichever dies; one time for all hosts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from celery import Celery

from claims.runtime.clock import SystemClock
from claims.runtime.keeper import Keeper, SendDue
from claims.runtime.watchdog import Sight, Watchdog
from claims.storage.clock import DatabaseClock
from claims.storage.pool import Pool, open_pool
from claims.storage.schedule import PostgresSchedule
from claims.storage.turns import Turn

HOUR_S = 3600


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, max_size=2) as opened:
        yield opened


@pytest.fixture
def turns(database_url: str) -> Iterator[tuple[Turn, Turn]]:
    both = (
        Turn(database_url, "test", holder="a", lease_s=60),
        Turn(database_url, "test", holder="b", lease_s=60),
    )
    yield both
    for one in both:
        one.give_up()


def make_keeper(app: Celery, pool: Pool, turn: Turn, reaped: list[str], name: str) -> Keeper:
    def reap() -> int:
        reaped.append(name)
        return 0

    calm = Watchdog(lambda: Sight(0, None, 0, 0), lambda: None, patience_s=1)
    send_due = SendDue(app, PostgresSchedule(pool))
    return Keeper(turn=turn, reap=reap, send_due=send_due, watchdog=calm, every_s=1)


def end_session(database_url: str, holder: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = %s",
            [holder],
        )


def test_a_turn_is_one_holders_until_its_session_ends(turns: tuple[Turn, Turn], database_url: str) -> None:
    first, second = turns
    assert (first.is_mine(), second.is_mine(), first.is_mine()) == (True, False, True)

    end_session(database_url, "test a")

    assert (second.is_mine(), first.is_mine()) == (True, False)


def test_who_hangs_loses_its_turn(database_url: str) -> None:
    hanging = Turn(database_url, "test", holder="a", lease_s=0.05)
    waiting = Turn(database_url, "test", holder="b", lease_s=60)
    while not hanging.is_mine():
        pass  # on a busy machine its session may end before it has the turn

    while not waiting.is_mine():
        pass

    assert not hanging.is_mine()
    waiting.give_up()


def test_a_turn_is_nobodys_while_the_database_is_away() -> None:
    assert not Turn("postgresql://postgres@127.0.0.1:1/none", "test", holder="a", lease_s=1).is_mine()


def test_of_two_keepers_one_reaps_and_the_other_takes_over(
    turns: tuple[Turn, Turn], database_url: str, pool: Pool
) -> None:
    reaped: list[str] = []
    app = Celery()
    keepers = [make_keeper(app, pool, turn, reaped, name) for turn, name in zip(turns, "ab", strict=True)]
    for keeper in keepers:
        keeper.look()
    assert reaped == ["a"]

    end_session(database_url, "test a")
    for keeper in reversed(keepers):
        keeper.look()

    assert reaped == ["a", "b"]


class Sender(Celery):
    """An app that notes what it is told to send."""

    def __init__(self, **every_s: float) -> None:
        super().__init__()
        self.conf.beat_schedule = {
            name: {"task": f"test.{name}", "schedule": period} for name, period in every_s.items()
        }
        self.sent: list[str] = []
        self.is_away = False

    def send_task(self, name: str, *_: object, **__: object) -> Any:
        if self.is_away:
            raise OSError
        self.sent.append(name)


def test_what_is_scheduled_is_sent_by_the_keeper_that_has_its_turn(
    turns: tuple[Turn, Turn], pool: Pool
) -> None:
    app = Sender(often=0.0, hourly=HOUR_S)
    first, second = (make_keeper(app, pool, turn, [], "") for turn in turns)

    first.look()
    second.look()
    first.look()

    assert sorted(app.sent) == ["test.hourly", "test.often", "test.often"]


def test_an_hour_goes_on_when_the_turn_changes_host(
    turns: tuple[Turn, Turn], pool: Pool, database_url: str
) -> None:
    app = Sender(hourly=HOUR_S)
    first, second = (make_keeper(app, pool, turn, [], "") for turn in turns)
    first.look()
    with pool.connection() as connection:
        connection.execute("UPDATE schedule SET due_at = due_at - interval '59 minutes'")
    end_session(database_url, "test a")
    second.look()
    assert app.sent == ["test.hourly"]

    with pool.connection() as connection:
        connection.execute("UPDATE schedule SET due_at = due_at - interval '2 minutes'")
    second.look()

    assert app.sent == ["test.hourly"] * 2


def test_what_could_not_be_sent_is_still_due(turns: tuple[Turn, Turn], pool: Pool) -> None:
    app = Sender(hourly=HOUR_S)
    keeper = make_keeper(app, pool, turns[0], [], "")
    app.is_away = True
    with pytest.raises(OSError):  # noqa: PT011 - the broker's, whatever it says
        keeper.look()
    app.is_away = False

    keeper.look()

    assert app.sent == ["test.hourly"]


def test_a_period_that_was_made_shorter_holds_from_now_on(turns: tuple[Turn, Turn], pool: Pool) -> None:
    long, short = Sender(one=HOUR_S), Sender(one=60)
    make_keeper(long, pool, turns[0], [], "").look()

    make_keeper(short, pool, turns[0], [], "").look()

    assert short.sent == ["test.one"]


def test_a_host_whose_clock_is_an_hour_ahead_goes_by_the_databases(pool: Pool) -> None:
    wrong = SystemClock(skew_s=HOUR_S)

    difference = DatabaseClock(pool, wrong).now() - SystemClock().now()

    assert abs(difference) < timedelta(minutes=10)


def test_a_host_goes_by_its_own_clock_until_the_database_has_answered() -> None:
    with open_pool("postgresql://postgres@127.0.0.1:1/none", max_size=1) as nowhere:
        clock = DatabaseClock(nowhere, SystemClock(skew_s=HOUR_S))

        assert clock.now() - SystemClock().now() > timedelta(minutes=59)
        assert clock.now() >= clock.now() - timedelta(seconds=1)
