"""Wake-ups through Celery: gathered for a moment, sent by task name, free to get lost.

A message carries a batch of ids and never a body. Publishing happens on a thread of its own, so a slow
or absent broker costs the caller nothing; what is not published is found by the reaper.
"""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from claims.exchange.submission import SubmissionId

CHECK = "workers.check"
DELIVER = "workers.deliver"
REPLAY = "workers.replay"
TELL = "workers.tell"
KEEP_LOG = "workers.keep_log"
REVIEW = "workers.review"
RENEW = "workers.renew"
TIDY = "workers.tidy"
LOOK = "workers.look"

#: How long wake-ups are gathered into one message. A message costs about as much as checking a bundle,
#: so under load many ids share one; without load a receipt comes a fifth of a second later.
_GATHER_S = 0.1
#: Under load, which is so many wake-ups in that time, they are gathered until a message is full, but no
#: longer than this: workers are busy then, and a message more would only wait for them.
_LOAD = 4
_GATHER_UNDER_LOAD_S = 0.5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _WakeUp:
    task: str
    argument: str


@dataclass(slots=True)
class CeleryJobs:
    """`claims.exchange.ports.JobQueue` over a Celery app."""

    app: Celery
    check_batch: int
    send_batch: int
    _waiting: queue.SimpleQueue[_WakeUp] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def wake_check(self, ids: Sequence[SubmissionId]) -> None:
        """Ask for these submissions to be checked soon."""
        self._put(CHECK, ids)

    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        """Ask for these submissions to be sent soon."""
        self._put(DELIVER, ids)

    def wake_replay(self, replay_id: str) -> None:
        """Ask for a replay to go on."""
        self._put(REPLAY, [replay_id])

    def wake_webhook(self, webhook_id: str) -> None:
        """Ask for a webhook to be served soon."""
        self._put(TELL, [webhook_id])

    def wake_look(self, key: str) -> None:
        """Ask for results to be looked for soon."""
        self._put(LOOK, [key])

    def _put(self, task: str, arguments: Sequence[str]) -> None:
        for argument in arguments:
            self._waiting.put(_WakeUp(task, argument))
        self._ensure_publisher()

    def _ensure_publisher(self) -> None:
        # Started at the first wake-up and not before: a forked worker must have a thread of its own.
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._publish, name="wake-ups", daemon=True)
                self._thread.start()

    def _publish(self) -> None:
        while True:
            gathered = [self._waiting.get(), *self._at_hand(self.check_batch - 1)]
            began, patience_s = time.monotonic(), _GATHER_S
            # No more than fill a message: one for the few that are over would cost as much as a full one.
            while (room := self.check_batch - len(gathered)) > 0 and time.monotonic() - began < patience_s:
                time.sleep(_GATHER_S / 2)
                gathered += self._at_hand(room)
                if len(gathered) >= _LOAD:
                    patience_s = _GATHER_UNDER_LOAD_S
            self._send(gathered)

    def _at_hand(self, most: int) -> list[_WakeUp]:
        return [self._waiting.get() for _ in range(min(most, self._waiting.qsize()))]

    def _send(self, gathered: Sequence[_WakeUp]) -> None:
        ids = {task: [one.argument for one in gathered if one.task == task] for task in (CHECK, DELIVER)}
        messages: list[tuple[str, list[object]]] = [
            (one.task, [one.argument]) for one in gathered if one.task in {REPLAY, TELL, LOOK}
        ]
        for task, size in ((CHECK, self.check_batch), (DELIVER, self.send_batch)):
            messages += [(task, [ids[task][at : at + size]]) for at in range(0, len(ids[task]), size)]
        try:
            for task, arguments in messages:
                self.app.send_task(task, arguments, ignore_result=True)
        except OperationalError as error:
            # Nothing is lost: the rows are due, and the reaper finds them when the broker is back.
            log.warning("wake_ups.not_sent", messages=len(messages), reason=type(error).__name__)
