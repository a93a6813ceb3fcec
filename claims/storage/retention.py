"""Holds and erasures: what is noted, and what is deleted."""

from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.errors import CannotErase, SubmissionNotFound
from claims.exchange.retention import RecordClass, RetentionFacts
from claims.exchange.submission import Event, SubmissionId
from claims.storage.events import note_events
from claims.storage.pool import Pool, borrow
from claims.storage.review_tally import take_out

# Removed from the store when that has been decided for good.
_UNWANTED: Final[LiteralString] = (
    "INSERT INTO unwanted_object SELECT unnest(array_remove(ARRAY[body, document, trace], NULL)) "
    "FROM moved_content WHERE submission_id = %s ON CONFLICT DO NOTHING"
)
# Everything that says what a claim says. Attempts and the gateway's receipt stay, which are what it answered,
# and marks, which are blinded and end by themselves.
_ERASE: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM data_key WHERE submission_id = %s",
    _UNWANTED,
    "DELETE FROM moved_content WHERE submission_id = %s",
    "DELETE FROM submission_body WHERE submission_id = %s",
    "DELETE FROM origin WHERE submission_id = %s",
    "DELETE FROM report WHERE submission_id = %s",
    "DELETE FROM claim WHERE submission_id = %s",
    "DELETE FROM reception_fault WHERE submission_id = %s",
    "DELETE FROM assessment WHERE submission_id = %s",
    "DELETE FROM review_due WHERE submission_id = %s",
)
_ERASE_REVIEWS: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM review_cut WHERE review_id = ANY(%s)",
    "DELETE FROM review_message WHERE review_id = ANY(%s)",
    "DELETE FROM review_step WHERE review_id = ANY(%s)",
    "DELETE FROM review_sample_item WHERE review_id = ANY(%s)",
    "DELETE FROM review WHERE id = ANY(%s)",
)


@dataclass(frozen=True, slots=True)
class PostgresRetained:
    """`claims.exchange.retention.Retained` on PostgreSQL."""

    pool: Pool

    def look(self, submission_id: SubmissionId) -> RetentionFacts:
        """Return what is known of it."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT ARRAY(SELECT record_class FROM claim WHERE submission_id = s.id), "
                "EXISTS (SELECT FROM legal_hold WHERE submission_id = s.id AND released_at IS NULL), "
                "EXISTS (SELECT FROM erasure WHERE submission_id = s.id) FROM submission s WHERE s.id = %s",
                [submission_id],
            ).fetchone()
        if row is None:
            raise SubmissionNotFound(submission_id)
        classes, is_held, is_erased = row
        known = frozenset(None if each is None else RecordClass(each) for each in classes)
        return RetentionFacts(known, is_held, is_erased)

    def hold(self, submission_id: SubmissionId, event: Event) -> None:
        """Let nothing of it be erased until it is released."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "INSERT INTO legal_hold (submission_id, placed_at, placed_by, reason) "
                "VALUES (%s, %s, %s, %s)",
                [submission_id, event.at, event.actor, event.detail["reason"]],
            )
            note_events(connection, [(submission_id, event)])

    def release(self, submission_id: SubmissionId, event: Event) -> None:
        """End all holds."""
        with borrow(self.pool) as connection, connection.transaction():
            released = connection.execute(
                "UPDATE legal_hold SET released_at = %s WHERE submission_id = %s AND released_at IS NULL",
                [event.at, submission_id],
            ).rowcount
            if released:
                note_events(connection, [(submission_id, event)])

    def erase(self, submission_id: SubmissionId, event: Event) -> None:
        """Erase its content, unless it is held; twice is as good as once."""
        with borrow(self.pool) as connection, connection.transaction():
            # Whoever places a hold at this moment waits, or has been first.
            connection.execute("SELECT FROM submission WHERE id = %s FOR UPDATE", [submission_id])
            held = connection.execute(
                "SELECT FROM legal_hold WHERE submission_id = %s AND released_at IS NULL", [submission_id]
            ).fetchone()
            if held is not None:
                raise CannotErase("erase.held", f"{submission_id} is held")
            erased = connection.execute(
                "INSERT INTO erasure (submission_id, erased_at, erased_by, reason) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [submission_id, event.at, event.actor, event.detail["reason"]],
            ).rowcount
            if not erased:
                return
            # Deleted rows stay in PostgreSQL's files until VACUUM, and in backups as long as these are kept.
            # Whose content was encrypted is gone with its key for good.
            _erase_reviews(connection, submission_id)
            for statement in _ERASE:
                connection.execute(statement, [submission_id])
            note_events(connection, [(submission_id, event)])


def _erase_reviews(connection: Connection[TupleRow], submission_id: SubmissionId) -> None:
    rows = connection.execute(
        "SELECT id FROM review WHERE submission_id = %s FOR UPDATE", [submission_id]
    ).fetchall()
    ids = [row[0] for row in rows]
    take_out(connection, ids)
    for statement in _ERASE_REVIEWS:
        connection.execute(statement, [ids])
