"""What signatures were judged by on the day, kept for whoever asks later: each part once, by its digest."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.submission import SubmissionId
from claims.proof.tokens import canonical_json
from claims.proof.trusted import TRUST, Inventory, inventory_of, material_in, parts_of, read_inventory
from claims.storage.faults import Fault
from claims.storage.pool import Pool, borrow
from signing.report.record import TrustMaterial
from signing.trust import TrustStore

#: Stores of other days in mind at once: lists of some authorities are large.
_REMEMBERED: Final = 4

_NAMED: LiteralString = (
    f"SELECT digests ->> '{TRUST}' FROM event WHERE submission_id = %s AND digests ? '{TRUST}' "
    "ORDER BY seq DESC LIMIT 1"
)
_CHANGED: LiteralString = (
    "SELECT encode(sha256, 'hex') FROM trust_material WHERE sha256(content) <> sha256 ORDER BY 1"
)


class KeptTrust:
    """What is trusted now, and what was when a submission was checked."""

    def __init__(self, pool: Pool, now: Callable[[], TrustStore]) -> None:
        """Keep what is trusted now; ``now`` returns the same store until that changes."""
        self._pool = pool
        self._now = now
        self._of_name = lru_cache(_REMEMBERED)(self._load)
        self._inventory = lru_cache(1)(_written)

    def keep(self) -> str:
        """Keep what signatures are judged by now, unless it is there; return its digest, in hexadecimal."""
        trust = self._now()
        name, written = self._inventory(trust)
        with borrow(self._pool) as connection:
            if _there(connection, [name]):
                return name
            parts = {**parts_of(TrustMaterial.whole(trust)), name: written}
            # All or none, and in an order: another worker may be at it.
            with connection.transaction():
                for digest in sorted(parts.keys() - _there(connection, parts)):
                    connection.execute(
                        "INSERT INTO trust_material (sha256, content) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                        [bytes.fromhex(digest), parts[digest]],
                    )
        return name

    def name_for(self, submission_id: SubmissionId) -> str | None:
        """Return under what name is kept what a submission's signature was judged by at its last check.

        None where nothing was kept: it has not been checked, or was before anything was kept.
        """
        with borrow(self._pool) as connection:
            row = connection.execute(_NAMED, [submission_id]).fetchone()
        return None if row is None else str(row[0])

    def named(self, name: str | None) -> TrustStore:
        """Return what is kept under a name, or what is trusted now where there is none or it is gone."""
        if name is None:
            return self._now()
        try:
            return self._of_name(name)
        except (KeyError, ValueError):
            return self._now()  # an audit says what is gone or was changed

    def _load(self, name: str) -> TrustStore:
        with borrow(self._pool) as connection:
            inventory = find_inventory(connection, name)
            if inventory is None:
                raise KeyError(name)
            parts = _find(connection, [each for names in inventory.values() for each in names])
        return material_in(inventory, parts).as_store()


def find_inventory(connection: Connection[TupleRow], name: str) -> Inventory | None:
    """Return what was trusted under this name; None if that is not kept.

    Raises:
        ValueError: What is kept under it is no inventory any more.
    """
    return next(map(read_inventory, _find(connection, [name]).values()), None)


def trust_faults(connection: Connection[TupleRow], named: Collection[str]) -> Iterator[Fault]:
    """Return what is wrong with what was kept; ``named`` are the inventories that records name."""
    for (digest,) in connection.execute(_CHANGED).fetchall():
        yield Fault("trust_material.changed", "trust_material", digest)
    wanted = dict.fromkeys(named)
    for name in named:
        wanted |= dict.fromkeys(each for names in _listed(connection, name).values() for each in names)
    for digest in sorted(wanted.keys() - _there(connection, wanted)):
        yield Fault("trust_material.missing", "trust_material", digest)


def _listed(connection: Connection[TupleRow], name: str) -> Inventory:
    try:
        return find_inventory(connection, name) or {}
    except ValueError:
        return {}  # it was changed


def _find(connection: Connection[TupleRow], names: Collection[str]) -> dict[str, bytes]:
    """Return what is kept under these names; what was changed is not."""
    rows = connection.execute(
        "SELECT encode(sha256, 'hex'), content FROM trust_material "
        "WHERE sha256 = ANY(%s) AND sha256(content) = sha256",
        [list(map(bytes.fromhex, names))],
    ).fetchall()
    return {name: bytes(content) for name, content in rows}


def _there(connection: Connection[TupleRow], names: Collection[str]) -> set[str]:
    rows = connection.execute(
        "SELECT encode(sha256, 'hex') FROM trust_material WHERE sha256 = ANY(%s)",
        [list(map(bytes.fromhex, names))],
    ).fetchall()
    return {name for (name,) in rows}


def _written(trust: TrustStore) -> tuple[str, bytes]:
    """Return the digest of what is trusted, and the inventory that it is of."""
    written = canonical_json(inventory_of(TrustMaterial.whole(trust)))
    return hashlib.sha256(written).hexdigest(), written
