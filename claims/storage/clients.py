"""OAuth clients as rows: their public keys, digests of their tokens, and statements that were used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import TupleRow

from claims.exchange.access.access_log import AccessKind
from claims.exchange.access.clients import AccessToken, Client, ClientKey
from claims.exchange.access.keys import Scope
from claims.exchange.errors import UnknownFacility
from claims.exchange.submission import FacilityCode
from claims.storage.access_log import note
from claims.storage.pool import Pool, borrow

_COLUMNS: LiteralString = (
    "c.id, c.facility, c.scopes, c.label, c.created_at, c.is_bound, c.revoked_at, c.last_used_at, "
    "c.suspended_at"
)
#: What has ended is forgotten by whoever comes next, some at a time.
_FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class PostgresClients:
    """`claims.exchange.access.clients.Clients` on PostgreSQL."""

    pool: Pool

    def add(self, client: Client) -> None:
        """Store a new client with its keys."""
        try:
            with borrow(self.pool) as connection, connection.transaction():
                connection.execute(
                    "INSERT INTO oauth_client (id, facility, scopes, label, created_at, is_bound) "
                    "VALUES (%s, %s, %s, %s, %s, %s)",
                    [
                        client.id,
                        client.facility,
                        sorted(client.scopes),
                        client.label,
                        client.created_at,
                        client.is_bound,
                    ],
                )
                for key in client.keys:
                    _add_key(connection, client.id, key)
                told = {"scopes": " ".join(sorted(client.scopes))}
                kind = AccessKind.CLIENT_ADDED
                note(connection, kind, about=client.id, place=client.facility, detail=told)
        except ForeignKeyViolation as error:
            raise UnknownFacility(str(client.facility)) from error

    def find(self, client_id: str) -> Client | None:
        """Return the client with this id, live or not."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM oauth_client c WHERE c.id = %s", [client_id]
            ).fetchone()
            return None if row is None else _client(row, _keys(connection, [client_id])[client_id])

    def of_facility(self, facility: FacilityCode | None) -> Sequence[Client]:
        """Return a facility's clients, or the service's own, newest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM oauth_client c WHERE c.facility IS NOT DISTINCT FROM %s "
                "ORDER BY c.created_at DESC",
                [facility],
            ).fetchall()
            keys = _keys(connection, [row[0] for row in rows])
        return [_client(row, keys[row[0]]) for row in rows]

    def add_key(self, client_id: str, key: ClientKey, *, most: int) -> bool:
        """Store another key unless as many are live; return whether it was; one that is there is, too."""
        with borrow(self.pool) as connection, connection.transaction():
            # Whoever adds another at this moment waits, and then sees this one.
            owner = connection.execute(
                "SELECT facility FROM oauth_client WHERE id = %s FOR UPDATE", [client_id]
            ).fetchone()
            others = connection.execute(
                "SELECT count(*) FROM oauth_key WHERE client = %s AND id <> %s "
                "AND (ends_at IS NULL OR ends_at > %s)",
                [client_id, key.id, key.added_at],
            ).fetchone()
            if others is None or others[0] >= most:
                return False
            _add_key(connection, client_id, key)
            place = None if owner is None else owner[0]
            note(
                connection, AccessKind.CLIENT_KEY_ADDED, about=client_id, place=place, detail={"key": key.id}
            )
        return True

    def end_key(self, client_id: str, key_id: str, *, at: datetime) -> bool:
        """Let a key end; return whether there was a live one."""
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(
                "UPDATE oauth_key k SET ends_at = %s FROM oauth_client c WHERE k.client = %s AND k.id = %s "
                "AND (k.ends_at IS NULL OR k.ends_at > %s) AND c.id = k.client RETURNING c.facility",
                [at, client_id, key_id, at],
            ).fetchone()
            if done is not None:
                kind = AccessKind.CLIENT_KEY_ENDED
                note(connection, kind, about=client_id, place=done[0], detail={"key": key_id})
        return done is not None

    def revoke(self, client_id: str, *, at: datetime) -> bool:
        """End a client and its tokens; return whether there was one that had not ended."""
        return self._turn(
            "UPDATE oauth_client SET revoked_at = %(at)s WHERE id = %(id)s AND revoked_at IS NULL "
            "RETURNING facility",
            {"at": at, "id": client_id},
            AccessKind.CLIENT_ENDED,
        )

    def suspend(self, client_id: str, *, at: datetime) -> bool:
        """Suspend a client; return whether there was a live one."""
        return self._turn(
            "UPDATE oauth_client SET suspended_at = %(at)s WHERE id = %(id)s AND revoked_at IS NULL "
            "AND suspended_at IS NULL RETURNING facility",
            {"at": at, "id": client_id},
            AccessKind.CLIENT_SUSPENDED,
        )

    def resume(self, client_id: str) -> bool:
        """Let a suspended client call again; return whether there was one."""
        return self._turn(
            "UPDATE oauth_client SET suspended_at = NULL WHERE id = %(id)s AND revoked_at IS NULL "
            "AND suspended_at IS NOT NULL RETURNING facility",
            {"id": client_id},
            AccessKind.CLIENT_RESUMED,
        )

    def use_statement(
        self, client_id: str, digest: bytes, *, at: datetime, until: datetime, most: int
    ) -> bool:
        """Remember a statement; False: it was used before, or too many are remembered."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "DELETE FROM oauth_statement WHERE ctid IN (SELECT ctid FROM oauth_statement "
                "WHERE until <= %s LIMIT %s FOR UPDATE SKIP LOCKED)",
                [at, _FORGOTTEN_AT_ONCE],
            )
            done = connection.execute(
                "INSERT INTO oauth_statement (client, digest, until) "
                "SELECT %(client)s, %(digest)s, %(until)s "
                "WHERE (SELECT count(*) FROM oauth_statement WHERE client = %(client)s) < %(most)s "
                "ON CONFLICT DO NOTHING",
                {"client": client_id, "digest": digest, "until": until, "most": most},
            )
        return done.rowcount == 1

    def add_token(self, token: AccessToken, *, at: datetime) -> None:
        """Store a token, note the client's use, and forget what has ended."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "DELETE FROM oauth_token WHERE ctid IN (SELECT ctid FROM oauth_token "
                "WHERE ends_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED)",
                [at, _FORGOTTEN_AT_ONCE],
            )
            connection.execute(
                "INSERT INTO oauth_token (digest, client, scopes, ends_at, certificate) "
                "VALUES (%s, %s, %s, %s, %s)",
                [token.digest, token.client, sorted(token.scopes), token.ends_at, token.certificate],
            )
            connection.execute("UPDATE oauth_client SET last_used_at = %s WHERE id = %s", [at, token.client])

    def find_token(self, digest: bytes) -> tuple[AccessToken, Client] | None:
        """Return the token with this digest and whose it is, live or not; the client without its keys."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS}, t.scopes, t.ends_at, t.certificate FROM oauth_token t "
                "JOIN oauth_client c ON c.id = t.client WHERE t.digest = %s",
                [digest],
            ).fetchone()
        if row is None:
            return None
        *client, scopes, ends_at, certificate = row
        token = AccessToken(
            digest,
            row[0],
            frozenset(map(Scope, scopes)),
            ends_at,
            None if certificate is None else bytes(certificate),
        )
        return token, _client(tuple(client), ())

    def _turn(self, change: LiteralString, params: Mapping[str, object], kind: AccessKind) -> bool:
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(change, params).fetchone()
            if done is not None:
                note(connection, kind, about=str(params["id"]), place=done[0])
        return done is not None


def _add_key(connection: Connection[TupleRow], client_id: str, key: ClientKey) -> None:
    connection.execute(
        "INSERT INTO oauth_key (client, id, jwk, added_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (client, id) DO UPDATE SET ends_at = NULL",
        [client_id, key.id, key.jwk, key.added_at],
    )


def _keys(connection: Connection[TupleRow], clients: Sequence[str]) -> dict[str, tuple[ClientKey, ...]]:
    rows = connection.execute(
        "SELECT client, id, jwk, added_at, ends_at FROM oauth_key WHERE client = ANY(%s) "
        "ORDER BY added_at, id",
        [list(clients)],
    ).fetchall()
    return {
        client: tuple(
            ClientKey(key, jwk, added, ends) for owner, key, jwk, added, ends in rows if owner == client
        )
        for client in clients
    }


def _client(row: TupleRow, keys: tuple[ClientKey, ...]) -> Client:
    client_id, facility, scopes, label, created, is_bound, revoked, used, suspended = row
    return Client(
        id=client_id,
        facility=None if facility is None else FacilityCode(facility),
        scopes=frozenset(map(Scope, scopes)),
        label=label,
        created_at=created,
        is_bound=is_bound,
        keys=keys,
        revoked_at=revoked,
        last_used_at=used,
        suspended_at=suspended,
    )
