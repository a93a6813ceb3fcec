"""Audit, what can be asked of each record by itself: is it signed, and does its event say the same?

That is most of an audit's work, and in no order: long logs are shared out among processes.
"""

import json
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Final, LiteralString, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from psycopg.rows import TupleRow

from claims.proof.errors import BrokenToken
from claims.proof.keys import by_key_id
from claims.proof.merkle import leaf_hash
from claims.proof.records import RECORD_KIND, Record
from claims.proof.tokens import digest_of, missing_signer

#: What `examine_all` takes; documents as text, so that whoever reads the rows need not parse them.
RECORDS: LiteralString = (
    "SELECT v.index, v.submission_id, v.event_seq, v.record, e.facility, e.at, e.kind, e.state, "
    "e.actor, e.cause, e.detail::text, e.digests::text, e.seq FROM evidence v LEFT JOIN event e "
    "ON e.submission_id = v.submission_id AND e.seq = v.event_seq ORDER BY v.index"
)
_CHUNK: Final = 1_000
#: Chunks that wait for each process, so that none is idle and memory stays bounded.
_AHEAD: Final = 3


class Examined(NamedTuple):
    """A record in its place.

    Attributes:
        leaf: Its hash in the tree.
        at: When what it says happened; None: nobody of ours signed it.
        head: Digest of the head that was the newest when it was made, if it says so.
        faults: Codes of what is wrong with it, or with its event.
    """

    place: int
    submission_id: str
    event_seq: int
    leaf: bytes
    at: datetime | None
    head: str | None
    faults: tuple[str, ...]


#: Leaf, time, head and faults of a record: plain, since processes hand each other a million of them.
_Found = tuple[bytes, datetime | None, str | None, tuple[str, ...]]


def examine_all(
    rows: Iterable[TupleRow], keys: Mapping[str, x509.Certificate], *, processes: int
) -> Iterator[Examined]:
    """Examine rows of `RECORDS`, in their order, with so many processes beside this one; 0: in this one."""
    source = iter(rows)
    chunks = iter(lambda: list(islice(source, _CHUNK)), [])
    if not processes:
        for chunk in chunks:
            yield from _place(chunk, _examine_some(chunk, keys))
        return
    certificates = [each.public_bytes(serialization.Encoding.DER) for each in keys.values()]
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(certificates,)
    )
    with pool:
        waiting: deque[tuple[Sequence[TupleRow], Future[list[_Found]]]] = deque()
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_examine, chunk)))
            if len(waiting) > _AHEAD * processes:
                rows, found = waiting.popleft()
                yield from _place(rows, found.result())
        for rows, found in waiting:
            yield from _place(rows, found.result())


def _place(rows: Sequence[TupleRow], found: Sequence[_Found]) -> Iterator[Examined]:
    for (place, submission_id, event_seq, *_), each in zip(rows, found, strict=True):
        yield Examined(place, submission_id, event_seq, *each)


def _examine_some(rows: Sequence[TupleRow], keys: Mapping[str, x509.Certificate]) -> list[_Found]:
    return [_examine_one(row, keys) for row in rows]


def _examine_one(row: TupleRow, keys: Mapping[str, x509.Certificate]) -> _Found:
    submission_id, event_seq, token = row[1:4]
    leaf = leaf_hash(token.encode())
    try:
        record = Record.verify(token, keys)
    except BrokenToken:
        is_told = missing_signer(token, keys, kind=RECORD_KIND) is not None  # once for all of its key
        return leaf, None, None, () if is_told else ("evidence.changed",)
    is_misplaced = (record.submission, record.sequence) != (submission_id, event_seq)
    found = ("evidence.chain" if is_misplaced else "", _disagreement(row, record))
    return leaf, record.at, record.head, tuple(filter(None, found))


def _disagreement(row: TupleRow, record: Record) -> str:
    facility, at, kind, state, actor, cause, detail, digests, seq = row[4:]
    if seq is None:
        return "event.missing"
    stored = (facility, at, kind, state, actor, cause, _digest_of_text(detail), json.loads(digests))
    told = (
        record.facility,
        record.at,
        record.kind,
        record.state,
        record.actor,
        record.cause,
        record.detail,
        record.digests,
    )
    return "" if stored == told else "event.changed"


@lru_cache(maxsize=1_000)
def _digest_of_text(detail: str) -> str:
    # Many events say nothing beside what their record does.
    return digest_of(json.loads(detail))


_keys: Mapping[str, x509.Certificate] = {}


def _begin(certificates: Sequence[bytes]) -> None:
    """Begin a process: what it verifies with is read once."""
    global _keys  # noqa: PLW0603 - a process of the pool has no other place
    _keys = by_key_id(map(x509.load_der_x509_certificate, certificates))


def _examine(rows: Sequence[TupleRow]) -> list[_Found]:
    return _examine_some(rows, _keys)
