"""The feed shows every event once, in an order that stays, whatever transactions run at the same time."""

import threading
import time

import psycopg
import pytest

from claims.exchange.errors import InvalidCursor
from claims.exchange.feed import FeedEvent
from claims.exchange.submission import EventKind, Submission
from claims.storage.feed import LATEST, PostgresFeed, renumber
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange


def read(feed: PostgresFeed, cursor: str | None, count: int) -> list[FeedEvent]:
    """Read on until so many events have been shown; transactions of other databases may delay them."""
    seen: list[FeedEvent] = []
    deadline = time.monotonic() + 30
    while len(seen) < count and time.monotonic() < deadline:
        page = feed.read(FACILITY, after=cursor, limit=3)
        assert len(page.events) <= 3
        seen += page.events
        cursor = page.next_cursor
    assert len(seen) == count
    return seen


def latest(feed: PostgresFeed, submission: Submission) -> str:
    """Return the cursor after everything, once the submission's event is among it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if any(
            one.submission_id == submission.id for one in feed.read(FACILITY, after=None, limit=99).events
        ):
            return feed.latest(FACILITY)
    raise AssertionError("the event does not appear")


@pytest.fixture
def feed(exchange: Exchange) -> PostgresFeed:
    return PostgresFeed(exchange.pool)


def test_it_tells_what_happened_in_order(exchange: Exchange, feed: PostgresFeed) -> None:
    submission = exchange.checked()
    exchange.deliver([submission.id])

    shown = read(feed, None, 3)

    assert [one.event.kind for one in shown] == [
        EventKind.RECEIVED,
        EventKind.CHECKED,
        EventKind.ACKNOWLEDGED,
    ]
    assert {one.submission_id for one in shown} == {submission.id}


def test_it_is_read_on_page_by_page(exchange: Exchange, feed: PostgresFeed) -> None:
    for number in range(5):
        exchange.checked(str(number).encode())

    shown = [(one.submission_id, one.event.kind) for one in read(feed, None, 10)]
    page = feed.read(FACILITY, after=feed.latest(FACILITY), limit=3)

    assert len(set(shown)) == 10
    assert (page.events, page.next_cursor) == ((), feed.latest(FACILITY))


def test_it_is_a_facilitys_own(exchange: Exchange, feed: PostgresFeed) -> None:
    exchange.received(b"theirs", OTHER_FACILITY)

    assert feed.read(FACILITY, after=None, limit=10).events == ()


def test_from_now_on_means_nothing_of_before(exchange: Exchange, feed: PostgresFeed) -> None:
    cursor = latest(feed, exchange.received(b"before").submission)
    after = exchange.received(b"after").submission

    assert [one.submission_id for one in read(feed, cursor, 1)] == [after.id]


def test_what_ends_late_is_not_missed(exchange: Exchange, feed: PostgresFeed) -> None:
    """The slow transaction's event has the lower number and appears after the fast one's."""
    slow = exchange.received(b"slow").submission
    cursor = latest(feed, slow)
    with exchange.pool.connection() as connection, connection.transaction():
        connection.execute(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "VALUES (%s, %s, now(), 'checked', 'checked', 'worker')",
            [slow.id, FACILITY],
        )
        fast = exchange.received(b"fast").submission
        early = feed.read(FACILITY, after=cursor, limit=10)

    assert early.events == ()
    assert [one.submission_id for one in read(feed, early.next_cursor, 2)] == [slow.id, fast.id]


def test_many_writers_and_a_reader(exchange: Exchange, feed: PostgresFeed) -> None:
    def write(writer: int) -> None:
        for number in range(20):
            exchange.received(f"{writer}/{number}".encode())

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for one in writers:
        one.start()
    shown = {one.submission_id for one in read(feed, None, 120)}
    for one in writers:
        one.join()

    assert len(shown) == 120


def test_it_goes_on_after_a_restore_into_another_database_system(
    exchange: Exchange, feed: PostgresFeed, database_url: str
) -> None:
    exchange.received(b"1")
    with psycopg.connect(database_url) as connection:
        # What a dump brings: numbers of transactions that this system will have in a long time.
        connection.execute("UPDATE event SET tx = '999999999999'")
    first = feed.read(FACILITY, after=None, limit=10)
    with psycopg.connect(database_url) as connection:
        assert renumber(connection) == 1
        assert renumber(connection) == 0

    old_cursor = "OTk5OTk5OTk5OTk5LjE"  # 999999999999.1
    later = exchange.received(b"2").submission

    assert first.events == ()
    assert len(read(feed, None, 2)) == 2
    assert [one.submission_id for one in read(feed, old_cursor, 1)] == [later.id]


@pytest.mark.parametrize(
    "cursor", ["x", "%%%", "MS4", "LTEuMQ", "MS4xLjE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjE"]
)
def test_a_cursor_that_no_page_gave_is_refused(feed: PostgresFeed, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        feed.read(FACILITY, after=cursor, limit=1)


def test_the_latest_place_is_looked_up_and_no_event_is_sorted(exchange: Exchange) -> None:
    exchange.checked()

    with exchange.pool.connection() as connection, connection.transaction():
        # So a few rows are planned as many are.
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {LATEST}", [FACILITY]).fetchall())

    assert "Backward using event_of_facility" in plan
    assert "Sort" not in plan
