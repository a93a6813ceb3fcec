"""Wake again what got lost: expired leases, lost messages, attempts whose time has come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from claims.exchange.ports import Clock, JobQueue, Submissions
from claims.exchange.replay import Replays

#: A hospital's long weekend: so long a key stands for what was handed in under it.
_KEYS_KEPT: Final = timedelta(days=7)


#: How long what was woken may rest while thousands wait before it: one wake-up more would wait behind them.
_PATIENCE_BEHIND: Final = timedelta(minutes=15)


class Step(StrEnum):
    """What submissions are woken for."""

    CHECK = "check"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Reap:
    """Look for work that nobody is at. Any number may run; each row is woken by one of them.

    Attributes:
        is_behind: Whether so many wake-ups for a step wait for workers that none of them is lost.
    """

    submissions: Submissions
    replays: Replays
    jobs: JobQueue
    clock: Clock
    wake_again_s: int
    limit: int = 2_000
    wake_looks: Callable[[], int] = lambda: 0
    let_go: Callable[[], int] = lambda: 0
    announce: Callable[[], int] = lambda: 0
    is_behind: Callable[[Step], bool] = lambda _: False

    def __call__(self) -> int:
        """Wake what is due and was not woken for a while; return how many submissions that were."""
        now = self.clock.now()
        self.submissions.expire_leases(now=now)
        self.let_go()
        due = self.submissions.take_due(
            now=now,
            checks_before=now - self._patience(Step.CHECK),
            sends_before=now - self._patience(Step.DELIVER),
            limit=self.limit,
        )
        self.submissions.forget_keys(before=now - _KEYS_KEPT)
        self.jobs.wake_check(due.to_check)
        for suspect in due.suspects:
            self.jobs.wake_check([suspect])
        self.jobs.wake_delivery(due.to_send)
        for replay_id in self.replays.unfinished():
            self.jobs.wake_replay(replay_id)
        self.wake_looks()
        self.announce()
        return len(due.to_check) + len(due.suspects) + len(due.to_send)

    def _patience(self, step: Step) -> timedelta:
        usual = timedelta(seconds=self.wake_again_s)
        return max(usual, _PATIENCE_BEHIND) if self.is_behind(step) else usual
