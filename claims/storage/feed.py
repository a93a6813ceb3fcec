"""The events of a facility's submissions, one after another, none missed and none shown twice.

An event is shown once every transaction that began before its own has ended: then nothing can appear
between it and what was shown before. A cursor is the last event's transaction and number.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow

from claims.exchange.errors import InvalidCursor
from claims.exchange.feed import FeedEvent, FeedPage
from claims.exchange.lifecycle import State
from claims.exchange.submission import Event, EventKind, FacilityCode, SubmissionId
from claims.storage.pool import Pool, borrow

#: Transaction numbers begin at 3, so this one comes before them all.
_BEFORE_ALL = 1
_MOST = 2**63 - 1

#: Which events may be shown that follow a cursor.
SHOWN_AFTER: LiteralString = (
    "e.tx < pg_snapshot_xmin(pg_current_snapshot()) "
    # A greater one is of the time before the database was restored elsewhere (see `renumber`).
    "AND (e.tx, e.seq) > (CASE WHEN {tx} < pg_snapshot_xmax(pg_current_snapshot()) "
    "THEN {tx} ELSE '1'::xid8 END, {seq})"
)
_FOLLOWS: LiteralString = SHOWN_AFTER.format(tx="%(tx)s::text::xid8", seq="%(seq)s")

# The last entry of event_of_facility. By its bare name `tx` would be the number that is selected, which no
# index is sorted by.
LATEST: LiteralString = """
SELECT e.tx::text::bigint, e.seq FROM event e
WHERE e.facility = %s AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.tx DESC, e.seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class PostgresFeed:
    """`claims.exchange.feed.Feed` on PostgreSQL."""

    pool: Pool

    def read(self, facility: FacilityCode, *, after: str | None, limit: int) -> FeedPage:
        """Return the events that follow a cursor, or the first ones (event_of_facility)."""
        tx, seq = (0, 0) if after is None else _decode(after)
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT e.tx::text::bigint, e.seq, e.submission_id, e.at, e.kind, e.state, e.actor, e.cause, "
                "e.detail FROM event e "
                f"WHERE e.facility = %(facility)s AND {_FOLLOWS} "
                "ORDER BY e.tx, e.seq LIMIT %(limit)s",
                {"facility": facility, "tx": str(tx), "seq": seq, "limit": limit + 1},
            ).fetchall()
        shown = rows[:limit]
        next_cursor = _encode(shown[-1][0], shown[-1][1]) if shown else after or _encode(0, 0)
        return FeedPage(tuple(_event(row) for row in shown), next_cursor, has_more=len(rows) > limit)

    def latest(self, facility: FacilityCode) -> str:
        """Return a cursor after everything that can be shown now."""
        with borrow(self.pool) as connection:
            row = connection.execute(LATEST, [facility]).fetchone()
        return _encode(0, 0) if row is None else _encode(row[0], row[1])


def renumber(connection: psycopg.Connection[TupleRow]) -> int:
    """After a restore into another database system, whose transaction numbers are lower: begin anew.

    Returns how many events that were. Their order stays; cursors go on by the events' own numbers.
    """
    return connection.execute(
        "UPDATE event SET tx = %s::text::xid8 WHERE EXISTS (SELECT FROM facility f, LATERAL "
        "(SELECT tx FROM event WHERE facility = f.code ORDER BY tx DESC LIMIT 1) AS last "
        "WHERE last.tx > pg_current_xact_id())",
        [str(_BEFORE_ALL)],
    ).rowcount


def _event(row: TupleRow) -> FeedEvent:
    _tx, _seq, submission_id, at, kind, state, actor, cause, detail = row
    return FeedEvent(
        SubmissionId(submission_id), Event(at, EventKind(kind), State(state), actor, cause, detail)
    )


def _encode(tx: int, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{tx}.{seq}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        tx, seq = (int(part) for part in text.split("."))
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not (0 <= tx <= _MOST and 0 <= seq <= _MOST):
        raise InvalidCursor
    return tx, seq
