"""Holds and erasures: what is noted, and what is deleted."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.errors import AlreadyErased, CannotErase, HeldAgain, SubmissionNotFound
from claims.exchange.lifecycle import PENDING, State
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
    # Files are called after patients; batch_item_of_submission.
    "UPDATE batch_item SET name = '' WHERE submission_id = %s",
)
_ERASE_REVIEWS: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM review_cut WHERE review_id = ANY(%s)",
    "DELETE FROM review_message WHERE review_id = ANY(%s)",
    "DELETE FROM review_step WHERE review_id = ANY(%s)",
    "DELETE FROM review_sample_item WHERE review_id = ANY(%s)",
    "DELETE FROM review WHERE id = ANY(%s)",
)
#: What PostgreSQL can tell apart.
_A_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PostgresRetained:
    """`claims.exchange.retention.Retained` on PostgreSQL."""

    pool: Pool

    def look(self, submission_id: SubmissionId) -> RetentionFacts:
        """Return what is known of it."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT ARRAY(SELECT record_class FROM claim WHERE submission_id = s.id), "
                "(SELECT max(placed_at) FROM legal_hold WHERE submission_id = s.id AND released_at IS NULL), "
                "EXISTS (SELECT FROM erasure WHERE submission_id = s.id) FROM submission s WHERE s.id = %s",
                [submission_id],
            ).fetchone()
        if row is None:
            raise SubmissionNotFound(submission_id)
        classes, newest_hold_at, is_erased = row
        known = frozenset(None if each is None else RecordClass(each) for each in classes)
        return RetentionFacts(known, newest_hold_at, is_erased)

    def hold(self, submission_id: SubmissionId, event: Event) -> None:
        """Let nothing of it be erased until it is released; the same hold twice is one."""
        who, why = event.actor, event.detail["reason"]
        with borrow(self.pool) as connection, connection.transaction():
            _lock(connection, submission_id)
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM erasure WHERE submission_id = %(id)s), "
                "EXISTS (SELECT FROM legal_hold WHERE submission_id = %(id)s AND released_at IS NULL "
                "AND placed_by = %(who)s AND reason = %(why)s), "
                "(SELECT max(placed_at) FROM legal_hold WHERE submission_id = %(id)s)",
                {"id": submission_id, "who": who, "why": why},
            ).fetchone()
            is_erased, is_the_same, newest = row or (False, False, None)
            if is_erased:
                raise AlreadyErased(submission_id)
            if is_the_same:
                return
            # In the order in which they are placed, whoever waited for whom: who has seen the newest has
            # seen all.
            placed = event if newest is None else replace(event, at=max(event.at, newest + _A_MOMENT))
            connection.execute(
                "INSERT INTO legal_hold (submission_id, placed_at, placed_by, reason) "
                "VALUES (%s, %s, %s, %s)",
                [submission_id, placed.at, who, why],
            )
            note_events(connection, [(submission_id, placed)])

    def release(self, submission_id: SubmissionId, event: Event, *, seen: datetime | None) -> None:
        """End all holds, if none is newer than the newest that was seen; None: whatever there is."""
        with borrow(self.pool) as connection, connection.transaction():
            _lock(connection, submission_id)
            newer = connection.execute(
                "SELECT max(placed_at) FROM legal_hold "
                "WHERE submission_id = %s AND released_at IS NULL AND placed_at > %s",
                [submission_id, seen],
            ).fetchone()
            if newer is not None and newer[0] is not None:
                raise HeldAgain(submission_id, newer[0])
            released = connection.execute(
                "UPDATE legal_hold SET released_at = %s WHERE submission_id = %s AND released_at IS NULL",
                [event.at, submission_id],
            ).rowcount
            if released:
                note_events(connection, [(submission_id, event)])

    def erase(self, submission_id: SubmissionId, event: Event) -> None:
        """Erase its content, unless it is held or under way; twice is as good as once."""
        with borrow(self.pool) as connection, connection.transaction():
            if _lock(connection, submission_id) in PENDING:
                raise CannotErase("erase.under_way", submission_id)
            held = connection.execute(
                "SELECT FROM legal_hold WHERE submission_id = %s AND released_at IS NULL", [submission_id]
            ).fetchone()
            if held is not None:
                raise CannotErase("erase.held", submission_id)
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


def _lock(connection: Connection[TupleRow], submission_id: SubmissionId) -> State:
    """Return its state; who holds, releases, erases or replays it at this moment waits, or has been first."""
    row = connection.execute(
        "SELECT state FROM submission WHERE id = %s FOR UPDATE", [submission_id]
    ).fetchone()
    if row is None:
        raise SubmissionNotFound(submission_id)
    return State(row[0])


def _erase_reviews(connection: Connection[TupleRow], submission_id: SubmissionId) -> None:
    rows = connection.execute(
        "SELECT id FROM review WHERE submission_id = %s FOR UPDATE", [submission_id]
    ).fetchall()
    ids = [row[0] for row in rows]
    take_out(connection, ids)
    for statement in _ERASE_REVIEWS:
        connection.execute(statement, [ids])
