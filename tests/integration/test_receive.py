"""What was received is there, once, exactly."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import sql

from claims.exchange.access.places import EVERYWHERE, Place, Reach
from claims.exchange.errors import IdempotencyMismatch, SubmissionNotFound
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionFilter
from claims.storage.archives import PostgresArchives
from claims.storage.selection import conditions
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange

# Bytes that any re-serialization would change.
ODD = b"\xef\xbb\xbf<a  b='1'>\r\n\x00\xff</a>"

ALL = SubmissionFilter(within=EVERYWHERE)


def test_the_bytes_are_kept_as_they_came(exchange: Exchange) -> None:
    submission = exchange.received(ODD).submission

    assert exchange.submissions.body(submission.id) == ODD
    assert submission.sha256 == hashlib.sha256(ODD).hexdigest()
    assert exchange.now(submission).state is State.RECEIVED


def test_a_worker_is_woken_once_per_new_submission(exchange: Exchange) -> None:
    first = exchange.received(b"1")
    exchange.received(b"1")

    assert exchange.jobs.checks == [first.submission.id]


def test_the_same_bytes_again_are_the_same_submission(exchange: Exchange) -> None:
    first, again = exchange.received(b"1"), exchange.received(b"1")

    assert (first.is_new, again.is_new) == (True, False)
    assert again.submission.id == first.submission.id


def test_the_same_bytes_from_another_facility_are_another_submission(exchange: Exchange) -> None:
    ours, theirs = exchange.received(b"1"), exchange.received(b"1", OTHER_FACILITY)

    assert theirs.is_new
    assert theirs.submission.id != ours.submission.id


def test_the_same_key_with_the_same_body_is_the_same_submission(exchange: Exchange) -> None:
    first, again = exchange.received(b"1", key="k"), exchange.received(b"1", key="k")

    assert again.submission.id == first.submission.id


def test_the_same_key_with_another_body_is_refused_and_stores_nothing(exchange: Exchange) -> None:
    exchange.received(b"1", key="k")

    with pytest.raises(IdempotencyMismatch):
        exchange.received(b"2", key="k")

    assert len(exchange.submissions.list_page(ALL, limit=10, cursor=None).items) == 1


def test_a_key_means_something_else_to_another_facility(exchange: Exchange) -> None:
    exchange.received(b"1", key="k")

    assert exchange.received(b"2", OTHER_FACILITY, key="k").is_new


def test_fifty_at_once_make_one_submission(exchange: Exchange) -> None:
    with ThreadPoolExecutor(50) as pool:
        received = list(pool.map(lambda _: exchange.received(b"1", key="k"), range(50)))

    assert len({one.submission.id for one in received}) == 1
    assert sum(one.is_new for one in received) == 1


def test_one_key_with_fifty_bodies_at_once_makes_one_submission(exchange: Exchange) -> None:
    def submit(number: int) -> bool:
        try:
            return exchange.received(b"%d" % number, key="k").is_new
        except IdempotencyMismatch:
            return False

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(submit, range(50))) == 1
    assert len(exchange.submissions.list_page(ALL, limit=100, cursor=None).items) == 1


def test_a_facility_does_not_see_another_ones(exchange: Exchange) -> None:
    ours = exchange.received(b"1").submission

    assert exchange.submissions.get(ours.id, within=Reach.of(Place(FACILITY))).id == ours.id
    with pytest.raises(SubmissionNotFound):
        exchange.submissions.get(ours.id, within=Reach.of(Place(OTHER_FACILITY)))


def test_pages_hold_everything_once_newest_first(exchange: Exchange) -> None:
    for number in range(7):
        exchange.clock.advance(1)
        exchange.received(b"%d" % number)
    which, cursor, seen = SubmissionFilter(within=Reach.of(Place(FACILITY))), None, []

    while True:
        page = exchange.submissions.list_page(which, limit=3, cursor=cursor)
        seen += [one.received_at for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("microsecond", [0, 400, 999_600])
def test_a_time_selects_what_came_from_it_on_and_before_it_to_the_microsecond(
    exchange: Exchange, microsecond: int
) -> None:
    first = exchange.clock.now().replace(microsecond=microsecond)
    for number in range(3):
        exchange.clock.time = first + number * timedelta(microseconds=300)
        exchange.received(b"%d" % number)
    last = exchange.clock.now()

    def count(since: datetime | None, until: datetime | None) -> int:
        which = SubmissionFilter(within=EVERYWHERE, received_from=since, received_until=until)
        return len(exchange.submissions.list_page(which, limit=10, cursor=None).items)

    assert [count(first, None), count(last, None), count(last + timedelta(microseconds=1), None)] == [3, 1, 0]
    assert [count(None, first), count(None, last), count(first, last), count(last, first)] == [0, 2, 2, 0]
    longest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert count(*longest) == 3


@pytest.mark.parametrize("facility", [FACILITY, None])
def test_what_came_since_a_moment_comes_in_pages_the_oldest_first(
    exchange: Exchange, facility: FacilityCode | None
) -> None:
    ids = []
    for number in range(7):
        exchange.clock.advance(1)
        ids.append(exchange.received(b"%d" % number).submission.id)
    since, after, seen = exchange.clock.now() - timedelta(seconds=4), None, []

    while page := PostgresArchives(exchange.pool).oldest_first(
        since=since, facility=facility, after=after, limit=2
    ):
        seen += [one.id for one in page]
        after = seen[-1]
        assert len(seen) <= len(ids)

    assert seen == ids[2:]


@pytest.mark.parametrize(
    ("which", "index"),
    [
        pytest.param(
            SubmissionFilter(
                within=EVERYWHERE,
                received_from=datetime(2026, 5, 1, tzinfo=UTC),
                received_until=datetime(2026, 5, 2, tzinfo=UTC),
            ),
            "submission_pkey",
            id="a-day-long-ago",
        ),
        pytest.param(SubmissionFilter(within=EVERYWHERE, cause="X"), "submission_of_cause", id="cause"),
        pytest.param(
            SubmissionFilter(within=EVERYWHERE, states=(State.WITHDRAWN,)),
            "submission_set_aside",
            id="withdrawn",
        ),
        pytest.param(
            SubmissionFilter(within=EVERYWHERE, states=(State.SUPERSEDED,)),
            "submission_set_aside",
            id="superseded",
        ),
    ],
)
def test_what_is_rare_among_millions_is_looked_up(
    exchange: Exchange, which: SubmissionFilter, index: str
) -> None:
    where, params = conditions(which)

    asked = sql.SQL("EXPLAIN SELECT id FROM submission s WHERE {} ORDER BY s.id DESC LIMIT 50")
    with exchange.pool.connection() as connection, connection.transaction():
        # So a few rows are planned as many are.
        for step in ("seqscan", "bitmapscan", "sort"):
            connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(f"enable_{step}")))
        rows = connection.execute(asked.format(sql.SQL(where)), params).fetchall()
    plan = "\n".join(row[0] for row in rows)

    assert f"Backward using {index}" in plan
    assert "Sort" not in plan
    # A day is a piece of an index that has every submission; the other indexes have nothing else.
    assert ("Index Cond" in plan) == (index != "submission_set_aside")
