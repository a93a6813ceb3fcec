"""The log of evidence: one signed record for each event, all in one Merkle tree.

Events become evidence in the order of the feed, once every transaction that began before their own has ended
(see `claims.storage.feed`), by one appender at a time. Nothing is ever changed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.proofs import LoggedRecord, StoredHead
from claims.exchange.submission import SubmissionId
from claims.proof.merkle import HASH_BYTES, Node, fold, leaf_hash, root_of
from claims.proof.records import Record, TreeHead, token_digest
from claims.proof.tokens import ServiceKey, digest_of
from claims.storage.chains import ChainHead
from claims.storage.pool import Pool, borrow
from claims.storage.row_chain import extend

#: Whoever holds it appends, or signs a head.
_LOG_LOCK: Final = 0x65486F536F4C
#: A tile holds the hashes of two to this power of subtrees.
_TILE_LEVELS: Final = 8
_TILE: Final = 1 << _TILE_LEVELS
#: Each takes some 20 kB.
_MOST_TILES: Final = 256

# After a restore into another database system the cursor may be ahead of every transaction: then what has no
# evidence is looked for from the beginning, once (`claims.storage.feed.renumber`). Where the index
# event_in_order is entered, and what is asked of each event, are selections of their own, so that the plan is
# the same whatever statistics say and however long the log is.
_NEXT: LiteralString = """
SELECT e.tx::text, e.seq, e.submission_id, e.facility, e.at, e.kind, e.state, e.actor, e.cause,
    e.detail::text, e.digests::text,
    (SELECT encode(s.sha256, 'hex') FROM submission s WHERE s.id = e.submission_id)
FROM event e
WHERE (e.tx, e.seq) > (
    coalesce((SELECT tx FROM log_cursor WHERE tx < pg_snapshot_xmax(pg_current_snapshot())), '0'::xid8),
    coalesce((SELECT seq FROM log_cursor WHERE tx < pg_snapshot_xmax(pg_current_snapshot())), 0)
)
    AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
    AND (SELECT true FROM evidence v WHERE v.event_seq = e.seq) IS NULL
ORDER BY e.tx, e.seq LIMIT %s
"""

# Not COPY, which row-level security forbids; not arrays of text, whose every element the driver searches for
# what must be quoted: neither ids nor signed statements have a blank in them.
_ADD: LiteralString = """
INSERT INTO evidence (index, submission_id, event_seq, record)
SELECT %s + n - 1, submission_id, event_seq, record
FROM ROWS FROM (
    string_to_table(%s, ' '), unnest(%s::bigint[]), string_to_table(%s, ' ')
) WITH ORDINALITY AS made (submission_id, event_seq, record, n)
"""

_LAST: LiteralString = """
SELECT last.* FROM unnest(%s::text[]) AS wanted (id), LATERAL (
    SELECT v.submission_id, encode(sha256(v.record::bytea), 'hex') FROM evidence v
    WHERE v.submission_id = wanted.id ORDER BY v.index DESC LIMIT 1
) AS last
"""

_LAST_HEAD: LiteralString = "SELECT size, token FROM tree_head ORDER BY size DESC LIMIT 1"
_HEAD: LiteralString = (
    "SELECT h.token, t.token FROM tree_head h LEFT JOIN head_timestamp t ON t.size = h.size "
)


@dataclass(frozen=True, slots=True)
class PostgresLog:
    """`claims.exchange.proofs.EvidenceLog` on PostgreSQL."""

    pool: Pool
    #: Tiles that were read: what is in one never changes.
    _tiles: dict[tuple[int, int], Sequence[bytes]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def append(self, key: ServiceKey, *, now: datetime, limit: int) -> int:
        """Chain rows; make evidence of events that have none (event_in_order), and return of how many."""
        with borrow(self.pool) as connection, connection.transaction():
            if not _lock(connection):
                return 0
            extend(connection)
            rows = connection.execute(_NEXT, [limit]).fetchall()
            if not rows:
                return 0
            size = _size(connection)
            head = connection.execute(_LAST_HEAD).fetchone()
            first_says = None if head is None else token_digest(head[1])
            records = _make_records(rows, _last_digests(connection, rows), key, now, head=first_says)
            ids = " ".join(row[2] for row in rows)
            connection.execute(_ADD, [size, ids, [row[1] for row in rows], " ".join(records)])
            _complete_tiles(connection, size, [leaf_hash(record.encode()) for record in records])
            connection.execute("UPDATE log_cursor SET tx = %s::xid8, seq = %s", [rows[-1][0], rows[-1][1]])
        return len(rows)

    def sign_head(self, key: ServiceKey, *, now: datetime) -> StoredHead | None:
        """Sign and keep the head of the log as it stands; None if there is one, or somebody else is at it."""
        with borrow(self.pool) as connection, connection.transaction():
            if not _lock(connection):
                return None
            size = _size(connection)
            last = connection.execute(_LAST_HEAD).fetchone()
            if not size or (last is not None and last[0] == size):
                return None
            root = root_of(size, _Nodes(_on(connection)))
            previous = None if last is None else token_digest(last[1])
            head = TreeHead(size, root, now, previous, _chain_heads(connection))
            token = head.sign(key)
            connection.execute(
                "INSERT INTO tree_head (size, at, token) VALUES (%s, %s, %s)", [size, now, token]
            )
        return StoredHead(head, token)

    def latest_head(self) -> StoredHead | None:
        """Return the newest head."""
        return self._find_head("ORDER BY h.size DESC LIMIT 1", [])

    def stamped_head(self, *, least_size: int) -> StoredHead | None:
        """Return the earliest head of at least this size that is time-stamped."""
        return self._find_head(
            "WHERE h.size >= %s AND t.token IS NOT NULL ORDER BY h.size LIMIT 1", [least_size]
        )

    def newest_stamped_head(self) -> StoredHead | None:
        """Return the newest head that is time-stamped."""
        return self._find_head("WHERE t.token IS NOT NULL ORDER BY h.size DESC LIMIT 1", [])

    def head_of(self, size: int) -> StoredHead | None:
        """Return the head of this size, or None when none was signed."""
        return self._find_head("WHERE h.size = %s", [size])

    def heads(self, *, after_size: int, limit: int) -> Sequence[StoredHead]:
        """Return heads in their order."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                _HEAD + "WHERE h.size > %s ORDER BY h.size LIMIT %s", [after_size, limit]
            ).fetchall()
        return [_head(row) for row in rows]

    def keep_timestamp(self, size: int, token: bytes, *, at: datetime) -> None:
        """Keep the token on a head; the first one stays."""
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO head_timestamp (size, made_at, token) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [size, at, token],
            )

    def last_stamped_at(self) -> datetime | None:
        """Return when a head was last time-stamped."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT max(made_at) FROM head_timestamp").fetchone()
        return None if row is None else row[0]

    def records_of(self, submission_id: SubmissionId) -> Sequence[LoggedRecord]:
        """Return a submission's records in their order (evidence_of_submission)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT index, record FROM evidence WHERE submission_id = %s ORDER BY index", [submission_id]
            ).fetchall()
        return [LoggedRecord(index, record) for index, record in rows]

    def record(self, index: int) -> LoggedRecord | None:
        """Return the record at this place."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT index, record FROM evidence WHERE index = %s", [index]
            ).fetchone()
        return None if row is None else LoggedRecord(row[0], row[1])

    def nodes(self) -> Node:
        """Return how the hashes of complete subtrees are found; what was read is remembered."""
        return _Nodes(self._fetch, tiles=self._tiles)

    def _fetch(self, statement: LiteralString, params: Sequence[object]) -> Sequence[TupleRow]:
        with borrow(self.pool) as connection:
            return connection.execute(statement, params).fetchall()

    def _find_head(self, which: LiteralString, params: Sequence[object]) -> StoredHead | None:
        rows = self._fetch(_HEAD + which, params)
        return _head(rows[0]) if rows else None


_Fetch = Callable[[LiteralString, Sequence[object]], Sequence[TupleRow]]


@dataclass(slots=True)
class _Nodes:
    """Finds the hashes of complete subtrees: in tiles, and at the right edge in what lies below them."""

    fetch: _Fetch
    #: Hashes of the last leaves, by their places: what was just made need not be read.
    fresh: Mapping[int, bytes] = field(default_factory=dict)
    #: Tiles that were read, the one at the right edge of each level as far as it had come then.
    tiles: dict[tuple[int, int], Sequence[bytes]] = field(default_factory=dict)

    def __call__(self, level: int, position: int) -> bytes:
        tile_level, height = divmod(level, _TILE_LEVELS)
        first = position << height
        start = first % _TILE
        end = start + (1 << height)
        return fold(self._tile(tile_level, first // _TILE, end)[start:end])

    def _tile(self, level: int, position: int, least: int = _TILE) -> Sequence[bytes]:
        known = self.tiles.get((level, position), ())
        if len(known) < least:
            if len(self.tiles) >= _MOST_TILES:
                self.tiles.clear()
            known = self.tiles[level, position] = self._read(level, position)
        return known

    def _read(self, level: int, position: int) -> Sequence[bytes]:
        rows = self.fetch("SELECT hashes FROM log_tile WHERE level = %s AND position = %s", [level, position])
        if rows:
            return _split(rows[0][0])
        first = position * _TILE
        if level == 0:
            fresh = [self.fresh[at] for at in range(first, first + _TILE) if at in self.fresh]
            return (
                fresh if len(fresh) == _TILE else [*self._leaves(first, first + _TILE - len(fresh)), *fresh]
            )
        rows = self.fetch(
            "SELECT root FROM log_tile WHERE level = %s AND position >= %s AND position < %s "
            "ORDER BY position",
            [level - 1, first, first + _TILE],
        )
        return [bytes(root) for (root,) in rows]

    def _leaves(self, first: int, end: int) -> Sequence[bytes]:
        rows = self.fetch(
            "SELECT record FROM evidence WHERE index >= %s AND index < %s ORDER BY index", [first, end]
        )
        return [leaf_hash(record.encode()) for (record,) in rows]


def _lock(connection: Connection[TupleRow]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOG_LOCK]).fetchone()
    return row is not None and bool(row[0])


def _size(connection: Connection[TupleRow]) -> int:
    row = connection.execute("SELECT max(index) FROM evidence").fetchone()
    return 0 if row is None or row[0] is None else int(row[0]) + 1


def _chain_heads(connection: Connection[TupleRow]) -> dict[str, str]:
    rows = connection.execute("SELECT chain, position, encode(digest, 'hex') FROM chain_heads()").fetchall()
    return {chain: str(ChainHead(position, digest)) for chain, position, digest in rows}


def _last_digests(connection: Connection[TupleRow], rows: Sequence[TupleRow]) -> dict[str, str]:
    return dict(connection.execute(_LAST, [list({row[2] for row in rows})]).fetchall())


def _make_records(
    rows: Sequence[TupleRow], last: dict[str, str], key: ServiceKey, now: datetime, *, head: str | None
) -> list[str]:
    records: list[str] = []
    for _tx, seq, submission, facility, at, kind, state, actor, cause, detail, digests, sha256 in rows:
        record = Record(
            submission=submission,
            facility=facility,
            sequence=seq,
            kind=kind,
            state=state,
            at=at,
            actor=actor,
            cause=cause,
            detail=digest_of(json.loads(detail)),
            sha256=sha256,
            digests=json.loads(digests),
            previous=last.get(submission),
            logged_at=now,
            head=None if records else head,
        ).sign(key)
        last[submission] = token_digest(record)
        records.append(record)
    return records


def _complete_tiles(connection: Connection[TupleRow], old: int, leaves: Sequence[bytes]) -> None:
    """Write the tiles that a log of the old size completes when it grows by these leaves, level by level."""
    nodes, level = _Nodes(_on(connection), dict(enumerate(leaves, start=old))), 0
    new = old + len(leaves)
    while True:
        old, new = old // _TILE, new // _TILE
        if old == new:
            return
        for position in range(old, new):
            hashes = nodes._tile(level, position)  # noqa: SLF001 - of this module
            connection.execute(
                "INSERT INTO log_tile (level, position, hashes, root) VALUES (%s, %s, %s, %s)",
                [level, position, b"".join(hashes), fold(hashes)],
            )
        level += 1


def _on(connection: Connection[TupleRow]) -> _Fetch:
    return lambda statement, params: connection.execute(statement, params).fetchall()


def _split(hashes: bytes) -> Sequence[bytes]:
    return [bytes(hashes[at : at + HASH_BYTES]) for at in range(0, len(hashes), HASH_BYTES)]


def _head(row: TupleRow) -> StoredHead:
    token, timestamp = row
    return StoredHead(TreeHead.read(token), token, None if timestamp is None else bytes(timestamp))
