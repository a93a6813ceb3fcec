"""The largest tables by month: the next months are made ahead, and what has been emptied is given back.

How they are divided is told in the migration that divided them. Both are functions of the database, which
workers may call although they may not change its shape.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

from psycopg.errors import LockNotAvailable

from claims.exchange.ports import Clock
from claims.storage.pool import Pool, borrow

#: So much time there is to find out that nobody makes them.
_AHEAD: Final = timedelta(days=92)
#: So long after a month its parts are not dropped, however empty.
_AFTER: Final = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class KeepMonths:
    """Keep the months; any number may do so at once."""

    pool: Pool
    clock: Clock

    def add(self) -> int:
        """Make the parts of the next months; return how many."""
        return self._call("SELECT claims_add_months(%s)", self.clock.now() + _AHEAD)

    def drop_emptied(self) -> int:
        """Drop parts whose contents have all moved away; return how many."""
        return self._call("SELECT claims_drop_emptied_months(%s)", self.clock.now() - _AFTER)

    def made_until(self) -> datetime:
        """Return until when each table has its parts; what comes later goes to a part for the rest."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT min(ends) FROM (SELECT max(ends) FROM month_part GROUP BY parent) AS last (ends)"
            ).fetchone()
        ends: datetime = self.clock.now() if row is None else row[0].replace(tzinfo=UTC)
        return ends

    def _call(self, statement: LiteralString, until: datetime) -> int:
        try:
            with borrow(self.pool) as connection:
                row = connection.execute(statement, [until]).fetchone()
        except LockNotAvailable:
            return 0  # somebody works on it for longer than others should wait; next time
        return 0 if row is None else int(row[0])
