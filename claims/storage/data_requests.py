"""Requests of persons about their data, as rows; what they and we say is sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.rows import TupleRow

from claims.exchange.access.access_log import AccessKind
from claims.exchange.access.places import Reach
from claims.exchange.data_requests import DataRequest, LinkedClaim, Outcome, RequestKind
from claims.exchange.submission import SubmissionId
from claims.storage.access_log import note
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

_SELECT: LiteralString = """
SELECT q.id, q.kind, q.facility, q.text_sealed, q.recorded_by, q.recorded_at, q.acknowledge_by, q.answer_by,
    q.acknowledged_at, q.extended_at, q.extension_sealed, q.answered_at, q.answered_by, q.outcome,
    q.answer_sealed, q.corrected_by,
    ARRAY(SELECT c.submission_id || '/' || c.ordinal FROM data_request_claim c WHERE c.request_id = q.id
          ORDER BY c.submission_id, c.ordinal)
FROM data_request q
"""


@dataclass(frozen=True, slots=True)
class PostgresDataRequests:
    """`claims.exchange.data_requests.DataRequests` on PostgreSQL."""

    pool: Pool
    seal: Seal

    def claims_of(self, persons: Sequence[bytes], *, facility: str) -> Sequence[LinkedClaim]:
        """Return a facility's claims that name one of these numbers (claim_person_pkey)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT DISTINCT p.submission_id, p.ordinal FROM claim_person p "
                "JOIN submission s ON s.id = p.submission_id "
                "WHERE p.person = ANY(%s) AND s.facility = %s ORDER BY 1, 2",
                [list(persons), facility],
            ).fetchall()
        return [LinkedClaim(SubmissionId(submission), ordinal) for submission, ordinal in rows]

    def add(self, request: DataRequest, persons: Sequence[bytes]) -> None:
        """Store a new one, with the claims that it is about."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "INSERT INTO data_request (id, kind, facility, persons, text_sealed, recorded_by, "
                "recorded_at, acknowledge_by, answer_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    request.id,
                    request.kind,
                    request.facility,
                    list(persons),
                    self._sealed(request.id, "text", request.text),
                    request.recorded_by,
                    request.recorded_at,
                    request.acknowledge_by,
                    request.answer_by,
                ],
            )
            connection.execute(
                "INSERT INTO data_request_claim (request_id, submission_id, ordinal) "
                "SELECT %s, * FROM unnest(%s::text[], %s::smallint[])",
                [
                    request.id,
                    [each.submission_id for each in request.claims],
                    [each.ordinal for each in request.claims],
                ],
            )
            told = {"what": "recorded", "kind": request.kind}
            note(connection, AccessKind.DATA_REQUEST, about=request.id, place=request.facility, detail=told)

    def find(self, request_id: str, *, within: Reach) -> DataRequest | None:
        """Return one within a reach (data_request_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"{_SELECT} WHERE q.id = %s AND q.facility ^@ ANY(%s)", [request_id, within.codes]
            ).fetchone()
        return None if row is None else self._request(row)

    def change(self, request: DataRequest, what: str) -> bool:
        """Store what has changed, unless it was answered meanwhile."""
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(
                "UPDATE data_request SET answer_by = %s, acknowledged_at = %s, extended_at = %s, "
                "extension_sealed = %s, answered_at = %s, answered_by = %s, outcome = %s, "
                "answer_sealed = %s, corrected_by = %s WHERE id = %s AND answered_at IS NULL",
                [
                    request.answer_by,
                    request.acknowledged_at,
                    request.extended_at,
                    self._sealed(request.id, "extension", request.extension_reason),
                    request.answered_at,
                    request.answered_by,
                    request.outcome,
                    self._sealed(request.id, "answer", request.answer),
                    request.corrected_by,
                    request.id,
                ],
            )
            if done.rowcount:
                told = {"what": what, **({"outcome": request.outcome} if request.outcome else {})}
                kind = AccessKind.DATA_REQUEST
                note(connection, kind, about=request.id, place=request.facility, detail=told)
        return done.rowcount == 1

    def is_correction(self, request: DataRequest, submission_id: SubmissionId) -> bool:
        """Return whether a submission hands in one of its episodes again, after it was recorded."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT FROM submission s JOIN claim c ON c.submission_id = s.id "
                "WHERE s.id = %s AND s.facility = %s AND s.received_at > %s AND c.ma_lk IN "
                " (SELECT o.ma_lk FROM data_request_claim l JOIN claim o "
                "  ON o.submission_id = l.submission_id AND o.ordinal = l.ordinal "
                "  WHERE l.request_id = %s) LIMIT 1",
                [submission_id, request.facility, request.recorded_at, request.id],
            ).fetchone()
        return row is not None

    def list_page(
        self, *, within: Reach, only_open: bool, before: str | None, limit: int
    ) -> Sequence[DataRequest]:
        """Return them, newest first (data_request_pkey; there are few)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE q.facility ^@ ANY(%(codes)s) "
                "AND (NOT %(only_open)s OR q.answered_at IS NULL) "
                "AND (%(before)s::text IS NULL OR q.id < %(before)s) ORDER BY q.id DESC LIMIT %(limit)s",
                {"codes": within.codes, "only_open": only_open, "before": before, "limit": limit},
            ).fetchall()
        return [self._request(row) for row in rows]

    def of_persons(self, persons: Sequence[bytes], *, within: Reach) -> Sequence[DataRequest]:
        """Return those of a person, the oldest first (data_request_of_person)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE q.persons && %s::bytea[] AND q.facility ^@ ANY(%s) ORDER BY q.id",
                [list(persons), within.codes],
            ).fetchall()
        return [self._request(row) for row in rows]

    def _request(self, row: TupleRow) -> DataRequest:
        (
            request_id,
            kind,
            facility,
            text,
            recorded_by,
            recorded_at,
            acknowledge_by,
            answer_by,
            acknowledged_at,
            extended_at,
            extension,
            answered_at,
            answered_by,
            outcome,
            answer,
            corrected_by,
            claims,
        ) = row
        return DataRequest(
            id=request_id,
            kind=RequestKind(kind),
            facility=facility,
            text=self._opened(request_id, "text", text),
            claims=tuple(_linked(each) for each in claims),
            recorded_by=recorded_by,
            recorded_at=recorded_at,
            acknowledge_by=acknowledge_by,
            answer_by=answer_by,
            acknowledged_at=acknowledged_at,
            extended_at=extended_at,
            extension_reason=self._opened(request_id, "extension", extension),
            answered_at=answered_at,
            answered_by=answered_by,
            outcome=None if outcome is None else Outcome(outcome),
            answer=self._opened(request_id, "answer", answer),
            corrected_by=None if corrected_by is None else SubmissionId(corrected_by),
        )

    def _sealed(self, request_id: str, part: str, text: str) -> bytes | None:
        return self.seal.close(text.encode(), belongs_to=f"{request_id}/{part}") if text else None

    def _opened(self, request_id: str, part: str, sealed: bytes | None) -> str:
        if sealed is None:
            return ""
        return self.seal.open(bytes(sealed), belongs_to=f"{request_id}/{part}").decode()


def _linked(text: str) -> LinkedClaim:
    submission, _, ordinal = text.partition("/")
    return LinkedClaim(SubmissionId(submission), int(ordinal))
