"""Reviews as rows: beginning, deciding, asking, telling. Every change leaves a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.exchange.errors import ReviewNotFound
from claims.exchange.lifecycle import State
from claims.exchange.review.opening import roll
from claims.exchange.review.ports import Decided, ToReview
from claims.exchange.review.review import (
    Cut,
    Message,
    NewReview,
    Review,
    ReviewId,
    ReviewState,
    Step,
)
from claims.exchange.submission import Event, EventKind, FacilityCode, SubmissionId
from claims.storage.documents import finding_from_json
from claims.storage.events import note_events
from claims.storage.later_documents import later_digests
from claims.storage.pool import borrow
from claims.storage.review_inbox import COLUMNS, ReviewInbox
from claims.storage.review_names import ReviewNames
from claims.storage.review_tally import put_in, sum_up, take_out
from claims.storage.vault import IN_THE_CLEAR, Part, Vault, lock_of

_TAKE: LiteralString = """
SELECT s.id, s.facility, s.received_at, b.body, coalesce(p.findings, '[]'), k.wrapped, k.master
FROM (SELECT submission_id FROM review_due ORDER BY submission_id LIMIT %s) AS due
JOIN submission s ON s.id = due.submission_id
JOIN submission_body b ON b.submission_id = s.id
LEFT JOIN data_key k ON k.submission_id = s.id
LEFT JOIN report p ON p.submission_id = s.id
ORDER BY s.id
"""

# A version whose successor is here already begins as superseded (review_of_episode).
_BEGIN: LiteralString = """
INSERT INTO review (submission_id, ordinal, facility, received_at, ma_lk, patient, patient_sealed, words,
    person, diagnosis, discharged_on, claimed, classes, lane, lane_reasons, codes, dice, state)
SELECT r.submission_id, r.ordinal, r.facility, r.received_at, r.ma_lk, '', decode(r.patient, 'hex'),
    array_to_tsvector(r.words), decode(r.person, 'hex'), r.diagnosis, r.discharged_on, r.claimed, r.classes,
    r.lane, r.lane_reasons, r.codes, r.dice,
    CASE WHEN EXISTS (SELECT FROM review later WHERE later.ma_lk = r.ma_lk AND later.facility = r.facility
        AND later.submission_id > r.submission_id) THEN 'superseded' ELSE 'open' END
FROM json_to_recordset(%(rows)s) AS r (
    submission_id text, ordinal smallint, facility text, received_at timestamptz, ma_lk text, patient text,
    words text[], person text, diagnosis text, discharged_on date, claimed numeric, classes text[], lane text,
    lane_reasons text[], codes text[], dice integer
)
ON CONFLICT DO NOTHING
RETURNING id
"""

_EARLIER: LiteralString = """
SELECT earlier.id FROM review earlier JOIN review mine
    ON mine.ma_lk = earlier.ma_lk AND mine.facility = earlier.facility
    AND earlier.submission_id < mine.submission_id
WHERE mine.id = ANY(%s) AND earlier.state IN ('open', 'asked', 'proposed')
ORDER BY earlier.id FOR UPDATE OF earlier
"""

_DECIDE: LiteralString = """
UPDATE review r SET state = d.state, verdict = d.verdict, reason = d.reason, note = d.note,
    approved = CASE d.verdict WHEN 'accepted' THEN r.claimed WHEN 'declined' THEN 0
        ELSE r.claimed - d.cut END,
    decided_by = d.by, decided_at = d.at, final_at = d.final_at, version = r.version + 1,
    lock_owner = NULL, lock_until = NULL
FROM json_to_recordset(%(rows)s) AS d (
    id bigint, state text, verdict text, reason text, note text, cut numeric, by text, at timestamptz,
    final_at timestamptz
)
WHERE r.id = d.id AND r.id = ANY(%(ids)s)
"""

_CUT: LiteralString = """
INSERT INTO review_cut (review_id, seq, table_kind, row_number, amount, reason, note)
SELECT review_id, seq, table_kind, row_number, amount, reason, note FROM json_to_recordset(%s) AS c (
    review_id bigint, seq smallint, table_kind text, row_number integer, amount numeric, reason text,
    note text
)
"""

_STEP: LiteralString = """
INSERT INTO review_step (review_id, at, actor, kind, detail)
SELECT review_id, at, actor, kind, detail FROM json_to_recordset(%s) AS s (
    review_id bigint, at timestamptz, actor text, kind text, detail jsonb
)
"""


@dataclass(frozen=True, slots=True)
class PostgresReviews(ReviewInbox):
    """`claims.exchange.review.ports.Reviews` on PostgreSQL.

    Attributes:
        vault: Reads contents.
    """

    vault: Vault = IN_THE_CLEAR

    def take_unreviewed(self, *, limit: int) -> Sequence[ToReview]:
        """Return acknowledged submissions without reviews."""
        with borrow(self.pool) as connection:
            rows = connection.cursor(binary=True).execute(_TAKE, [limit]).fetchall()
        return [
            ToReview(
                SubmissionId(submission_id),
                FacilityCode(facility),
                received_at,
                self.vault.read(submission_id, Part.BODY, bytes(body), lock_of(*lock)),
                tuple(finding_from_json(one) for one in findings),
            )
            for submission_id, facility, received_at, body, findings, *lock in rows
        ]

    def begin(self, submission_id: SubmissionId, new: Sequence[NewReview], *, now: datetime) -> None:
        """Store the reviews of a submission, once; earlier versions that wait for a decision give way."""
        with borrow(self.pool) as connection, connection.transaction():
            rows = connection.execute(
                _BEGIN, {"rows": Json([_new_row(one, self.names) for one in new])}
            ).fetchall()
            ids = [row[0] for row in rows]
            put_in(connection, ids)
            _note_steps(connection, [(one, now, "service", "begun", {}) for one in ids])
            earlier = [row[0] for row in connection.execute(_EARLIER, [ids]).fetchall()]
            _move(connection, earlier, ReviewState.SUPERSEDED)
            _note_steps(connection, [(one, now, "service", "superseded", {}) for one in earlier])
            connection.execute("DELETE FROM review_due WHERE submission_id = %s", [submission_id])

    def get(self, submission_id: SubmissionId, ordinal: int) -> Review:
        """Return a review."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM review r WHERE r.submission_id = %s AND r.ordinal = %s",
                [submission_id, ordinal],
            ).fetchone()
        if row is None:
            raise ReviewNotFound
        return self._review(row)

    def find_many(self, ids: Sequence[ReviewId]) -> Sequence[Review]:
        """Return those reviews that exist, in the order of their ids."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM review r WHERE r.id = ANY(%s) ORDER BY r.id", [list(ids)]
            ).fetchall()
        return [self._review(row) for row in rows]

    def of_submission(self, submission_id: SubmissionId) -> Sequence[Review]:
        """Return the reviews of a submission's claims, by their place in it."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM review r WHERE r.submission_id = %s ORDER BY r.ordinal",
                [submission_id],
            ).fetchall()
        return [self._review(row) for row in rows]

    def of_person(self, person: bytes, *, reach: Sequence[str], limit: int) -> Sequence[Review]:
        """Return the reviews of one insured person, newest first (review_of_person)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM review r WHERE r.person = %s AND r.facility LIKE ANY(%s) "
                "ORDER BY r.id DESC LIMIT %s",
                [person, [f"{code}%" for code in reach], limit],
            ).fetchall()
        return [self._review(row) for row in rows]

    def take_lock(self, review_id: ReviewId, *, who: str, now: datetime, until: datetime) -> str:
        """Keep a review for somebody unless another has it; return who has it then."""
        with borrow(self.pool) as connection:
            taken = connection.execute(
                "UPDATE review SET lock_owner = %(who)s, lock_until = %(until)s WHERE id = %(id)s "
                "AND (lock_owner IS NULL OR lock_owner = %(who)s OR lock_until <= %(now)s) "
                "RETURNING lock_owner",
                {"id": review_id, "who": who, "now": now, "until": until},
            ).fetchone()
            row = (
                taken
                or connection.execute("SELECT lock_owner FROM review WHERE id = %s", [review_id]).fetchone()
            )
        return who if row is None or row[0] is None else str(row[0])

    def release_lock(self, review_id: ReviewId, *, who: str) -> None:
        """Give a review back."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE review SET lock_owner = NULL, lock_until = NULL WHERE id = %s AND lock_owner = %s",
                [review_id, who],
            )

    def write_decisions(self, decisions: Sequence[Decided]) -> frozenset[ReviewId]:
        """Write decisions on reviews that still are as they were seen; return those written."""
        if not decisions:
            return frozenset()
        with borrow(self.pool) as connection, connection.transaction():
            found = connection.execute(
                "SELECT r.id FROM review r JOIN unnest(%s::bigint[], %s::integer[]) AS d (id, version) "
                "ON d.id = r.id AND d.version = r.version WHERE r.state IN ('open', 'asked') "
                "ORDER BY r.id FOR UPDATE OF r",
                [[one.review_id for one in decisions], [one.version for one in decisions]],
            ).fetchall()
            ids = [row[0] for row in found]
            written = [one for one in decisions if one.review_id in set(ids)]
            take_out(connection, ids)
            connection.execute(_DECIDE, {"rows": Json([_decided_row(one) for one in written]), "ids": ids})
            connection.execute("DELETE FROM review_cut WHERE review_id = ANY(%s)", [ids])
            connection.execute(_CUT, [Json([row for one in written for row in _cut_rows(one)])])
            put_in(connection, ids)
            _note_steps(
                connection,
                [
                    (one.review_id, one.at, one.by, str(one.state), {"verdict": str(one.decision.verdict)})
                    for one in written
                ],
            )
        return frozenset(one.review_id for one in written)

    def fresh_of(self, who: str, *, now: datetime) -> Sequence[Review]:
        """Return the reviews that somebody decided on and can still undo (review_unannounced)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM review r WHERE r.final_at > %s AND r.decided_by = %s "
                "AND r.confirmed_by IS NULL ORDER BY r.id",
                [now, who],
            ).fetchall()
        return [self._review(row) for row in rows]

    def undo(self, review_id: ReviewId, *, who: str, now: datetime) -> bool:
        """Take a decision back that is not final; return whether it was."""
        with borrow(self.pool) as connection, connection.transaction():
            found = connection.execute(
                "SELECT id FROM review WHERE id = %s AND state IN ('decided', 'proposed') "
                "AND decided_by = %s AND confirmed_by IS NULL AND final_at > %s FOR UPDATE",
                [review_id, who, now],
            ).fetchone()
            if found is not None:
                _reopen(connection, review_id)
                _note_steps(connection, [(review_id, now, who, "undone", {})])
        return found is not None

    def confirm(
        self, review_id: ReviewId, *, version: int, who: str, at: datetime, final_at: datetime
    ) -> bool:
        """Confirm a proposal of somebody else; return whether it still was as it was seen."""
        with borrow(self.pool) as connection, connection.transaction():
            if not _is_proposal(connection, review_id, version, who):
                return False
            _move(connection, [review_id], ReviewState.DECIDED)
            connection.execute(
                "UPDATE review SET confirmed_by = %s, final_at = %s WHERE id = %s", [who, final_at, review_id]
            )
            _note_steps(connection, [(review_id, at, who, "confirmed", {})])
        return True

    def send_back(self, review_id: ReviewId, *, version: int, who: str, note: str, at: datetime) -> bool:
        """Open a proposal of somebody else again; return whether it still was as it was seen."""
        with borrow(self.pool) as connection, connection.transaction():
            if not _is_proposal(connection, review_id, version, who):
                return False
            _reopen(connection, review_id)
            _note_steps(connection, [(review_id, at, who, "sent_back", {"note": note})])
        return True

    def add_message(self, review_id: ReviewId, message: Message, *, state: ReviewState) -> bool:
        """Add to the thread and move the review; return whether it could still be moved."""
        from_states = ["asked"] if message.is_hospital else ["open", "asked"]
        with borrow(self.pool) as connection, connection.transaction():
            row = connection.execute(
                "SELECT submission_id, ordinal FROM review WHERE id = %s AND state = ANY(%s) FOR UPDATE",
                [review_id, from_states],
            ).fetchone()
            if row is None:
                return False
            connection.execute(
                "INSERT INTO review_message (review_id, at, author, is_hospital, body) "
                "VALUES (%s, %s, %s, %s, %s)",
                [review_id, message.at, message.author, message.is_hospital, message.text],
            )
            _move(connection, [review_id], state)
            kind = "answered" if message.is_hospital else "asked"
            _note_steps(connection, [(review_id, message.at, message.author, kind, {})])
            if not message.is_hospital:
                # The question itself is read through the review: histories hold no free text.
                told = Event(
                    message.at,
                    EventKind.QUESTION_ASKED,
                    State.ACKNOWLEDGED,
                    message.author,
                    detail={"claim": str(row[1])},
                )
                note_events(connection, [(SubmissionId(row[0]), told)])
        return True

    def messages(self, review_id: ReviewId) -> Sequence[Message]:
        """Return the thread, oldest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT at, author, is_hospital, body FROM review_message WHERE review_id = %s ORDER BY seq",
                [review_id],
            ).fetchall()
        return [Message(*row) for row in rows]

    def cuts(self, review_id: ReviewId) -> Sequence[Cut]:
        """Return what is not paid."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT amount, reason, table_kind, row_number, note FROM review_cut "
                "WHERE review_id = %s ORDER BY seq",
                [review_id],
            ).fetchall()
        return [Cut(*row) for row in rows]

    def steps(self, review_id: ReviewId) -> Sequence[Step]:
        """Return the history, oldest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT at, actor, kind, detail FROM review_step WHERE review_id = %s ORDER BY seq",
                [review_id],
            ).fetchall()
        return [Step(*row) for row in rows]

    def announce(self, *, now: datetime, limit: int) -> int:
        """Tell hospitals about decisions that became final (review_unannounced); return how many."""
        with borrow(self.pool) as connection:
            with connection.transaction():
                rows = connection.execute(
                    "SELECT id, submission_id, ordinal, verdict, approved, decided_by FROM review "
                    "WHERE state = 'decided' AND final_at <= %s ORDER BY final_at LIMIT %s "
                    "FOR UPDATE SKIP LOCKED",
                    [now, limit],
                ).fetchall()
                events = [
                    (
                        SubmissionId(submission_id),
                        Event(
                            now,
                            EventKind.REVIEWED,
                            State.ACKNOWLEDGED,
                            decided_by,
                            detail={"claim": str(ordinal), "verdict": verdict, "approved": f"{approved:f}"},
                        ),
                    )
                    for _, submission_id, ordinal, verdict, approved, decided_by in rows
                ]
                connection.execute(
                    "UPDATE review SET final_at = NULL WHERE id = ANY(%s)", [[row[0] for row in rows]]
                )
                note_events(connection, events, later_digests(connection, [one for one, _ in events]))
            sum_up(connection)
        return len(rows)


def _is_proposal(connection: Connection[TupleRow], review_id: ReviewId, version: int, who: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM review WHERE id = %s AND version = %s AND state = 'proposed' "
        "AND decided_by <> %s FOR UPDATE",
        [review_id, version, who],
    ).fetchone()
    return row is not None


def _move(connection: Connection[TupleRow], ids: Sequence[int], state: ReviewState) -> None:
    """Bring reviews that the caller holds into a state."""
    take_out(connection, ids)
    connection.execute(
        "UPDATE review SET state = %s, version = version + 1 WHERE id = ANY(%s)", [state, list(ids)]
    )
    put_in(connection, ids)


def _reopen(connection: Connection[TupleRow], review_id: ReviewId) -> None:
    _move(connection, [review_id], ReviewState.OPEN)
    connection.execute("DELETE FROM review_cut WHERE review_id = %s", [review_id])
    connection.execute(
        "UPDATE review SET verdict = NULL, approved = NULL, reason = '', note = '', decided_by = NULL, "
        "decided_at = NULL, final_at = NULL WHERE id = %s",
        [review_id],
    )


def _new_row(one: NewReview, names: ReviewNames) -> dict[str, object]:
    subject = one.subject
    return {
        "submission_id": one.submission_id,
        "ordinal": one.ordinal,
        "facility": one.facility,
        "received_at": one.received_at.isoformat(),
        "ma_lk": subject.ma_lk,
        "patient": names.close(subject.patient, one.submission_id, one.ordinal).hex(),
        "words": [*subject.words, *names.blind(subject.hidden_words)],
        "person": None if subject.person is None else subject.person.hex(),
        "diagnosis": subject.diagnosis,
        "discharged_on": None if subject.discharged_on is None else subject.discharged_on.isoformat(),
        "claimed": f"{subject.claimed:f}",
        "classes": sorted(subject.classes),
        "lane": one.lane,
        "lane_reasons": list(one.lane_reasons),
        "codes": list(one.codes),
        "dice": roll(one.submission_id, one.ordinal),
    }


def _decided_row(one: Decided) -> dict[str, object]:
    return {
        "id": one.review_id,
        "state": one.state,
        "verdict": one.decision.verdict,
        "reason": one.decision.reason,
        "note": one.decision.note,
        "cut": f"{sum(cut.amount for cut in one.decision.cuts):f}" if one.decision.cuts else "0",
        "by": one.by,
        "at": one.at.isoformat(),
        "final_at": one.final_at.isoformat(),
    }


def _cut_rows(one: Decided) -> Sequence[dict[str, object]]:
    return [
        {
            "review_id": one.review_id,
            "seq": number,
            "table_kind": cut.table,
            "row_number": cut.row,
            "amount": f"{cut.amount:f}",
            "reason": cut.reason,
            "note": cut.note,
        }
        for number, cut in enumerate(one.decision.cuts, start=1)
    ]


def _note_steps(
    connection: Connection[TupleRow], steps: Sequence[tuple[int, datetime, str, str, dict[str, str]]]
) -> None:
    rows = [
        {"review_id": review_id, "at": at.isoformat(), "actor": actor, "kind": kind, "detail": detail}
        for review_id, at, actor, kind, detail in steps
    ]
    connection.execute(_STEP, [Json(rows)])
