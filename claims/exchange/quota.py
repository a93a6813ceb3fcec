"""How much the gateway is asked for: requests in a second, and the size of files by the hour."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from datetime import time as wall_time
from typing import Final

from claims.exchange.destination import Destination, OwnDestination, Standing
from claims.exchange.ports import Clock
from claims.localtime import VIETNAM

#: Why a submission waits although its time had come.
QUOTA: Final = "gateway.quota"
TOO_LARGE_NOW: Final = "gateway.too-large-now"
_MIDNIGHT: Final = "24:00"


@dataclass(frozen=True, slots=True)
class Turns:
    """Moments at which requests may go.

    Attributes:
        free_at: When the turn after them is.
    """

    moments: tuple[datetime, ...]
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in a second, one after another, for all who send to the same gateway together.

    Turns are taken ahead, and whoever has one waits for its moment: looking again when the second is over
    would leave most of what is allowed unused.

    Attributes:
        per_s: Requests in a second; None for any number.
        ahead: How far ahead turns are taken.
        wait: Lets some seconds pass.
    """

    per_s: float | None = None
    ahead: timedelta = timedelta(seconds=10)
    destination: Destination = field(default_factory=OwnDestination)
    wait: Callable[[float], None] = time.sleep

    def take(self, wanted: int, now: datetime) -> Turns:
        """Take so many turns, or fewer where others have the next ones."""
        if self.per_s is None or not wanted:
            return Turns((now,) * wanted, now)
        each = timedelta(seconds=1 / self.per_s)

        def taken(standing: Standing) -> Standing:
            first = max(standing.free_at, now)
            number = min(wanted, max(0, math.ceil((now + self.ahead - first) / each)))
            return replace(standing, free_at=first + number * each)

        before, after = self.destination.change(taken)
        first = max(before.free_at, now)
        number = round((after.free_at - first) / each)
        return Turns(tuple(first + place * each for place in range(number)), after.free_at)

    def cut_in(self, now: datetime) -> datetime | None:
        """Take a turn at once for somebody who waits; those who take theirs ahead go the later for it.

        Returns:
            None; or when to come again, where so many cut in that nobody else would have a turn.
        """
        if self.per_s is None:
            return None
        each, most = timedelta(seconds=1 / self.per_s), now + 2 * self.ahead

        def taken(standing: Standing) -> Standing:
            free_at = max(standing.free_at, now) + each
            return standing if free_at > most else replace(standing, free_at=free_at)

        before, after = self.destination.change(taken)
        return now + self.ahead if after == before else None

    def wait_for(self, moment: datetime, clock: Clock) -> None:
        """Return when the moment has come."""
        while (left := (moment - clock.now()).total_seconds()) > 0:
            self.wait(left)


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """The largest file that the gateway takes in some hours of the day, wall time in Việt Nam.

    Hours that end before they begin are those of a night, and end at midnight if at 00:00.
    """

    begins: wall_time
    ends: wall_time
    max_bytes: int

    def sendable_at(self, size: int, now: datetime) -> datetime:
        """Return from when a file of this size may be sent: now, or the end of these hours."""
        local = now.astimezone(VIETNAM)
        if size <= self.max_bytes or not self._hold(local.time()):
            return now
        ends_on = local.date() if local.time() < self.ends else local.date() + timedelta(days=1)
        return datetime.combine(ends_on, self.ends, VIETNAM)

    def _hold(self, at: wall_time) -> bool:
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def sendable_at(limits: Sequence[SizeLimit], size: int, now: datetime) -> datetime:
    """Return from when a file of this size may be sent by every limit."""
    return max((limit.sendable_at(size, now) for limit in limits), default=now)


def read_size_limits(text: str) -> tuple[SizeLimit, ...]:
    """Read ``07:00-17:00=20000000`` limits, separated by commas; hours may go past midnight, or end at 24:00.

    Raises:
        ValueError: It is not that; or they are all hours, in which a larger file would wait for ever.
    """
    return tuple(_size_limit(part) for part in filter(None, (one.strip() for one in text.split(","))))


def _size_limit(part: str) -> SizeLimit:
    hours, _, size = part.partition("=")
    begins, _, ends = (one.strip() for one in hours.partition("-"))
    try:
        limit = SizeLimit(
            wall_time.fromisoformat(begins),
            wall_time.fromisoformat("00:00" if ends == _MIDNIGHT else ends),
            int(size),
        )
    except ValueError:
        raise ValueError(f"{part}: no hours and bytes such as 07:00-17:00=20000000") from None
    if limit.ends == limit.begins or limit.max_bytes <= 0:
        raise ValueError(f"{part}: some hours of the day, and a number of bytes above 0")
    return limit
