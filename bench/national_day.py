"""The country's day, 535,600 claims, through intake, checks and delivery: nothing lost, nothing doubled.

Bundles are made while they are sent, so the load needs no memory of its own to speak of. At the end three
testimonies are compared, each read in its own way: the answers that the sender got, the database's rows in
plain SQL, and the stand-in gateway's record.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.cpu import memory_bytes
from bench.figures import Figure
from bench.load import SETTINGS, make_bundles, processes, send, wait_until_accepted
from claims.cli.demo.installation import FACILITY_NAMES, Installation
from claims.cli.output import progress_bar

CLAIMS: Final = 535_600
_PAGE: Final = 2_000
_LOG_PATIENCE_S: Final = 120
_LOOKS: Final = 20
_MIB: Final = 1024 * 1024


@dataclass
class _Verdict:
    lost: int = 0
    doubled: int = 0
    mismatched: int = 0


@dataclass
class _Memory:
    """What the service's processes held, at twenty moments of the day."""

    parts: Mapping[str, int]
    claims: int
    seen: list[int] = field(default_factory=list)

    def look(self, count: int) -> None:
        """Look, if it is time."""
        if count * _LOOKS >= self.claims * (len(self.seen) + 1):
            own = (
                pid for part, pid in self.parts.items() if part not in {"gateway (stand-in)", "PostgreSQL"}
            )
            self.seen.append(sum(map(memory_bytes, own)))


def measure(claims: int) -> Sequence[Figure]:
    """Push a day's claims through and compare."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-day-")))
        installation = stack.enter_context(Installation(folder, FACILITY_NAMES, settings=SETTINGS))
        bar = stack.enter_context(progress_bar("claims", claims))
        memory, done = _Memory(processes(installation, folder), claims), 0

        def note(count: int) -> None:
            nonlocal done
            bar.advance(count - done)
            done = count
            memory.look(count)

        began = time.perf_counter()
        sent = send(installation, islice(make_bundles(installation), claims), note=note)
        with suppress(TimeoutError):  # what does not come is counted below
            wait_until_accepted(installation, claims)
        took_s = time.perf_counter() - began
        unlogged = _unlogged(installation)
        logged_s = _wait_for_log(installation, began)
        with psycopg.connect(installation.variables["CLAIMS_DATABASE_URL"]) as connection:
            verdict = _compare(sent.receipts, _stored(connection), installation)
            disk = _one(connection, "SELECT pg_database_size(current_database())")
    early, late = memory.seen[_LOOKS // 4 - 1], memory.seen[-1]
    return [
        Figure("claims", claims, ""),
        Figure("until all were received", sent.took_s, "s"),
        Figure("until all were at the gateway", took_s, "s"),
        Figure("claims a second", claims / took_s, "claims/s"),
        Figure(
            f"the country's day of {CLAIMS:,} at that pace",
            CLAIMS * took_s / claims / 3600,
            "h",
            24,
            at_least=False,
        ),
        Figure("lost", verdict.lost, "", 0, at_least=False),
        Figure("doubled", verdict.doubled, "", 0, at_least=False),
        Figure("mismatched", verdict.mismatched, "", 0, at_least=False),
        Figure("events without a record of evidence by then", unlogged, ""),
        Figure("until each had one", logged_s, "s"),
        Figure("memory of API, workers and broker after a quarter", early / _MIB, "MiB"),
        Figure("the same at the end", late / _MIB, "MiB", 1.1 * early / _MIB, at_least=False),
        Figure("database", disk / _MIB, "MiB"),
        Figure("database, for each claim", disk / claims / 1024, "KiB"),
    ]


def _unlogged(installation: Installation) -> int:
    with psycopg.connect(installation.variables["CLAIMS_DATABASE_URL"]) as connection:
        return _one(connection, "SELECT (SELECT count(*) FROM event) - (SELECT count(*) FROM evidence)")


def _wait_for_log(installation: Installation, began: float) -> float:
    """Wait until each event has a record in the log; return when that was, or when nothing more came."""
    left, last = _unlogged(installation), time.monotonic()
    while left and time.monotonic() - last < _LOG_PATIENCE_S:
        time.sleep(1)
        if (now := _unlogged(installation)) < left:
            left, last = now, time.monotonic()
    return time.perf_counter() - began


def _compare(
    promised: Mapping[str, str], stored: Mapping[str, tuple[str, str, str | None]], installation: Installation
) -> _Verdict:
    verdict = _Verdict()
    at_gateway: Counter[str] = Counter()
    numbers: dict[str, str] = {}
    for entry in _received(installation):
        at_gateway[entry["sha256"]] += 1
        numbers[entry["sha256"]] = entry["ma_giao_dich"]
    for sha256, submission_id in promised.items():
        row = stored.get(submission_id)
        if row is None or not at_gateway[sha256]:
            verdict.lost += 1
        elif row != (sha256, "acknowledged", numbers[sha256]):
            verdict.mismatched += 1
    verdict.doubled = sum(count - 1 for count in at_gateway.values())
    stats = installation.gateway_says("stats")
    verdict.doubled += int(stats["repeats"]) if isinstance(stats, dict) else 0
    verdict.mismatched += len(at_gateway.keys() - promised.keys()) + len(
        stored.keys() - set(promised.values())
    )
    return verdict


def _stored(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, tuple[str, str, str | None]]:
    rows = connection.execute("SELECT id, encode(sha256, 'hex'), state, ma_giao_dich FROM submission")
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _received(installation: Installation) -> Iterator[Mapping[str, str]]:
    after = 0
    while True:
        page = installation.gateway_says(f"received?after={after}&limit={_PAGE}")
        if not isinstance(page, list) or not page:
            return
        yield from page
        after += _PAGE


def _one(connection: psycopg.Connection[tuple[Any, ...]], question: str) -> int:
    row = connection.execute(question.encode()).fetchone()
    return 0 if row is None else int(row[0])
