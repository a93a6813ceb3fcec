"""Turns: a job that one process of all hosts does at a time, by an advisory lock of its session."""

from __future__ import annotations

import contextlib

from psycopg import Connection, Error
from psycopg.rows import TupleRow

from claims.storage.pool import connect


class Turn:
    """Asks for a turn and keeps it for as long as its session lives.

    Whoever dies or is cut off loses its session, and with it the turn, within seconds (`connect`); whoever
    hangs loses it when it has not asked for `lease_s`, although its kernel goes on answering for it.
    """

    def __init__(self, database_url: str, job: str, *, holder: str, lease_s: float) -> None:
        self._database_url = database_url
        self._job = job
        self._holder = holder
        self._lease_s = lease_s
        self._connection: Connection[TupleRow] | None = None
        self._is_held = False

    def is_mine(self) -> bool:
        """Take the turn if nobody has it; False too while the database cannot be reached."""
        try:
            if self._connection is None:
                self._connection = connect(self._database_url, name=f"{self._job} {self._holder}")
                self._connection.execute(
                    "SELECT set_config('idle_session_timeout', %s, false)", [f"{self._lease_s * 1000:.0f}ms"]
                )
            if self._is_held:
                self._connection.execute("SELECT")  # a session that is gone has lost it
                return True
            row = self._connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._job]
            ).fetchone()
        except Error:
            self.give_up()
            return False
        self._is_held = row is not None and bool(row[0])
        return self._is_held

    def give_up(self) -> None:
        """Let another have it."""
        connection, self._connection, self._is_held = self._connection, None, False
        if connection is not None:
            with contextlib.suppress(Error):
                connection.close()
