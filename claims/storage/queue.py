"""The queue of record: leases, results, and what is due.

A lease names its holder. Results are written only where the row still names the writer, so a
worker that was slow, or dead and back, changes nothing that somebody else has taken over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from claims.exchange.lifecycle import State
from claims.exchange.ports import Checked, Due, Leased, Sent
from claims.exchange.submission import Event, FacilityCode, SubmissionId
from claims.storage.documents import claim_to_json, finding_to_json, stage_to_json
from claims.storage.pool import borrow
from claims.storage.submissions import SubmissionRecords

# SKIP LOCKED: two workers woken for the same rows share them out instead of waiting for each other.
_LEASE: LiteralString = """
WITH mine AS (
    -- maybe_taken is read here, from the row as locked: a second look might see an older version of it.
    SELECT id, maybe_taken FROM submission
    WHERE id = ANY(%(ids)s) AND state = ANY(%(states)s) AND next_attempt_at <= %(now)s
      AND (lease_until IS NULL OR lease_until <= %(now)s)
    ORDER BY id FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE submission s
    SET attempts = s.attempts + 1, lease_owner = %(owner)s, lease_until = %(until)s, updated_at = %(now)s,
        state = %(leased_state)s, maybe_taken = s.maybe_taken OR %(leaving)s
    FROM mine
    WHERE s.id = mine.id
    RETURNING s.id, s.facility, encode(s.sha256, 'hex'), s.received_at, s.attempts, mine.maybe_taken
)
SELECT l.*, b.body FROM leased l JOIN submission_body b ON b.submission_id = l.id ORDER BY l.id
"""

_RELEASE: LiteralString = """
UPDATE submission s
SET state = %(state)s, cause = %(cause)s, updated_at = %(now)s, lease_owner = NULL, lease_until = NULL,
    next_attempt_at = %(next)s, attempts = CASE WHEN %(reset)s THEN 0 ELSE attempts END,
    woken_at = %(woken)s, checked_at = coalesce(%(checked)s, checked_at),
    maybe_taken = coalesce(%(maybe_taken)s, maybe_taken), ma_giao_dich = coalesce(%(receipt)s, ma_giao_dich)
WHERE id = %(id)s AND lease_owner = %(owner)s
RETURNING id
"""

_NOTE: LiteralString = """
INSERT INTO event (submission_id, at, kind, state, actor, cause, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


def note_event(connection: Connection[TupleRow], submission_id: SubmissionId, event: Event) -> None:
    """Append to a submission's history, in the caller's transaction."""
    connection.execute(
        _NOTE,
        [
            submission_id,
            event.at,
            str(event.kind),
            str(event.state),
            event.actor,
            event.cause,
            Jsonb(dict(event.detail)),
        ],
    )


@dataclass(frozen=True, slots=True)
class PostgresSubmissions(SubmissionRecords):
    """`claims.exchange.ports.Submissions` on PostgreSQL."""

    def lease_for_check(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those that wait for a check and nobody works on; counts the attempt."""
        return self._lease(
            {
                "ids": list(ids),
                "states": [State.RECEIVED],
                "leased_state": State.RECEIVED,
                "leaving": False,
                "owner": owner,
                "now": now,
                "until": now + timedelta(seconds=lease_s),
            }
        )

    def lease_for_delivery(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those that are due to be sent; counts the attempt, moves them to SENDING."""
        return self._lease(
            {
                "ids": list(ids),
                "states": [State.CHECKED, State.OUTCOME_UNKNOWN],
                "leased_state": State.SENDING,
                "leaving": True,
                "owner": owner,
                "now": now,
                "until": now + timedelta(seconds=lease_s),
            }
        )

    def record_checks(
        self, results: Sequence[Checked], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, in one transaction; return those written."""
        with borrow(self.pool) as connection, connection.transaction():
            held = _release(connection, [_checked_params(one, owner, now) for one in results])
            written = [one for one in results if one.id in held]
            with connection.pipeline():
                for one in written:
                    note_event(connection, one.id, one.event)
                    _write_report(connection, one, now)
        return tuple(one.id for one in written)

    def record_deliveries(
        self, results: Sequence[Sent], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, in one transaction; return those written."""
        with borrow(self.pool) as connection, connection.transaction():
            held = _release(connection, [_sent_params(one, owner, now) for one in results])
            written = [one for one in results if one.id in held]
            with connection.pipeline():
                for one in written:
                    note_event(connection, one.id, one.event)
                    _write_attempt(connection, one, now)
        return tuple(one.id for one in written)

    def expire_leases(self, *, now: datetime) -> int:
        """Move what a lost worker was sending to OUTCOME_UNKNOWN (submission_due); return how many."""
        with borrow(self.pool) as connection, connection.transaction():
            rows = connection.execute(
                "UPDATE submission SET state = 'outcome_unknown', cause = 'worker.lost', lease_owner = NULL, "
                "lease_until = NULL, next_attempt_at = %(now)s, woken_at = NULL, updated_at = %(now)s "
                "WHERE id IN (SELECT id FROM submission WHERE state = 'sending' AND lease_until <= %(now)s "
                "ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING id",
                {"now": now},
            ).fetchall()
            connection.execute(
                "INSERT INTO event (submission_id, at, kind, state, actor, cause) "
                "SELECT id, %s, 'outcome_unknown', 'outcome_unknown', 'reaper', 'worker.lost' "
                "FROM unnest(%s::text[]) AS id",
                [now, [row[0] for row in rows]],
            )
        return len(rows)

    def take_due(self, *, now: datetime, woken_before: datetime, limit: int) -> Due:
        """Return what is due and was not woken lately (submission_due), and note that it is woken now."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "UPDATE submission SET woken_at = %(now)s WHERE id IN ("
                " SELECT id FROM submission"
                " WHERE state IN ('received', 'checked', 'sending', 'outcome_unknown')"
                " AND state <> 'sending' AND next_attempt_at <= %(now)s"
                " AND (woken_at IS NULL OR woken_at <= %(before)s)"
                " AND (lease_until IS NULL OR lease_until <= %(now)s)"
                " ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"
                " RETURNING id, state, attempts",
                {"now": now, "before": woken_before, "limit": limit},
            ).fetchall()
        return Due(
            to_check=tuple(SubmissionId(i) for i, state, tries in rows if state == "received" and not tries),
            suspects=tuple(SubmissionId(i) for i, state, tries in rows if state == "received" and tries),
            to_send=tuple(SubmissionId(i) for i, state, _ in rows if state != "received"),
        )

    def _lease(self, params: dict[str, object]) -> tuple[Leased, ...]:
        with borrow(self.pool) as connection:
            rows = connection.cursor(binary=True).execute(_LEASE, params).fetchall()
        return tuple(
            Leased(
                id=SubmissionId(submission_id),
                facility=FacilityCode(facility),
                sha256=sha256,
                body=bytes(body),
                received_at=received_at,
                attempts=attempts,
                maybe_taken=maybe_taken,
            )
            for submission_id, facility, sha256, received_at, attempts, maybe_taken, body in rows
        )


def _release(connection: Connection[TupleRow], params: Sequence[dict[str, object]]) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.executemany(_RELEASE, params, returning=True)
        return frozenset(row[0] for one in cursor.results() for row in one.fetchall())


def _checked_params(one: Checked, owner: str, now: datetime) -> dict[str, object]:
    is_due = one.target is State.CHECKED
    return {
        "id": one.id,
        "owner": owner,
        "now": now,
        "state": one.target,
        "cause": one.event.cause,
        "next": now if is_due else None,
        "woken": now,
        "reset": is_due,
        "checked": now if is_due else None,
        "maybe_taken": None,
        "receipt": None,
    }


def _sent_params(one: Sent, owner: str, now: datetime) -> dict[str, object]:
    return {
        "id": one.id,
        "owner": owner,
        "now": now,
        "state": one.target,
        "cause": one.event.cause,
        "next": one.next_attempt_at,
        "woken": None,
        "reset": False,
        "checked": None,
        "maybe_taken": one.maybe_taken,
        "receipt": None if one.receipt is None else one.receipt.ma_giao_dich,
    }


def _write_report(connection: Connection[TupleRow], one: Checked, now: datetime) -> None:
    if one.report is None:
        return
    connection.execute(
        "INSERT INTO report (submission_id, checked_at, stages, findings) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (submission_id) DO UPDATE SET checked_at = EXCLUDED.checked_at, "
        "stages = EXCLUDED.stages, findings = EXCLUDED.findings",
        [
            one.id,
            now,
            Jsonb([stage_to_json(stage) for stage in one.report.stages]),
            Jsonb([finding_to_json(finding) for finding in one.report.findings]),
        ],
    )
    for ordinal, claim in enumerate(one.report.claims, start=1):
        connection.execute(
            "INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary) "
            "SELECT id, %s, facility, %s, %s FROM submission WHERE id = %s ON CONFLICT DO NOTHING",
            [ordinal, claim.ma_lk, Jsonb(claim_to_json(claim)), one.id],
        )


def _write_attempt(connection: Connection[TupleRow], one: Sent, now: datetime) -> None:
    connection.execute(
        "INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome, cause, answer) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [one.id, one.attempt, one.started_at, one.event.at, str(one.target), one.event.cause, one.answer],
    )
    if one.receipt is not None:
        connection.execute(
            "INSERT INTO receipt (submission_id, ma_giao_dich, received_at, noted_at, answer) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [one.id, one.receipt.ma_giao_dich, one.receipt.received_at, now, one.receipt.answer],
        )
