"""Every column of every table is under a signed record, or says here why it need not be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, LiteralString

import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from claims.exchange.lifecycle import State
from claims.exchange.submission import Event, EventKind
from claims.storage.audit import replay
from claims.storage.faults import Fault
from claims.storage.retention import PostgresRetained
from tests.integration.conftest import Exchange, keep
from tests.integration.evidence import Installation

_STEERS: Final = "only steers the work"
_WAYS_IN: Final = "says who gets in now; how it came to be so is in access_event"
_COMPARED_THERE: Final = "what it opens is compared with access_event; the rest is secrets and names"
_DERIVED: Final = "made from the bundle, for finding and comparing; made anew at any time"
_INBOX: Final = "how the inbox shows and sorts a claim; the decision is what counts"

NO_EVIDENCE: Final[Mapping[str, str]] = {
    "alembic_version": _STEERS,
    "api_key": _COMPARED_THERE,
    "batch": "counts what was handed in together; each submission of it has its own records",
    "batch_item": "counts what was handed in together; each submission of it has its own records",
    "card_reply": "remembers answers about cards for a while",
    "check_in": "remembers check-ins for a while",
    "claim_person": _DERIVED,
    "data_key": "opens what is compared: another key opens nothing",
    "data_request": "sealed texts and legal clocks; each step is in access_event",
    "data_request_claim": "sealed texts and legal clocks; each step is in access_event",
    "dropin_account": _WAYS_IN,
    "facility": "the name that is printed, which may change",
    "gateway_account": _WAYS_IN,
    "gateway_answer": "the gateway's, which is asked for it again",
    "gateway_destination": _STEERS,
    "gateway_session": _STEERS,
    "idempotency_key": _STEERS,
    "mark": _DERIVED,
    "moved_content": "says where what is compared lies: something else there is not what was signed",
    "oauth_client": _COMPARED_THERE,
    "oauth_key": _WAYS_IN,
    "oauth_statement": _STEERS,
    "oauth_token": _WAYS_IN,
    "opening": _WAYS_IN,
    "passkey": _WAYS_IN,
    "person": _COMPARED_THERE,
    "person_grant": _COMPARED_THERE,
    "person_provider": _WAYS_IN,
    "provider_answer": _STEERS,
    "replay": "each submission's replay is an event that names it",
    "replay_item": "each submission's replay is an event that names it",
    "restoration": _STEERS,
    "result_watch": _STEERS,
    "review_due": _STEERS,
    "review_filter": "what a reviewer likes to look at",
    "review_sample": "which claims were drawn to be looked at; drawn again from seed and query",
    "review_sample_item": "which claims were drawn to be looked at; drawn again from seed and query",
    "review_tally": _DERIVED,
    "schedule": _STEERS,
    "sending_pause": _STEERS,
    "session": _WAYS_IN,
    "settlement": "the gateway's, which is asked for it again",
    "sign_in_attempt": _STEERS,
    "unwanted_object": _STEERS,
    "webhook": _STEERS,
    "webhook_delivery": _STEERS,
}
NOT_COMPARED: Final[Mapping[str, str]] = {
    "attempt.seq": "a number of the database's own",
    "event.tx": "of the database's own; restoring changes it",
    "log_cursor.only_one": "always true",
    "log_cursor.seq": "set back it shows, set ahead it hides events, which are named then",
    "row_pending.id": "in which order rows get their places",
    "row_pending.submission_id": "matters only once it is in the chain",
    "row_pending.at": "matters only once it is in the chain",
    **{
        f"submission.{column}": _STEERS
        for column in (
            "updated_at", "attempts", "next_attempt_at", "woken_at", "lease_owner", "lease_until",
            "maybe_taken", "traceparent",
        )
    },
    "submission.cause": "why it waits now; the cause of each event is in its record",
    **{
        f"review.{column}": _INBOX
        for column in (
            "id", "facility", "received_at", "patient", "words", "person", "diagnosis", "discharged_on",
            "classes", "lane", "lane_reasons", "codes", "dice", "version", "lock_owner", "lock_until",
            "patient_sealed",
        )
    },
    "review_cut.seq": "a number within the decision",
}  # fmt: skip

# Another value of each type.
_OTHER: Final[Mapping[str, LiteralString]] = {
    "bigint": "coalesce({0}, 0) + 1000",
    "boolean": "NOT {0}",
    "bytea": "coalesce({0}, '') || '\\x00'",
    "bytea[]": "ARRAY['x'::bytea]",
    "integer": "coalesce({0}, 0) + 1000",
    "jsonb": "'[7]'",
    "numeric": "coalesce({0}, 0) + 1000",
    "smallint": "coalesce({0}, 0) + 1000",
    "smallint[]": "array_append({0}, 7::smallint)",
    "text": "coalesce({0}, '') || 'x'",
    "text[]": "array_append({0}, 'x')",
    "timestamp with time zone": "coalesce({0}, now()) - interval '1 day'",
    "xid8": "'1'",
}
_COLUMNS: Final[LiteralString] = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attidentity <> ''
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
"""
# Whoever can change rows can do that, too.
_DROP_CHECKS: Final = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
            WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conparentid = 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', one.place, one.conname);
    END LOOP;
END $$
"""


@pytest.fixture
def installation(exchange: Exchange, tmp_path: Path) -> Installation:
    """One more submission than usual, which was erased, and a reading that waits for its place."""
    found = Installation(exchange, tmp_path / "evidence-keys")
    erased = exchange.checked(b"<erased/>").id
    exchange.deliver([erased])
    event = Event(exchange.clock.now(), EventKind.ERASED, State.ACKNOWLEDGED, "a", detail={"reason": "old"})
    PostgresRetained(exchange.pool).erase(erased, event)
    keep(found.keep_log, 4)
    found.read()
    found.run(
        "INSERT INTO review_step (review_id, at, actor, kind) SELECT id, %s, 'reviewer', 'late' FROM review",
        exchange.clock.now(),
    )
    assert found.faults() == set()
    found.run(_DROP_CHECKS)
    return found


@pytest.mark.slow
def test_every_column_is_compared_or_says_why_not(installation: Installation) -> None:
    with installation.exchange.pool.connection() as connection:
        columns = connection.execute(_COLUMNS).fetchall()
        names = {table for table, *_ in columns}, {f"{table}.{column}" for table, column, *_ in columns}
        missed = [
            f"{table}.{column}"
            for table, column, kind, is_identity in columns
            if table not in NO_EVIDENCE
            and f"{table}.{column}" not in NOT_COMPARED
            and not _faults_of(
                installation, connection, _changes(table, column, kind, is_identity=is_identity)
            )
        ]

    assert missed == []
    assert names[0] >= NO_EVIDENCE.keys()
    assert names[1] >= NOT_COMPARED.keys()


def test_every_row_that_is_gone_is_missed(installation: Installation) -> None:
    with installation.exchange.pool.connection() as connection:
        tables = {table for table, *_ in connection.execute(_COLUMNS)} - NO_EVIDENCE.keys()
        unseen = {
            table
            for table in tables
            if not _faults_of(installation, connection, [_on_first("DELETE FROM {0}", table)])
        }

    assert unseen == set()


def _faults_of(
    installation: Installation, connection: Connection[TupleRow], changes: list[sql.Composed]
) -> list[Fault]:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")  # triggers and references rest
        for change in changes:
            done = connection.execute(change)
        assert done.rowcount == 1, f"there is no row for {change.as_string()}"
        return list(replay(connection, installation.keys.certificates()))


def _changes(table: str, column: str, kind: str, *, is_identity: bool) -> list[sql.Composed]:
    name = sql.Identifier(column)
    other = sql.SQL(_OTHER[kind]).format(name)
    change = _on_first("UPDATE {0} SET {1} = {2}", table, name, other)
    free = sql.SQL("ALTER TABLE {0} ALTER {1} DROP IDENTITY").format(sql.Identifier(table), name)
    return [free, change] if is_identity else [change]


def _on_first(statement: LiteralString, table: str, *parts: sql.Composable) -> sql.Composed:
    where: LiteralString = (
        " WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {0} ORDER BY tableoid, ctid LIMIT 1)"
    )
    return sql.SQL(statement + where).format(sql.Identifier(table), *parts)
