"""Where everything is sent: what all processes that send to one gateway know of it together.

Whether it rests and when its next turn is are one small value, changed by one process at a time, so limits
hold over any number of workers on any number of hosts, whatever the broker.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: How long the first rest is, unless settings say otherwise.
FIRST_REST_S: Final = 10.0


class Circuit(StrEnum):
    """Whether requests go to the gateway."""

    CLOSED = "closed"  # they do, as a closed electric circuit conducts
    OPEN = "open"  # they do not
    PROBING = "probing"  # one does, to see


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with a gateway.

    Attributes:
        silences: How often in a row nobody answered.
        rest_s: How long it is left alone the next time.
        rests_until: Until when it is left alone, unless the circuit is closed.
        free_at: From when the next turn is free, where turns are counted.
    """

    circuit: Circuit = Circuit.CLOSED
    silences: int = 0
    rest_s: float = FIRST_REST_S
    rests_until: datetime = _LONG_AGO
    free_at: datetime = _LONG_AGO

    def is_left_alone(self, now: datetime) -> bool:
        """Whether it rests because it asked for it, and not because nobody answered."""
        return self.circuit is Circuit.OPEN and not self.silences and now < self.rests_until


class Destination(Protocol):
    """Keeps a gateway's standing for all who send there."""

    def look(self) -> Standing:
        """Return it."""
        ...

    def change(self, to: Callable[[Standing], Standing]) -> tuple[Standing, Standing]:
        """Change it while nobody else does; return what it was and what it is."""
        ...


@dataclass(slots=True)
class OwnDestination:
    """A gateway that only this process sends to; threads may share it."""

    _standing: Standing = field(default_factory=Standing)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> Standing:
        """Return it."""
        return self._standing

    def change(self, to: Callable[[Standing], Standing]) -> tuple[Standing, Standing]:
        """Change it while no other thread does."""
        with self._lock:
            before, self._standing = self._standing, to(self._standing)
            return before, self._standing
