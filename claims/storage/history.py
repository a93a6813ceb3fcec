"""Marks of accepted claims as rows: leaving them, and asking for those of others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.checking.history.marks import Mark, Window
from claims.exchange.submission import SubmissionId
from claims.storage.pool import Pool, borrow

_MOMENT: Final = "%Y%m%d%H%M"

_LEAVE: LiteralString = """
INSERT INTO mark (period, subject, starts_at, ends_at, patient, episode, facility, submission_id)
SELECT * FROM unnest(
    %s::smallint[], %s::bytea[], %s::timestamp[], %s::timestamp[], %s::bytea[], %s::bytea[], %s::text[],
    %s::text[]
)
ON CONFLICT DO NOTHING
"""

# What the gateway refused for good is no claim that others could collide with.
_FIND: LiteralString = """
SELECT DISTINCT m.subject, m.starts_at, m.ends_at, m.patient, m.episode, m.facility, m.submission_id, q.period
FROM unnest(%s::smallint[], %s::bytea[], %s::timestamp[], %s::timestamp[])
    AS q (period, subject, since, until)
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
            (period, window.subject, _time(window.since), _time(window.until))
            for window in windows
            for period in window.periods
        ]
        if not asked:
            return []
        with borrow(self.pool) as connection:
            rows = connection.cursor(binary=True).execute(_FIND, _columns(asked)).fetchall()
        return [
            Mark(
                subject=subject,
                starts=f"{starts_at:{_MOMENT}}",
                ends=f"{ends_at:{_MOMENT}}",
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
        (
            *(period, mark.subject, _time(mark.starts), _time(mark.ends)),
            *(mark.patient, mark.episode, mark.facility, submission_id),
        )
        for submission_id, marks in accepted
        for mark in marks
        for period in mark.periods
    ]
    if rows:
        connection.execute(_LEAVE, _columns(rows))


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _time(moment: str) -> datetime:
    # Local times of one country, in a column without a time zone.
    return datetime.strptime(moment, _MOMENT)  # noqa: DTZ007
