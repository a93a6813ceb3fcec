"""Which earlier version of a claim the gateway has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from claims.exchange.corrections import Earlier
from claims.exchange.submission import SubmissionId
from claims.storage.pool import Pool, borrow

# By claim_of_episode; why, was said when it was handed in.
_AT_THE_GATEWAY: Final[LiteralString] = """
SELECT mine.id, asked.ma_lk, earlier.ma_giao_dich, earlier.received_at, fault.noted_at,
    EXISTS (SELECT FROM event e WHERE e.submission_id = mine.id AND e.kind IN ('received', 'handed_in_again')
            AND e.detail ? 'reason')
FROM unnest(%s::text[], %s::text[]) AS asked (id, ma_lk)
JOIN submission mine ON mine.id = asked.id
CROSS JOIN LATERAL (
    SELECT s.id, s.ma_giao_dich, s.received_at FROM claim c JOIN submission s ON s.id = c.submission_id
    WHERE c.ma_lk = asked.ma_lk AND c.facility = mine.facility AND c.submission_id < mine.id
        AND s.ma_giao_dich IS NOT NULL
    ORDER BY s.id DESC LIMIT 1
) AS earlier
LEFT JOIN reception_fault fault ON fault.submission_id = earlier.id
"""


@dataclass(frozen=True, slots=True)
class PostgresVersions:
    """`claims.exchange.corrections.Versions` on PostgreSQL."""

    pool: Pool

    def at_the_gateway(
        self, claims: Sequence[tuple[SubmissionId, str]]
    ) -> Mapping[tuple[SubmissionId, str], Earlier]:
        """Return, for claims by submission and episode key, the earlier version that the gateway has."""
        if not claims:
            return {}
        columns = [list(column) for column in zip(*claims, strict=True)]
        with borrow(self.pool) as connection:
            rows = connection.execute(_AT_THE_GATEWAY, columns).fetchall()
        return {
            (SubmissionId(submission_id), ma_lk): Earlier(*facts) for submission_id, ma_lk, *facts in rows
        }
