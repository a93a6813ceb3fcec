"""This host's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class SystemClock:
    """`claims.exchange.ports.Clock`: the machine's own, wrong by so many seconds if it is told to be."""

    skew_s: float = 0

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.skew_s)
