"""When the gateway is left in peace: while nobody answers there, while it asks for it, while it is closed.

What is due waits without using up its attempts. What one process finds out holds for all of them within a
second, and of all of them one sends the probe; nobody leads.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from claims.exchange.destination import FIRST_REST_S, Circuit, Destination, OwnDestination, Standing
from claims.exchange.errors import LONGEST_REST_S, GatewayError, Patience, StoreUnavailable

#: Why a submission waits although its time had come.
RESTING: Final = "gateway.resting"
MAINTENANCE: Final = "gateway.maintenance"

_SILENCES: Final = 5
_LONGEST_JITTER: Final = 1.2
#: For so long something waits at most because the gateway rests.
LONGEST_PUT_OFF: Final = timedelta(seconds=LONGEST_REST_S * _LONGEST_JITTER)
#: The longest outage of a gateway that is thought of.
LONGEST_OUTAGE: Final = timedelta(days=7)
#: So many requests in a row get no answer in such an outage, where only probes go.
_SILENCES_OF_OUTAGE: Final = LONGEST_OUTAGE / timedelta(seconds=LONGEST_REST_S)


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
    """Opens when nobody answered five times in a row; a probe follows a rest that doubles up to five minutes.

    Any answer closes it, an error too: what the gateway answers may be one facility's own trouble, and each
    submission waits for its next attempt by itself. It opens at once, and for as long, where the gateway asks
    all who send to be left alone; that no answer of before cuts short. Threads may share it.

    Attributes:
        maintenance: Announced times.
        tell: Called with each change of state that this process makes or sees.
        destination: What is known of the gateway, by all who send there.
        first_rest_s: How long it is left alone at first.
        look_holds_s: How long what was seen of a gateway that answers is taken for true, so that looks cost
            next to nothing.
    """

    maintenance: Sequence[Window] = ()
    tell: Callable[[Circuit], None] = lambda _state: None
    destination: Destination = field(default_factory=OwnDestination)
    first_rest_s: float = FIRST_REST_S
    look_holds_s: float = 1.0
    _known: Standing = field(default_factory=Standing)
    _looked_at: float = float("-inf")
    _told: Circuit = Circuit.CLOSED
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> Circuit:
        """Whether requests go to the gateway, as far as this process knows."""
        return self._known.circuit

    def conducts(self) -> bool:
        """Whether requests go to the gateway, as far as anybody knows."""
        return self._look().circuit is Circuit.CLOSED

    def probes_again_at(self, now: datetime) -> datetime | None:
        """Return from when another probe may go, as far as this process knows.

        None: requests go to the gateway, or the silence is longer than any outage, so that it may well be for
        what is sent that nobody answers.
        """
        known = self._known
        if known.circuit is Circuit.CLOSED or known.silences > _SILENCES_OF_OUTAGE:
            return None
        return max(known.rests_until, now)

    def permit(self, wanted: int, now: datetime) -> Permit:
        """Return how many requests may go now: all, one as a probe, or none."""
        closed = next((window for window in self.maintenance if window.holds(now)), None)
        if closed is not None:
            return Permit(0, closed.ends, MAINTENANCE)
        if self._look().circuit is Circuit.CLOSED:
            return Permit(wanted, now)
        before, after = self._change(lambda standing: _asked(standing, now))
        if before.circuit is Circuit.CLOSED:
            return Permit(wanted, now)
        return Permit(0 if after == before else 1, after.rests_until)

    def give_back(self, permit: Permit, now: datetime) -> None:
        """Let another probe go at once: nothing was sent after all."""
        if permit.number and self._known.circuit is Circuit.PROBING:
            self._change(partial(_not_sent, until=permit.until, now=now))

    def note(self, error: GatewayError | None, now: datetime) -> None:
        """Note how a request ended: None is a receipt."""
        if error is not None and error.says_nothing:
            return
        patience = None if error is None else error.patience
        if patience is not None and patience.is_everybodys:
            to = partial(_left_alone, now=now, until=until_asked_again(patience, now))
        elif error is not None and error.is_silence:
            to = partial(_silent, now=now, first_rest_s=self.first_rest_s)
        else:
            to = partial(_answered, now=now)
            if self._known == to(self._known):
                return  # as nearly always: it answers, as everybody knows
        # Whoever cannot say it to the others has worse to tell: what became of the submission.
        with contextlib.suppress(StoreUnavailable):
            self._change(to)

    def _look(self) -> Standing:
        tick = time.monotonic()
        if self._known.circuit is not Circuit.CLOSED or tick - self._looked_at >= self.look_holds_s:
            self._see(self.destination.look(), tick)
        return self._known

    def _change(self, to: Callable[[Standing], Standing]) -> tuple[Standing, Standing]:
        before, after = self.destination.change(to)
        self._see(after, time.monotonic())
        return before, after

    def _see(self, standing: Standing, tick: float) -> None:
        with self._lock:
            self._known, self._looked_at = standing, tick
            is_news, self._told = standing.circuit is not self._told, standing.circuit
            if is_news:
                self.tell(standing.circuit)


def _asked(standing: Standing, now: datetime) -> Standing:
    if standing.circuit is Circuit.CLOSED or now < standing.rests_until:
        return standing
    # A probe that gets no answer in this time is followed by another.
    return _resting(replace(standing, circuit=Circuit.PROBING), now)


def _not_sent(standing: Standing, *, until: datetime, now: datetime) -> Standing:
    is_that_probe = standing.circuit is Circuit.PROBING and standing.rests_until == until
    return replace(standing, circuit=Circuit.OPEN, rests_until=now) if is_that_probe else standing


def _answered(standing: Standing, *, now: datetime) -> Standing:
    if standing.is_left_alone(now):
        return standing
    return replace(standing, circuit=Circuit.CLOSED, silences=0)


def _left_alone(standing: Standing, *, now: datetime, until: datetime) -> Standing:
    if standing.is_left_alone(now):
        return standing
    return replace(standing, circuit=Circuit.OPEN, silences=0, rests_until=until)


def _silent(standing: Standing, *, now: datetime, first_rest_s: float) -> Standing:
    if standing.is_left_alone(now):
        return standing
    standing = replace(standing, silences=standing.silences + 1)
    if standing.circuit is Circuit.PROBING:
        longer = min(standing.rest_s * 2, LONGEST_REST_S)
        return _resting(replace(standing, circuit=Circuit.OPEN, rest_s=longer), now)
    if standing.circuit is Circuit.CLOSED and standing.silences >= _SILENCES:
        return _resting(replace(standing, circuit=Circuit.OPEN, rest_s=first_rest_s), now)
    return standing


def _resting(standing: Standing, now: datetime) -> Standing:
    # Several installations that found the same fault at the same moment do not come back together.
    jitter = random.uniform(0.8, _LONGEST_JITTER)  # noqa: S311 - jitter, not a secret
    return replace(standing, rests_until=now + timedelta(seconds=standing.rest_s * jitter))


def until_asked_again(patience: Patience, now: datetime) -> datetime:
    """Return when a gateway that asks for patience is asked again."""
    # Several who were told the same do not come back together, and nobody comes too early.
    jitter = random.uniform(1.0, _LONGEST_JITTER)  # noqa: S311 - jitter, not a secret
    return now + timedelta(seconds=patience.heeded_s * jitter)


@dataclass(slots=True)
class Throttles:
    """Until when the gateway wants to hear nothing of single facilities, as far as this process was told.

    How often somebody may ask is counted by account: one facility's ten thousand must not stop the others. So
    no process needs to know of the others' waits; each is told by one request. Threads may share it.
    """

    _until: dict[str, datetime] = field(default_factory=dict)

    def note(self, facility: str, until: datetime) -> None:
        """Note that the gateway is asked nothing for a facility until then."""
        self._until[facility] = until

    def free_at(self, facility: str, now: datetime) -> datetime:
        """Return from when something may be sent for a facility."""
        return max(now, self._until.get(facility, now))


def read_windows(text: str) -> tuple[Window, ...]:
    """Read ``BEGIN/END`` times, ISO 8601 with zone, separated by commas.

    Raises:
        ValueError: It is not that, or an end is not after its beginning.
    """
    windows = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        begins, _, ends = part.partition("/")
        try:
            window = Window(datetime.fromisoformat(begins.strip()), datetime.fromisoformat(ends.strip()))
        except ValueError:
            raise ValueError(
                f"{part}: no times such as 2026-12-01T22:00+07:00/2026-12-02T04:00+07:00"
            ) from None
        if window.begins.tzinfo is None or window.ends.tzinfo is None:
            raise ValueError(f"{part}: a time needs its zone, such as +07:00")
        if window.ends <= window.begins:
            raise ValueError(f"{part}: it ends before it begins")
        windows.append(window)
    return tuple(windows)
