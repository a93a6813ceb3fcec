"""What is held about a person, read for an export: claims that name a number, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.rows import TupleRow

from claims.exchange.access.places import Reach
from claims.exchange.access.policy import load_policy
from claims.exchange.personal_data import HeldClaim
from claims.exchange.submission import SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.vault import IN_THE_CLEAR, Part, Vault, lock_of

# claim_person_pkey leads to the claims, their keys to everything else. Of findings, those of this claim and
# of the envelope around it; of notes on a submission, its events without who else is in it.
_HELD: LiteralString = """
SELECT s.id, p.ordinal, s.facility, p.person, c.classes, b.body, m.body, k.wrapped, k.master,
    jsonb_build_object(
    'state', s.state, 'received_at', s.received_at, 'sha256', encode(s.sha256, 'hex'),
    'summary', c.summary, 'record_class', c.record_class,
    'findings', (SELECT coalesce(jsonb_agg(f), '[]') FROM jsonb_array_elements(r.findings) AS f
        WHERE coalesce((f -> 'at' ->> 'claim')::integer, p.ordinal) = p.ordinal),
    'history', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'what', e.kind, 'by', e.actor)
        ORDER BY e.seq), '[]') FROM event e WHERE e.submission_id = s.id),
    'gateway_receipt', (SELECT jsonb_build_object('ma_giao_dich', g.ma_giao_dich,
        'received_at', g.received_at) FROM receipt g WHERE g.submission_id = s.id),
    'assessment', (SELECT a.document FROM assessment a
        WHERE a.submission_id = s.id AND a.ordinal = p.ordinal),
    'openings', (SELECT coalesce(jsonb_agg(jsonb_build_object('by', o.by, 'reason', o.reason,
        'at', o.opened_at, 'until', o.until) ORDER BY o.id), '[]')
        FROM opening o WHERE o.submission_id = s.id),
    'review', (SELECT jsonb_build_object(
        'state', v.state, 'verdict', v.verdict, 'claimed', v.claimed, 'approved', v.approved,
        'reason', v.reason, 'note', v.note, 'decided_by', v.decided_by, 'decided_at', v.decided_at,
        'confirmed_by', v.confirmed_by,
        'cuts', (SELECT coalesce(jsonb_agg(jsonb_build_object('amount', t.amount, 'reason', t.reason,
            'table', t.table_kind, 'row', t.row_number, 'note', t.note) ORDER BY t.seq), '[]')
            FROM review_cut t WHERE t.review_id = v.id),
        'messages', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', m.at, 'by', m.author,
            'is_hospital', m.is_hospital, 'text', m.body) ORDER BY m.seq), '[]')
            FROM review_message m WHERE m.review_id = v.id),
        'steps', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', t.at, 'by', t.actor, 'what', t.kind)
            ORDER BY t.seq), '[]') FROM review_step t WHERE t.review_id = v.id))
        FROM review v WHERE v.submission_id = s.id AND v.ordinal = p.ordinal))
FROM (SELECT DISTINCT ON (submission_id, ordinal) submission_id, ordinal, person FROM claim_person
      WHERE person = ANY(%(persons)s) ORDER BY submission_id, ordinal, rank) AS p
JOIN submission s ON s.id = p.submission_id
LEFT JOIN claim c ON c.submission_id = s.id AND c.ordinal = p.ordinal
LEFT JOIN submission_body b ON b.submission_id = s.id
LEFT JOIN moved_content m ON m.submission_id = s.id
LEFT JOIN data_key k ON k.submission_id = s.id
LEFT JOIN report r ON r.submission_id = s.id
WHERE s.facility ^@ ANY(%(codes)s) ORDER BY s.id, p.ordinal LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class PostgresHeldData:
    """`claims.exchange.personal_data.HeldData` on PostgreSQL.

    Attributes:
        vault: Reads contents.
    """

    pool: Pool
    vault: Vault = IN_THE_CLEAR

    def claims_of(self, persons: Sequence[bytes], *, within: Reach, limit: int) -> Sequence[HeldClaim]:
        """Return the claims that name one of these numbers, the oldest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                _HELD, {"persons": list(persons), "codes": within.codes, "limit": limit}
            ).fetchall()
        return [self._held(row) for row in rows]

    def _held(self, row: TupleRow) -> HeldClaim:
        submission, ordinal, facility, person, classes, body, moved, wrapped, master, facts = row
        lock = lock_of(wrapped, master)
        return HeldClaim(
            submission_id=SubmissionId(submission),
            ordinal=ordinal,
            facility=facility,
            person=bytes(person),
            # Not known counts as of every class.
            classes=frozenset(load_policy().classes if classes is None else classes),
            body=self.vault.read(submission, Part.BODY, body, lock, moved) if body or moved else None,
            facts=facts,
        )
