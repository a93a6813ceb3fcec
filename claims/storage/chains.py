"""Chains of digests: each is over what its link says and the one before it, so none is changed or left out.

Heads of the log of evidence say how far each chain had come (`claims.proof.records.TreeHead`), so whoever
writes a whole chain anew must have the service's key, and every head that was kept.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, LiteralString, NamedTuple, Self

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.storage.faults import TOLERANCE, Fault

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATOR: Final = "\x1f"
_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far a chain had come; whoever keeps it can tell later whether something was cut off."""

    position: int
    digest: str

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the head that is written so.

        Raises:
            ValueError: It is none.
        """
        position, _, digest = text.partition(":")
        if not (position.isdecimal() and digest):
            raise ValueError(text)
        return cls(int(position), digest.lower())


class Link(NamedTuple):
    """A place in a chain.

    Attributes:
        said: What the digest is over, beside the one before; None: it is gone.
        at: When what it says happened, where it says that.
    """

    position: int
    digest: bytes
    said: bytes | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Chain:
    """A kind of chain.

    Attributes:
        name: In heads of the log of evidence.
        table: Where its digests are.
        rows: All of it in its order.
        link: What each of these rows is.
    """

    name: str
    table: str
    rows: LiteralString
    link: Callable[[TupleRow], Link]

    def walk(
        self, connection: Connection[TupleRow], advance: Callable[[int], None] = lambda _: None
    ) -> "ChainWalk":
        """Return a walk along it, in the caller's transaction."""
        return ChainWalk(self.table, self._links(connection, advance))

    def _links(self, connection: Connection[TupleRow], advance: Callable[[int], None]) -> Iterator[Link]:
        with connection.cursor(name=f"chain_{self.name}") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(self.rows)
            for row in cursor:
                advance(1)
                yield self.link(row)


class ChainWalk:
    """Goes along a chain from its beginning, and says where it is broken."""

    def __init__(self, table: str, links: Iterator[Link]) -> None:
        self._table = table
        self._links = links
        self._position, self._digest = 0, b""
        self._latest: datetime | None = None

    def meet(self, head: ChainHead) -> Iterator[Fault]:
        """Go as far as a head that was signed or kept, which must be of this chain."""
        while self._position < head.position and (link := next(self._links, None)) is not None:
            yield from self._pass(link)
        if (self._position, self._digest.hex()) != (head.position, head.digest):
            yield self._fault("chain.other_head", head.position)

    def rest(self) -> Iterator[Fault]:
        """Go to its end."""
        for link in self._links:
            yield from self._pass(link)

    def _pass(self, link: Link) -> Iterator[Fault]:
        position, digest, said, at = link
        if position != self._position + 1:
            yield self._fault("chain.place_missing", self._position + 1)
        if said is None:
            yield self._fault("chain.row_missing", position)
        elif hashlib.sha256(self._digest + said).digest() != digest:
            yield self._fault("chain.changed", position)
        if at is not None:
            if self._latest is not None and at < self._latest - TOLERANCE:
                yield self._fault("chain.back_dated", position)
            self._latest = at if self._latest is None else max(self._latest, at)
        self._position, self._digest = position, digest

    def _fault(self, code: str, position: int) -> Fault:
        return Fault(code, self._table, str(position))


def said_by(number: int, at: datetime | None, *rest: object) -> bytes:
    """Return what a link says as the database writes it: parts with a separator, the time in microseconds."""
    microseconds = "" if at is None else str(_microseconds(at))
    return _SEPARATOR.join(map(str, (number, microseconds, *rest))).encode()


def _microseconds(at: datetime) -> int:
    since = at.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
