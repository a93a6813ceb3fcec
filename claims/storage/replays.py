"""Replays: the frozen selection and its items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow
from ulid import ULID

from claims.exchange.errors import ReplayNotFound
from claims.exchange.lifecycle import REPLAYABLE, State, replay_target
from claims.exchange.ports import ItemOutcome, Replay, ReplayChunk, ReplayItem, ReplayPlan
from claims.exchange.submission import Event, EventKind, FacilityCode, SubmissionFilter, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.queue import note_events
from claims.storage.selection import conditions


def _outcome(state: State) -> ItemOutcome:
    if state in REPLAYABLE:
        return ItemOutcome.REPLAYED
    return ItemOutcome.REFUSED_ACKNOWLEDGED if state is State.ACKNOWLEDGED else ItemOutcome.SKIPPED_UNDER_WAY


@dataclass(frozen=True, slots=True)
class PostgresReplays:
    """`claims.exchange.ports.Replays` on PostgreSQL."""

    pool: Pool

    def plan(self, which: SubmissionFilter, *, sample: int) -> ReplayPlan:
        """Count what a replay of this selection would do."""
        where, params = conditions(which)
        with borrow(self.pool) as connection:
            by_state = connection.execute(
                f"SELECT s.state, count(*) FROM submission s WHERE {where} GROUP BY s.state", params
            ).fetchall()
            rows = connection.execute(
                f"SELECT s.id, s.state FROM submission s WHERE {where} ORDER BY s.id LIMIT %(sample)s",
                {**params, "sample": sample},
            ).fetchall()
        counts = dict.fromkeys(ItemOutcome, 0)
        for state, number in by_state:
            counts[_outcome(State(state))] += number
        return ReplayPlan(
            counts,
            tuple(ReplayItem(SubmissionId(i), _outcome(State(state)), State(state)) for i, state in rows),
        )

    def create(
        self,
        which: SubmissionFilter,
        *,
        actor: str,
        reason: str,
        facility: FacilityCode | None,
        now: datetime,
    ) -> Replay:
        """Freeze the selection and return the new replay."""
        replay_id = f"rpl_{ULID.from_datetime(now)}"
        where, params = conditions(which)
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "INSERT INTO replay (id, created_at, actor, facility, reason) VALUES (%s, %s, %s, %s, %s)",
                [replay_id, now, actor, facility, reason],
            )
            connection.execute(
                "INSERT INTO replay_item (replay_id, submission_id) "
                f"SELECT %(replay)s, s.id FROM submission s WHERE {where}",
                {**params, "replay": replay_id},
            )
        return self.get(replay_id, facility=facility)

    def get(self, replay_id: str, *, facility: FacilityCode | None) -> Replay:
        """Return a replay."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT id, created_at, actor, reason, finished_at, facility FROM replay WHERE id = %s",
                [replay_id],
            ).fetchone()
            by_outcome = connection.execute(
                "SELECT outcome, count(*) FROM replay_item WHERE replay_id = %s GROUP BY outcome", [replay_id]
            ).fetchall()
        if row is None or (facility is not None and row[5] != facility):
            raise ReplayNotFound(replay_id)
        counts = dict.fromkeys(ItemOutcome, 0)
        counts.update({ItemOutcome(outcome): number for outcome, number in by_outcome if outcome})
        return Replay(
            id=row[0],
            created_at=row[1],
            actor=row[2],
            reason=row[3],
            total=sum(number for _, number in by_outcome),
            done=sum(counts.values()),
            counts=counts,
            finished_at=row[4],
        )

    def items(self, replay_id: str, *, after: SubmissionId | None, limit: int) -> tuple[ReplayItem, ...]:
        """Return items in order of their submission's id."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT submission_id, outcome, state_before FROM replay_item "
                "WHERE replay_id = %s AND submission_id > %s ORDER BY submission_id LIMIT %s",
                [replay_id, after or "", limit],
            ).fetchall()
        return tuple(
            ReplayItem(
                SubmissionId(i),
                None if outcome is None else ItemOutcome(outcome),
                None if before is None else State(before),
            )
            for i, outcome, before in rows
        )

    def run_chunk(self, replay_id: str, *, now: datetime, limit: int) -> ReplayChunk:
        """Work off some items that nobody else is at, in one transaction; notes the end with the last one."""
        with borrow(self.pool) as connection, connection.transaction():
            rows = connection.execute(
                "WITH turn AS (SELECT submission_id FROM replay_item "
                " WHERE replay_id = %s AND outcome IS NULL"
                " ORDER BY submission_id LIMIT %s FOR UPDATE SKIP LOCKED) "
                "SELECT s.id, s.state, s.checked_at IS NOT NULL, s.maybe_taken, r.actor "
                "FROM turn JOIN submission s ON s.id = turn.submission_id "
                "JOIN replay r ON r.id = %s ORDER BY s.id FOR UPDATE OF s",
                [replay_id, limit, replay_id],
            ).fetchall()
            started = _restart(connection, replay_id, rows, now)
            _settle(connection, replay_id, rows)
            connection.execute(
                "UPDATE replay SET finished_at = %s WHERE id = %s AND finished_at IS NULL AND NOT EXISTS "
                "(SELECT 1 FROM replay_item WHERE replay_id = %s AND outcome IS NULL)",
                [now, replay_id, replay_id],
            )
        return ReplayChunk(len(rows), started)

    def unfinished(self) -> tuple[str, ...]:
        """Return the replays that still have items waiting (replay_unfinished)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT id FROM replay WHERE finished_at IS NULL ORDER BY id"
            ).fetchall()
        return tuple(row[0] for row in rows)


def _restart(
    connection: Connection[TupleRow], replay_id: str, rows: Sequence[TupleRow], now: datetime
) -> tuple[tuple[SubmissionId, State], ...]:
    """Set going again those that may go; return where each starts."""
    started: list[tuple[SubmissionId, State]] = []
    events: list[tuple[SubmissionId, Event]] = []
    for submission_id, state, was_checked, maybe_taken, actor in rows:
        if State(state) not in REPLAYABLE:
            continue
        target = replay_target(State(state), was_checked=was_checked, maybe_taken=maybe_taken)
        started.append((submission_id, target))
        event = Event(now, EventKind.REPLAYED, target, actor, detail={"replay": replay_id})
        events.append((submission_id, event))
    connection.execute(
        "UPDATE submission s SET state = t.state, cause = NULL, attempts = 0, next_attempt_at = %(now)s, "
        "woken_at = %(now)s, lease_owner = NULL, lease_until = NULL, updated_at = %(now)s "
        "FROM unnest(%(ids)s::text[], %(states)s::text[]) AS t (id, state) WHERE s.id = t.id",
        {
            "now": now,
            "ids": [submission_id for submission_id, _ in started],
            "states": [str(target) for _, target in started],
        },
    )
    note_events(connection, events)
    return tuple(started)


def _settle(connection: Connection[TupleRow], replay_id: str, rows: Sequence[TupleRow]) -> None:
    connection.execute(
        "UPDATE replay_item i SET outcome = t.outcome, state_before = t.state "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) AS t (id, outcome, state) "
        "WHERE i.replay_id = %s AND i.submission_id = t.id",
        [
            [row[0] for row in rows],
            [str(_outcome(State(row[1]))) for row in rows],
            [row[1] for row in rows],
            replay_id,
        ],
    )
