"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """`claims.exchange.ports.Clock`: the machine's own."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)
