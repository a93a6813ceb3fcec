"""Submissions as rows: receiving them, and reading what became of them."""

from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.bundle.findings import Finding
from claims.checking.check import ClaimSummary, Stage
from claims.exchange.errors import CannotWithdraw, IdempotencyMismatch, SubmissionNotFound
from claims.exchange.lifecycle import WITHDRAWABLE, State
from claims.exchange.ports import NewSubmission, Receipt
from claims.exchange.submission import (
    Event,
    EventKind,
    FacilityCode,
    Page,
    Submission,
    SubmissionFilter,
    SubmissionId,
)
from claims.storage.documents import claim_from_json, finding_from_json, stage_from_json
from claims.storage.events import note_events
from claims.storage.pool import Pool, borrow
from claims.storage.selection import conditions, decode_cursor, encode_cursor

_COLUMNS: LiteralString = """
    s.id, s.facility, encode(s.sha256, 'hex'), s.size, s.state, s.received_at, s.updated_at,
    ARRAY(SELECT c.ma_lk FROM claim c WHERE c.submission_id = s.id ORDER BY c.ordinal),
    s.cause, s.attempts, s.next_attempt_at, s.ma_giao_dich, s.superseded_by
"""

# One statement, so one round trip: row, bytes and first event together.
_ADD: LiteralString = """
WITH added AS (
    INSERT INTO submission
        (id, facility, sha256, size, state, received_at, updated_at, next_attempt_at, woken_at)
    VALUES (%(id)s, %(facility)s, decode(%(sha256)s, 'hex'), %(size)s, 'received',
            %(at)s, %(at)s, %(at)s, %(at)s)
    ON CONFLICT (facility, sha256) DO NOTHING
    RETURNING id
), stored AS (
    INSERT INTO submission_body (submission_id, body) SELECT id, %(body)b FROM added
), noted AS (
    INSERT INTO event (submission_id, facility, at, kind, state, actor)
    SELECT id, %(facility)s, %(at)s, 'received', 'received', %(actor)s FROM added
)
SELECT id FROM added
"""


@dataclass(frozen=True, slots=True)
class SubmissionRecords:
    """The receiving and the reading half of `claims.exchange.ports.Submissions`."""

    pool: Pool

    def add(self, new: NewSubmission) -> tuple[Submission, bool]:
        """Store a bundle durably, or return the one that is there; the flag says whether it is new."""
        with borrow(self.pool) as connection, connection.transaction():
            known = _known_by_key(connection, new.facility, new.idempotency_key, new.request_sha256)
            if known is not None:
                return known, False
            is_new = connection.execute(_ADD, _add_params(new)).fetchone() is not None
            submission = _just_added(new) if is_new else _by_digest(connection, new)
            if new.idempotency_key is not None:
                _keep_key(connection, new, new.idempotency_key, submission.id)
        return submission, is_new

    def find_by_key(
        self, facility: FacilityCode, idempotency_key: str, *, request_sha256: str
    ) -> Submission | None:
        """Return what an idempotency key stands for."""
        with borrow(self.pool) as connection:
            return _known_by_key(connection, facility, idempotency_key, request_sha256)

    def get(self, submission_id: SubmissionId, *, facility: FacilityCode | None) -> Submission:
        """Return a submission, of the facility unless that is None."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM submission s WHERE s.id = %s", [submission_id]
            ).fetchone()
        if row is None or (facility is not None and row[1] != facility):
            raise SubmissionNotFound(submission_id)
        return _submission(row)

    def list_page(self, which: SubmissionFilter, *, limit: int, cursor: str | None) -> Page:
        """Return a page of submissions, newest first (submission_of_facility, submission_pkey)."""
        where, params = conditions(which)
        before = None if cursor is None else decode_cursor(cursor)
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM submission s WHERE {where} "
                "AND (%(before)s::text IS NULL OR s.id < %(before)s) ORDER BY s.id DESC LIMIT %(limit)s",
                {**params, "before": before, "limit": limit + 1},
            ).fetchall()
        items = tuple(_submission(row) for row in rows[:limit])
        return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)

    def withdraw(self, submission_id: SubmissionId, *, facility: FacilityCode, event: Event) -> Submission:
        """Take a submission back that the gateway cannot have; one that was taken back stays so."""
        with borrow(self.pool) as connection, connection.transaction():
            # Whoever checks it meanwhile loses the lease, and with it the right to write.
            done = connection.execute(
                "UPDATE submission SET state = 'withdrawn', cause = NULL, next_attempt_at = NULL, "
                "lease_owner = NULL, lease_until = NULL, updated_at = %s "
                "WHERE id = %s AND facility = %s AND state = ANY(%s) AND NOT maybe_taken",
                [event.at, submission_id, facility, sorted(WITHDRAWABLE)],
            ).rowcount
            if done:
                note_events(connection, [(submission_id, event)])
        submission = self.get(submission_id, facility=facility)
        if submission.state is not State.WITHDRAWN:
            raise CannotWithdraw(submission.state)
        return submission

    def body(self, submission_id: SubmissionId) -> bytes:
        """Return the bytes exactly as received."""
        with borrow(self.pool) as connection:
            row = (
                connection.cursor(binary=True)
                .execute("SELECT body FROM submission_body WHERE submission_id = %s", [submission_id])
                .fetchone()
            )
        if row is None:
            raise SubmissionNotFound(submission_id)
        return bytes(row[0])

    def events(self, submission_id: SubmissionId) -> tuple[Event, ...]:
        """Return the history, oldest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT at, kind, state, actor, cause, detail FROM event "
                "WHERE submission_id = %s ORDER BY seq",
                [submission_id],
            ).fetchall()
        return tuple(
            Event(at, EventKind(kind), State(state), actor, cause, detail)
            for at, kind, state, actor, cause, detail in rows
        )

    def findings(self, submission_id: SubmissionId) -> tuple[Finding, ...]:
        """Return the findings of the last check."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT findings FROM report WHERE submission_id = %s", [submission_id]
            ).fetchone()
        return () if row is None else tuple(finding_from_json(one) for one in row[0])

    def check_summary(
        self, submission_id: SubmissionId
    ) -> tuple[tuple[Stage, ...], tuple[ClaimSummary, ...]]:
        """Return the stages of the last check and what it read of each claim."""
        with borrow(self.pool) as connection:
            report = connection.execute(
                "SELECT stages FROM report WHERE submission_id = %s", [submission_id]
            ).fetchone()
            rows = connection.execute(
                "SELECT summary FROM claim WHERE submission_id = %s ORDER BY ordinal", [submission_id]
            ).fetchall()
        stages = () if report is None else tuple(stage_from_json(one) for one in report[0])
        return stages, tuple(claim_from_json(summary) for (summary,) in rows)

    def receipt(self, submission_id: SubmissionId) -> Receipt | None:
        """Return the gateway's receipt, if there is one."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT ma_giao_dich, received_at, answer FROM receipt WHERE submission_id = %s",
                [submission_id],
            ).fetchone()
        return None if row is None else Receipt(row[0], row[1], bytes(row[2]))


def _add_params(new: NewSubmission) -> dict[str, object]:
    return {
        "id": new.id,
        "facility": new.facility,
        "sha256": new.sha256,
        "size": len(new.body),
        "at": new.received_at,
        "body": new.body,
        "actor": new.actor,
    }


def _just_added(new: NewSubmission) -> Submission:
    return Submission(
        id=new.id,
        facility=new.facility,
        sha256=new.sha256,
        size=len(new.body),
        state=State.RECEIVED,
        received_at=new.received_at,
        updated_at=new.received_at,
        next_attempt_at=new.received_at,
    )


def _submission(row: TupleRow) -> Submission:
    (
        submission_id,
        facility,
        sha256,
        size,
        state,
        received_at,
        updated_at,
        ma_lk,
        cause,
        attempts,
        due,
        receipt,
        superseded_by,
    ) = row
    return Submission(
        id=SubmissionId(submission_id),
        facility=FacilityCode(facility),
        sha256=sha256,
        size=size,
        state=State(state),
        received_at=received_at,
        updated_at=updated_at,
        ma_lk=tuple(ma_lk),
        cause=cause,
        attempts=attempts,
        next_attempt_at=due,
        receipt=receipt,
        superseded_by=superseded_by,
    )


def _known_by_key(
    connection: Connection[TupleRow], facility: FacilityCode, key: str | None, request_sha256: str
) -> Submission | None:
    if key is None:
        return None
    row = connection.execute(
        f"SELECT encode(k.request_sha256, 'hex'), {_COLUMNS} FROM idempotency_key k "
        "JOIN submission s ON s.id = k.submission_id WHERE k.facility = %s AND k.key = %s",
        [facility, key],
    ).fetchone()
    if row is None:
        return None
    if row[0] != request_sha256:
        raise IdempotencyMismatch(key, row[1])
    return _submission(row[1:])


def _by_digest(connection: Connection[TupleRow], new: NewSubmission) -> Submission:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM submission s WHERE s.facility = %s AND s.sha256 = decode(%s, 'hex')",
        [new.facility, new.sha256],
    ).fetchone()
    if row is None:  # rows are never deleted while their digest is being received
        raise SubmissionNotFound(new.id)
    return _submission(row)


def _keep_key(
    connection: Connection[TupleRow], new: NewSubmission, key: str, submission_id: SubmissionId
) -> None:
    kept = connection.execute(
        "INSERT INTO idempotency_key (facility, key, request_sha256, submission_id, created_at) "
        "VALUES (%s, %s, decode(%s, 'hex'), %s, %s) ON CONFLICT DO NOTHING RETURNING key",
        [new.facility, key, new.request_sha256, submission_id, new.received_at],
    ).fetchone()
    if kept is None:
        # Somebody used the key while this transaction ran: their body must be this one, or nothing is stored.
        _known_by_key(connection, new.facility, key, new.request_sha256)
