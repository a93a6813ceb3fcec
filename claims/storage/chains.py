"""Chains of digests: each is over what its link says and the one before it, so none is changed or left out.

What a link says is for those who keep a chain, and so are the words in which a break is told.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final, NamedTuple

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far a chain had come; whoever keeps it can tell later whether something was cut off."""

    position: int
    digest: str


class Link(NamedTuple):
    """A place in a chain.

    Attributes:
        said: What the digest is over, beside the one before; None: it is gone.
    """

    position: int
    digest: bytes
    said: bytes | None


class Break(Enum):
    """How a chain is broken at a place."""

    NO_PLACE = auto()
    NOTHING_THERE = auto()
    CHANGED = auto()
    OTHER_HEAD = auto()


def find_breaks(links: Iterable[Link], kept: ChainHead | None = None) -> Iterator[tuple[Break, int]]:
    """Return where a chain is broken; ``kept`` is a head that somebody kept, which must be of this chain."""
    expected, before, was_kept = 1, b"", False
    for position, digest, said in links:
        if position != expected:
            yield Break.NO_PLACE, expected
        if said is None:
            yield Break.NOTHING_THERE, position
        elif hashlib.sha256(before + said).digest() != digest:
            yield Break.CHANGED, position
        expected, before = position + 1, digest
        was_kept |= kept is not None and (position, before.hex()) == (kept.position, kept.digest)
    if kept is not None and not was_kept:
        yield Break.OTHER_HEAD, kept.position


def said_by(number: int, at: datetime, *rest: object) -> bytes:
    """Return what a link says as the database writes it: parts with a separator, the time in microseconds."""
    since = at.astimezone(UTC) - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return _SEPARATOR.join(map(str, (number, microseconds, *rest))).encode()
