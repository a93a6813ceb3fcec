"""Replay: failed submissions go again, unchanged. What the gateway acknowledged never does."""

from dataclasses import dataclass
from typing import Final

from claims.exchange.access.places import Reach
from claims.exchange.errors import EmptySelection
from claims.exchange.lifecycle import State
from claims.exchange.ports import Clock, JobQueue, NewReplay, Replay, ReplayPlan, Replays
from claims.exchange.submission import SubmissionFilter

#: The action of the table of rights.
START: Final = "replay.start"
#: Items worked off in one transaction.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class PlanReplay:
    """Say what a replay would do, without doing it."""

    replays: Replays

    def __call__(self, which: SubmissionFilter) -> ReplayPlan:
        """Count the outcomes a replay of this selection would have, with a sample of 20.

        Raises:
            EmptySelection: No condition was given.
        """
        if which.is_empty:
            raise EmptySelection
        return self.replays.plan(which, sample=20)


@dataclass(frozen=True, slots=True)
class StartReplay:
    """Freeze a selection and set its replay going."""

    replays: Replays
    jobs: JobQueue
    clock: Clock

    def __call__(self, new: NewReplay) -> Replay:
        """Freeze which submissions are meant and wake a worker to set them going again.

        Raises:
            EmptySelection: No condition was given.
        """
        if new.which.is_empty:
            raise EmptySelection
        replay = self.replays.create(new, now=self.clock.now())
        self.jobs.wake_replay(replay.id)
        return replay


@dataclass(frozen=True, slots=True)
class DraftReplay:
    """Freeze a selection to be looked at, and set it going as it was seen."""

    replays: Replays
    jobs: JobQueue
    clock: Clock

    def __call__(self, new: NewReplay) -> str:
        """Freeze which submissions are meant and return the plan's id; nothing moves.

        Raises:
            EmptySelection: No condition was given.
        """
        if new.which.is_empty:
            raise EmptySelection
        return self.replays.draft(new, now=self.clock.now())

    def start(self, replay_id: str, *, within: Reach, reason: str, per_minute: int | None) -> Replay:
        """Set a plan going; one that is going already stays as it is, so that two clicks are one.

        Raises:
            ReplayNotFound: There is none, or it lies elsewhere.
        """
        replay = self.replays.start(
            replay_id, within=within, reason=reason, per_minute=per_minute, now=self.clock.now()
        )
        self.jobs.wake_replay(replay.id)
        return replay


@dataclass(frozen=True, slots=True)
class SteerReplay:
    """Pause a replay, let it go on, or end it."""

    replays: Replays
    jobs: JobQueue
    clock: Clock

    def pause(self, replay_id: str, *, within: Reach) -> Replay:
        """Stop after the items that are having their turn.

        Raises:
            ReplayNotFound: There is none, or it lies elsewhere.
            ReplayEnded: It has ended.
        """
        return self.replays.pause(replay_id, within=within, now=self.clock.now())

    def resume(self, replay_id: str, *, within: Reach) -> Replay:
        """Go on where it stopped; raises as `pause`."""
        replay = self.replays.resume(replay_id, within=within)
        self.jobs.wake_replay(replay_id)
        return replay

    def cancel(self, replay_id: str, *, within: Reach) -> Replay:
        """End it for good; what had its turn stays replayed. Raises as `pause`."""
        return self.replays.cancel(replay_id, within=within, now=self.clock.now())


@dataclass(frozen=True, slots=True)
class RunReplay:
    """Work off a replay's items. Safe to run twice and at any time again: an item has one turn."""

    replays: Replays
    jobs: JobQueue
    clock: Clock

    def __call__(self, replay_id: str) -> None:
        """Work off items until none is left, its pace is used up or it is paused."""
        while (chunk := self.replays.run_chunk(replay_id, now=self.clock.now(), limit=CHUNK)).done:
            self.jobs.wake_check([one for one, state in chunk.started if state is State.RECEIVED])
            self.jobs.wake_delivery([one for one, state in chunk.started if state is not State.RECEIVED])
