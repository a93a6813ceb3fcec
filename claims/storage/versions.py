"""Versions of a claim: which submission gives way to a later one of the same facility and episode key.

Order is the order of receipt, which is that of the ids. A submission of several claims gives way only to
one that has them all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.lifecycle import GIVING_WAY, PASSED, State
from claims.exchange.submission import Event, EventKind, SubmissionId

#: The latest version that passed its check after ``submission s`` was received, or null (claim_of_episode).
#: Takes ``passed``, the states that say so.
LATER_VERSION: LiteralString = """(
    SELECT max(later.id) FROM claim mine
    JOIN claim same ON same.ma_lk = mine.ma_lk AND same.facility = mine.facility
        AND same.submission_id > mine.submission_id
    JOIN submission later ON later.id = same.submission_id
    WHERE mine.submission_id = s.id AND mine.ordinal = 1 AND later.state = ANY(%(passed)s)
        AND NOT EXISTS (
            SELECT FROM claim other WHERE other.submission_id = s.id AND other.ordinal > 1
            AND NOT EXISTS (SELECT FROM claim c WHERE c.submission_id = later.id AND c.ma_lk = other.ma_lk)
        )
)"""

#: Whether the gateway may have an earlier version of ``submission s`` and has not said so yet.
EARLIER_IN_DOUBT: LiteralString = """EXISTS (
    SELECT FROM claim mine
    JOIN claim same ON same.ma_lk = mine.ma_lk AND same.facility = mine.facility
        AND same.submission_id < mine.submission_id
    JOIN submission earlier ON earlier.id = same.submission_id
    WHERE mine.submission_id = s.id AND earlier.state IN ('sending', 'outcome_unknown')
)"""

_LOCK: LiteralString = """
SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
FROM (SELECT DISTINCT key FROM unnest(%s::text[]) AS key ORDER BY key) AS keys
"""

# What the gateway has gives way only to what the gateway has too.
_SUPERSEDE: LiteralString = f"""
WITH candidate AS (
    SELECT unnest(%(ids)s::text[]) AS id
    UNION
    SELECT same.submission_id FROM claim mine
    JOIN claim same ON same.ma_lk = mine.ma_lk AND same.facility = mine.facility
        AND same.submission_id < mine.submission_id
    WHERE mine.submission_id = ANY(%(ids)s)
), given AS (
    SELECT s.id, {LATER_VERSION} AS by FROM submission s JOIN candidate ON candidate.id = s.id
    WHERE s.superseded_by IS NULL AND s.state = ANY(%(giving_way)s)
    ORDER BY s.id FOR UPDATE OF s
)
UPDATE submission s
SET state = CASE s.state WHEN 'acknowledged' THEN s.state ELSE 'superseded' END, superseded_by = given.by,
    next_attempt_at = NULL, updated_at = %(now)s
FROM given JOIN submission later ON later.id = given.by
WHERE s.id = given.id AND (s.state <> 'acknowledged' OR later.state = 'acknowledged')
RETURNING s.id, s.state, s.superseded_by
"""


def lock_episodes(connection: Connection[TupleRow], keys: Sequence[str]) -> None:
    """Let nobody else write versions of these claims until the transaction ends."""
    if keys:
        connection.execute(_LOCK, [list(keys)])


def supersede(
    connection: Connection[TupleRow], ids: Sequence[SubmissionId], now: datetime
) -> Sequence[tuple[SubmissionId, Event]]:
    """Let these submissions and their earlier versions give way where they must; return what happened."""
    rows = connection.execute(
        _SUPERSEDE,
        {
            "ids": list(ids),
            "passed": sorted(PASSED),
            "giving_way": sorted(GIVING_WAY | {State.ACKNOWLEDGED}),
            "now": now,
        },
    ).fetchall()
    return [
        (submission_id, Event(now, EventKind.SUPERSEDED, State(state), "worker", detail={"by": by}))
        for submission_id, state, by in rows
    ]
