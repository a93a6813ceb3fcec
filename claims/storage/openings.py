"""Breakings of the glass as rows: only added to, each with the event that tells the facility."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from claims.exchange.access.access_log import AccessKind
from claims.exchange.access.places import Reach
from claims.exchange.access.protection import Opening
from claims.exchange.submission import Event, FacilityCode, SubmissionId
from claims.storage.access_log import note
from claims.storage.events import note_events
from claims.storage.pool import Pool, borrow


@dataclass(frozen=True, slots=True)
class PostgresOpenings:
    """`claims.exchange.access.protection.Openings` on PostgreSQL."""

    pool: Pool

    def add(self, opening: Opening, event: Event) -> None:
        """Store it, and the event that tells the facility, together."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "INSERT INTO opening (id, submission_id, facility, by, reason, opened_at, until) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    opening.id,
                    opening.submission_id,
                    opening.facility,
                    opening.by,
                    opening.reason,
                    opening.opened_at,
                    opening.until,
                ],
            )
            note_events(connection, [(opening.submission_id, event)])
            told = {"submission": opening.submission_id, "until": opening.until.isoformat()}
            kind = AccessKind.GLASS_BROKEN
            note(connection, kind, about=opening.id, place=opening.facility, detail=told)

    def is_open(self, submission_id: SubmissionId, *, by: str, at: datetime) -> bool:
        """Return whether the glass is broken for this person at a moment (opening_of_submission)."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT FROM opening WHERE submission_id = %s AND by = %s AND opened_at <= %s AND until > %s",
                [submission_id, by, at, at],
            ).fetchone()
        return row is not None

    def list_page(
        self, *, within: Reach, facility: str | None, before: str | None, limit: int
    ) -> Sequence[Opening]:
        """Return openings of records within a reach, newest first (opening_pkey; there are few)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT id, submission_id, facility, by, reason, opened_at, until FROM opening "
                "WHERE facility ^@ ANY(%(codes)s) "
                "AND (%(facility)s::text IS NULL OR facility = %(facility)s) "
                "AND (%(before)s::text IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
                {"codes": within.codes, "facility": facility, "before": before, "limit": limit},
            ).fetchall()
        return [
            Opening(key, SubmissionId(submission), FacilityCode(code), by, reason, opened_at, until)
            for key, submission, code, by, reason, opened_at, until in rows
        ]
