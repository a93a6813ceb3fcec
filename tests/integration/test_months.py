"""The largest tables are kept by month, from a migration that rewrites nothing to the last part dropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic import command
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

from claims.exchange.submission import new_submission_id
from claims.storage.months import KeepMonths
from claims.storage.pool import Pool
from claims.storage.roles import API, WORKER, make_roles
from tests.fakes import SetClock
from tests.integration.test_migrations import config

NOW = datetime.now(UTC)
TABLES = ("attempt", "origin", "report", "submission_body")
BEFORE = "0034"


@dataclass
class Rows:
    """Submissions of chosen moments, with a row in each of the tables."""

    connection: Connection[TupleRow]

    def __post_init__(self) -> None:
        self.connection.execute("INSERT INTO facility VALUES ('99001', 'Một', now()) ON CONFLICT DO NOTHING")

    def add(self, at: datetime) -> str:
        submission_id = new_submission_id(at)
        body = submission_id.encode()
        run = self.connection.execute
        run(
            "INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at) "
            "VALUES (%s, '99001', sha256(%s), 1, 'acknowledged', now(), now())",
            [submission_id, body],
        )
        run("INSERT INTO submission_body VALUES (%s, %s)", [submission_id, body])
        run("INSERT INTO origin VALUES (%s, '{}', '[]')", [submission_id])
        run("INSERT INTO report VALUES (%s, now(), '[]', '[]')", [submission_id])
        run(
            "INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome) "
            "VALUES (%s, 1, now(), now(), 'acknowledged')",
            [submission_id],
        )
        return submission_id

    def parts_of(self, submission_id: str) -> set[str]:
        """Return in which part each of its rows lies, without the table's name."""
        found = set()
        for table in TABLES:
            asking = sql.SQL("SELECT tableoid::regclass::text FROM {} WHERE submission_id = %s")
            row = self.connection.execute(asking.format(sql.Identifier(table)), [submission_id]).fetchone()
            found.add("" if row is None else str(row[0]).removeprefix(table))
        return found


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Rows(connection)


def month(offset: int) -> datetime:
    """Return a moment in the middle of the month so many after this one."""
    months = NOW.year * 12 + NOW.month - 1 + offset
    return datetime(months // 12, months % 12 + 1, 15, tzinfo=UTC)


def test_full_tables_become_parts_as_they_are_and_whole_again(database_url: str, rows: Rows) -> None:
    command.downgrade(config(database_url), BEFORE)
    first = [rows.add(month(-offset)) for offset in range(3)]
    files = {table: _file_of(rows.connection, table) for table in TABLES}

    command.upgrade(config(database_url), "head")

    (part,) = {part for one in first for part in rows.parts_of(one)}
    assert part.startswith("_before_")
    assert {table: _file_of(rows.connection, table + part) for table in TABLES} == files, (
        "nothing is rewritten"
    )
    rows.connection.execute("SELECT claims_add_months(%s)", [month(3)])
    later = rows.add(month(3))
    assert rows.parts_of(later) == {f"_{month(3):%Y%m}"}
    numbers = _numbers(rows.connection)

    command.downgrade(config(database_url), BEFORE)

    assert _numbers(rows.connection) == numbers
    rows.add(month(0))
    assert _numbers(rows.connection)[:-1] == numbers, "numbers go on"
    assert rows.parts_of(later) == {""}
    command.upgrade(config(database_url), "head")
    # An id from the future, of a clock that was wrong, is no reason to fail.
    assert rows.parts_of(later) == {f"_before_{month(4):%Y%m}"}


def test_what_came_while_nobody_made_its_month_is_put_in_its_place(pool: Pool, rows: Rows) -> None:
    at = month(8)
    late = rows.add(at)
    assert rows.parts_of(late) == {"_rest"}

    made = KeepMonths(pool, SetClock(at)).add()

    assert made > 0
    assert rows.parts_of(late) == {f"_{at:%Y%m}"}
    assert KeepMonths(pool, SetClock(at)).add() == 0


def test_a_clock_that_is_a_hundred_years_ahead_makes_no_thousand_tables(pool: Pool) -> None:
    keep = KeepMonths(pool, SetClock(NOW + timedelta(days=36_525)))

    assert keep.add() <= 14 * len(TABLES)


def test_only_what_has_been_emptied_is_dropped_and_only_afterwards(pool: Pool, rows: Rows) -> None:
    KeepMonths(pool, SetClock(month(9))).add()
    kept = rows.add(month(4))
    long_after = KeepMonths(pool, SetClock(month(8)))
    before = _parts(rows.connection, "submission_body")

    long_after.drop_emptied()

    left = _parts(rows.connection, "submission_body")
    assert f"submission_body_{month(4):%Y%m}" in left
    assert f"submission_body_{month(8):%Y%m}" in left
    assert f"submission_body_{month(5):%Y%m}" not in left
    assert f"report_{month(5):%Y%m}" in _parts(rows.connection, "report")
    assert len(left) < len(before)
    assert rows.parts_of(kept) == {f"_{month(4):%Y%m}"}


def test_workers_may_have_months_made_and_nobody_reads_a_part_past_its_table(pool: Pool, rows: Rows) -> None:
    make_roles(rows.connection)
    rows.add(NOW)
    (part,) = {part for part in _parts(rows.connection, "submission_body") if "before" in part}

    for role in (API, WORKER):
        rows.connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(InsufficientPrivilege):
            rows.connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(part)))
        with pytest.raises(InsufficientPrivilege):
            rows.connection.execute("CREATE TABLE mine ()")
    rows.connection.execute("SELECT claims_add_months(%s)", [month(7)])
    rows.connection.execute("RESET ROLE")
    assert KeepMonths(pool, SetClock(NOW)).made_until() > month(7)
    rows.connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(API)))
    with pytest.raises(InsufficientPrivilege):
        rows.connection.execute("SELECT claims_add_months(now())")


def _file_of(connection: Connection[TupleRow], table: str) -> object:
    return connection.execute("SELECT pg_relation_filenode(%s::regclass)", [table]).fetchone()


def _numbers(connection: Connection[TupleRow]) -> list[int]:
    return [row[0] for row in connection.execute("SELECT seq FROM attempt ORDER BY seq").fetchall()]


def _parts(connection: Connection[TupleRow], table: str) -> set[str]:
    rows = connection.execute("SELECT part FROM month_part WHERE parent = %s", [table]).fetchall()
    return {row[0] for row in rows}
