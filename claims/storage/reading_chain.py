"""The chain of readings: the digest of each is over it and all before it, so none is changed or left out.

A reading gets its place some seconds after it was noted (`extend`): in the transaction that notes it,
everybody who reads would wait for the disk of everybody else who does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import TupleRow

from claims.storage.chains import Break, ChainHead, Link, find_breaks, said_by
from claims.storage.pool import Pool, borrow

_ROWS: Final = 2_000
_BREAKS: Final[Mapping[Break, str]] = {
    Break.NO_PLACE: "place {} of the chain is missing",
    Break.NOTHING_THERE: "the reading at place {} is missing",
    Break.CHANGED: "the reading at place {} was changed",
    Break.OTHER_HEAD: "the head that was kept ({}) is not of this chain",
}


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
    ) -> Iterator[str]:
        """Return what is wrong, in words for operators; ``kept`` is a head that somebody kept."""
        self.extend()
        for how, place in find_breaks(self._links(advance), kept):
            yield _BREAKS[how].format(place)
        for (reading_id,) in self._unchained():
            yield f"reading {reading_id} is in no place of the chain"
        for (reading_id,) in self._lost():
            yield f"reading {reading_id} that waited for its place is missing"

    def _links(self, advance: Callable[[int], None]) -> Iterator[Link]:
        for position, digest, *reading in self._rows():
            yield Link(position, bytes(digest), None if reading[0] is None else _said(reading))
            advance(1)

    def _rows(self) -> Iterator[TupleRow]:
        with (
            borrow(self.pool) as connection,
            connection.transaction(),
            connection.cursor(name="readings") as cursor,
        ):
            cursor.itersize = _ROWS
            cursor.execute(
                "SELECT c.position, c.digest, r.id, r.at, r.reader, r.page, r.submissions, r.ordinals, "
                "r.facilities, r.persons FROM reading_chain c LEFT JOIN reading r ON r.id = c.reading_id "
                "ORDER BY c.position"
            )
            yield from cursor

    def _lost(self) -> list[TupleRow]:
        with borrow(self.pool) as connection:
            return connection.execute(
                "SELECT p.reading_id FROM reading_pending p "
                "WHERE NOT EXISTS (SELECT FROM reading r WHERE r.id = p.reading_id) ORDER BY p.reading_id"
            ).fetchall()

    def _unchained(self) -> list[TupleRow]:
        # What was read before there was a chain has lower numbers than its first.
        with borrow(self.pool) as connection:
            return connection.execute(
                "SELECT r.id FROM reading r WHERE r.id > (SELECT min(reading_id) FROM reading_chain) "
                "AND NOT EXISTS (SELECT FROM reading_chain c WHERE c.reading_id = r.id) "
                "AND NOT EXISTS (SELECT FROM reading_pending p WHERE p.reading_id = r.id) ORDER BY r.id"
            ).fetchall()


def _said(reading: list[Any]) -> bytes:
    """Return a reading as the database writes it into the chain (revision 0025)."""
    reading_id, at, reader, page, submissions, ordinals, facilities, persons = reading
    blinded = ["-" if person is None else bytes(person).hex() for person in persons]
    lists = [",".join(map(str, each)) for each in (submissions, ordinals, facilities, blinded)]
    return said_by(reading_id, at, reader, page, *lists)
