"""Submissions as rows: receiving them, and reading what became of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.bundle.findings import Finding
from claims.checking.check import ClaimSummary, Stage
from claims.exchange.access.places import Place, Reach
from claims.exchange.errors import CannotWithdraw, IdempotencyMismatch, SubmissionNotFound
from claims.exchange.lifecycle import HAND_IN_AGAIN_WITHIN, WITHDRAWABLE, State
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
from claims.proof.records import token_digest
from claims.storage.documents import claim_from_json, finding_from_json, stage_from_json
from claims.storage.events import note_events
from claims.storage.pool import Pool, borrow
from claims.storage.results import gateway_findings
from claims.storage.selection import conditions, decode_cursor, encode_cursor, first_id_at
from claims.storage.vault import IN_THE_CLEAR, DataKey, Part, Vault, lock_of

#: Keys of half a day of the whole country.
_FORGOTTEN_AT_ONCE = 5_000
#: Versions of one claim from one document that a repeated one is compared with.
_VERSIONS_COMPARED = 10

COLUMNS: LiteralString = """
    s.id, s.facility, encode(s.sha256, 'hex'), s.size, s.state, s.received_at, s.updated_at,
    ARRAY(SELECT c.ma_lk FROM claim c WHERE c.submission_id = s.id ORDER BY c.ordinal),
    s.cause, s.attempts, s.next_attempt_at, s.ma_giao_dich, s.superseded_by,
    s.checked_at, s.assessed_at, s.maybe_taken
"""

# One statement, so one round trip: row, bytes, first event and the caller's key together. A key that somebody
# used in this very moment fails it as a whole.
_ADD: LiteralString = """
WITH added AS (
    INSERT INTO submission
        (id, facility, sha256, size, state, received_at, updated_at, next_attempt_at, woken_at,
         traceparent, maybe_taken)
    VALUES (%(id)s, %(facility)s, decode(%(sha256)s, 'hex'), %(size)s, 'received',
            %(at)s, %(at)s, %(at)s, %(at)s, %(traceparent)s,
            -- What comes soon after a restore may have come, and gone to the gateway, before (`restoration`).
            EXISTS (SELECT FROM restoration WHERE look_first_until > %(at)s))
    ON CONFLICT (facility, sha256) DO NOTHING
    RETURNING id
), stored AS (
    INSERT INTO submission_body (submission_id, body) SELECT id, %(body)b FROM added
), locked AS (
    INSERT INTO data_key (submission_id, wrapped, master) SELECT id, %(wrapped)b, %(master)s FROM added
    WHERE %(master)s::text IS NOT NULL
), signed AS (
    INSERT INTO signed_receipt (submission_id, token) SELECT id, %(receipt)s FROM added
    WHERE %(receipt)s::text IS NOT NULL
), noted AS (
    INSERT INTO event (submission_id, facility, at, kind, state, actor, digests, detail)
    SELECT id, %(facility)s, %(at)s, 'received', 'received', %(actor)s, %(digests)s, %(detail)s
    FROM added
), built AS (
    INSERT INTO origin (submission_id, document, trace) SELECT id, %(document)b, %(trace)b FROM added
    WHERE %(document)b::bytea IS NOT NULL
), keyed AS (
    INSERT INTO idempotency_key (facility, key, request_sha256, submission_id, created_at)
    SELECT %(facility)s, %(key)s, decode(%(request_sha256)s, 'hex'), id, %(at)s FROM added
    WHERE %(key)s::text IS NOT NULL
)
SELECT id FROM added
"""

# The gateway cannot have it, or it could not have been withdrawn; but see _ADD.
_AGAIN: LiteralString = """
UPDATE submission SET state = 'received', cause = NULL, attempts = 0, updated_at = %(at)s,
    next_attempt_at = %(at)s, woken_at = %(at)s,
    maybe_taken = EXISTS (SELECT FROM restoration WHERE look_first_until > %(at)s)
WHERE id = %(id)s AND state = 'withdrawn' AND updated_at > %(since)s
"""


@dataclass(frozen=True, slots=True)
class SubmissionRecords:
    """The receiving and the reading half of `claims.exchange.ports.Submissions`.

    Attributes:
        vault: Encrypts contents.
    """

    pool: Pool
    vault: Vault = IN_THE_CLEAR

    def add(self, new: NewSubmission) -> tuple[Submission, bool]:
        """Store a bundle durably, or return the one that is there; the flag says whether it is set going."""
        with borrow(self.pool) as connection:
            if _add_at_once(connection, new, self.vault):
                return _just_added(new), True
            try:
                with connection.transaction():
                    known = _known_by_key(connection, new.facility, new.idempotency_key, new.request_sha256)
                    if known is not None:
                        return known, False
                    submission, is_new = add_submission(connection, new, self.vault)
                    if is_new or submission.state is not State.WITHDRAWN:
                        return submission, is_new
                    is_taken = _take_in_again(connection, submission.id, new)
                    return find_submission(connection, submission.id), is_taken
            except _KeyTaken as taken:
                return taken.submission, False

    def find_by_key(
        self, facility: FacilityCode, idempotency_key: str, *, request_sha256: str
    ) -> Submission | None:
        """Return what an idempotency key stands for."""
        with borrow(self.pool) as connection:
            return _known_by_key(connection, facility, idempotency_key, request_sha256)

    def built_from(self, document_sha256: str, facility: FacilityCode, ma_lk: str) -> Sequence[SubmissionId]:
        """Return which versions of a claim the service built from a document (claim_of_episode)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT c.submission_id FROM claim c WHERE c.ma_lk = %s AND c.facility = %s "
                "AND EXISTS (SELECT FROM event e WHERE e.submission_id = c.submission_id "
                "    AND e.kind = 'received' AND e.digests ->> 'document' = %s) "
                "AND NOT EXISTS (SELECT FROM erasure gone WHERE gone.submission_id = c.submission_id) "
                "ORDER BY c.submission_id DESC LIMIT %s",
                [ma_lk, facility, document_sha256, _VERSIONS_COMPARED],
            ).fetchall()
        return [SubmissionId(submission_id) for (submission_id,) in rows]

    def forget_keys(self, *, before: datetime) -> int:
        """Forget idempotency keys that were first used before a moment (idempotency_key_of_age)."""
        with borrow(self.pool) as connection:
            return connection.execute(
                "DELETE FROM idempotency_key WHERE (facility, key) IN (SELECT facility, key "
                "FROM idempotency_key WHERE created_at < %s ORDER BY created_at LIMIT %s)",
                [before, _FORGOTTEN_AT_ONCE],
            ).rowcount

    def get(self, submission_id: SubmissionId, *, within: Reach) -> Submission:
        """Return a submission that lies within a reach."""
        with borrow(self.pool) as connection:
            submission = find_submission(connection, submission_id)
        if not within.covers(submission.facility):
            raise SubmissionNotFound(submission_id)
        return submission

    def list_page(self, which: SubmissionFilter, *, limit: int, cursor: str | None) -> Page:
        """Return a page of submissions, newest first (submission_of_facility, submission_pkey)."""
        where, params = conditions(which)
        before = None if cursor is None else decode_cursor(cursor)
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM submission s WHERE {where} "
                "AND (%(before)s::text IS NULL OR s.id < %(before)s) ORDER BY s.id DESC LIMIT %(limit)s",
                {**params, "before": before, "limit": limit + 1},
            ).fetchall()
        items = tuple(submission_of(row) for row in rows[:limit])
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
        submission = self.get(submission_id, within=Reach.of(Place(facility)))
        if submission.state is not State.WITHDRAWN:
            raise CannotWithdraw(submission.state)
        return submission

    def body(self, submission_id: SubmissionId) -> bytes:
        """Return the bytes exactly as received."""
        with borrow(self.pool) as connection:
            row = (
                connection.cursor(binary=True)
                .execute(
                    "SELECT b.body, m.body, k.wrapped, k.master FROM submission s "
                    "LEFT JOIN submission_body b ON b.submission_id = s.id "
                    "LEFT JOIN moved_content m ON m.submission_id = s.id "
                    "LEFT JOIN data_key k ON k.submission_id = s.id "
                    "WHERE s.id = %s AND (b.submission_id IS NOT NULL OR m.submission_id IS NOT NULL)",
                    [submission_id],
                )
                .fetchone()
            )
        if row is None:
            raise SubmissionNotFound(submission_id)
        stored, moved, *lock = row
        return self.vault.read(submission_id, Part.BODY, stored, lock_of(*lock), moved)

    def signed_receipt(self, submission_id: SubmissionId) -> str | None:
        """Return what the facility was given for having handed it over; None for those of long ago."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT token FROM signed_receipt WHERE submission_id = %s", [submission_id]
            ).fetchone()
        return None if row is None else str(row[0])

    def trace(self, submission_id: SubmissionId) -> bytes | None:
        """Return where each value of a bundle came from (JSON), if the service built it and still knows."""
        with borrow(self.pool) as connection:
            row = (
                connection.cursor(binary=True)
                .execute(
                    "SELECT o.trace, m.trace, k.wrapped, k.master FROM submission s "
                    "LEFT JOIN origin o ON o.submission_id = s.id "
                    "LEFT JOIN moved_content m ON m.submission_id = s.id "
                    "LEFT JOIN data_key k ON k.submission_id = s.id "
                    "WHERE s.id = %s AND (o.trace IS NOT NULL OR m.trace IS NOT NULL)",
                    [submission_id],
                )
                .fetchone()
            )
        if row is None:
            return None
        stored, moved, *lock = row
        return self.vault.read(submission_id, Part.TRACE, stored, lock_of(*lock), moved)

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
        """Return the findings of the last check, and what the gateway found after it took it."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT findings FROM report WHERE submission_id = %s", [submission_id]
            ).fetchone()
            later = gateway_findings(connection, submission_id)
        return (*(() if row is None else map(finding_from_json, row[0])), *later)

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

    def classes(self, submission_id: SubmissionId) -> Mapping[int, frozenset[str] | None] | None:
        """Return the protected classes of each of its claims, by their place; None: they are not known."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT c.ordinal, c.classes FROM report r LEFT JOIN claim c USING (submission_id) "
                "WHERE r.submission_id = %s "
                "UNION ALL SELECT NULL, NULL FROM erasure WHERE submission_id = %s",
                [submission_id, submission_id],
            ).fetchall()
        if not rows:
            return None  # it was not checked yet
        found = [(ordinal, classes) for ordinal, classes in rows if ordinal is not None]
        return {ordinal: None if classes is None else frozenset(classes) for ordinal, classes in found}

    def has_later_claims(self, submission_id: SubmissionId) -> bool:
        """Return whether the gateway has a later version of any of its claims (claim_of_episode)."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM claim mine JOIN claim same ON same.ma_lk = mine.ma_lk "
                "AND same.facility = mine.facility AND same.submission_id > mine.submission_id "
                "JOIN submission later ON later.id = same.submission_id "
                "WHERE mine.submission_id = %s AND later.state = 'acknowledged')",
                [submission_id],
            ).fetchone()
        return row is not None and bool(row[0])

    def receipt(self, submission_id: SubmissionId) -> Receipt | None:
        """Return the gateway's receipt, if there is one."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT ma_giao_dich, received_at, answer FROM receipt WHERE submission_id = %s",
                [submission_id],
            ).fetchone()
        return None if row is None else Receipt(row[0], row[1], bytes(row[2]))


class _KeyTaken(Exception):
    """Somebody used the key while this transaction ran, and has its submission: nothing of this one stays."""

    def __init__(self, submission: Submission) -> None:
        super().__init__(submission.id)
        self.submission = submission


def add_submission(
    connection: Connection[TupleRow], new: NewSubmission, vault: Vault
) -> tuple[Submission, bool]:
    """Store a bundle within a transaction, or return the one that is there; the flag says if it is new."""
    known = _known_by_key(connection, new.facility, new.idempotency_key, new.request_sha256)
    if known is not None:
        return known, False
    unkeyed = {**_add_params(new, vault.new_key(new.id)), "key": None}
    is_new = connection.execute(_ADD, unkeyed).fetchone() is not None
    submission = _just_added(new) if is_new else _by_digest(connection, new)
    if new.idempotency_key is not None:
        _keep_key(connection, new, new.idempotency_key, submission.id)
    return submission, is_new


def _add_at_once(connection: Connection[TupleRow], new: NewSubmission, vault: Vault) -> bool:
    """Store what nobody has sent before, which is nearly all of it: one round trip, one commit.

    False: bytes or key came before, and nothing was stored.
    """
    try:
        return connection.execute(_ADD, _add_params(new, vault.new_key(new.id))).fetchone() is not None
    except UniqueViolation:
        return False


def _take_in_again(connection: Connection[TupleRow], submission_id: SubmissionId, new: NewSubmission) -> bool:
    """Let a submission that was withdrawn lately begin anew, as if these bytes had just come."""
    at = new.received_at
    done = connection.execute(_AGAIN, {"id": submission_id, "at": at, "since": at - HAND_IN_AGAIN_WITHIN})
    if not done.rowcount:
        return False
    detail = {} if new.reason is None else {"reason": new.reason}
    event = Event(at, EventKind.HANDED_IN_AGAIN, State.RECEIVED, new.actor, detail=detail)
    note_events(connection, [(submission_id, event)])
    return True


def find_submission(connection: Connection[TupleRow], submission_id: SubmissionId) -> Submission:
    """Return a submission.

    Raises:
        SubmissionNotFound: There is none.
    """
    row = connection.execute(
        f"SELECT {COLUMNS} FROM submission s WHERE s.id = %s", [submission_id]
    ).fetchone()
    if row is None:
        raise SubmissionNotFound(submission_id)
    return submission_of(row)


def find_oldest(
    connection: Connection[TupleRow],
    *,
    since: datetime,
    facility: FacilityCode | None,
    after: SubmissionId | None,
    limit: int,
) -> list[Submission]:
    """Return submissions received since, in the order of their ids, after one of them."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM submission s WHERE s.received_at >= %(since)s "
        "AND (%(facility)s::text IS NULL OR s.facility = %(facility)s) "
        "AND s.id > %(after)s ORDER BY s.id LIMIT %(limit)s",
        {
            "since": since,
            "facility": facility,
            "after": max(after or "", first_id_at(since)),
            "limit": limit,
        },
    ).fetchall()
    return [submission_of(row) for row in rows]


def _add_params(new: NewSubmission, key: DataKey | None) -> dict[str, object]:
    document, trace = (None, None) if new.origin is None else (new.origin.document, new.origin.trace)
    if key is not None and document is not None and trace is not None:
        document, trace = key.close(Part.DOCUMENT, document), key.close(Part.TRACE, trace)
    return {
        "id": new.id,
        "facility": new.facility,
        "sha256": new.sha256,
        "size": len(new.body),
        "at": new.received_at,
        "body": new.body if key is None else key.close(Part.BODY, new.body),
        "wrapped": None if key is None else key.lock.wrapped,
        "master": None if key is None else key.lock.master,
        "actor": new.actor,
        "receipt": new.receipt,
        "digests": Json(_digests(new)),
        "traceparent": new.traceparent,
        "key": new.idempotency_key,
        "request_sha256": new.request_sha256,
        "document": document,
        "trace": trace,
        "detail": Json({} if new.reason is None else {"reason": new.reason}),
    }


def _digests(new: NewSubmission) -> Mapping[str, str]:
    digests = {} if new.receipt is None else {"receipt": token_digest(new.receipt)}
    if new.origin is not None:
        digests["document"] = hashlib.sha256(new.origin.document).hexdigest()
        digests["trace"] = hashlib.sha256(new.origin.trace).hexdigest()
    return digests


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


def submission_of(row: TupleRow) -> Submission:
    """Return the submission that a row of `COLUMNS` is."""
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
        checked_at,
        assessed_at,
        maybe_taken,
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
        checked_at=checked_at,
        assessed_at=assessed_at,
        may_be_taken=maybe_taken,
    )


def _known_by_key(
    connection: Connection[TupleRow], facility: FacilityCode, key: str | None, request_sha256: str
) -> Submission | None:
    if key is None:
        return None
    row = connection.execute(
        f"SELECT encode(k.request_sha256, 'hex'), {COLUMNS} FROM idempotency_key k "
        "JOIN submission s ON s.id = k.submission_id WHERE k.facility = %s AND k.key = %s",
        [facility, key],
    ).fetchone()
    if row is None:
        return None
    if row[0] != request_sha256:
        raise IdempotencyMismatch(key, row[1])
    return submission_of(row[1:])


def _by_digest(connection: Connection[TupleRow], new: NewSubmission) -> Submission:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM submission s WHERE s.facility = %s AND s.sha256 = decode(%s, 'hex')",
        [new.facility, new.sha256],
    ).fetchone()
    if row is None:  # rows are never deleted while their digest is being received
        raise SubmissionNotFound(new.id)
    return submission_of(row)


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
        # The same document may have been built and signed into other bytes: theirs are the ones that count.
        known = _known_by_key(connection, new.facility, key, new.request_sha256)
        if known is not None and known.id != submission_id:
            raise _KeyTaken(known)
