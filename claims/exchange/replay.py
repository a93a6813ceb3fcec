"""Replay: failed submissions go again, unchanged. What the gateway acknowledged never does."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from claims.exchange.access.places import Place, Reach
from claims.exchange.errors import EmptySelection
from claims.exchange.lifecycle import State
from claims.exchange.ports import Clock, JobQueue
from claims.exchange.submission import SubmissionFilter, SubmissionId

#: The action of the table of rights.
START: Final = "replay.start"
#: Items worked off in one transaction.
CHUNK = 500


class ItemOutcome(StrEnum):
    """What a replay did with one submission."""

    REPLAYED = "replayed"
    REFUSED_ACKNOWLEDGED = "refused_acknowledged"
    SKIPPED_UNDER_WAY = "skipped_under_way"
    SKIPPED_SUPERSEDED = "skipped_superseded"
    SKIPPED_WITHDRAWN = "skipped_withdrawn"
    SKIPPED_ERASED = "skipped_erased"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class ReplayItem:
    """One submission of a replay.

    Attributes:
        outcome: None until its turn has come.
        state_before: Where it stood when its turn came.
        state_now: Where it stands.
        receipt: The gateway's transaction number, if it has one.
    """

    submission_id: SubmissionId
    outcome: ItemOutcome | None
    state_before: State | None = None
    state_now: State | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What a replay would do, without doing it."""

    counts: dict[ItemOutcome, int]
    sample: tuple[ReplayItem, ...]


class ReplayState(StrEnum):
    """Where a replay stands."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELED = "canceled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay and how far it has come.

    Attributes:
        per_minute: How many items have their turn in a minute, at most; None for as many as can.
    """

    id: str
    created_at: datetime
    actor: str
    reason: str
    total: int
    done: int
    counts: dict[ItemOutcome, int]
    finished_at: datetime | None
    state: ReplayState = ReplayState.RUNNING
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class NewReplay:
    """A replay that somebody asked for.

    Attributes:
        place: Whose it is: seen and steered by whoever may replay in all of it.
        request_key: The caller's key: the same key again means the same replay.
        request_sha256: Digest of what was asked for under the key.
    """

    which: SubmissionFilter
    actor: str
    reason: str
    place: Place
    per_minute: int | None = None
    request_key: str | None = None
    request_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayChunk:
    """Some items of a replay that had their turn.

    Attributes:
        done: How many; 0 when none was left that nobody else is at.
        started: The submissions set going again, and the state each starts from.
    """

    done: int
    started: tuple[tuple[SubmissionId, State], ...]


class Replays(Protocol):
    """Replays: a frozen selection, worked off item by item."""

    def plan(self, which: SubmissionFilter, *, sample: int) -> ReplayPlan:
        """Count what a replay of this selection would do."""

    def create(self, new: NewReplay, *, now: datetime) -> Replay:
        """Freeze the selection and return the new replay, or the one that the key stands for.

        Raises:
            IdempotencyMismatch: It stands for another request.
        """

    def draft(self, new: NewReplay, *, now: datetime) -> str:
        """Freeze the selection as a plan that waits to be started, and return its id."""

    def look_at(self, replay_id: str, *, within: Reach, sample: int) -> ReplayPlan:
        """Count what starting a plan would do now.

        Raises:
            ReplayNotFound: There is no such plan, it lies elsewhere, or it was started.
        """

    def start(
        self, replay_id: str, *, within: Reach, reason: str, per_minute: int | None, now: datetime
    ) -> Replay:
        """Set a plan going; one that was started stays as it is.

        Raises:
            ReplayNotFound: There is none, or it lies elsewhere.
        """

    def list_recent(self, *, within: Reach, before: str | None, limit: int) -> tuple[Replay, ...]:
        """Return replays that were started, newest first."""

    def pause(self, replay_id: str, *, within: Reach, now: datetime) -> Replay:
        """Let no item have its turn until it is resumed.

        Raises:
            ReplayNotFound: There is none, or it lies elsewhere.
            ReplayEnded: It has ended.
        """

    def resume(self, replay_id: str, *, within: Reach) -> Replay:
        """Let it go on; raises as `pause`."""

    def cancel(self, replay_id: str, *, within: Reach, now: datetime) -> Replay:
        """End it; what had no turn yet gets none, and twice is as good as once. Raises as `pause`."""

    def get(self, replay_id: str, *, within: Reach) -> Replay:
        """Return a replay that was started.

        Raises:
            ReplayNotFound: There is none, or it lies elsewhere.
        """

    def items(self, replay_id: str, *, after: SubmissionId | None, limit: int) -> tuple[ReplayItem, ...]:
        """Return items in order of their submission's id."""

    def run_chunk(self, replay_id: str, *, now: datetime, limit: int) -> ReplayChunk:
        """Work off some items that nobody else is at, in one transaction; notes the end with the last one."""

    def unfinished(self) -> tuple[str, ...]:
        """Return the replays that have items waiting and are not paused."""


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
            IdempotencyMismatch: The key came before with another request.
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
