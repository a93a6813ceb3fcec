"""A replay of 100,000 failed submissions among a million: plan, start, run, results; time and memory.

The rows are made in bulk. The run goes through the use case that a worker runs, in this process, stopped
in the middle and taken up again; sending is not part of it. Then each submission's outcome is read.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.figures import Figure
from claims.exchange.access.places import EVERYWHERE, NATION
from claims.exchange.lifecycle import State
from claims.exchange.replay import NewReplay, PlanReplay, RunReplay, StartReplay
from claims.exchange.submission import SubmissionFilter, SubmissionId
from claims.runtime.embedded import embedded_services
from claims.storage.migrations import upgrade
from claims.storage.pool import borrow, open_pool
from claims.storage.replays import PostgresReplays

_STORED = 1_000_000
_FAILED = 100_000
_CAUSE = "gateway.unreachable"

_FILL = """
INSERT INTO facility (code, name, created_at) VALUES ('79001', 'Một', now());
INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at, checked_at, cause,
    attempts, ma_giao_dich)
SELECT 'sub_' || lpad(i::text, 26, '0'), '79001', sha256(i::text::bytea), 60000,
    CASE WHEN i %% %(every)s = 0 THEN 'failed' ELSE 'acknowledged' END,
    now() - i * interval '1 second', now(), now(), CASE WHEN i %% %(every)s = 0 THEN %(cause)s END, 12,
    CASE WHEN i %% %(every)s = 0 THEN NULL ELSE i::text END
FROM generate_series(1, %(stored)s) AS i
"""


Result = TypeVar("Result")


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class _Jobs:
    """Counts wake-ups."""

    woken = 0

    def wake_check(self, ids: Sequence[SubmissionId]) -> None:
        self.woken += len(ids)

    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        self.woken += len(ids)

    def wake_replay(self, replay_id: str) -> None:
        """Do nothing: it is run here."""


class _Stop(Exception):
    """Stands for the end of a worker in the middle."""


class _StoppingJobs(_Jobs):
    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        super().wake_delivery(ids)
        if self.woken >= _FAILED // 3:
            raise _Stop


def measure(_claims: int) -> Sequence[Figure]:
    """Replay them and return the figures."""
    with tempfile.TemporaryDirectory() as folder, embedded_services(Path(folder)) as addresses:
        upgrade(addresses.database_url)
        with open_pool(addresses.database_url, max_size=2) as pool:
            with borrow(pool) as connection:
                params = {"stored": _STORED, "every": _STORED // _FAILED, "cause": _CAUSE}
                for statement in _FILL.split(";"):
                    connection.execute(statement.encode(), params if "%" in statement else None)
                connection.execute("VACUUM ANALYZE submission")
            return _replay(PostgresReplays(pool))


def _replay(replays: PostgresReplays) -> Sequence[Figure]:
    before = _peak_mib()
    clock, jobs = _Clock(), _Jobs()
    which = SubmissionFilter(within=EVERYWHERE, states=(State.FAILED,), cause=_CAUSE)
    since = SubmissionFilter(within=EVERYWHERE, received_from=clock.now() - timedelta(days=365))
    everything_s, _ = _timed(lambda: PlanReplay(replays)(since))
    plan_s, plan = _timed(lambda: PlanReplay(replays)(which))
    new = NewReplay(which, actor="bench", reason="bench", place=NATION)
    start_s, replay = _timed(lambda: StartReplay(replays, jobs, clock)(new))
    first_s, _ = _timed(lambda: _until_stopped(RunReplay(replays, _StoppingJobs(), clock), replay.id))
    rest_s, _ = _timed(lambda: RunReplay(replays, jobs, clock)(replay.id))
    results_s, lines = _timed(lambda: _results(replays, replay.id))
    done = replays.get(replay.id, within=EVERYWHERE)
    if (sum(plan.counts.values()), done.done, lines) != (_FAILED,) * 3 or done.finished_at is None:
        raise AssertionError(done)
    return [
        Figure("plan of 100,000 among a million", plan_s, "s", target=2, at_least=False),
        Figure("plan of everything of a year, a million", everything_s, "s", target=2, at_least=False),
        Figure("start: the selection frozen", start_s, "s"),
        Figure("run, stopped once in the middle", first_s + rest_s, "s"),
        Figure("run", _FAILED / (first_s + rest_s), "submissions/s"),
        Figure("results, a line each", results_s, "s"),
        Figure("memory that all this added at its peak", _peak_mib() - before, "MiB"),
    ]


def _until_stopped(run: RunReplay, replay_id: str) -> None:
    try:
        run(replay_id)
    except _Stop:
        return


def _results(replays: PostgresReplays, replay_id: str) -> int:
    number, after = 0, None
    while items := replays.items(replay_id, after=after, limit=5_000):
        number += len(items)
        after = items[-1].submission_id
    return number


def _timed(call: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
