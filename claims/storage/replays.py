"""Replays: the frozen selection and its items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from ulid import ULID

from claims.exchange.access.places import Reach
from claims.exchange.errors import IdempotencyMismatch, ReplayEnded, ReplayNotFound
from claims.exchange.lifecycle import REPLAYABLE, State, replay_target
from claims.exchange.replay import (
    ItemOutcome,
    NewReplay,
    Replay,
    ReplayChunk,
    ReplayItem,
    ReplayPlan,
    ReplayState,
)
from claims.exchange.submission import Event, EventKind, SubmissionFilter, SubmissionId
from claims.storage.events import note_events
from claims.storage.pool import Pool, borrow
from claims.storage.selection import conditions
from claims.storage.versions import supersede

#: A plan that nobody started is forgotten after so long.
_KEPT_PLAN = timedelta(days=1)
#: What becomes of an item that cannot be replayed, by where its submission stands.
_SKIPPED: Mapping[State, ItemOutcome] = {
    State.ACKNOWLEDGED: ItemOutcome.REFUSED_ACKNOWLEDGED,
    State.SUPERSEDED: ItemOutcome.SKIPPED_SUPERSEDED,
    State.WITHDRAWN: ItemOutcome.SKIPPED_WITHDRAWN,
}
_IS_ERASED: Final[LiteralString] = "EXISTS (SELECT FROM erasure e WHERE e.submission_id = s.id)"
#: Pace that was not used is kept for so long: a worker looks every few seconds.
_KEPT_PACE = timedelta(seconds=30)

_REPLAY: LiteralString = """
SELECT r.id, r.created_at, r.actor, r.reason, r.total, r.finished_at, r.paused_at, r.canceled_at,
    r.per_minute, (SELECT coalesce(jsonb_object_agg(outcome, number), '{}') FROM (
        SELECT i.outcome, count(*) AS number FROM replay_item i
        WHERE i.replay_id = r.id AND i.outcome IS NOT NULL GROUP BY i.outcome) AS counted)
FROM replay r
"""


def _outcome(state: State, *, is_erased: bool) -> ItemOutcome:
    if state in REPLAYABLE:
        return ItemOutcome.SKIPPED_ERASED if is_erased else ItemOutcome.REPLAYED
    return _SKIPPED.get(state, ItemOutcome.SKIPPED_UNDER_WAY)


@dataclass(frozen=True, slots=True)
class PostgresReplays:
    """`claims.exchange.replay.Replays` on PostgreSQL."""

    pool: Pool

    def plan(self, which: SubmissionFilter, *, sample: int) -> ReplayPlan:
        """Count what a replay of this selection would do."""
        where, params = conditions(which)
        with borrow(self.pool) as connection:
            return _plan(connection, where, params, sample)

    def draft(self, new: NewReplay, *, now: datetime) -> str:
        """Freeze the selection as a plan that waits to be started, and return its id."""
        replay_id = f"rpl_{ULID.from_datetime(now)}"
        with borrow(self.pool) as connection, connection.transaction():
            _forget_plans(connection, before=now - _KEPT_PLAN)
            connection.execute(
                "INSERT INTO replay (id, created_at, actor, place, reason, paused_at, is_planned) "
                "VALUES (%s, %s, %s, %s, '', %s, true)",
                [replay_id, now, new.actor, new.place.code, now],
            )
            _freeze(connection, replay_id, new.which)
        return replay_id

    def look_at(self, replay_id: str, *, within: Reach, sample: int) -> ReplayPlan:
        """Count what starting a plan would do now."""
        with borrow(self.pool) as connection:
            found = connection.execute(
                "SELECT FROM replay WHERE id = %s AND is_planned AND place ^@ ANY(%s)",
                [replay_id, within.codes],
            ).fetchone()
            if found is None:
                raise ReplayNotFound(replay_id)
            where: LiteralString = (
                "EXISTS (SELECT FROM replay_item i WHERE i.replay_id = %(replay)s AND i.submission_id = s.id)"
            )
            return _plan(connection, where, {"replay": replay_id}, sample)

    def start(
        self, replay_id: str, *, within: Reach, reason: str, per_minute: int | None, now: datetime
    ) -> Replay:
        """Set a plan going; one that was started stays as it is."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE replay SET is_planned = false, paused_at = NULL, reason = %s, per_minute = %s, "
                "created_at = %s, finished_at = CASE WHEN total = 0 THEN %s::timestamptz END "
                "WHERE id = %s AND is_planned AND place ^@ ANY(%s)",
                [reason, per_minute, now, now, replay_id, within.codes],
            )
        return self.get(replay_id, within=within)

    def create(self, new: NewReplay, *, now: datetime) -> Replay:
        """Freeze the selection and return the new replay, or that of the key (replay_of_request)."""
        replay_id = f"rpl_{ULID.from_datetime(now)}"
        with borrow(self.pool) as connection, connection.transaction():
            row = connection.execute(
                "INSERT INTO replay "
                "(id, created_at, actor, place, reason, per_minute, request_key, request_sha256) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
                "ON CONFLICT (actor, request_key) WHERE request_key IS NOT NULL DO NOTHING RETURNING id",
                [
                    replay_id,
                    now,
                    new.actor,
                    new.place.code,
                    new.reason,
                    new.per_minute,
                    new.request_key,
                    new.request_sha256,
                ],
            ).fetchone()
            if row is None:
                row = connection.execute(
                    "SELECT id, request_sha256 FROM replay WHERE actor = %s AND request_key = %s",
                    [new.actor, new.request_key],
                ).fetchone()
                if row is not None and row[1] not in {None, new.request_sha256}:
                    raise IdempotencyMismatch(str(new.request_key), row[0])
                replay_id = replay_id if row is None else row[0]
            else:
                _freeze(connection, replay_id, new.which)
        return self.get(replay_id, within=Reach.of(new.place))

    def get(self, replay_id: str, *, within: Reach) -> Replay:
        """Return a replay."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"{_REPLAY} WHERE r.id = %s AND NOT r.is_planned AND r.place ^@ ANY(%s)",
                [replay_id, within.codes],
            ).fetchone()
        if row is None:
            raise ReplayNotFound(replay_id)
        return _replay(row)

    def list_recent(self, *, within: Reach, before: str | None, limit: int) -> tuple[Replay, ...]:
        """Return replays, newest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_REPLAY} WHERE r.place ^@ ANY(%(within)s) AND NOT r.is_planned "
                "AND (%(before)s::text IS NULL OR r.id < %(before)s) ORDER BY r.id DESC LIMIT %(limit)s",
                {"within": within.codes, "before": before, "limit": limit},
            ).fetchall()
        return tuple(_replay(row) for row in rows)

    def pause(self, replay_id: str, *, within: Reach, now: datetime) -> Replay:
        """Let no item have its turn until it is resumed."""
        # Waits for the chunk that is at work: after the answer nothing moves.
        self._steer("paused_at = coalesce(paused_at, %(now)s)", replay_id, within, now)
        return self.get(replay_id, within=within)

    def resume(self, replay_id: str, *, within: Reach) -> Replay:
        """Let it go on."""
        self._steer("paused_at = NULL, paced_until = NULL", replay_id, within, None)
        return self.get(replay_id, within=within)

    def cancel(self, replay_id: str, *, within: Reach, now: datetime) -> Replay:
        """End it; what had no turn yet gets none."""
        try:
            self._steer("canceled_at = %(now)s, finished_at = %(now)s", replay_id, within, now)
        except ReplayEnded:
            if self.get(replay_id, within=within).state is not ReplayState.CANCELED:
                raise
        return self.get(replay_id, within=within)

    def items(self, replay_id: str, *, after: SubmissionId | None, limit: int) -> tuple[ReplayItem, ...]:
        """Return items in order of their submission's id."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT i.submission_id, i.outcome, i.state_before, s.state, s.ma_giao_dich "
                "FROM replay_item i JOIN submission s ON s.id = i.submission_id AND s.id > %(after)s "
                "WHERE i.replay_id = %(replay)s AND i.submission_id > %(after)s "
                "ORDER BY i.submission_id LIMIT %(limit)s",
                {"replay": replay_id, "after": after or "", "limit": limit},
            ).fetchall()
        return tuple(
            ReplayItem(
                SubmissionId(i),
                None if outcome is None else ItemOutcome(outcome),
                None if before is None else State(before),
                State(state),
                receipt,
            )
            for i, outcome, before, state, receipt in rows
        )

    def run_chunk(self, replay_id: str, *, now: datetime, limit: int) -> ReplayChunk:
        """Work off some items that nobody else is at, in one transaction; notes the end with the last one."""
        with borrow(self.pool) as connection, connection.transaction():
            actor, limit = _take_pace(connection, replay_id, now, limit)
            if not limit:
                return ReplayChunk(0, ())
            rows = connection.execute(
                "WITH turn AS (SELECT submission_id FROM replay_item "
                " WHERE replay_id = %s AND outcome IS NULL"
                " ORDER BY submission_id LIMIT %s FOR UPDATE SKIP LOCKED) "
                "SELECT s.id, s.state, s.checked_at IS NOT NULL, s.maybe_taken, %s "
                "FROM turn JOIN submission s ON s.id = turn.submission_id ORDER BY s.id FOR UPDATE OF s",
                [replay_id, limit, actor],
            ).fetchall()
            # Asked once they are locked: whoever erases one of them meanwhile waits, or has been first.
            erased = _erased_of(connection, [row[0] for row in rows])
            outcomes = [_outcome(State(row[1]), is_erased=row[0] in erased) for row in rows]
            started = _restart(
                connection,
                replay_id,
                [row for row, outcome in zip(rows, outcomes, strict=True) if outcome is ItemOutcome.REPLAYED],
                now,
            )
            _settle(connection, replay_id, rows, outcomes)
            connection.execute(
                "UPDATE replay SET finished_at = %s WHERE id = %s AND finished_at IS NULL AND NOT EXISTS "
                "(SELECT 1 FROM replay_item WHERE replay_id = %s AND outcome IS NULL)",
                [now, replay_id, replay_id],
            )
        return ReplayChunk(len(rows), started)

    def unfinished(self) -> tuple[str, ...]:
        """Return the replays that have items waiting and are not paused (replay_unfinished)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT id FROM replay WHERE finished_at IS NULL AND paused_at IS NULL ORDER BY id"
            ).fetchall()
        return tuple(row[0] for row in rows)

    def _steer(self, change: LiteralString, replay_id: str, within: Reach, now: datetime | None) -> None:
        with borrow(self.pool) as connection, connection.transaction():
            changed = connection.execute(
                f"UPDATE replay SET {change} WHERE id = %(id)s AND finished_at IS NULL "
                "AND NOT is_planned AND place ^@ ANY(%(within)s) RETURNING canceled_at",
                {"id": replay_id, "within": within.codes, "now": now},
            ).fetchone()
            if changed is not None and changed[0] is not None:
                connection.execute(
                    "UPDATE replay_item SET outcome = 'canceled' WHERE replay_id = %s AND outcome IS NULL",
                    [replay_id],
                )
        if changed is None:
            self.get(replay_id, within=within)
            raise ReplayEnded(replay_id)


def _plan(
    connection: Connection[TupleRow], where: LiteralString, params: Mapping[str, object], sample: int
) -> ReplayPlan:
    by_state = connection.execute(
        f"SELECT s.state, {_IS_ERASED}, count(*) FROM submission s WHERE {where} GROUP BY 1, 2", params
    ).fetchall()
    rows = connection.execute(
        "SELECT one.id, found.state, found.is_erased "
        "FROM unnest(%(states)s::text[], %(erased)s::boolean[]) AS found (state, is_erased), "
        "LATERAL (SELECT s.id, row_number() OVER (ORDER BY s.id) AS n FROM submission s "
        f"WHERE {where} AND s.state = found.state AND {_IS_ERASED} = found.is_erased "
        "ORDER BY s.id LIMIT %(sample)s) AS one "
        # In turns: a few that would be skipped are seen beside the many that would go.
        "ORDER BY one.n, one.id LIMIT %(sample)s",
        {
            **params,
            "states": [state for state, _, _ in by_state],
            "erased": [is_erased for _, is_erased, _ in by_state],
            "sample": sample,
        },
    ).fetchall()
    counts = dict.fromkeys(ItemOutcome, 0)
    for state, is_erased, number in by_state:
        counts[_outcome(State(state), is_erased=is_erased)] += number
    return ReplayPlan(
        counts,
        tuple(
            ReplayItem(SubmissionId(i), _outcome(State(state), is_erased=is_erased), State(state))
            for i, state, is_erased in rows
        ),
    )


def _freeze(connection: Connection[TupleRow], replay_id: str, which: SubmissionFilter) -> None:
    where, params = conditions(which)
    connection.execute(
        "WITH frozen AS (INSERT INTO replay_item (replay_id, submission_id) "
        f"SELECT %(replay)s, s.id FROM submission s WHERE {where} RETURNING 1) "
        "UPDATE replay SET total = (SELECT count(*) FROM frozen) WHERE id = %(replay)s",
        {**params, "replay": replay_id},
    )


def _forget_plans(connection: Connection[TupleRow], *, before: datetime) -> None:
    """Forget plans that nobody started (replay_unfinished)."""
    old: LiteralString = "SELECT id FROM replay WHERE finished_at IS NULL AND is_planned AND created_at < %s"
    connection.execute(f"DELETE FROM replay_item WHERE replay_id IN ({old})", [before])
    connection.execute(f"DELETE FROM replay WHERE id IN ({old})", [before])


def _replay(row: TupleRow) -> Replay:
    replay_id, created_at, actor, reason, total, finished, paused, canceled, per_minute, counted = row
    counts = dict.fromkeys(ItemOutcome, 0)
    counts.update({ItemOutcome(outcome): number for outcome, number in counted.items()})
    if canceled is not None:
        state = ReplayState.CANCELED
    elif finished is not None:
        state = ReplayState.FINISHED
    else:
        state = ReplayState.RUNNING if paused is None else ReplayState.PAUSED
    return Replay(
        id=replay_id,
        created_at=created_at,
        actor=actor,
        reason=reason,
        total=total,
        done=sum(counts.values()),
        counts=counts,
        finished_at=finished,
        state=state,
        per_minute=per_minute,
    )


def _take_pace(
    connection: Connection[TupleRow], replay_id: str, now: datetime, limit: int
) -> tuple[str, int]:
    """Return who replays and how many items may have their turn now; one worker at a time runs a replay."""
    row = connection.execute(
        "SELECT actor, per_minute, paced_until FROM replay "
        "WHERE id = %s AND finished_at IS NULL AND paused_at IS NULL FOR UPDATE SKIP LOCKED",
        [replay_id],
    ).fetchone()
    if row is None:
        return "", 0
    actor, per_minute, paced_until = row
    if per_minute is None:
        return actor, limit
    each = timedelta(minutes=1) / per_minute
    since = now - each if paced_until is None else max(paced_until, now - max(_KEPT_PACE, each))
    allowed = min(limit, (now - since) // each)
    connection.execute(
        "UPDATE replay SET paced_until = %s WHERE id = %s", [since + allowed * each, replay_id]
    )
    return actor, allowed


def _restart(
    connection: Connection[TupleRow], replay_id: str, rows: Sequence[TupleRow], now: datetime
) -> tuple[tuple[SubmissionId, State], ...]:
    """Set them going again; return where each starts."""
    started: list[tuple[SubmissionId, State]] = []
    events: list[tuple[SubmissionId, Event]] = []
    for submission_id, state, was_checked, maybe_taken, actor in rows:
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
    superseded = supersede(connection, [submission_id for submission_id, _ in started], now)
    note_events(connection, [*events, *superseded])
    return tuple(started)


def _erased_of(connection: Connection[TupleRow], ids: Sequence[str]) -> frozenset[str]:
    rows = connection.execute("SELECT submission_id FROM erasure WHERE submission_id = ANY(%s)", [ids])
    return frozenset(row[0] for row in rows)


def _settle(
    connection: Connection[TupleRow],
    replay_id: str,
    rows: Sequence[TupleRow],
    outcomes: Sequence[ItemOutcome],
) -> None:
    connection.execute(
        "UPDATE replay_item i SET outcome = t.outcome, state_before = t.state "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) AS t (id, outcome, state) "
        "WHERE i.replay_id = %s AND i.submission_id = t.id",
        [
            [row[0] for row in rows],
            list(map(str, outcomes)),
            [row[1] for row in rows],
            replay_id,
        ],
    )
