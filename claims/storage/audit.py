"""Audit: the whole log replayed against the database.

0. Keys that signed and are not here: what follows of their records says no more than that.
1. Each record in its order: signed, equal to its event, not dated back.
2. The tree: tiles, and each signed head over what came before it.
3. Events that no record was made of.
4. Each submission: its records are a chain, its rows what they say (`claims.storage.audit_submissions`).
5. The chains of access, of readings and of rows beside the log: as each signed head says they were.
6. Who gets in now: as the log of access says (`claims.storage.audit_access`).

What only steers the work (attempt counters, leases, when something is due) is not evidence and not looked at.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from cryptography import x509
from psycopg import Connection
from psycopg.rows import TupleRow

from claims.proof.errors import BrokenToken
from claims.proof.merkle import Frontier, fold
from claims.proof.records import HEAD_KIND, RECORD_KIND, TreeHead, token_digest
from claims.proof.tokens import missing_signer
from claims.storage.access_log import ACCESS_CHAIN
from claims.storage.audit_access import access_faults
from claims.storage.audit_records import RECORDS, Examined, examine_all
from claims.storage.audit_submissions import SubmissionsCompared
from claims.storage.chains import ChainHead
from claims.storage.faults import TOLERANCE, Fault
from claims.storage.pool import Pool, borrow
from claims.storage.reading_chain import READING_CHAIN, reading_faults
from claims.storage.registrations import certificate_faults
from claims.storage.row_chain import ROW_CHAIN, row_faults
from claims.storage.trust_kept import trust_faults
from claims.storage.vault import IN_THE_CLEAR, Vault
from signing.der import NotDer
from signing.timestamps.tokens import read_token

_TILE: Final = 256
_ROWS: Final = 2_000
#: From how many records on it is worth while to begin other processes.
_LONG: Final = 50_000
# Without its cursor, or with one that was set back, the log would take what was put in later for new.
_CURSOR_IS_OFF: LiteralString = """
SELECT FROM (SELECT event_seq FROM evidence ORDER BY index DESC LIMIT 1) AS last
JOIN event e ON e.seq = last.event_seq
WHERE NOT EXISTS (SELECT FROM log_cursor c WHERE (c.tx, c.seq) >= (e.tx, e.seq))
"""
_WAITING: LiteralString = """
SELECT count(*) FROM event e WHERE (e.tx, e.seq) > (
    coalesce((SELECT tx FROM log_cursor), '0'::xid8), coalesce((SELECT seq FROM log_cursor), 0)
) AND NOT EXISTS (SELECT FROM evidence v WHERE v.event_seq = e.seq)
"""
# What claims to come from a transaction that is yet to begin: the log would wait for it, and an audit take
# its whole submission for unfinished.
_NEVER_LOGGED: LiteralString = (
    "SELECT e.submission_id, e.seq FROM event e WHERE e.tx >= pg_snapshot_xmax(pg_current_snapshot()) "
    "AND NOT EXISTS (SELECT FROM evidence v WHERE v.event_seq = e.seq)"
)


# The head of a statement is the same for all of its kind that a key signed, byte by byte.
_SIGNERS: Final[Mapping[tuple[str, str], LiteralString]] = {
    ("evidence", RECORD_KIND): (
        "SELECT min(record), count(*) FROM evidence GROUP BY split_part(record, '.', 1) ORDER BY 2 DESC"
    ),
    ("tree_head", HEAD_KIND): (
        "SELECT min(token), count(*) FROM tree_head GROUP BY split_part(token, '.', 1) ORDER BY 2 DESC"
    ),
}


@dataclass(frozen=True, slots=True)
class Audit:
    """Replays the log; call it."""

    pool: Pool
    certificates: Callable[[], Mapping[str, x509.Certificate]]
    vault: Vault = IN_THE_CLEAR
    #: How many processes share a long log; each takes a processor's core.
    processes: int = 0
    #: Heads that are kept outside of the database.
    kept: Callable[[], Sequence[str]] = tuple

    def count(self) -> int:
        """Return how many rows will be gone through."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM evidence) + (SELECT count(*) FROM submission) "
                "+ (SELECT coalesce(sum(position), 0)::bigint FROM chain_heads())"
            ).fetchone()
        return 0 if row is None else int(row[0])

    def count_waiting(self) -> int:
        """Return how many events the log has not come to: their submissions are compared with nothing yet."""
        with borrow(self.pool) as connection:
            row = connection.execute(_WAITING).fetchone()
        return 0 if row is None else int(row[0])

    def __call__(
        self, *, kept_heads: Sequence[str] = (), advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[Fault]:
        """Return what is wrong; ``kept_heads`` are heads that somebody else kept."""
        certificates = self.certificates()
        # Read before the database is: what is signed meanwhile is not missing there.
        ours = [token for token in self.kept() if _head(token, certificates) is not None]
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            ((count,),) = connection.execute("SELECT count(*) FROM evidence").fetchall()
            yield from replay(
                connection,
                certificates,
                vault=self.vault,
                kept_heads=[*kept_heads, *ours],
                advance=advance,
                processes=self.processes if count >= _LONG else 0,
            )


def replay(  # noqa: PLR0913 - how it is done, by keyword
    connection: Connection[TupleRow],
    certificates: Mapping[str, x509.Certificate],
    *,
    vault: Vault = IN_THE_CLEAR,
    kept_heads: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
    processes: int = 0,
) -> Iterator[Fault]:
    """Return what is wrong as one transaction sees it."""
    yield from _missing_keys(connection, certificates)
    run = _Replay(connection, certificates, advance, processes)
    yield from run.records(kept_heads)
    yield from run.events()
    submissions = SubmissionsCompared(connection, vault, run.unsigned, advance)
    yield from submissions()
    yield from trust_faults(connection, submissions.trusts)
    yield from reading_faults(connection)
    yield from certificate_faults(connection)
    yield from row_faults(connection)
    yield from access_faults(connection)


def _missing_keys(connection: Connection[TupleRow], keys: Mapping[str, x509.Certificate]) -> Iterator[Fault]:
    """(0): said once for all records, and once for all heads, of a key."""
    for (table, kind), statement in _SIGNERS.items():
        for token, number in connection.execute(statement).fetchall():
            key_id = missing_signer(token, keys, kind=kind)
            if key_id is not None:
                yield Fault(f"{table}.key_missing", table, f"{key_id} ({number})")


class _Tiles:
    """The tiles that leaves complete, level by level; of everything before it holds one tile a level."""

    def __init__(self) -> None:
        self.complete = 0
        self._open: list[list[bytes]] = []
        self._positions: list[int] = []

    def add(self, leaf: bytes) -> Iterator[tuple[int, int, Sequence[bytes]]]:
        """Add the hash of a leaf; return level, position and hashes of each tile that is complete now."""
        level, one = 0, leaf
        while True:
            if level == len(self._open):
                self._open.append([])
                self._positions.append(0)
            hashes = self._open[level]
            hashes.append(one)
            if len(hashes) < _TILE:
                return
            yield level, self._positions[level], hashes
            one = fold(hashes)
            self.complete += 1
            self._positions[level] += 1
            self._open[level] = []
            level += 1


class _Replay:
    """The log in its order, with the heads beside it in theirs."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        keys: Mapping[str, x509.Certificate],
        advance: Callable[[int], None],
        processes: int,
    ) -> None:
        #: Places of records that nobody of ours signed.
        self.unsigned: set[int] = set()
        self._processes = processes
        self._connection = connection
        self._keys = keys
        self._advance = advance
        self._frontier, self._tiles, self._is_whole = Frontier(), _Tiles(), True
        self._heads = self._stream("heads", "SELECT size, at, token FROM tree_head ORDER BY size")
        self._chains = {
            chain.name: chain.walk(connection, advance) for chain in (ACCESS_CHAIN, READING_CHAIN, ROW_CHAIN)
        }
        self._head_before: str | None = None
        self._headed_at: datetime | None = None

    def records(self, kept_heads: Sequence[str]) -> Iterator[Fault]:
        """(1), (2): the log in its order."""
        kept, heads = self._kept(kept_heads), self._heads
        upcoming = next(heads, None)
        for one in examine_all(self._stream("records", RECORDS), self._keys, processes=self._processes):
            yield from self._record(one)
            if one.place == self._frontier.size:
                yield from self._grow(one.leaf, kept)
            elif self._is_whole:
                yield Fault("evidence.missing", "evidence", str(self._frontier.size))
                self._is_whole = False  # every hash from here on differs
            while upcoming is not None and upcoming[0] <= self._frontier.size:
                yield from self._pass_head(*upcoming)
                upcoming = next(heads, None)
        while upcoming is not None:
            yield from self._pass_head(*upcoming)
            upcoming = next(heads, None)
        if self._is_whole:
            yield from self._end(kept)
        for token in dict.fromkeys(kept_heads):
            if not self._all("SELECT FROM tree_head WHERE token = %s", token):
                yield Fault("tree_head.missing", "tree_head", str(TreeHead.read(token).size))
        for walk in self._chains.values():
            yield from walk.rest()
        yield from self._timestamps()

    def events(self) -> Iterator[Fault]:
        """(3): what the log has passed, or cannot come to, and has no record; whether its cursor is right."""
        if self._all(_CURSOR_IS_OFF):
            yield Fault("log_cursor.changed", "log_cursor", "")
        for submission_id, seq in self._all(
            "SELECT e.submission_id, e.seq FROM log_cursor c JOIN event e ON (e.tx, e.seq) <= (c.tx, c.seq) "
            "WHERE NOT EXISTS (SELECT FROM evidence v WHERE v.event_seq = e.seq) UNION ALL " + _NEVER_LOGGED
        ):
            yield Fault("event.not_logged", "event", f"{submission_id} {seq}")

    def _record(self, one: Examined) -> Iterator[Fault]:
        self._advance(1)
        key = f"{one.submission_id} {one.event_seq}"
        for code in one.faults:
            table = code.partition(".")[0]
            yield Fault(code, table, key if table == "event" else str(one.place))
        if one.at is None:
            self.unsigned.add(one.place)
        elif self._headed_at is not None and one.at < self._headed_at - TOLERANCE:
            yield Fault("event.back_dated", "event", key)
        # Every head over what was before this record was signed before it was made.
        if one.head not in {None, self._head_before} and one.place == self._frontier.size:
            yield Fault("tree_head.missing", "tree_head", f"before {one.place + 1}")

    def _grow(self, leaf: bytes, kept: Mapping[int, Sequence[TreeHead]]) -> Iterator[Fault]:
        self._frontier.append(leaf)
        size = self._frontier.size
        for level, position, hashes in self._tiles.add(leaf):
            yield from self._tile(level, position, hashes)
        for head in kept.get(size, ()):
            if head.root != self._frontier.root:
                yield Fault("log.rewritten", "tree_head", str(size))
            yield from self._meet(head)

    def _pass_head(self, size: int, at: datetime, token: str) -> Iterator[Fault]:
        head = _head(token, self._keys)
        if head is None:
            if missing_signer(token, self._keys, kind=HEAD_KIND) is None:
                yield Fault("tree_head.changed", "tree_head", str(size))
        elif (head.size, head.at) != (size, at):
            yield Fault("tree_head.changed", "tree_head", str(size))
        elif head.previous != self._head_before:
            yield Fault("tree_head.missing", "tree_head", f"before {size}")
        self._head_before = token_digest(token)
        if head is not None:
            yield from self._meet(head)
        if head is not None and size == self._frontier.size:
            self._headed_at = head.at
            if head.root != self._frontier.root:
                yield Fault("tree_head.changed", "tree_head", str(size))
        elif size > self._frontier.size and self._is_whole:
            yield Fault("evidence.missing", "evidence", str(self._frontier.size))

    def _meet(self, head: TreeHead) -> Iterator[Fault]:
        for name, reached in head.chains.items():
            if name in self._chains:
                yield from self._chains[name].meet(ChainHead.parse(reached))

    def _end(self, kept: Mapping[int, Sequence[TreeHead]]) -> Iterator[Fault]:
        for size, heads in sorted(kept.items()):
            if size > self._frontier.size:
                yield Fault("evidence.missing", "evidence", str(self._frontier.size))
                for head in heads:
                    yield from self._meet(head)
        ((found,),) = self._all("SELECT count(*) FROM log_tile")
        if found != self._tiles.complete:
            yield Fault("log_tile.changed", "log_tile", f"{found} instead of {self._tiles.complete}")

    def _kept(self, tokens: Sequence[str]) -> dict[int, list[TreeHead]]:
        kept: dict[int, list[TreeHead]] = {}
        for token in dict.fromkeys(tokens):
            head = TreeHead.verify(token, self._keys)
            kept.setdefault(head.size, []).append(head)
        return kept

    def _tile(self, level: int, position: int, hashes: Sequence[bytes]) -> Iterator[Fault]:
        rows = self._all(
            "SELECT hashes, root FROM log_tile WHERE level = %s AND position = %s", level, position
        )
        if [(bytes(each), bytes(root)) for each, root in rows] != [(b"".join(hashes), fold(hashes))]:
            yield Fault("log_tile.changed", "log_tile", f"{level} {position}")

    def _timestamps(self) -> Iterator[Fault]:
        for size, made_at, token, head in self._stream(
            "timestamps",
            "SELECT t.size, t.made_at, t.token, h.token "
            "FROM head_timestamp t LEFT JOIN tree_head h ON h.size = t.size",
        ):
            try:
                info = read_token(bytes(token)).info
                is_on_head = hashlib.new(info.digest_name, (head or "").encode()).digest() == info.digest
                is_of_then = abs(made_at - info.time) <= TOLERANCE
            except (NotDer, ValueError):
                is_on_head = is_of_then = False
            if not (is_on_head and is_of_then):
                yield Fault("head_timestamp.changed", "head_timestamp", str(size))

    def _all(self, statement: str, *params: object) -> list[TupleRow]:
        return self._connection.execute(statement.encode(), params).fetchall()

    def _stream(self, name: str, statement: str) -> Iterator[TupleRow]:
        with self._connection.cursor(name=name) as cursor:
            cursor.itersize = _ROWS
            cursor.execute(statement.encode())
            yield from cursor


def _head(token: str, keys: Mapping[str, x509.Certificate]) -> TreeHead | None:
    try:
        return TreeHead.verify(token, keys)
    except BrokenToken:
        return None
