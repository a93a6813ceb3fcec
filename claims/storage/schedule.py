"""The schedule: when each regular task is due again, by the database's clock and for all hosts together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

from claims.storage.pool import Pool, borrow

# A time that is further off than the period is of a longer period, or of a clock that was wrong.
_TAKE: Final[LiteralString] = """
INSERT INTO schedule (name, due_at)
SELECT name, now() + every_s * interval '1 second'
FROM unnest(%s::text[], %s::float8[]) AS entry(name, every_s)
ON CONFLICT (name) DO UPDATE SET due_at = EXCLUDED.due_at
WHERE schedule.due_at <= now() OR schedule.due_at > EXCLUDED.due_at
RETURNING name
"""


@dataclass(frozen=True, slots=True)
class PostgresSchedule:
    """Says what is due; one that nobody has ever sent is."""

    pool: Pool

    @contextmanager
    def due(self, every_s: Mapping[str, float]) -> Iterator[Sequence[str]]:
        """Give the names that are due; unless the block fails, each is due again a period from now."""
        with borrow(self.pool) as connection, connection.transaction():
            rows = connection.execute(_TAKE, [list(every_s), list(map(float, every_s.values()))]).fetchall()
            yield [name for (name,) in rows]
