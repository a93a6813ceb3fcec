"""The keeper: a thread in every worker that looks for lost work and sends what the schedule says.

One of all keepers has its turn at a time (`claims.storage.turns`), so there is no beat process whose end
would stop the clock: when a keeper's worker dies, another takes over at its next look. Were two at it, no
harm would be done. It works on the database directly, not through a queue: lost work is found however long
the queues are, and while the broker is away.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from claims.runtime.watchdog import Watchdog
    from claims.storage.schedule import PostgresSchedule
    from claims.storage.turns import Turn

log = structlog.get_logger()

#: What keepers take turns at.
JOB = "claims keeper"


@dataclass(frozen=True, slots=True)
class SendDue:
    """Send what the app's schedule says is due; what could not be sent still is."""

    app: Celery
    schedule: PostgresSchedule

    def __call__(self) -> None:
        """Send it."""
        regular = self.app.conf.beat_schedule
        with self.schedule.due({name: entry["schedule"] for name, entry in regular.items()}) as names:
            for name in names:
                self.app.send_task(regular[name]["task"], **regular[name].get("options", {}))


class Keeper:
    """Reaps, keeps the schedule and watches over its worker, every few seconds."""

    def __init__(
        self,
        *,
        turn: Turn,
        reap: Callable[[], int],
        send_due: Callable[[], None],
        watchdog: Watchdog,
        every_s: float,
    ) -> None:
        self._turn = turn
        self._reap = reap
        self._send_due = send_due
        self._watchdog = watchdog
        self._every_s = every_s
        self._stopping = threading.Event()

    def start(self) -> None:
        """Go on for as long as the process lives or until `stop`."""
        threading.Thread(target=self.run, name="keeper", daemon=True).start()

    def stop(self) -> None:
        """Give the turn to another."""
        self._stopping.set()

    def run(self) -> None:
        """Have one's turn whenever it comes."""
        while not self._stopping.wait(self._every_s):
            try:
                self.look()
            except Exception:  # whatever it is, the next look must come
                log.warning("keeper.failed", exc_info=True)
        self._turn.give_up()

    def look(self) -> None:
        """Do what is due now, if it is this keeper's turn."""
        self._watchdog.look()
        if not self._turn.is_mine():
            return
        self._reap()
        self._send_due()
