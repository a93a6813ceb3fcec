"""What check-ins said, sealed: named by a keyed digest, so that the rows say nothing of who was where."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from claims.exchange.submission import FacilityCode
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

#: Longer than a stay lasts of which a claim is still to come.
_KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class PostgresCheckIns:
    """`claims.exchange.check_in.CheckInBook` and `claims.checking.rules.checkins.CheckIns` on PostgreSQL.

    Attributes:
        key: Names episodes in the database; it lies outside.
    """

    pool: Pool
    seal: Seal
    key: bytes = field(repr=False)

    def keep(self, facility: FacilityCode, rows: Sequence[Mapping[str, str]], *, at: datetime) -> None:
        """Remember rows, the latest of an episode; what is old is forgotten (check_in_by_age)."""
        named = [(self._name(facility, row.get("MA_LK", "")), dict(row)) for row in rows]
        sealed = [
            (name, at, self.seal.close(json.dumps(row).encode(), belongs_to=name.hex()), at)
            for name, row in named
        ]
        with borrow(self.pool) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO check_in (episode, received_at, fields_sealed) VALUES (%s, %s, %s) "
                "ON CONFLICT (episode) DO UPDATE SET received_at = EXCLUDED.received_at, "
                "fields_sealed = EXCLUDED.fields_sealed WHERE check_in.received_at <= %s",
                sealed,
            )
            cursor.execute("DELETE FROM check_in WHERE received_at < %s", [at - _KEPT])

    def find(self, facility: str, ma_lk: str) -> Mapping[str, str] | None:
        """Return the fields of the last check-in of an episode (check_in_pkey)."""
        name = self._name(facility, ma_lk)
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT fields_sealed FROM check_in WHERE episode = %s", [name]
            ).fetchone()
        if row is None:
            return None
        fields: Mapping[str, str] = json.loads(self.seal.open(bytes(row[0]), belongs_to=name.hex()))
        return fields

    def _name(self, facility: str, ma_lk: str) -> bytes:
        return hashlib.blake2b(f"{facility}\x1f{ma_lk}".encode(), key=self.key, digest_size=32).digest()
