"""The queue of record: leases, results, and what is due.

A lease names its holder. Results are written only where the row still names the writer, so a
worker that was slow, or dead and back, changes nothing that somebody else has taken over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.checking.history.marks import Mark
from claims.checking.report import ClaimSummary, Report
from claims.exchange.access.protection import classes_in
from claims.exchange.lifecycle import PASSED, State
from claims.exchange.ports import Checked, Due, Leased, Sent
from claims.exchange.retention import record_class_of
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.proof.records import attempt_digest, gateway_receipt_digest, report_digests
from claims.proof.trusted import TRUST
from claims.storage.documents import claim_to_json, finding_to_json, stage_to_json
from claims.storage.events import note_events
from claims.storage.fairness import waiting_elsewhere
from claims.storage.history import leave_marks
from claims.storage.pool import borrow
from claims.storage.receipts import leave_to_owners
from claims.storage.results import watch_results
from claims.storage.row_chain import note_claims
from claims.storage.submissions import SubmissionRecords
from claims.storage.vault import Part, UnreadableContent, lock_of
from claims.storage.versions import EARLIER_IN_DOUBT, LATER_VERSION, lock_episodes, supersede

log = structlog.get_logger()

# SKIP LOCKED: two workers woken for the same rows share them out instead of waiting for each other.
# Nothing is sent that a later version has taken the place of, or whose earlier version is on its way.
_LEASE: LiteralString = f"""
WITH mine AS (
    -- maybe_taken is read here, from the row as locked: a second look might see an older version of it.
    SELECT s.id, s.maybe_taken FROM submission s
    WHERE s.id = ANY(%(ids)s) AND s.state = ANY(%(states)s) AND s.next_attempt_at <= %(now)s
      AND (s.lease_until IS NULL OR s.lease_until <= %(now)s)
      AND (s.state <> 'checked' OR ({LATER_VERSION} IS NULL AND NOT {EARLIER_IN_DOUBT}))
    ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
), leased AS (
    UPDATE submission s
    SET attempts = s.attempts + 1, lease_owner = %(owner)s, lease_until = %(until)s, updated_at = %(now)s,
        state = %(leased_state)s, maybe_taken = s.maybe_taken OR %(leaving)s
    FROM mine
    WHERE s.id = mine.id
    RETURNING s.id, s.facility, encode(s.sha256, 'hex'), s.received_at, s.attempts, mine.maybe_taken,
        s.lease_until, s.cause, s.traceparent
)
SELECT l.*, c.summary ->> 'decision', b.body, k.wrapped, k.master FROM leased l
-- The ids once more: which months they are of is known before the first row is read.
JOIN submission_body b ON b.submission_id = l.id AND b.submission_id = ANY(%(ids)s)
LEFT JOIN data_key k ON k.submission_id = l.id
LEFT JOIN claim c ON c.submission_id = l.id AND c.ordinal = 1
ORDER BY l.id
"""

# Each statement takes a whole batch as one JSON document: one round trip a table, not one a claim.
_RELEASE: LiteralString = """
UPDATE submission s
SET state = r.state, cause = r.cause, updated_at = %(now)s, lease_owner = NULL, lease_until = NULL,
    next_attempt_at = r.next_attempt_at, attempts = CASE WHEN r.is_step_done THEN 0
        WHEN r.is_attempt IS FALSE THEN s.attempts - 1 ELSE s.attempts END,
    woken_at = r.woken_at, checked_at = coalesce(r.checked_at, s.checked_at),
    maybe_taken = coalesce(r.maybe_taken, s.maybe_taken), ma_giao_dich = coalesce(r.receipt, s.ma_giao_dich)
FROM json_to_recordset(%(rows)s) AS r (
    id text, state text, cause text, next_attempt_at timestamptz, is_step_done boolean, woken_at timestamptz,
    checked_at timestamptz, maybe_taken boolean, receipt text, is_attempt boolean
)
WHERE s.id = r.id AND s.lease_owner = %(owner)s
RETURNING s.id
"""

_IS_DUE: LiteralString = """
    state IN ('received', 'checked', 'sending', 'outcome_unknown') AND state <> 'sending'
    AND next_attempt_at <= %(now)s AND (woken_at IS NULL OR woken_at <=
        CASE state WHEN 'received' THEN %(checks_before)s ELSE %(sends_before)s END::timestamptz)
    AND (lease_until IS NULL OR lease_until <= %(now)s)
"""

# Shared out among facilities: of those that wait longest (submission_due), each has its oldest in the first
# round. Locked are only those that are taken.
_TAKE_DUE: LiteralString = f"""
UPDATE submission SET woken_at = %(now)s WHERE id IN (
    SELECT id FROM submission WHERE id IN (
        SELECT id FROM (
            SELECT id, next_attempt_at,
                row_number() OVER (PARTITION BY facility ORDER BY next_attempt_at, id) AS place
            FROM (
                SELECT id, facility, next_attempt_at FROM submission WHERE {_IS_DUE}
                ORDER BY next_attempt_at LIMIT %(look)s
            ) AS due
        ) AS placed ORDER BY place, next_attempt_at LIMIT %(limit)s
    ) AND {_IS_DUE} ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id, state, attempts
"""
#: How many times as many are looked at as are taken.
_LOOK = 10

_REPORT: LiteralString = """
INSERT INTO report (submission_id, checked_at, stages, findings)
SELECT id, %(now)s, stages, findings FROM json_to_recordset(%(rows)s)
    AS r (id text, stages jsonb, findings jsonb)
ON CONFLICT (submission_id) DO UPDATE
SET checked_at = EXCLUDED.checked_at, stages = EXCLUDED.stages, findings = EXCLUDED.findings
"""

_CLAIM: LiteralString = """
INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary, classes, record_class)
SELECT s.id, r.ordinal, s.facility, r.summary ->> 'ma_lk', r.summary, r.classes, r.record_class
FROM json_to_recordset(%(rows)s)
    AS r (id text, ordinal smallint, summary jsonb, classes text[], record_class text)
JOIN submission s ON s.id = r.id
ON CONFLICT (submission_id, ordinal) DO UPDATE
SET ma_lk = EXCLUDED.ma_lk, summary = EXCLUDED.summary, classes = EXCLUDED.classes,
    record_class = EXCLUDED.record_class
WHERE (claim.ma_lk, claim.summary, claim.classes, claim.record_class)
    IS DISTINCT FROM (EXCLUDED.ma_lk, EXCLUDED.summary, EXCLUDED.classes, EXCLUDED.record_class)
RETURNING submission_id, ordinal, xmax <> 0
"""
# A later version of the program may read other claims in the same bytes.
_NO_CLAIM_ANY_MORE: LiteralString = """
DELETE FROM claim c USING json_to_recordset(%(rows)s) AS r (id text, claims smallint)
WHERE c.submission_id = r.id AND c.ordinal > r.claims
"""

_ATTEMPT: LiteralString = """
INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome, cause, answer)
SELECT id, attempt, started_at, ended_at, outcome, cause, decode(answer, 'hex')
FROM json_to_recordset(%(rows)s) AS r (
    id text, attempt integer, started_at timestamptz, ended_at timestamptz, outcome text, cause text,
    answer text
)
"""

_RECEIPT: LiteralString = """
INSERT INTO receipt (submission_id, ma_giao_dich, received_at, noted_at, answer)
SELECT id, ma_giao_dich, received_at, %(now)s, decode(answer, 'hex')
FROM json_to_recordset(%(rows)s)
    AS r (id text, ma_giao_dich text, received_at timestamptz, answer text)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class PostgresSubmissions(SubmissionRecords):
    """`claims.exchange.ports.Submissions` on PostgreSQL.

    Attributes:
        are_reviewed: Whether claims that the gateway took wait for a reviewer of ours.
        first_look_s: How long after an acknowledgement its results are looked for first.
    """

    are_reviewed: bool = False
    first_look_s: float = 600.0

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
                "passed": sorted(PASSED),
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
                "passed": sorted(PASSED),
            }
        )

    def waiting_elsewhere(
        self, ids: Sequence[SubmissionId], *, before: datetime, limit: int
    ) -> tuple[SubmissionId, ...]:
        """Return one submission each of other facilities that has been due since before then."""
        return waiting_elsewhere(self.pool, ids, before=before, limit=limit)

    def record_checks(
        self, results: Sequence[Checked], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, in one transaction; return those written."""
        with borrow(self.pool) as connection, connection.transaction():
            lock_episodes(connection, [claim.ma_lk for one in results for claim in _claims(one)])
            held = _release(connection, [_checked_row(one, now) for one in results], owner, now)
            written = [one for one in results if one.id in held]
            digests = _write_reports(connection, written, now)
            superseded = supersede(connection, [one.id for one in written], now)
            note_events(connection, [*((one.id, one.event) for one in written), *superseded], digests)
            leave_marks(connection, [(one.id, _marks(one)) for one in written])
        return tuple(one.id for one in written)

    def record_deliveries(
        self, results: Sequence[Sent], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, in one transaction; return those written."""
        with borrow(self.pool) as connection, connection.transaction():
            results = leave_to_owners(connection, results)
            held = _release(connection, [_sent_row(one) for one in results], owner, now)
            written = [one for one in results if one.id in held]
            superseded = supersede(connection, [one.id for one in written], now)
            digests = {one.id: _digests(one) for one in written}
            note_events(connection, [*((one.id, one.event) for one in written), *superseded], digests)
            _write_attempts(connection, [one for one in written if one.is_attempt], now)
            acknowledged = [one.id for one in written if one.target is State.ACKNOWLEDGED]
            if self.are_reviewed:
                _let_review(connection, acknowledged)
            watch_results(connection, acknowledged, now, first_look_s=self.first_look_s)
        return tuple(one.id for one in written)

    def postpone(
        self,
        ids: Sequence[SubmissionId],
        *,
        until: datetime,
        cause: str,
        now: datetime,
        keeping: Sequence[str] = (),
    ) -> None:
        """Let those that are due to be sent, and nobody works on, wait until then; no attempt is counted."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE submission SET next_attempt_at = %(until)s, woken_at = NULL, "
                "cause = CASE WHEN cause = ANY(%(keeping)s) THEN cause ELSE %(cause)s END "
                "WHERE id IN (SELECT id FROM submission WHERE id = ANY(%(ids)s) "
                "AND state IN ('checked', 'outcome_unknown') AND next_attempt_at <= %(now)s "
                "ORDER BY id FOR UPDATE SKIP LOCKED)",
                {"ids": list(ids), "until": until, "cause": cause, "now": now, "keeping": list(keeping)},
            )

    def bring_forward(
        self,
        *,
        cause: str,
        now: datetime,
        but: Sequence[datetime] = (),
        until: datetime | None = None,
        limit: int | None = None,
    ) -> int:
        """Let what waits for a cause be due now (submission_due), and return how many."""
        with borrow(self.pool) as connection:
            return connection.execute(
                "UPDATE submission SET next_attempt_at = %(now)s, woken_at = NULL WHERE id IN ("
                "SELECT id FROM submission WHERE state IN ('checked', 'outcome_unknown') "
                "AND cause = %(cause)s AND next_attempt_at > %(now)s "
                "AND next_attempt_at <= coalesce(%(until)s, 'infinity'::timestamptz) "
                "AND next_attempt_at <> ALL(%(but)s::timestamptz[]) "
                "ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
                {"now": now, "cause": cause, "but": list(but), "until": until, "limit": limit},
            ).rowcount

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
                "INSERT INTO event (submission_id, facility, at, kind, state, actor, cause) "
                "SELECT id, facility, %s, 'outcome_unknown', 'outcome_unknown', 'reaper', 'worker.lost' "
                "FROM submission WHERE id = ANY(%s::text[])",
                [now, [row[0] for row in rows]],
            )
        return len(rows)

    def take_due(self, *, now: datetime, checks_before: datetime, sends_before: datetime, limit: int) -> Due:
        """Return what is due and was not woken since then, and note that it is woken now."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                _TAKE_DUE,
                {
                    "now": now,
                    "checks_before": checks_before,
                    "sends_before": sends_before,
                    "limit": limit,
                    "look": limit * _LOOK,
                },
            ).fetchall()
        return Due(
            to_check=tuple(SubmissionId(i) for i, state, tries in rows if state == "received" and not tries),
            suspects=tuple(SubmissionId(i) for i, state, tries in rows if state == "received" and tries),
            to_send=tuple(SubmissionId(i) for i, state, _ in rows if state != "received"),
        )

    def _lease(self, params: dict[str, object]) -> tuple[Leased, ...]:
        with borrow(self.pool) as connection:
            rows = connection.cursor(binary=True).execute(_LEASE, params).fetchall()
        return tuple(one for row in rows if (one := self._leased(row)) is not None)

    def _leased(self, row: TupleRow) -> Leased | None:
        """Return what was leased; None where its content cannot be read, which an operator must look at."""
        submission_id, facility, sha256, received_at, attempts, maybe_taken, until, cause, traceparent = row[
            :9
        ]
        decision, body, wrapped, master = row[9:]
        try:
            content = self.vault.read(submission_id, Part.BODY, bytes(body), lock_of(wrapped, master))
        except UnreadableContent as error:
            log.error("content.unreadable", submission_id=submission_id, why=str(error))  # noqa: TRY400 - no fault of ours
            return None
        return Leased(
            id=SubmissionId(submission_id),
            facility=FacilityCode(facility),
            sha256=sha256,
            body=content,
            received_at=received_at,
            attempts=attempts,
            maybe_taken=maybe_taken,
            until=until,
            cause=cause,
            traceparent=traceparent,
            decision=decision,
        )


def _release(
    connection: Connection[TupleRow], rows: Sequence[Mapping[str, object]], owner: str, now: datetime
) -> frozenset[str]:
    released = connection.execute(_RELEASE, {"rows": Json(rows), "owner": owner, "now": now}).fetchall()
    return frozenset(row[0] for row in released)


def _checked_row(one: Checked, now: datetime) -> Mapping[str, object]:
    is_due = one.target is State.CHECKED
    return {
        "id": one.id,
        "state": one.target,
        "cause": one.event.cause,
        "next_attempt_at": now.isoformat() if is_due else None,
        "woken_at": now.isoformat(),
        "is_step_done": is_due,
        "checked_at": now.isoformat() if is_due else None,
    }


def _sent_row(one: Sent) -> Mapping[str, object]:
    return {
        "id": one.id,
        "state": one.target,
        "cause": one.event.cause,
        "next_attempt_at": None if one.next_attempt_at is None else one.next_attempt_at.isoformat(),
        "is_step_done": False,
        "is_attempt": one.is_attempt,
        "maybe_taken": one.maybe_taken,
        "receipt": None if one.receipt is None else one.receipt.ma_giao_dich,
    }


def _write_reports(
    connection: Connection[TupleRow], results: Sequence[Checked], now: datetime
) -> Mapping[SubmissionId, Mapping[str, str]]:
    """Write the reports; return their digests."""
    reports = [(one.id, one.report) for one in results if one.report is not None]
    trusts = {one.id: {TRUST: one.trust} for one in results if one.trust is not None}
    rows = [
        {
            "id": submission_id,
            "stages": [stage_to_json(stage) for stage in report.stages],
            "findings": [finding_to_json(finding) for finding in report.findings],
        }
        for submission_id, report in reports
    ]
    claims = [
        {
            "id": submission_id,
            "ordinal": ordinal,
            "summary": claim_to_json(claim),
            "classes": sorted(classes_in(report, ordinal)),
            "record_class": record_class_of(claim),
        }
        for submission_id, report in reports
        for ordinal, claim in enumerate(report.claims, start=1)
    ]
    connection.execute(_REPORT, {"rows": Json(rows), "now": now})
    counts = [{"id": submission_id, "claims": len(report.claims)} for submission_id, report in reports]
    connection.execute(_NO_CLAIM_ANY_MORE, {"rows": Json(counts)})
    for submission_id, ordinal, is_changed in connection.execute(_CLAIM, {"rows": Json(claims)}).fetchall():
        if is_changed:
            note_claims(connection, submission_id, [ordinal])
    _write_persons(connection, reports)
    summaries: dict[SubmissionId, list[object]] = {submission_id: [] for submission_id, _ in reports}
    for claim in claims:
        summaries[SubmissionId(str(claim["id"]))].append(claim["summary"])
    return {
        submission_id: {
            **report_digests(row["stages"], row["findings"], summaries[submission_id]),
            **trusts.get(submission_id, {}),
        }
        for (submission_id, _), row in zip(reports, rows, strict=True)
    }


def _write_persons(connection: Connection[TupleRow], reports: Sequence[tuple[SubmissionId, Report]]) -> None:
    found = [
        (person, submission_id, ordinal, rank)
        for submission_id, report in reports
        for ordinal, persons in enumerate(report.persons, start=1)
        for rank, person in enumerate(persons)
    ]
    if found:
        connection.execute(
            "INSERT INTO claim_person (person, submission_id, ordinal, rank) "
            "SELECT * FROM unnest(%s::bytea[], %s::text[], %s::smallint[], %s::smallint[]) "
            "ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*found, strict=True)],
        )


def _digests(one: Sent) -> Mapping[str, str]:
    if not one.is_attempt:
        return {}
    attempt = attempt_digest(one.attempt, one.started_at, one.target, one.event.cause, one.answer)
    if one.receipt is None:
        return {"attempt": attempt}
    receipt = one.receipt
    return {
        "attempt": attempt,
        "gateway_receipt": gateway_receipt_digest(receipt.ma_giao_dich, receipt.received_at, receipt.answer),
    }


def _claims(one: Checked) -> Sequence[ClaimSummary]:
    return () if one.report is None else one.report.claims


def _marks(one: Checked) -> Sequence[Mark]:
    """Return what a claim leaves for later ones: nothing unless it passed."""
    return () if one.report is None or one.target is not State.CHECKED else one.report.marks


def _let_review(connection: Connection[TupleRow], ids: Sequence[SubmissionId]) -> None:
    connection.execute(
        "INSERT INTO review_due (submission_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [list(ids)]
    )


def _write_attempts(connection: Connection[TupleRow], results: Sequence[Sent], now: datetime) -> None:
    attempts = [
        {
            "id": one.id,
            "attempt": one.attempt,
            "started_at": one.started_at.isoformat(),
            "ended_at": one.event.at.isoformat(),
            "outcome": one.target,
            "cause": one.event.cause,
            "answer": one.answer.hex(),
        }
        for one in results
    ]
    receipts = [
        {
            "id": one.id,
            "ma_giao_dich": one.receipt.ma_giao_dich,
            "received_at": None if one.receipt.received_at is None else one.receipt.received_at.isoformat(),
            "answer": one.receipt.answer.hex(),
        }
        for one in results
        if one.receipt is not None
    ]
    connection.execute(_ATTEMPT, {"rows": Json(attempts)})
    if receipts:
        connection.execute(_RECEIPT, {"rows": Json(receipts), "now": now})
