"""The chain of rows: of each row of tables that are only added to, its digest in a chain.

A trigger digests a row in the transaction that adds it; it gets its place some seconds later (`extend`), so
that nobody who writes waits for others who do. Claims whose classes become known are noted once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, LiteralString

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from claims.storage.chains import Chain, Link, said_by
from claims.storage.faults import Fault

_ROWS: Final = 2_000
#: The tables whose rows are noted, and the key of a row "a" (revisions 0040, 0046).
_KEYS: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {
        "claim": "a.submission_id || ' ' || a.ordinal",
        "head_timestamp": "a.size::text",
        "registration_event": "a.id::text",
        "review_message": "a.seq::text",
        "review_step": "a.seq::text",
    }
)
#: How often a row may be noted: a claim with each check that read it otherwise.
_NOTED_AT_MOST: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {
        "claim": "(SELECT count(*) FROM event e WHERE e.submission_id = n.submission_id "
        "AND e.kind IN ('checked', 'rejected'))"
    }
)
# What was noted of each row, in the chain or on its way there, beside the row. A row stays what it was first;
# only a claim is noted once more, by a later check, or because its classes were not known then (and a null is
# not digested). Erasing removes rows of a submission, and is noted itself; a later check may remove claims,
# and its record says how many there are.
_DIFFERENT: Final[LiteralString] = """
SELECT coalesce(n.key, r.key), r.key IS NOT NULL, n.key IS NOT NULL FROM (
    SELECT key, (array_agg(submission_id ORDER BY position, id))[1] AS submission_id,
        (array_agg(row_digest ORDER BY position, id))[1] AS first,
        (array_agg(row_digest ORDER BY position DESC, id DESC))[1] AS last,
        count(DISTINCT row_digest) AS count
    FROM (
        SELECT key, submission_id, row_digest, position, 0 AS id FROM row_chain WHERE relation = {name}
        UNION ALL SELECT key, submission_id, row_digest, NULL, id FROM row_pending WHERE relation = {name}
    ) AS noted GROUP BY key
) AS n FULL JOIN (
    SELECT {key} AS key, row_digest(to_jsonb(a)) AS digest, row_digest(to_jsonb(a) - 'classes') AS unclassed
    FROM {table} a
) AS r ON r.key = n.key
WHERE NOT coalesce(
    r.digest = n.last AND (n.count = 1 OR r.unclassed = n.first AND n.count = 2 OR n.count <= {most}), false
)
    AND NOT (
        r.key IS NULL
        AND ({most} > 1 OR EXISTS (SELECT FROM erasure e WHERE e.submission_id = n.submission_id))
    )
ORDER BY 1
"""


def extend(connection: Connection[TupleRow]) -> int:
    """Give places to some rows that have none, in the caller's transaction; return how many."""
    ((count,),) = connection.execute("SELECT chain_rows(%s)", [_ROWS]).fetchall()
    return int(count)


def note_claims(connection: Connection[TupleRow], submission_id: str, ordinals: Sequence[int]) -> None:
    """Note claims as they are now, in the transaction that changed them."""
    connection.execute(
        "INSERT INTO row_pending (relation, key, submission_id, row_digest) "
        "SELECT 'claim', a.submission_id || ' ' || a.ordinal, a.submission_id, row_digest(to_jsonb(a)) "
        "FROM claim a WHERE a.submission_id = %s AND a.ordinal = ANY(%s)",
        [submission_id, list(ordinals)],
    )


def row_faults(connection: Connection[TupleRow]) -> Iterator[Fault]:
    """Return rows that are not as they were noted, in the caller's transaction."""
    # As the trigger writes rows.
    connection.execute("SELECT set_config('timezone', 'UTC', true), set_config('bytea_output', 'hex', true)")
    for table, key in _KEYS.items():
        statement = sql.SQL(_DIFFERENT).format(
            name=sql.Literal(table),
            table=sql.Identifier(table),
            key=sql.SQL(key),
            most=sql.SQL(_NOTED_AT_MOST.get(table, "1")),
        )
        for row_key, is_there, is_noted in connection.execute(statement).fetchall():
            code = "row.missing" if not is_there else "row.changed" if is_noted else "row.unnoted"
            yield Fault(code, table, row_key)


def _link(row: TupleRow) -> Link:
    position, at, relation, key, submission_id, row_digest, digest = row
    said = said_by(position, at, relation, key, submission_id or "", bytes(row_digest).hex())
    return Link(position, bytes(digest), said, at)


ROW_CHAIN: Final = Chain(
    "rows",
    "row_chain",
    "SELECT position, at, relation, key, submission_id, row_digest, digest FROM row_chain ORDER BY position",
    _link,
)
