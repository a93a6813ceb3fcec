"""One time for all hosts: that of the database.

A lease that one host gives and another judges is only as good as their clocks agree. A host whose own
clock is an hour ahead would take every lease for expired and send again what others are sending.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Error
from psycopg_pool import PoolTimeout, TooManyRequests

from claims.exchange.ports import Clock
from claims.storage.pool import Pool

#: How long the steady clock of this host carries on from what the database said.
_TRUST_S = 30.0
#: How long the database is not asked again after it did not answer.
_PAUSE_S = 5.0
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Reading:
    time: datetime
    tick: float
    ask_again: float


class DatabaseClock:
    """`claims.exchange.ports.Clock`: the database's time, carried on by this host's steady clock.

    Until the database has answered once, this host's own time has to do.
    """

    def __init__(self, pool: Pool, own: Clock) -> None:
        self._pool = pool
        self._own = own
        self._reading: _Reading | None = None

    def now(self) -> datetime:
        """Return the present moment, aware."""
        tick = time.monotonic()
        reading = self._reading
        if reading is None or tick >= reading.ask_again:
            self._reading = reading = self._ask(reading)
        return reading.time + timedelta(seconds=time.monotonic() - reading.tick)

    def _ask(self, before: _Reading | None) -> _Reading:
        asked = time.monotonic()
        try:
            with self._pool.connection(timeout=_PATIENCE_S) as connection:
                asked = time.monotonic()
                row = connection.execute("SELECT clock_timestamp()").fetchone()
        except (Error, PoolTimeout, TooManyRequests):
            row = None
        answered = time.monotonic()
        if row is not None:
            return _Reading(row[0], (asked + answered) / 2, answered + _TRUST_S)
        known = before or _Reading(self._own.now(), answered, 0)
        return _Reading(known.time, known.tick, answered + _PAUSE_S)
