"""Sessions with the gateway, sealed, shared by all processes: one signs in, the others find what it got."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag

from claims.exchange.gateway_sessions import GatewaySession
from claims.exchange.ports import Account
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal


@dataclass(frozen=True, slots=True)
class PostgresGatewaySessions:
    """`claims.exchange.gateway_sessions.SharedSessions` on PostgreSQL."""

    pool: Pool
    seal: Seal

    def find(self, facility: str, account: Account, *, now: datetime) -> GatewaySession | None:
        """Return a session of this very account that may be used now."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT session_sealed, use_until FROM gateway_session "
                "WHERE facility = %s AND session_sealed IS NOT NULL AND use_until > %s",
                [facility, now],
            ).fetchone()
        return None if row is None else self._open(facility, account, bytes(row[0]), row[1])

    def begin(self, facility: str, *, owner: str, now: datetime, until: datetime) -> bool:
        """Take the turn to sign in, until then at the latest; False: it is somebody else's."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "INSERT INTO gateway_session AS s (facility, turn_owner, turn_until) VALUES (%s, %s, %s) "
                "ON CONFLICT (facility) DO UPDATE SET turn_owner = EXCLUDED.turn_owner, "
                "turn_until = EXCLUDED.turn_until WHERE s.turn_until IS NULL OR s.turn_until <= %s "
                "RETURNING facility",
                [facility, owner, until, now],
            ).fetchone()
        return row is not None

    def finish(self, facility: str, account: Account, session: GatewaySession | None, *, owner: str) -> None:
        """Leave the session, or None when there is none, and end the turn."""
        sealed = None if session is None else self._close(facility, account, session)
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE gateway_session SET session_sealed = %s, use_until = %s, turn_owner = NULL, "
                "turn_until = NULL WHERE facility = %s AND turn_owner = %s",
                [sealed, None if session is None else session.use_until, facility, owner],
            )

    def drop(self, facility: str, account: Account, session: GatewaySession) -> None:
        """Forget a session, unless another one has taken its place already."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT session_sealed, use_until FROM gateway_session "
                "WHERE facility = %s AND session_sealed IS NOT NULL",
                [facility],
            ).fetchone()
            if row is None or self._open(facility, account, bytes(row[0]), row[1]) != session:
                return
            connection.execute(
                "UPDATE gateway_session SET session_sealed = NULL, use_until = NULL "
                "WHERE facility = %s AND session_sealed = %s",
                [facility, bytes(row[0])],
            )

    def _close(self, facility: str, account: Account, session: GatewaySession) -> bytes:
        text = json.dumps([session.access_token, session.id_token])
        return self.seal.close(text.encode(), belongs_to=_owner(facility, account))

    def _open(
        self, facility: str, account: Account, sealed: bytes, use_until: datetime
    ) -> GatewaySession | None:
        try:
            text = self.seal.open(sealed, belongs_to=_owner(facility, account))
        except InvalidTag:
            return None  # of another account or password than the one in use
        access_token, id_token = json.loads(text)
        return GatewaySession(access_token, id_token, use_until)


def _owner(facility: str, account: Account) -> str:
    digest = hashlib.sha256(f"{account.username}\0{account.password_md5}".encode()).hexdigest()
    return f"gateway_session/{facility}/{digest}"
