"""The chain of readings: the digest of each is over it and all before it, so none is changed or left out.

A reading gets its place some seconds after it was noted (`extend`): in the transaction that notes it,
everybody who reads would wait for the disk of everybody else who does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.storage.chains import Chain, ChainHead, Link, said_by
from claims.storage.faults import Fault
from claims.storage.pool import Pool, borrow

_ROWS: Final = 2_000
_LOST: Final[LiteralString] = (
    "SELECT p.reading_id FROM reading_pending p "
    "WHERE NOT EXISTS (SELECT FROM reading r WHERE r.id = p.reading_id) ORDER BY p.reading_id"
)
# What was read before there was a chain has lower numbers than its first.
_UNCHAINED: Final[LiteralString] = (
    "SELECT r.id FROM reading r WHERE r.id > (SELECT min(reading_id) FROM reading_chain) "
    "AND NOT EXISTS (SELECT FROM reading_chain c WHERE c.reading_id = r.id) "
    "AND NOT EXISTS (SELECT FROM reading_pending p WHERE p.reading_id = r.id) ORDER BY r.id"
)


@dataclass(frozen=True, slots=True)
class ReadingChain:
    """Tells how far the log has come, and whether it is whole."""

    pool: Pool

    def extend(self) -> int:
        """Give places to readings that have none yet; return how many."""
        done = 0
        while True:
            with borrow(self.pool) as connection:
                row = connection.execute("SELECT chain_readings(%s)", [_ROWS]).fetchone()
            some = 0 if row is None else int(row[0])
            done += some
            if some < _ROWS:
                return done

    def head(self) -> ChainHead | None:
        """Return its head, with everything that was read until now; None while it is empty."""
        self.extend()
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT position, encode(digest, 'hex') FROM reading_chain ORDER BY position DESC LIMIT 1"
            ).fetchone()
        return None if row is None else ChainHead(*row)

    def faults(
        self, kept: ChainHead | None = None, *, advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[Fault]:
        """Return what is wrong; ``kept`` is a head that somebody kept."""
        self.extend()
        with borrow(self.pool) as connection, connection.transaction():
            walk = READING_CHAIN.walk(connection, advance)
            if kept is not None:
                yield from walk.meet(kept)
            yield from walk.rest()
            yield from reading_faults(connection)


def reading_faults(connection: Connection[TupleRow]) -> Iterator[Fault]:
    """Return readings that are in no place of the chain, and those that had none yet and are gone."""
    for code, statement in (("row.unnoted", _UNCHAINED), ("row.missing", _LOST)):
        for (reading_id,) in connection.execute(statement).fetchall():
            yield Fault(code, "reading", str(reading_id))


def _link(row: TupleRow) -> Link:
    position, digest, *reading = row
    said = None if reading[0] is None else _said(reading)
    return Link(position, bytes(digest), said, reading[1])


def _said(reading: Sequence[Any]) -> bytes:
    """Return a reading as the database writes it into the chain (revision 0025)."""
    reading_id, at, reader, page, submissions, ordinals, facilities, persons = reading
    blinded = ["-" if person is None else bytes(person).hex() for person in persons]
    lists = [",".join(map(str, each)) for each in (submissions, ordinals, facilities, blinded)]
    return said_by(reading_id, at, reader, page, *lists)


READING_CHAIN: Final = Chain(
    "readings",
    "reading_chain",
    "SELECT c.position, c.digest, r.id, r.at, r.reader, r.page, r.submissions, r.ordinals, "
    "r.facilities, r.persons FROM reading_chain c LEFT JOIN reading r ON r.id = c.reading_id "
    "ORDER BY c.position",
    _link,
)
