"""The history of claims at five million marks: what asking and leaving cost a claim, beside an empty one.

A year's marks that nobody asks for are laid under those of generated claims, with names as random as blinded
ones are. Then the same claims are asked about, one statement a claim as in a check, and further ones left
behind, fifty claims a transaction as a worker does.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow, class_row

from bench.figures import Figure
from claims.building.build import build_bundle
from claims.checking.check import CheckTerms, check_bundle
from claims.checking.history.marks import Mark, Window
from claims.checking.needs import Need
from claims.emr.encounter import read_encounter
from claims.emr.synthetic import BENCHMARK_MIX, generate_encounters
from claims.exchange.submission import SubmissionId
from claims.runtime.embedded import embedded_services
from claims.storage.history import PostgresHistory, leave_marks
from claims.storage.migrations import upgrade
from claims.storage.pool import borrow, open_pool

_ROWS = 5_000_000
_ON = date(2026, 11, 2)
_KEY = b"of the bench, no secret"
_BATCH = 50
_FACILITY = "79999"

_FILL = """
INSERT INTO mark (period, subject, starts_at, ends_at, patient, episode, facility, submission_id)
SELECT extract(year FROM at)::int * 12 + extract(month FROM at)::int, decode(substr(name, 1, 24), 'hex'), at,
    at + interval '1 hour', decode(substr(name, 9, 24), 'hex'), decode(substr(name, 5, 24), 'hex'),
    '79001', 'laid'
FROM (
    SELECT md5(i::text) AS name, timestamp '2025-12-01' + (i %% 525600) * interval '1 minute' AS at
    FROM generate_series(1, %s) AS i
) AS made
"""


@dataclass(frozen=True, slots=True)
class _Size:
    table: int
    index: int


@dataclass(slots=True)
class _Recording:
    """A history that knows nothing and notes what was asked."""

    key: bytes
    asked: list[Sequence[Window]]

    def find(self, windows: Sequence[Window]) -> Sequence[Mark]:
        self.asked.append(windows)
        return ()


def measure(claims: int) -> Sequence[Figure]:
    """Ask about and leave so many claims, with an empty and with a full history; return the figures."""
    asked, left = _read(claims)
    with tempfile.TemporaryDirectory() as folder, embedded_services(Path(folder)) as addresses:
        upgrade(addresses.database_url)
        with open_pool(addresses.database_url, max_size=2) as pool:
            history = PostgresHistory(pool, _KEY)
            with borrow(pool) as connection:
                _lay_submissions(connection)
            empty_ask, empty_leave = _ask(history, asked), _leave(history, left[: len(left) // 2])
            with borrow(pool) as connection:
                connection.execute(_FILL, [_ROWS])
                connection.execute("VACUUM ANALYZE mark")
            _ask(history, asked[:_BATCH])
            full_ask, full_leave = _ask(history, asked), _leave(history, left[len(left) // 2 :])
            with borrow(pool) as connection:
                table, index = _sizes(connection)
    marks = sum(len(one) for one in left) / len(left)
    return [
        Figure("marks a claim leaves", marks, ""),
        Figure("questions a claim asks", sum(map(len, asked)) / len(asked), ""),
        Figure("ask, empty", empty_ask * 1e6, "µs/claim"),
        Figure(f"ask, {_ROWS:,} marks", full_ask * 1e6, "µs/claim"),
        Figure("ask, full ÷ empty", full_ask / empty_ask, "", 2.0, at_least=False),
        Figure("leave, empty", empty_leave * 1e6, "µs/claim"),
        Figure(f"leave, {_ROWS:,} marks", full_leave * 1e6, "µs/claim"),
        Figure("leave, full ÷ empty", full_leave / empty_leave, "", 2.0, at_least=False),
        Figure("table", table / _ROWS, "bytes/mark"),
        Figure("index", index / _ROWS, "bytes/mark"),
    ]


def _read(claims: int) -> tuple[Sequence[Sequence[Window]], Sequence[Sequence[Mark]]]:
    recording = _Recording(_KEY, [])
    terms = CheckTerms(more={Need.HISTORY: recording})
    left = [check_bundle(one, at=_at(), terms=terms).marks for one in _bundles(claims)]
    return recording.asked, left


def _bundles(claims: int) -> Iterator[bytes]:
    for one in generate_encounters(seed=7, count=claims, facilities=[_FACILITY], on=_ON, mix=BENCHMARK_MIX):
        yield build_bundle([read_encounter(json.loads(json.dumps(one)))], made_on=_ON).bundle


def _at() -> datetime:
    return datetime(_ON.year, _ON.month, _ON.day, 12, tzinfo=UTC)


def _lay_submissions(connection: psycopg.Connection[TupleRow]) -> None:
    connection.execute("INSERT INTO facility VALUES (%s, 'bench', now())", [_FACILITY])
    connection.execute(
        "INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at) "
        "SELECT name, %s, sha256(name::bytea), 0, 'checked', now(), now() "
        "FROM unnest(ARRAY['laid', 'left']) AS name",
        [_FACILITY],
    )


def _ask(history: PostgresHistory, asked: Sequence[Sequence[Window]]) -> float:
    started = time.perf_counter()
    for windows in asked:
        history.find(windows)
    return (time.perf_counter() - started) / len(asked)


def _leave(history: PostgresHistory, left: Sequence[Sequence[Mark]]) -> float:
    started = time.perf_counter()
    for first in range(0, len(left), _BATCH):
        with borrow(history.pool) as connection, connection.transaction():
            leave_marks(connection, [(SubmissionId("left"), marks) for marks in left[first : first + _BATCH]])
    return (time.perf_counter() - started) / len(left)


def _sizes(connection: psycopg.Connection[TupleRow]) -> tuple[int, int]:
    with connection.cursor(row_factory=class_row(_Size)) as cursor:
        size = cursor.execute(
            "SELECT pg_table_size('mark') AS table, pg_indexes_size('mark') AS index"
        ).fetchone() or _Size(0, 0)
    return size.table, size.index
