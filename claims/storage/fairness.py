"""Fairness among facilities: one submission each of those that wait while another's come in thousands."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from claims.exchange.submission import SubmissionId
from claims.storage.pool import Pool, borrow

# From facility to facility along the index (submission_to_send), so that it costs a look each for as many
# facilities as are asked for, however many submissions wait. The next pick begins somewhere else.
_WAITING: LiteralString = """
WITH RECURSIVE near AS (
    (SELECT facility, 1 AS steps FROM submission
     WHERE state IN ('checked', 'outcome_unknown') AND facility >= %(from)s ORDER BY facility LIMIT 1)
    UNION ALL
    SELECT (SELECT s.facility FROM submission s WHERE s.state IN ('checked', 'outcome_unknown')
            AND s.facility > near.facility ORDER BY s.facility LIMIT 1), steps + 1
    FROM near WHERE near.facility IS NOT NULL AND steps < %(steps)s
)
SELECT one.id FROM near, LATERAL (
    SELECT s.id FROM submission s
    WHERE s.facility = near.facility AND s.state IN ('checked', 'outcome_unknown')
      AND s.next_attempt_at <= %(before)s AND s.id <> ALL(%(ids)s)
    ORDER BY s.next_attempt_at LIMIT 1
) AS one
WHERE near.facility <> ALL(ARRAY(SELECT facility FROM submission WHERE id = ANY(%(ids)s)))
LIMIT %(limit)s
"""
_STEPS = 50


def waiting_elsewhere(
    pool: Pool, ids: Sequence[SubmissionId], *, before: datetime, limit: int
) -> tuple[SubmissionId, ...]:
    """Return one submission each of other facilities that has been due since before then."""
    begin = f"{random.randrange(100):02d}"  # noqa: S311 - a place to begin, not a secret
    found: list[SubmissionId] = []
    with borrow(pool) as connection:
        for start in (begin, ""):
            rows = connection.execute(
                _WAITING,
                {
                    "from": start,
                    "ids": [*ids, *found],
                    "before": before,
                    "limit": limit - len(found),
                    "steps": _STEPS,
                },
            ).fetchall()
            found += [SubmissionId(row[0]) for row in rows]
            if len(found) >= limit:
                break
    return tuple(dict.fromkeys(found))
