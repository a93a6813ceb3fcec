"""After a restore: what the database knows is older than what the gateway has."""

from typing import LiteralString

from claims.storage.pool import Pool, borrow

# What never passed its check is checked first and looked for then; what was sending is in doubt at once.
_DOUBT: LiteralString = """
UPDATE submission
SET maybe_taken = true,
    state = CASE state WHEN 'sending' THEN 'outcome_unknown' ELSE state END,
    next_attempt_at = CASE state WHEN 'sending' THEN now() ELSE next_attempt_at END,
    lease_owner = NULL, lease_until = NULL
WHERE state IN ('received', 'checked', 'sending', 'outcome_unknown', 'rejected', 'refused', 'failed')
    AND (NOT maybe_taken OR state = 'sending')
"""


def note_restoration(pool: Pool, *, days: int) -> int:
    """Doubt everything that is not acknowledged, and for some days all that comes in; return how many.

    Whoever submitted after the backup was made will submit again, and the gateway may have it.
    """
    with borrow(pool) as connection, connection.transaction():
        connection.execute(
            "INSERT INTO restoration (noted_at, look_first_until) "
            "VALUES (clock_timestamp(), now() + make_interval(days => %s))",
            [days],
        )
        return connection.execute(_DOUBT).rowcount
