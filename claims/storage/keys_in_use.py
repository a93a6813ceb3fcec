"""Which keys the database needs: without them what it holds can be neither opened nor proved."""

from dataclasses import dataclass
from typing import LiteralString

from psycopg.errors import UndefinedTable

from claims.proof.records import HEAD_KIND
from claims.proof.tokens import read_token
from claims.storage.pool import Pool, borrow
from claims.storage.vault import Lock

_SEALED: LiteralString = """
SELECT EXISTS (SELECT FROM data_key) OR EXISTS (SELECT FROM gateway_account) OR EXISTS (SELECT FROM webhook)
"""
_SIGNED: LiteralString = "SELECT EXISTS (SELECT FROM tree_head) OR EXISTS (SELECT FROM signed_receipt)"
# Both ends, by tree_head_pkey: whoever has the first key and the last has kept those in between, too.
_HEADS: LiteralString = """
(SELECT token FROM tree_head ORDER BY size LIMIT 1)
UNION (SELECT token FROM tree_head ORDER BY size DESC LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class KeysInUse:
    """Answers over the whole installation; its connections must see all records."""

    pool: Pool

    def is_anything_sealed(self) -> bool:
        """Whether the sealing key, or a key that follows from it, has been used."""
        return self._is(_SEALED)

    def is_anything_signed(self) -> bool:
        """Whether one of the service's own keys has been used."""
        return self._is(_SIGNED)

    def signers(self) -> set[str]:
        """Return the names of keys that signed heads of the log: the first one's and the last one's."""
        try:
            with borrow(self.pool) as connection:
                rows = connection.execute(_HEADS).fetchall()
        except UndefinedTable:  # a database without any shape yet
            return set()
        return {read_token(token, kind=HEAD_KIND)[0] for (token,) in rows}

    def account(self) -> str | None:
        """Return a facility whose password at the gateway is stored."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT facility FROM gateway_account LIMIT 1").fetchone()
        return None if row is None else row[0]

    def latest_lock(self) -> tuple[str, Lock] | None:
        """Return the latest submission that has a key, and that key as it is stored."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT submission_id, wrapped, master FROM data_key ORDER BY submission_id DESC LIMIT 1"
            ).fetchone()
        return None if row is None else (row[0], Lock(bytes(row[1]), row[2]))

    def _is(self, question: LiteralString) -> bool:
        try:
            with borrow(self.pool) as connection:
                row = connection.execute(question).fetchone()
        except UndefinedTable:  # a database without any shape yet
            return False
        return row is not None and bool(row[0])
