"""A watch over a worker that is connected and no longer fetches anything, as happens after a broker restarts.

The broker's answer to a ping proves nothing: commands travel on a channel of their own. What proves it is
that messages wait, this worker has nothing to do, and yet it fetches none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: How long a worker may find no way to work that waits: a reconnection takes some seconds of it.
PATIENCE_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look sees.

    Attributes:
        at_s: When, by a clock that only goes forward.
        waiting: Messages in the worker's queues; None while the broker does not say.
        at_hand: Tasks that the worker has fetched and not finished.
        fetched: How many it has fetched in its life.
    """

    at_s: float
    waiting: int | None
    at_hand: int
    fetched: int


class Watchdog:
    """Calls for a restart when a worker has been idle beside waiting work for too long."""

    def __init__(self, look: Callable[[], Sight], restart: Callable[[], None], *, patience_s: float) -> None:
        self._look = look
        self._restart = restart
        self._patience_s = patience_s
        self._idle_since: Sight | None = None

    def look(self) -> None:
        """Look once."""
        now, since = self._look(), self._idle_since
        if not now.waiting or now.at_hand:
            self._idle_since = None
        elif since is None or since.fetched != now.fetched:
            self._idle_since = now
        elif now.at_s - since.at_s >= self._patience_s:
            self._idle_since = None
            self._restart()
