"""Batches and their items, on PostgreSQL."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.access.places import Reach
from claims.exchange.batches import Batch, BatchItem, Outcome
from claims.exchange.errors import BatchNotFound
from claims.exchange.lifecycle import State
from claims.exchange.parcels import Piece
from claims.exchange.ports import NewSubmission
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.submissions import add_submission
from claims.storage.vault import IN_THE_CLEAR, Vault

_COLUMNS: LiteralString = (
    "id, facility, encode(sha256, 'hex'), size, actor, created_at, total, accepted, duplicate, refused, "
    "finished_at"
)


@dataclass(frozen=True, slots=True)
class PostgresBatches:
    """`claims.exchange.batches.Batches` on PostgreSQL.

    Attributes:
        vault: Encrypts contents.
    """

    pool: Pool
    vault: Vault = IN_THE_CLEAR

    def add(self, batch: Batch) -> tuple[Batch, bool]:
        """Store a batch, or return the one with the same bytes; the flag says whether it is new."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "INSERT INTO batch (id, facility, sha256, size, actor, created_at, total) "
                "VALUES (%s, %s, decode(%s, 'hex'), %s, %s, %s, %s) "
                f"ON CONFLICT (facility, sha256) DO NOTHING RETURNING {_COLUMNS}",
                [
                    batch.id,
                    batch.facility,
                    batch.sha256,
                    batch.size,
                    batch.actor,
                    batch.created_at,
                    batch.total,
                ],
            ).fetchone()
            if row is not None:
                return _batch(row), True
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM batch WHERE facility = %s AND sha256 = decode(%s, 'hex')",
                [batch.facility, batch.sha256],
            ).fetchone()
        if row is None:  # rows are never deleted while their digest is being received
            raise BatchNotFound(batch.id)
        return _batch(row), False

    def get(self, batch_id: str, *, within: Reach) -> Batch:
        """Return a batch."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM batch WHERE id = %s", [batch_id]).fetchone()
        if row is None or not within.covers(row[1]):
            raise BatchNotFound(batch_id)
        return _batch(row)

    def list_recent(self, *, within: Reach, before: str | None, limit: int) -> Sequence[Batch]:
        """Return batches within a reach, newest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM batch WHERE facility ^@ ANY(%(within)s) "
                "AND (%(before)s::text IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
                {"within": within.codes, "before": before, "limit": limit},
            ).fetchall()
        return [_batch(row) for row in rows]

    def items(self, batch_id: str, *, outcome: Outcome | None, after: int, limit: int) -> Sequence[BatchItem]:
        """Return items by their position."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT i.position, i.name, i.outcome, i.cause, i.submission_id, s.state "
                "FROM batch_item i LEFT JOIN submission s ON s.id = i.submission_id "
                "WHERE i.batch_id = %(batch)s AND i.position > %(after)s "
                "AND (%(outcome)s::text IS NULL OR i.outcome = %(outcome)s) "
                "ORDER BY i.position LIMIT %(limit)s",
                {"batch": batch_id, "after": after, "outcome": outcome, "limit": limit},
            ).fetchall()
        return [_item(row) for row in rows]

    @contextmanager
    def hold(self, batch_id: str) -> Iterator[bool]:
        """Keep everybody else from working at a batch; False: somebody else does.

        The lock is the connection's, so it ends with a process that is killed.
        """
        key = int.from_bytes(hashlib.sha256(batch_id.encode()).digest()[:8], signed=True)
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
            is_ours = row is not None and bool(row[0])
            try:
                yield is_ours
            finally:
                if is_ours:
                    connection.execute("SELECT pg_advisory_unlock(%s)", [key])

    def record(
        self, batch_id: str, pieces: Sequence[tuple[Piece, NewSubmission | None]]
    ) -> Sequence[SubmissionId]:
        """Take pieces in and note what became of each, in one transaction; return the new submissions."""
        accepted: list[SubmissionId] = []
        counts = dict.fromkeys(Outcome, 0)
        with borrow(self.pool) as connection, connection.transaction():
            # In the order of their digests: of two batches with the same bundles, none waits in a circle.
            for piece, new in sorted(pieces, key=_digest_first):
                outcome, submission_id = _take_in(connection, new, self.vault)
                counts[outcome] += 1
                if submission_id is not None and outcome is Outcome.ACCEPTED:
                    accepted.append(submission_id)
                connection.execute(
                    "INSERT INTO batch_item (batch_id, position, name, outcome, cause, submission_id) "
                    "VALUES (%s, %s, %s, %s, %s, %s)",
                    [batch_id, piece.position, piece.name, outcome, piece.refusal, submission_id],
                )
            connection.execute(
                "UPDATE batch SET accepted = accepted + %s, duplicate = duplicate + %s, "
                "refused = refused + %s WHERE id = %s",
                [*counts.values(), batch_id],
            )
        return accepted

    def finish(self, batch_id: str, *, at: datetime) -> None:
        """Note that every piece had its turn."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE batch SET finished_at = %s WHERE id = %s AND finished_at IS NULL", [at, batch_id]
            )

    def unfinished(self) -> Sequence[str]:
        """Return the batches that are not finished (batch_unfinished)."""
        with borrow(self.pool) as connection:
            rows = connection.execute("SELECT id FROM batch WHERE finished_at IS NULL ORDER BY id").fetchall()
        return [row[0] for row in rows]


def _digest_first(piece: tuple[Piece, NewSubmission | None]) -> tuple[str, int]:
    return ("" if piece[1] is None else piece[1].sha256), piece[0].position


def _take_in(
    connection: Connection[TupleRow], new: NewSubmission | None, vault: Vault
) -> tuple[Outcome, SubmissionId | None]:
    if new is None:
        return Outcome.REFUSED, None
    submission, is_new = add_submission(connection, new, vault)
    return (Outcome.ACCEPTED if is_new else Outcome.DUPLICATE), submission.id


def _batch(row: TupleRow) -> Batch:
    batch_id, facility, sha256, size, actor, created_at, total, accepted, duplicate, refused, finished = row
    counts = {Outcome.ACCEPTED: accepted, Outcome.DUPLICATE: duplicate, Outcome.REFUSED: refused}
    return Batch(batch_id, FacilityCode(facility), sha256, size, actor, created_at, total, counts, finished)


def _item(row: tuple[Any, ...]) -> BatchItem:
    position, name, outcome, cause, submission_id, state = row
    return BatchItem(
        position,
        name,
        Outcome(outcome),
        cause,
        None if submission_id is None else SubmissionId(submission_id),
        None if state is None else State(state),
    )
