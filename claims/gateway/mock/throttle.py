"""How often an account may ask."""

import math
from datetime import datetime, timedelta


class Throttle:
    """Counts requests per account: so many in a second, a second's worth at once."""

    def __init__(self, per_s: float | None) -> None:
        self.per_s = per_s
        self._free_at: dict[str, datetime] = {}

    def take(self, account: str, now: datetime) -> int | None:
        """Count a request; return the seconds to wait when it comes too soon, and None when it does not."""
        if not self.per_s:
            return None
        free_at = max(self._free_at.get(account, now), now)
        if free_at - now >= timedelta(seconds=1):
            return math.ceil((free_at - now).total_seconds())
        self._free_at[account] = free_at + timedelta(seconds=1 / self.per_s)
        return None
