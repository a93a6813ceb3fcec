"""Sessions, attempts to sign in, and answers of an OpenID provider, on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.access.attempts import Counter, UsedUp
from claims.exchange.access.session import Session, Stage
from claims.storage.pool import Pool, borrow

_COLUMNS: LiteralString = "digest, person_id, stage, method, opened_at, proved_at, seen_at, ends_at, ended_at"

_COUNT: LiteralString = """
INSERT INTO sign_in_attempt AS a (counter, used, ends_at) VALUES (%(counter)s, 1, %(ends_at)s)
ON CONFLICT (counter) DO UPDATE SET
    used = CASE WHEN a.ends_at <= %(now)s THEN 1 ELSE a.used + 1 END,
    ends_at = CASE WHEN a.ends_at <= %(now)s THEN %(ends_at)s ELSE a.ends_at END
RETURNING used, ends_at
"""


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """`claims.exchange.access.sessions.SessionStore`."""

    pool: Pool

    def add(self, session: Session) -> None:
        """Store a new session; the person's that ended a day ago go."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "DELETE FROM session WHERE person_id = %s AND ends_at < %s - interval '1 day'",
                [session.person_id, session.opened_at],
            )
            _add(connection, session)

    def find(self, digest: bytes) -> Session | None:
        """Return the session with this token's digest, live or not (session_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM session WHERE digest = %s", [digest]).fetchone()
        return None if row is None else _session(row)

    def touch(self, digest: bytes, *, at: datetime) -> None:
        """Remember that it was used."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE session SET seen_at = %(at)s WHERE digest = %(digest)s AND seen_at < %(at)s",
                {"at": at, "digest": digest},
            )

    def replace(self, digest: bytes, session: Session, *, at: datetime) -> bool:
        """End one session and store the one that follows it, once."""
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(
                "UPDATE session SET ended_at = %s WHERE digest = %s AND ended_at IS NULL", [at, digest]
            )
            if done.rowcount:
                _add(connection, session)
        return bool(done.rowcount)

    def end(self, digest: bytes, *, at: datetime) -> None:
        """End a session."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE session SET ended_at = %s WHERE digest = %s AND ended_at IS NULL", [at, digest]
            )

    def end_all(self, person_id: str, *, at: datetime, but: bytes = b"") -> int:
        """End every session of a person, but one; return how many (session_of_person)."""
        with borrow(self.pool) as connection:
            return connection.execute(
                "UPDATE session SET ended_at = %s WHERE person_id = %s AND ended_at IS NULL AND digest <> %s",
                [at, person_id, but],
            ).rowcount

    def of_person(self, person_id: str, *, since: datetime) -> Sequence[Session]:
        """Return a person's sessions that have not ended and were used since (session_of_person)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM session WHERE person_id = %s AND ended_at IS NULL AND seen_at > %s "
                "ORDER BY seen_at DESC",
                [person_id, since],
            ).fetchall()
        return [_session(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PostgresAttempts:
    """`claims.exchange.access.attempts.Attempts`; a counter's row is locked while it counts."""

    pool: Pool

    def take(self, counters: Sequence[Counter], *, now: datetime) -> UsedUp | None:
        """Count by each counter in turn, up to one that is used up; return that one."""
        with borrow(self.pool) as connection, connection.transaction():
            for counter in counters:
                ends_at = now + counter.allowance.within
                row = connection.execute(
                    _COUNT, {"counter": counter.name, "now": now, "ends_at": ends_at}
                ).fetchone()
                if row is not None and row[0] > counter.allowance.most:
                    return UsedUp(row[1], is_first=row[0] == counter.allowance.most + 1)
            connection.execute("DELETE FROM sign_in_attempt WHERE ends_at < %s - interval '1 day'", [now])
        return None

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Count one less."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE sign_in_attempt SET used = used - 1 WHERE counter = ANY(%s) AND used > 0",
                [[counter.name for counter in counters]],
            )


@dataclass(frozen=True, slots=True)
class PostgresUsedAnswers:
    """`claims.exchange.access.provider.UsedAnswers`."""

    pool: Pool

    def use(self, digest: bytes, *, until: datetime, now: datetime) -> bool:
        """Remember a sign-in that came back; of two at once, one did. What is over goes."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute("DELETE FROM provider_answer WHERE ends_at < %s", [now])
            done = connection.execute(
                "INSERT INTO provider_answer (digest, ends_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [digest, until],
            )
        return done.rowcount == 1


def _add(connection: Connection[TupleRow], session: Session) -> None:
    connection.execute(
        f"INSERT INTO session ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        astuple(session),
    )


def _session(row: TupleRow) -> Session:
    digest, person_id, stage, *rest = row
    return Session(bytes(digest), person_id, Stage(stage), *rest)
