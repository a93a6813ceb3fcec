"""Marks of accepted claims as rows: leaving them, and asking for those of others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.checking.history.marks import Mark, Window
from claims.exchange.submission import SubmissionId
from claims.localtime import write_minute
from claims.storage.pool import Pool, borrow

_LEAVE: LiteralString = """
INSERT INTO mark (period, subject, starts_at, ends_at, patient, episode, facility, submission_id)
SELECT * FROM json_to_recordset(%s) AS m (
    period smallint, subject bytea, starts_at timestamp, ends_at timestamp, patient bytea, episode bytea,
    facility text, submission_id text
)
ON CONFLICT DO NOTHING
"""

# What the gateway refused for good is no claim that others could collide with.
_FIND: LiteralString = """
SELECT DISTINCT m.subject, m.starts_at, m.ends_at, m.patient, m.episode, m.facility, m.submission_id, q.period
FROM json_to_recordset(%s) AS q (period smallint, subject bytea, since timestamp, until timestamp)
JOIN mark m ON m.period = q.period AND m.subject = q.subject
    AND m.starts_at <= q.until AND m.ends_at >= q.since
JOIN submission s ON s.id = m.submission_id
WHERE s.state <> 'refused'
"""


@dataclass(frozen=True, slots=True)
class PostgresHistory:
    """`claims.checking.history.marks.History` on PostgreSQL.

    Attributes:
        key: The key under which names are blinded; it lies outside the database.
    """

    pool: Pool
    key: bytes = field(repr=False)

    def find(self, windows: Sequence[Window]) -> Sequence[Mark]:
        """Return the marks that overlap with any of the windows of their subject (mark_pkey)."""
        asked = [
            {
                "period": period,
                "subject": _bytes(window.subject),
                "since": _time(window.since),
                "until": _time(window.until),
            }
            for window in windows
            for period in window.periods
        ]
        if not asked:
            return []
        with borrow(self.pool) as connection:
            rows = connection.cursor(binary=True).execute(_FIND, [Json(asked)]).fetchall()
        return [
            Mark(
                subject=subject,
                starts=write_minute(starts_at),
                ends=write_minute(ends_at),
                patient=patient,
                episode=episode,
                facility=facility,
                source=source,
                is_ever=period == 0,
            )
            for subject, starts_at, ends_at, patient, episode, facility, source, period in rows
        ]


def leave_marks(
    connection: Connection[TupleRow], accepted: Sequence[tuple[SubmissionId, Sequence[Mark]]]
) -> None:
    """Keep the marks of submissions, in the caller's transaction."""
    rows = [
        {
            "period": period,
            "subject": _bytes(mark.subject),
            "starts_at": _time(mark.starts),
            "ends_at": _time(mark.ends),
            "patient": _bytes(mark.patient),
            "episode": _bytes(mark.episode),
            "facility": mark.facility,
            "submission_id": submission_id,
        }
        for submission_id, marks in accepted
        for mark in marks
        for period in mark.periods
    ]
    if rows:
        connection.execute(_LEAVE, [Json(rows)])


def _bytes(value: bytes) -> str:
    # As PostgreSQL writes them: a document has no bytes.
    return rf"\x{value.hex()}"


def _time(moment: str) -> str:
    # Local times of one country, in a column without a time zone.
    return f"{moment[:8]} {moment[8:10]}:{moment[10:12]}"
