"""Lists of what is kept: holds, erasures, and what has content, each in an order that an index gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from claims.exchange.access.places import Reach
from claims.exchange.errors import InvalidCursor
from claims.exchange.keeping import Erasure, Hold, Listed, WithContent
from claims.exchange.lifecycle import PENDING
from claims.exchange.retention import RecordClass
from claims.exchange.submission import SubmissionFilter, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.selection import conditions, decode_cursor, encode_cursor, first_id

_HOLD: Final[LiteralString] = (
    "SELECT s.id, s.facility, ARRAY(SELECT c.ma_lk FROM claim c WHERE c.submission_id = s.id "
    "ORDER BY c.ordinal), h.placed_at, h.placed_by, h.reason, h.released_at "
    "FROM legal_hold h JOIN submission s ON s.id = h.submission_id "
)
_ERASURE: Final[LiteralString] = (
    "SELECT s.id, s.facility, encode(s.sha256, 'hex'), s.received_at, e.erased_at, e.erased_by, e.reason "
    "FROM erasure e JOIN submission s ON s.id = e.submission_id "
)
# What was erased has no content: however much that is, nobody looks through it.
_CONTENT: Final[LiteralString] = (
    "SELECT p.submission_id AS id FROM {table} p JOIN submission s ON s.id = p.submission_id "
    "WHERE {where} AND s.state <> ALL(%(pending)s) AND p.submission_id < %(behind)s "
    "AND (%(after)s::text IS NULL OR p.submission_id > %(after)s) ORDER BY p.submission_id LIMIT %(limit)s"
)


@dataclass(frozen=True, slots=True)
class PostgresKeptRecords:
    """`claims.exchange.keeping.KeptRecords` on PostgreSQL."""

    pool: Pool

    def holds(self, *, within: Reach, is_standing: bool, cursor: str | None, limit: int) -> Listed[Hold]:
        """Return holds, newest first (legal_hold_standing for those that stand)."""
        standing: LiteralString = "h.released_at IS NULL" if is_standing else "h.released_at IS NOT NULL"
        where, params = conditions(SubmissionFilter(within=within))
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_HOLD} WHERE {standing} AND {where} AND (%(at)s::timestamptz IS NULL "
                "OR (h.placed_at, h.submission_id) < (%(at)s, %(id)s)) "
                "ORDER BY h.placed_at DESC, h.submission_id DESC LIMIT %(limit)s",
                {**params, **_place(cursor), "limit": limit + 1},
            ).fetchall()
        found = tuple(map(_hold, rows[:limit]))
        return Listed(found, _cursor(found[-1].submission_id, found[-1].placed_at) if rows[limit:] else None)

    def holds_on(self, submission_id: SubmissionId) -> Sequence[Hold]:
        """Return all holds on a submission, newest first (legal_hold_pkey)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_HOLD} WHERE h.submission_id = %s ORDER BY h.placed_at DESC", [submission_id]
            ).fetchall()
        return [_hold(row) for row in rows]

    def erasures(self, *, within: Reach, cursor: str | None, limit: int) -> Listed[Erasure]:
        """Return what was erased, newest first (erasure_in_order)."""
        where, params = conditions(SubmissionFilter(within=within))
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_ERASURE} WHERE {where} AND (%(at)s::timestamptz IS NULL "
                "OR (e.erased_at, e.submission_id) < (%(at)s, %(id)s)) "
                "ORDER BY e.erased_at DESC, e.submission_id DESC LIMIT %(limit)s",
                {**params, **_place(cursor), "limit": limit + 1},
            ).fetchall()
        found = tuple(Erasure(*row) for row in rows[:limit])
        return Listed(found, _cursor(found[-1].submission_id, found[-1].erased_at) if rows[limit:] else None)

    def erasure_of(self, submission_id: SubmissionId) -> Erasure | None:
        """Return when and why a submission was erased, if it was (erasure_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"{_ERASURE} WHERE e.submission_id = %s", [submission_id]).fetchone()
        return None if row is None else Erasure(*row)

    def with_content(
        self, *, within: Reach, received_by: date, after: SubmissionId | None, limit: int
    ) -> Sequence[WithContent]:
        """Return what is settled and has content, the oldest first (submission_body and moved_content)."""
        where, params = conditions(SubmissionFilter(within=within))
        here, moved = (
            _CONTENT.format(table=one, where=where) for one in ("submission_body", "moved_content")
        )
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT s.id, s.facility, s.received_at, "
                "ARRAY(SELECT record_class FROM claim WHERE submission_id = s.id), "
                "(SELECT max((summary ->> 'discharged_on')::date) FROM claim WHERE submission_id = s.id), "
                "EXISTS (SELECT FROM legal_hold WHERE submission_id = s.id AND released_at IS NULL) "
                f"FROM (({here}) UNION ({moved}) ORDER BY id LIMIT %(limit)s) AS kept "
                "JOIN submission s ON s.id = kept.id ORDER BY s.id",
                {
                    **params,
                    "pending": sorted(PENDING),
                    "behind": first_id(received_by + timedelta(days=1)),
                    "after": after,
                    "limit": limit,
                },
            ).fetchall()
        return [_with_content(row) for row in rows]


def _hold(row: TupleRow) -> Hold:
    submission_id, facility, ma_lk, *rest = row
    return Hold(submission_id, facility, tuple(ma_lk), *rest)


def _with_content(row: TupleRow) -> WithContent:
    submission_id, facility, received_at, classes, discharged_on, is_held = row
    known = frozenset(None if each is None else RecordClass(each) for each in classes)
    return WithContent(submission_id, facility, received_at, known, discharged_on, is_held)


def _cursor(submission_id: str, at: datetime) -> str:
    return encode_cursor(f"{submission_id} {at.isoformat()}")


def _place(cursor: str | None) -> Mapping[str, object]:
    """Return behind which row a page begins.

    Raises:
        InvalidCursor: No page gave this cursor.
    """
    if cursor is None:
        return {"at": None, "id": None}
    submission_id, _, at = decode_cursor(cursor).partition(" ")
    try:
        return {"at": datetime.fromisoformat(at), "id": submission_id}
    except ValueError as error:
        raise InvalidCursor from error
