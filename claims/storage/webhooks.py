"""Webhooks and their deliveries; a webhook is served by one worker at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.exchange.errors import TwoSecretsLive, UnknownFacility, WebhookNotFound
from claims.exchange.submission import FacilityCode
from claims.exchange.webhooks import (
    PING,
    AfterTurn,
    DeliveryState,
    Told,
    Try,
    Turn,
    Webhook,
    WebhookDelivery,
)
from claims.storage.feed import SHOWN_AFTER
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

_COLUMNS: LiteralString = "id, facility, url, types, description, created_at, disabled_why, overlap_until"
_DELIVERY: LiteralString = (
    "id, webhook_id, type, event_at, submission_id, state_then, cause, state, attempts, "
    "next_attempt_at, tries"
)
# As it is shown: nothing is sent while the webhook rests, and nothing is due where it is switched off.
_SHOWN: LiteralString = """
id, webhook_id, type, event_at, submission_id, state_then, cause, state, attempts,
CASE WHEN state = 'waiting' THEN (
    SELECT greatest(webhook_delivery.next_attempt_at, w.rests_until) FROM webhook w
    WHERE w.id = webhook_id AND w.disabled_why IS NULL
) END, tries
"""
#: The end of what can be shown now of a facility's events (event_of_facility).
_END: LiteralString = """
SELECT tx, seq FROM event WHERE facility = %(facility)s AND tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY tx DESC, seq DESC LIMIT 1
"""
# One statement, however many webhooks: a look at the index each, and what is new becomes deliveries.
_FAN_OUT: LiteralString = f"""
WITH served AS (
    SELECT id, facility, types, cursor_tx AS tx, cursor_seq AS seq FROM webhook
    WHERE disabled_why IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
), new AS (
    SELECT s.id, s.types, e.* FROM served s CROSS JOIN LATERAL (
        SELECT e.tx, e.seq, e.submission_id, e.at, e.kind, e.state, e.cause FROM event e
        WHERE e.facility = s.facility AND {SHOWN_AFTER.format(tx="s.tx", seq="s.seq")}
        ORDER BY e.tx, e.seq LIMIT %(limit)s
    ) e
), told AS (
    INSERT INTO webhook_delivery
        (webhook_id, type, event_at, submission_id, state_then, cause, next_attempt_at)
    SELECT id, 'submission.' || kind, at, submission_id, state, cause, %(now)s FROM new
    WHERE 'submission.' || kind = ANY(types) ORDER BY tx, seq
    RETURNING id
), moved AS (
    UPDATE webhook w SET cursor_tx = last.tx, cursor_seq = last.seq
    FROM (SELECT DISTINCT ON (id) id, tx, seq FROM new ORDER BY id, tx DESC, seq DESC) last
    WHERE w.id = last.id
)
SELECT count(*) FROM told
"""


@dataclass(frozen=True, slots=True)
class PostgresWebhooks:
    """`claims.exchange.webhooks.Webhooks` on PostgreSQL, secrets sealed."""

    pool: Pool
    seal: Seal

    def add(self, webhook: Webhook, key: bytes, *, most: int) -> bool:
        """Store a webhook whose events begin now; False if the facility has as many as it may."""
        try:
            with borrow(self.pool) as connection, connection.transaction():
                # Two that come at once are counted one after the other.
                connection.execute(
                    "SELECT FROM facility WHERE code = %s FOR NO KEY UPDATE", [webhook.facility]
                )
                row = connection.execute(
                    "SELECT count(*) FROM webhook WHERE facility = %s", [webhook.facility]
                ).fetchone()
                if row is not None and row[0] >= most:
                    return False
                tx, seq = _end(connection, webhook.facility)
                connection.execute(
                    "INSERT INTO webhook (id, facility, url, types, description, created_at, secret_sealed, "
                    "cursor_tx, cursor_seq) VALUES (%s, %s, %s, %s, %s, %s, %s, %s::text::xid8, %s)",
                    [
                        webhook.id,
                        webhook.facility,
                        webhook.url,
                        list(webhook.types),
                        webhook.description,
                        webhook.created_at,
                        self.seal.close(key, belongs_to=_owner(webhook.id)),
                        tx,
                        seq,
                    ],
                )
        except ForeignKeyViolation as error:
            raise UnknownFacility(webhook.facility) from error
        return True

    def get(self, webhook_id: str, *, facility: FacilityCode | None) -> Webhook:
        """Return a webhook, of the facility unless that is None."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM webhook WHERE id = %s", [webhook_id]).fetchone()
        if row is None or (facility is not None and row[1] != facility):
            raise WebhookNotFound(webhook_id)
        return _webhook(row)

    def of_facility(self, facility: FacilityCode) -> tuple[Webhook, ...]:
        """Return a facility's webhooks, oldest first (webhook_of_facility)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM webhook WHERE facility = %s ORDER BY created_at, id", [facility]
            ).fetchall()
        return tuple(_webhook(row) for row in rows)

    def change(self, webhook: Webhook) -> None:
        """Store address, types, description and whether it is on; switched on, its events begin now."""
        with borrow(self.pool) as connection, connection.transaction():
            before = connection.execute(
                "SELECT disabled_why FROM webhook WHERE id = %s FOR UPDATE", [webhook.id]
            ).fetchone()
            if before is None:
                raise WebhookNotFound(webhook.id)
            connection.execute(
                "UPDATE webhook SET url = %s, types = %s, description = %s, disabled_why = %s, silences = 0, "
                "rests_until = NULL WHERE id = %s",
                [webhook.url, list(webhook.types), webhook.description, webhook.disabled_why, webhook.id],
            )
            if before[0] is not None and webhook.disabled_why is None:
                connection.execute(
                    "UPDATE webhook SET cursor_tx = %s::text::xid8, cursor_seq = %s WHERE id = %s",
                    [*_end(connection, webhook.facility), webhook.id],
                )

    def rotate(self, webhook_id: str, key: bytes, *, now: datetime, overlap_until: datetime) -> None:
        """Store a new secret; the one before stays live until then. Without an overlap no other stays live.

        Raises:
            TwoSecretsLive: There is an overlap of the rotation before, and is to be one of this.
            WebhookNotFound: There is no such webhook.
        """
        with borrow(self.pool) as connection, connection.transaction():
            row = connection.execute(
                "SELECT overlap_until FROM webhook WHERE id = %s FOR UPDATE", [webhook_id]
            ).fetchone()
            if row is None:
                raise WebhookNotFound(webhook_id)
            if row[0] is not None and now < row[0] and now < overlap_until:
                raise TwoSecretsLive(webhook_id, row[0])
            connection.execute(
                "UPDATE webhook SET earlier_secret_sealed = secret_sealed, secret_sealed = %s, "
                "overlap_until = %s WHERE id = %s",
                [self.seal.close(key, belongs_to=_owner(webhook_id)), overlap_until, webhook_id],
            )

    def remove(self, webhook_id: str) -> None:
        """Forget a webhook and its deliveries."""
        with borrow(self.pool) as connection:
            connection.execute("DELETE FROM webhook WHERE id = %s", [webhook_id])

    def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> tuple[tuple[int, WebhookDelivery], ...]:
        """Return deliveries, newest first, each with its number (webhook_delivery_listed)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT number, {_SHOWN} FROM webhook_delivery WHERE webhook_id = %(webhook)s "
                "AND (%(state)s::text IS NULL OR state = %(state)s) "
                "AND (%(before)s::bigint IS NULL OR number < %(before)s) "
                "ORDER BY number DESC LIMIT %(limit)s",
                {"webhook": webhook_id, "state": state, "before": before, "limit": limit},
            ).fetchall()
        return tuple((number, _delivery(tuple(row))) for number, *row in rows)

    def ping(self, webhook_id: str, *, at: datetime) -> WebhookDelivery:
        """Leave a delivery that says nothing but that it came, before all others, and end a rest."""
        with borrow(self.pool) as connection:
            # Nothing is due for longer than since the webhook was made.
            row = connection.execute(
                "WITH asked AS ("
                "UPDATE webhook SET rests_until = NULL WHERE id = %s RETURNING id, created_at) "
                "INSERT INTO webhook_delivery (webhook_id, type, event_at, next_attempt_at) "
                f"SELECT id, %s, %s, created_at FROM asked RETURNING {_DELIVERY}",
                [webhook_id, PING, at],
            ).fetchone()
        if row is None:
            raise WebhookNotFound(webhook_id)
        return _delivery(row)

    def send_again(self, webhook_id: str, delivery_id: str, *, now: datetime) -> WebhookDelivery:
        """Let a delivery begin anew under its id."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, next_attempt_at = %s "
                f"WHERE id = %s AND webhook_id = %s RETURNING {_DELIVERY}",
                [now, delivery_id, webhook_id],
            ).fetchone()
        if row is None:
            raise WebhookNotFound(delivery_id)
        return _delivery(row)

    def fan_out(self, *, now: datetime, limit: int) -> int:
        """Go along the feed and leave a delivery for each event that a webhook wants; return how many."""
        with borrow(self.pool) as connection:
            row = connection.execute(_FAN_OUT, {"now": now, "limit": limit}).fetchone()
        return 0 if row is None else int(row[0])

    def due(self, *, now: datetime, limit: int) -> tuple[str, ...]:
        """Return the webhooks for which something is due and that nobody serves (webhook_delivery_due)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT w.id FROM webhook w WHERE w.disabled_why IS NULL "
                "AND (w.lease_until IS NULL OR w.lease_until <= %(now)s) "
                "AND (w.rests_until IS NULL OR w.rests_until <= %(now)s) "
                "AND EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id "
                "AND d.state = 'waiting' AND d.next_attempt_at <= %(now)s) LIMIT %(limit)s",
                {"now": now, "limit": limit},
            ).fetchall()
        return tuple(row[0] for row in rows)

    def lease(self, webhook_id: str, *, owner: str, now: datetime, lease_s: int, limit: int) -> Turn | None:
        """Take a webhook for a while, with what is due for it; None when somebody serves it."""
        with borrow(self.pool) as connection, connection.transaction():
            row = connection.execute(
                "UPDATE webhook SET lease_owner = %(owner)s, lease_until = %(until)s WHERE id = ("
                "SELECT id FROM webhook WHERE id = %(id)s AND disabled_why IS NULL "
                "AND (lease_until IS NULL OR lease_until <= %(now)s) "
                "AND (rests_until IS NULL OR rests_until <= %(now)s) FOR UPDATE SKIP LOCKED) "
                f"RETURNING {_COLUMNS}, secret_sealed, earlier_secret_sealed, silences",
                {
                    "id": webhook_id,
                    "owner": owner,
                    "now": now,
                    "until": now + timedelta(seconds=lease_s),
                },
            ).fetchone()
            if row is None:
                return None
            *columns, sealed, earlier, silences = row
            webhook = _webhook(tuple(columns))
            due = connection.execute(
                f"SELECT {_DELIVERY} FROM webhook_delivery WHERE webhook_id = %s AND state = 'waiting' "
                "AND next_attempt_at <= %s ORDER BY next_attempt_at, number LIMIT %s",
                [webhook_id, now, limit],
            ).fetchall()
        is_overlap = webhook.overlap_until is not None and now < webhook.overlap_until
        live = [sealed, *([earlier] if earlier is not None and is_overlap else [])]
        keys = tuple(self.seal.open(bytes(one), belongs_to=_owner(webhook_id)) for one in live)
        return Turn(webhook, keys, tuple(_delivery(one) for one in due), silences)

    def record(
        self,
        webhook_id: str,
        told: Sequence[Told],
        after: AfterTurn,
        *,
        owner: str,
    ) -> bool:
        """Write what came of a turn, if the lease is still held, and give it back."""
        with borrow(self.pool) as connection, connection.transaction():
            held = connection.execute(
                "UPDATE webhook SET lease_owner = NULL, lease_until = NULL, silences = %s, rests_until = %s, "
                "disabled_why = coalesce(disabled_why, %s) WHERE id = %s AND lease_owner = %s",
                [after.silences, after.rests_until, after.disabled_why, webhook_id, owner],
            ).rowcount
            if not held:
                return False
            connection.execute(
                "UPDATE webhook_delivery d SET state = r.state, attempts = d.attempts + 1, "
                "next_attempt_at = r.next_attempt_at, tries = d.tries || r.tried "
                "FROM json_to_recordset(%s) AS r "
                "(id text, state text, next_attempt_at timestamptz, tried jsonb) WHERE d.id = r.id",
                [Json([_told_row(one) for one in told])],
            )
            if after.fails_before is not None:
                connection.execute(
                    "UPDATE webhook_delivery SET state = 'failed', next_attempt_at = NULL "
                    "WHERE webhook_id = %s AND state = 'waiting' AND next_attempt_at < %s",
                    [webhook_id, after.fails_before],
                )
        return True

    def forget(self, *, before: datetime, limit: int) -> int:
        """Delete deliveries that are settled and older (webhook_delivery_settled); return how many."""
        with borrow(self.pool) as connection:
            return connection.execute(
                "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery "
                "WHERE state <> 'waiting' AND event_at < %s ORDER BY event_at LIMIT %s "
                "FOR UPDATE SKIP LOCKED)",
                [before, limit],
            ).rowcount


def _end(connection: Connection[TupleRow], facility: FacilityCode) -> tuple[str, int]:
    row = connection.execute(_END, {"facility": facility}).fetchone()
    return ("0", 0) if row is None else (str(row[0]), row[1])


def _owner(webhook_id: str) -> str:
    return f"webhook/{webhook_id}"


def _webhook(row: TupleRow) -> Webhook:
    webhook_id, facility, url, types, description, created_at, disabled_why, overlap_until = row
    return Webhook(
        webhook_id,
        FacilityCode(facility),
        url,
        tuple(types),
        description,
        created_at,
        disabled_why,
        overlap_until,
    )


def _delivery(row: TupleRow) -> WebhookDelivery:
    delivery_id, webhook_id, kind, event_at, submission_id, then, cause, state, attempts, due, tries = row
    return WebhookDelivery(
        delivery_id,
        webhook_id,
        kind,
        event_at,
        submission_id,
        then,
        cause,
        DeliveryState(state),
        attempts,
        due,
        tuple(
            Try(datetime.fromisoformat(one["at"]), one["took_ms"], one["status"], one["error"])
            for one in tries
        ),
    )


def _told_row(one: Told) -> dict[str, object]:
    return {
        "id": one.delivery_id,
        "state": one.state,
        "next_attempt_at": None if one.next_attempt_at is None else one.next_attempt_at.isoformat(),
        "tried": [
            {
                "at": one.tried.at.isoformat(),
                "took_ms": one.tried.took_ms,
                "status": one.tried.status,
                "error": one.tried.error,
            }
        ],
    }
