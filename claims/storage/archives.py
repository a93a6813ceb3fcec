"""What is kept of a submission, read at once for its archive; what is noted about it beside its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.access.places import Reach
from claims.exchange.errors import SubmissionNotFound
from claims.exchange.ports import Origin, Receipt
from claims.exchange.proofs import Kept
from claims.exchange.submission import Event, FacilityCode, Submission, SubmissionId
from claims.proof.trusted import TRUST, Inventory
from claims.storage.events import note_events
from claims.storage.later_documents import later_documents
from claims.storage.pool import Pool, borrow
from claims.storage.submissions import find_oldest, find_submission
from claims.storage.trust_kept import find_inventory
from claims.storage.vault import IN_THE_CLEAR, Part, Vault, lock_of


@dataclass(frozen=True, slots=True)
class PostgresArchives:
    """`claims.exchange.proofs.Archives` on PostgreSQL.

    Attributes:
        vault: Reads contents.
    """

    pool: Pool
    vault: Vault = IN_THE_CLEAR

    def load(self, submission_id: SubmissionId, *, within: Reach) -> Kept:
        """Return everything of one submission as of one moment."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            submission = find_submission(connection, submission_id)
            if not within.covers(submission.facility):
                raise SubmissionNotFound(submission_id)
            return _read(connection, submission, self.vault)

    def oldest_first(
        self, *, since: datetime, facility: FacilityCode | None, after: SubmissionId | None, limit: int
    ) -> Sequence[Submission]:
        """Return submissions received since, in the order of their ids, which is that of their receipt.

        A facility's are found by submission_of_facility, all by submission_pkey.
        """
        with borrow(self.pool) as connection:
            return find_oldest(connection, since=since, facility=facility, after=after, limit=limit)

    def note(self, submission_id: SubmissionId, event: Event, digests: Mapping[str, str]) -> None:
        """Append to its history; its state stays."""
        with borrow(self.pool) as connection, connection.transaction():
            note_events(connection, [(submission_id, event)], {submission_id: digests})

    def exports(self, ids: Sequence[SubmissionId], store: str) -> Mapping[SubmissionId, tuple[str, bool]]:
        """Return where each one's history ends, and whether an export to a store reaches that; event_pkey.

        An export that names no store counts for each, and reaches as far as where it stands itself.
        """
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT s.id, last.seq::text, EXISTS (SELECT FROM event x "
                " WHERE x.submission_id = s.id AND x.kind = 'exported' "
                " AND coalesce(x.detail->>'store', %(store)s) = %(store)s "
                " AND coalesce((x.detail->>'upto')::bigint, x.seq) >= last.seq) "
                "FROM unnest(%(ids)s::text[]) AS s (id) CROSS JOIN LATERAL "
                "(SELECT max(e.seq) AS seq FROM event e "
                " WHERE e.submission_id = s.id AND e.kind <> 'exported') AS last "
                "WHERE last.seq IS NOT NULL",
                {"ids": list(ids), "store": store},
            ).fetchall()
        return {submission_id: (end, is_reached) for submission_id, end, is_reached in rows}


def _trusted(connection: Connection[TupleRow], name: str | None) -> dict[str, Inventory]:
    try:
        inventory = None if name is None else find_inventory(connection, name)
    except ValueError:
        return {}  # which the archive's verification says, and an audit
    return {} if inventory is None else {TRUST: inventory}


def _read(connection: Connection[TupleRow], submission: Submission, vault: Vault) -> Kept:
    # One statement for all that there is once at most.
    row = connection.execute(
        "SELECT k.wrapped, k.master, b.body, o.document, o.trace, m.body, m.document, m.trace, "
        " t.token, p.stages, p.findings, "
        " r.ma_giao_dich, r.received_at, r.answer, "
        " ARRAY(SELECT c.summary FROM claim c WHERE c.submission_id = s.id ORDER BY c.ordinal) "
        "FROM submission s LEFT JOIN submission_body b ON b.submission_id = s.id "
        "LEFT JOIN data_key k ON k.submission_id = s.id LEFT JOIN origin o ON o.submission_id = s.id "
        "LEFT JOIN moved_content m ON m.submission_id = s.id "
        "LEFT JOIN signed_receipt t ON t.submission_id = s.id "
        "LEFT JOIN report p ON p.submission_id = s.id LEFT JOIN receipt r ON r.submission_id = s.id "
        "WHERE s.id = %s",
        [submission.id],
    ).fetchone()
    if row is None:
        raise SubmissionNotFound(submission.id)
    wrapped, master, *contents, token, stages, findings, ma_giao_dich, received_at, answer, claims = row
    here = dict(zip(Part, contents[:3], strict=True))
    moved = dict(zip(Part, contents[3:], strict=True))

    def read(part: Part) -> bytes | None:
        if here[part] is None and moved[part] is None:
            return None  # there never was, or it is erased
        return vault.read(submission.id, part, here[part], lock_of(wrapped, master), moved[part])

    document, trace = read(Part.DOCUMENT), read(Part.TRACE)

    events = connection.execute(
        "SELECT seq, detail, digests ->> %s FROM event WHERE submission_id = %s ORDER BY seq",
        [TRUST, submission.id],
    ).fetchall()
    trust = next((name for *_, name in reversed(events) if name is not None), None)
    return Kept(
        submission=submission,
        body=read(Part.BODY),
        origin=None if document is None or trace is None else Origin(document, trace),
        signed_receipt=token,
        check_report=None if stages is None else {"stages": stages, "findings": findings, "claims": claims},
        gateway_receipt=None if ma_giao_dich is None else Receipt(ma_giao_dich, received_at, bytes(answer)),
        history={seq: detail for seq, detail, _ in events},
        documents=later_documents(connection, submission.id) | _trusted(connection, trust),
        trust=trust,
    )
