"""Passkeys as rows: public keys and their counters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from claims.exchange.access.passkeys import Passkey
from claims.storage.pool import Pool, borrow


@dataclass(frozen=True, slots=True)
class PostgresPasskeys:
    """`claims.exchange.access.passkeys.Passkeys` on PostgreSQL."""

    pool: Pool

    def add(self, passkey: Passkey, *, most: int) -> bool:
        """Store a key; False: it is registered, or the person has as many."""
        with borrow(self.pool) as connection, connection.transaction():
            # Whoever adds another for this person at this moment waits, and then sees this one.
            connection.execute("SELECT FROM person WHERE id = %s FOR UPDATE", [passkey.person_id])
            done = connection.execute(
                "INSERT INTO passkey (id, person_id, public_key, uses, created_at) "
                "SELECT %(id)s, %(person)s, %(key)s, %(uses)s, %(at)s "
                "WHERE (SELECT count(*) FROM passkey WHERE person_id = %(person)s) < %(most)s "
                "ON CONFLICT DO NOTHING",
                {
                    "id": passkey.id,
                    "person": passkey.person_id,
                    "key": passkey.public_key,
                    "uses": passkey.uses,
                    "at": passkey.created_at,
                    "most": most,
                },
            )
        return done.rowcount == 1

    def of_person(self, person_id: str) -> Sequence[Passkey]:
        """Return a person's keys, the oldest first (passkey_of_person)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT id, person_id, public_key, uses, created_at, last_used_at FROM passkey "
                "WHERE person_id = %s ORDER BY created_at, id",
                [person_id],
            ).fetchall()
        return [
            Passkey(bytes(key), person, bytes(public), uses, created, used)
            for key, person, public, uses, created, used in rows
        ]

    def use(self, passkey: Passkey, *, uses: int, at: datetime) -> bool:
        """Note a use; of two at once, one counts where the key counts at all."""
        with borrow(self.pool) as connection:
            done = connection.execute(
                "UPDATE passkey SET uses = %s, last_used_at = %s WHERE id = %s AND uses = %s",
                [uses, at, passkey.id, passkey.uses],
            )
        return done.rowcount == 1
