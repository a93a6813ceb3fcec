"""What others said of submissions once the gateway had them, as documents: for archives, evidence and audits.

Each has a name within its submission: ``reception`` (what reception found), ``assessment.N`` and
``decision.N`` (of its claim with this ordinal).
"""

from collections.abc import Iterable
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.submission import SubmissionId
from claims.proof.tokens import digest_of

# A decision is final, and told, once nobody can undo it: then it has no final_at any more.
ALL_DOCUMENTS: LiteralString = """
SELECT submission_id, name, document, noted_at FROM (
    SELECT submission_id, 'reception' AS name, errors AS document, noted_at FROM reception_fault
    UNION ALL
    SELECT submission_id, 'assessment.' || ordinal, document, noted_at FROM assessment
    UNION ALL
    SELECT r.submission_id, 'decision.' || r.ordinal, jsonb_build_object(
        'ma_lk', r.ma_lk, 'verdict', r.verdict, 'claimed', r.claimed::text, 'approved', r.approved::text,
        'reason', r.reason, 'note', r.note, 'decided_by', r.decided_by, 'confirmed_by', r.confirmed_by,
        'decided_at', to_char(r.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'cuts', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('amount', c.amount::text, 'reason', c.reason,
                'table', c.table_kind, 'row', c.row_number, 'note', c.note) ORDER BY c.seq), '[]')
            FROM review_cut c WHERE c.review_id = r.id
        )
    ), NULL FROM review r WHERE r.state = 'decided' AND r.verdict IS NOT NULL AND r.final_at IS NULL
) AS later
"""


def later_documents(connection: Connection[TupleRow], submission_id: SubmissionId) -> dict[str, Any]:
    """Return the documents of one submission, by name."""
    rows = connection.execute(f"{ALL_DOCUMENTS} WHERE submission_id = %s ORDER BY name", [submission_id])
    return {name: document for _, name, document, _ in rows.fetchall()}


def later_digests(connection: Connection[TupleRow], ids: Iterable[str]) -> dict[SubmissionId, dict[str, str]]:
    """Return the digests of the documents as they stand in this transaction, by submission and name."""
    digests: dict[SubmissionId, dict[str, str]] = {}
    rows = connection.execute(f"{ALL_DOCUMENTS} WHERE submission_id = ANY(%s)", [sorted(set(ids))])
    for submission_id, name, document, _ in rows.fetchall():
        digests.setdefault(SubmissionId(submission_id), {})[name] = digest_of(document)
    return digests
