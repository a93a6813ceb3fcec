"""The chain of rows: of each row of tables that are only added to, its digest in a chain.

A trigger digests a row in the transaction that adds it; it gets its place some seconds later (`extend`), so
that nobody who writes waits for others who do. Claims whose classes become known are noted anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, LiteralString

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from claims.storage.chains import Chain, Link, said_by
from claims.storage.faults import Fault

_ROWS: Final = 2_000
#: The tables whose rows are noted, and the key of a row "a" (revision 0040).
_KEYS: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {
        "claim": "a.submission_id || ' ' || a.ordinal",
        "registration_event": "a.id::text",
        "review_message": "a.seq::text",
        "review_step": "a.seq::text",
    }
)
# What was noted last of each row, in the chain or on its way there, beside the row. Erasing removes rows of
# a submission, and is noted itself.
_DIFFERENT: Final[LiteralString] = """
SELECT coalesce(n.key, r.key), r.key IS NOT NULL, n.key IS NOT NULL FROM (
    SELECT DISTINCT ON (key) key, submission_id, row_digest FROM (
        SELECT key, submission_id, row_digest, position, 0 AS id FROM row_chain WHERE relation = {name}
        UNION ALL SELECT key, submission_id, row_digest, NULL, id FROM row_pending WHERE relation = {name}
    ) AS noted ORDER BY key, position DESC NULLS FIRST, id DESC
) AS n FULL JOIN (SELECT {key} AS key, row_digest(to_jsonb(a)) AS digest FROM {table} a) AS r ON r.key = n.key
WHERE r.digest IS DISTINCT FROM n.row_digest AND NOT (
    r.key IS NULL AND EXISTS (SELECT FROM erasure e WHERE e.submission_id = n.submission_id)
) ORDER BY 1
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
            name=sql.Literal(table), table=sql.Identifier(table), key=sql.SQL(key)
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
