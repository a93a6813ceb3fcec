"""Claims made in bulk: a year's rows of every table that a claim leaves, in the months that they belong to.

What is not read on the way of a later claim is short: bodies, records, receipts' tokens, findings.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, LiteralString

from psycopg import connect, sql

_AT_ONCE: Final = 20_000
_SIDE_BY_SIDE: Final = 2
_YEAR: Final = timedelta(days=365)
_FILLED: Final = (
    *("submission", "submission_body", "signed_receipt", "data_key", "claim", "claim_person", "mark"),
    *("report", "attempt", "receipt", "event", "evidence", "row_chain"),
)

# In the order of their receipt, over all facilities; their transactions are older than what the log has read.
_LAY: Final[LiteralString] = """
WITH made AS MATERIALIZED (
    SELECT i, claims_first_id(%(at)s) || lpad(i::text, 16, '0') AS id, facility,
        %(at)s + (i - %(first)s) * interval '1 millisecond' AS at, facility || '.' || i AS number,
        sha256(i::text::bytea) AS digest
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i,
        LATERAL (SELECT (%(facilities)s::text[])[1 + i %% cardinality(%(facilities)s)]) AS f (facility)
), log AS (
    SELECT 2 + %(first)s / %(step)s %% (tx::text::bigint - 2) AS tx FROM log_cursor
), submissions AS (
    INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at, checked_at, attempts,
        maybe_taken, ma_giao_dich)
    SELECT id, facility, digest, 60000, 'acknowledged', at, at, at, 1, true, number FROM made
), bodies AS (
    INSERT INTO submission_body (submission_id, body) SELECT id, digest FROM made
), tokens AS (
    INSERT INTO signed_receipt (submission_id, token) SELECT id, number FROM made
), keys AS (
    INSERT INTO data_key (submission_id, wrapped, master) SELECT id, digest || digest, 'laid' FROM made
), claims AS (
    INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary, classes, record_class)
    SELECT id, 1, facility, number, jsonb_build_object(
        'ma_lk', number, 't_bhtt', '359177.2', 'decision', '3176',
        'tables', '{"XML1": 1, "XML2": 2, "XML3": 10, "XML4": 20}'::json,
        't_tongchi_bh', '448971.5', 't_tongchi_bv', '448971.5',
        'discharged_on', '2026-11-30'), '{}', 'treatment'
    FROM made
), persons AS (
    INSERT INTO claim_person (person, submission_id, ordinal, rank)
    SELECT substr(sha256((i / 3 * 2 + rank)::text::bytea), 1, 16), id, 1, rank
    FROM made, generate_series(0, 1) AS rank
), marks AS (
    INSERT INTO mark (period, subject, starts_at, ends_at, patient, episode, facility, submission_id)
    SELECT 12 * extract(year FROM at) + extract(month FROM at), substr(sha256((n || '.' || i)::bytea), 1, 12),
        at AT TIME ZONE 'UTC', at AT TIME ZONE 'UTC', substr(digest, 13, 12), substr(digest, 1, 12),
        facility, id
    FROM made, generate_series(1, 8) AS n
), reports AS (
    INSERT INTO report (submission_id, checked_at, stages, findings) SELECT id, at, '[]', '[]' FROM made
), attempts AS (
    INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome, answer)
    SELECT id, 1, at, at, 'acknowledged', digest FROM made
), receipts AS (
    INSERT INTO receipt (submission_id, ma_giao_dich, received_at, noted_at, answer)
    SELECT id, number, at, at, digest FROM made
), chained AS (
    INSERT INTO row_chain (position, relation, key, submission_id, row_digest, digest)
    SELECT -i, 'claim', id || ' 1', id, digest, digest FROM made
), records AS (
    INSERT INTO evidence (index, submission_id, event_seq, record)
    SELECT -3 * i - n, id, -3 * i - n, number FROM made, generate_series(1, 3) AS n
)
INSERT INTO event (submission_id, seq, facility, at, kind, state, actor, tx) OVERRIDING SYSTEM VALUE
SELECT id, -3 * i - n, facility, at, kind, kind, 'bench', (log.tx)::text::xid8
FROM made, log, unnest(ARRAY['received', 'checked', 'acknowledged']) WITH ORDINALITY AS kinds (kind, n)
"""

# The parts of a table that is divided by month stand for it.
_LEAVE_INDEXES: Final[LiteralString] = """
UPDATE pg_index SET indisready = false FROM pg_class c
WHERE c.oid = indexrelid AND c.relkind = 'i' AND indrelid IN (
    SELECT name::regclass FROM unnest(%(tables)s::text[]) AS name
    UNION SELECT relid FROM unnest(%(tables)s::text[]) AS name, pg_partition_tree(name::regclass)
)
"""

# As an installation has them that ran all the year.
_MAKE_MONTHS: Final[LiteralString] = """
DO $$
DECLARE
    parent text; before text; ends timestamp; month timestamp;
    this timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
BEGIN
    FOR parent, before, ends IN
            SELECT p.parent, p.part, p.ends FROM month_part p WHERE p.part LIKE '%\\_before\\_%' LOOP
        CONTINUE WHEN to_regclass(parent || to_char(this - interval '1 month', '_YYYYMM')) IS NOT NULL;
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, before);
        FOR month IN SELECT this - n * interval '1 month' FROM generate_series(1, 12) AS n LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || to_char(month, '_YYYYMM'), parent, claims_first_id(month AT TIME ZONE 'UTC'),
                claims_first_id((month + interval '1 month') AT TIME ZONE 'UTC'));
        END LOOP;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, before,
            claims_first_id(this AT TIME ZONE 'UTC'), claims_first_id(ends AT TIME ZONE 'UTC'));
    END LOOP;
END $$
"""


def lay(database_url: str, facilities: Sequence[str], numbers: range) -> float:
    """Lay claims of the past year, numbered so, as a superuser; return how many seconds it took.

    Nobody may write meanwhile: indexes are made once, when all is there.
    """
    began, first_at = time.perf_counter(), datetime.now(UTC) - _YEAR
    parts = [
        {
            "first": first,
            "last": min(first + _AT_ONCE, numbers.stop) - 1,
            "step": _AT_ONCE,
            "at": first_at + _YEAR * 0.999 * ((first - numbers.start) / len(numbers)),
            "facilities": list(facilities),
        }
        for first in range(numbers.start, numbers.stop, _AT_ONCE)
    ]
    with connect(database_url, autocommit=True) as connection:
        connection.execute(_MAKE_MONTHS)
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(_LEAVE_INDEXES, {"tables": list(_FILLED)})
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for work, items in ((_lay_part, parts), (_finish, _FILLED)):
                for _ in pool.map(partial(work, database_url), items):
                    pass
        connection.execute("ALTER SYSTEM RESET autovacuum")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")
    return time.perf_counter() - began


def _lay_part(database_url: str, part: Mapping[str, object]) -> None:
    with connect(database_url) as connection:
        # Neither triggers nor references are asked.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute(_LAY, part)


def _finish(database_url: str, table: str) -> None:
    with connect(database_url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute(sql.SQL("REINDEX TABLE {}").format(sql.Identifier(table)))
        # Otherwise the server would do it while something else is measured.
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
