"""When the gateway is left in peace: while nobody answers there, and while it has announced to be closed.

What is due waits without using up its attempts. Each delivery process finds out for itself, so there is
nothing to agree upon and nobody to lead.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from claims.exchange.errors import GatewayError

#: Why a submission waits although its time had come.
RESTING: Final = "gateway.resting"
MAINTENANCE: Final = "gateway.maintenance"

_SILENCES: Final = 5
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_REST_S: Final = 10.0
_LONGEST_REST_S: Final = 300.0


class Circuit(StrEnum):
    """Whether requests go to the gateway."""

    CLOSED = "closed"  # they do, as a closed electric circuit conducts
    OPEN = "open"  # they do not
    PROBING = "probing"  # one does, to see


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which the gateway has announced to be closed."""

    begins: datetime
    ends: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in it."""
        return self.begins <= at < self.ends


@dataclass(frozen=True, slots=True)
class Permit:
    """How many requests may go now; the others wait until then, for that cause."""

    number: int
    until: datetime
    cause: str = RESTING


@dataclass(slots=True)
class Breaker:
    """Opens when nobody answered five times in a row; a probe follows after 10 s, later up to five minutes.

    Any answer closes it, an error too: what the gateway answers may be one facility's own trouble, and each
    submission waits for its next attempt by itself. Threads may share it.

    Attributes:
        maintenance: Announced times.
        tell: Called with each change of state.
    """

    maintenance: Sequence[Window] = ()
    tell: Callable[[Circuit], None] = lambda _state: None
    _state: Circuit = Circuit.CLOSED
    _silences: int = 0
    _rest_s: float = _FIRST_REST_S
    _rests_until: datetime = _LONG_AGO
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> Circuit:
        """Whether requests go to the gateway."""
        return self._state

    def permit(self, wanted: int, now: datetime) -> Permit:
        """Return how many requests may go now: all, one as a probe, or none."""
        closed = next((window for window in self.maintenance if window.holds(now)), None)
        if closed is not None:
            return Permit(0, closed.ends, MAINTENANCE)
        with self._lock:
            if self._state is Circuit.CLOSED:
                return Permit(wanted, now)
            if now < self._rests_until:
                return Permit(0, self._rests_until)
            # A probe that gets no answer in this time is followed by another.
            self._rest(now)
            self._become(Circuit.PROBING)
            return Permit(1, self._rests_until)

    def note(self, error: GatewayError | None, now: datetime) -> None:
        """Note how a request ended: None is a receipt."""
        with self._lock:
            if error is None or not error.is_silence:
                self._silences = 0
                self._rest_s = _FIRST_REST_S
                self._become(Circuit.CLOSED)
                return
            self._silences += 1
            if self._state is Circuit.PROBING:
                self._rest_s = min(self._rest_s * 2, _LONGEST_REST_S)
                self._open(now)
            elif self._state is Circuit.CLOSED and self._silences >= _SILENCES:
                self._open(now)

    def _open(self, now: datetime) -> None:
        self._rest(now)
        self._become(Circuit.OPEN)

    def _rest(self, now: datetime) -> None:
        # Many processes that found the same fault at the same moment do not come back together.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
        self._rests_until = now + timedelta(seconds=self._rest_s * jitter)

    def _become(self, state: Circuit) -> None:
        if state is not self._state:
            self._state = state
            self.tell(state)


def read_windows(text: str) -> tuple[Window, ...]:
    """Read ``BEGIN/END`` times, ISO 8601 with zone, separated by commas.

    Raises:
        ValueError: It is not that, or an end is not after its beginning.
    """
    windows = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        begins, _, ends = part.partition("/")
        window = Window(datetime.fromisoformat(begins.strip()), datetime.fromisoformat(ends.strip()))
        if window.begins.tzinfo is None or window.ends.tzinfo is None:
            raise ValueError(f"{part}: a time needs its zone, such as +07:00")
        if window.ends <= window.begins:
            raise ValueError(f"{part}: it ends before it begins")
        windows.append(window)
    return tuple(windows)
