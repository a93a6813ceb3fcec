"""Facilities: who may call, and how each signs in at the gateway."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import TupleRow

from claims.exchange.access.access_log import AccessKind
from claims.exchange.access.keys import ApiKey, Scope
from claims.exchange.errors import UnknownFacility
from claims.exchange.facilities import Facility, Registered
from claims.exchange.ports import Account, CardStaff
from claims.exchange.review.searching import fold
from claims.exchange.submission import FacilityCode
from claims.storage.access_log import note
from claims.storage.folding import FOLDED_NAME
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

_KEY_COLUMNS: LiteralString = (
    "id, facility, secret_sha256, scopes, label, created_at, expires_at, revoked_at, last_used_at, line"
)

_SELECT: LiteralString = (
    "SELECT code, name, username, card_staff_sealed IS NOT NULL "
    "FROM facility LEFT JOIN gateway_account ON gateway_account.facility = code"
)


@dataclass(frozen=True, slots=True)
class PostgresApiKeys:
    """`claims.exchange.access.keys.ApiKeys` on PostgreSQL."""

    pool: Pool

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, live or not."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"SELECT {_KEY_COLUMNS} FROM api_key WHERE id = %s", [key_id]).fetchone()
        return None if row is None else _api_key(row)

    def add(self, key: ApiKey) -> None:
        """Store a new key.

        Raises:
            UnknownFacility: Its facility is not registered.
        """
        try:
            with borrow(self.pool) as connection, connection.transaction():
                _add_key(connection, key)
                note(connection, AccessKind.KEY_MADE, about=key.id, place=key.facility, detail=_told(key))
        except ForeignKeyViolation as error:
            raise UnknownFacility(str(key.facility)) from error

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        """End a key; return whether there was a live one."""
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(
                "UPDATE api_key SET revoked_at = %s WHERE id = %s AND revoked_at IS NULL RETURNING facility",
                [at, key_id],
            ).fetchone()
            if done is not None:
                note(connection, AccessKind.KEY_ENDED, about=key_id, place=done[0])
        return done is not None

    def replace(self, key_id: str, new: ApiKey, *, ends_at: datetime, most: int) -> bool:
        """Store a key that takes another's place and let that one end, unless as many of its line live."""
        with borrow(self.pool) as connection, connection.transaction():
            # Whoever rotates a key of this line at the same moment waits, and then sees what this one did.
            connection.execute("SELECT FROM api_key WHERE id = %s FOR UPDATE", [new.line])
            row = connection.execute(
                "SELECT count(*) FROM api_key WHERE (id = %(line)s OR line = %(line)s) "
                "AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)",
                {"line": new.line, "now": new.created_at},
            ).fetchone()
            if row is None or row[0] >= most:
                return False
            _add_key(connection, new)
            connection.execute(
                "UPDATE api_key SET expires_at = least(expires_at, %s) WHERE id = %s", [ends_at, key_id]
            )
            told = {"by_key": new.id, "until": ends_at.isoformat()}
            note(connection, AccessKind.KEY_REPLACED, about=key_id, place=new.facility, detail=told)
        return True

    def of_facility(self, facility: FacilityCode | None) -> Sequence[ApiKey]:
        """Return a facility's keys, or the service's own, newest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT {_KEY_COLUMNS} FROM api_key WHERE facility IS NOT DISTINCT FROM %s "
                "ORDER BY created_at DESC",
                [facility],
            ).fetchall()
        return [_api_key(row) for row in rows]

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Remember when a key was last used, to the minute, so that a busy key is not a busy row."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE api_key SET last_used_at = %s WHERE id = %s "
                "AND (last_used_at IS NULL OR last_used_at < %s)",
                [at, key_id, at - timedelta(minutes=1)],
            )


@dataclass(frozen=True, slots=True)
class Facilities:
    """The facilities that may submit."""

    pool: Pool

    def add(self, code: FacilityCode, *, name: str, at: datetime) -> None:
        """Register a facility, or give a registered one a new name."""
        self.add_all({code: name}, at=at)

    def add_all(self, names: Mapping[FacilityCode, str], *, at: datetime) -> Registered:
        """Register facilities, or give registered ones new names: all of them, or none where it fails."""
        with borrow(self.pool) as connection, connection.transaction():
            changed = connection.execute(
                "INSERT INTO facility (code, name, created_at) "
                "SELECT code, name, %(at)s FROM unnest(%(codes)s::text[], %(names)s::text[]) "
                "AS new (code, name) ORDER BY code "
                "ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name WHERE facility.name <> EXCLUDED.name "
                "RETURNING code, xmax = 0",  # nobody has updated a row that is new
                {"at": at, "codes": list(names), "names": list(names.values())},
            ).fetchall()
            for code, is_new in changed:
                kind = AccessKind.FACILITY_ADDED if is_new else AccessKind.FACILITY_RENAMED
                note(connection, kind, about=code, place=code)
        added = sum(is_new for _, is_new in changed)
        return Registered(added, len(changed) - added, len(names) - len(changed))

    def find_some(self, text: str, *, after: str, limit: int) -> Sequence[Facility]:
        """Return facilities by code, behind one (facility_pkey).

        Args:
            text: The beginning of a code, or a part of a name without diacritics; a name is looked for in
                every row.
            after: The code that they follow.
            limit: How many, at most.
        """
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE code > %(after)s AND (code ^@ %(code)s "
                f"OR strpos({FOLDED_NAME}, %(name)s) > 0) ORDER BY code LIMIT %(limit)s",
                {"after": after, "code": text.upper(), "name": fold(text), "limit": limit},
            ).fetchall()
        return [_facility(row) for row in rows]

    def find(self, code: FacilityCode) -> Facility | None:
        """Return a facility, if it is registered."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"{_SELECT} WHERE code = %s", [code]).fetchone()
        return None if row is None else _facility(row)

    def name_of(self, code: FacilityCode) -> str | None:
        """Return what a facility is called, if it is registered."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT name FROM facility WHERE code = %s", [code]).fetchone()
        return None if row is None else str(row[0])

    def all(self) -> Sequence[tuple[FacilityCode, str]]:
        """Return every facility's code and name."""
        with borrow(self.pool) as connection:
            rows = connection.execute("SELECT code, name FROM facility ORDER BY code").fetchall()
        return [(FacilityCode(code), name) for code, name in rows]


@dataclass(frozen=True, slots=True)
class GatewayAccounts:
    """`claims.exchange.ports.Accounts` on PostgreSQL, passwords sealed."""

    pool: Pool
    seal: Seal

    def put(self, facility: FacilityCode, account: Account) -> None:
        """Store or replace a facility's account.

        Raises:
            UnknownFacility: The facility is not registered.
        """
        sealed = self.seal.close(account.password_md5.encode(), belongs_to=_owner(facility))
        try:
            with borrow(self.pool) as connection, connection.transaction():
                connection.execute(
                    "INSERT INTO gateway_account (facility, username, password_md5_sealed) "
                    "VALUES (%s, %s, %s) "
                    "ON CONFLICT (facility) DO UPDATE SET username = EXCLUDED.username, "
                    "password_md5_sealed = EXCLUDED.password_md5_sealed",
                    [facility, account.username, sealed],
                )
                note(connection, AccessKind.GATEWAY_ACCOUNT_SET, about=facility, place=facility)
        except ForeignKeyViolation as error:
            raise UnknownFacility(facility) from error

    def put_card_staff(self, facility: FacilityCode, staff: CardStaff) -> None:
        """Store or replace in whose name a facility looks up cards.

        Raises:
            UnknownFacility: The facility has no account at the gateway.
        """
        text = json.dumps([staff.name, staff.citizen_id])
        sealed = self.seal.close(text.encode(), belongs_to=_card_staff_of(facility))
        with borrow(self.pool) as connection, connection.transaction():
            changed = connection.execute(
                "UPDATE gateway_account SET card_staff_sealed = %s WHERE facility = %s", [sealed, facility]
            ).rowcount
            if not changed:
                raise UnknownFacility(facility)
            note(connection, AccessKind.CARD_STAFF_SET, about=facility, place=facility)

    def find(self, facility: str) -> Account | None:
        """Return the facility's account, or None when it has not given us one."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT username, password_md5_sealed, card_staff_sealed FROM gateway_account "
                "WHERE facility = %s",
                [facility],
            ).fetchone()
        if row is None:
            return None
        username, password, staff = row
        return Account(
            username,
            self.seal.open(bytes(password), belongs_to=_owner(facility)).decode(),
            None if staff is None else self._open_staff(facility, bytes(staff)),
        )

    def _open_staff(self, facility: str, sealed: bytes) -> CardStaff:
        return CardStaff(*json.loads(self.seal.open(sealed, belongs_to=_card_staff_of(facility))))


def _owner(facility: str) -> str:
    return f"gateway_account/{facility}"


def _card_staff_of(facility: str) -> str:
    return f"card_staff/{facility}"


def _told(key: ApiKey) -> dict[str, str]:
    return {"scopes": " ".join(sorted(key.scopes))}


def _add_key(connection: Connection[TupleRow], key: ApiKey) -> None:
    connection.execute(
        "INSERT INTO api_key (id, facility, secret_sha256, scopes, label, created_at, expires_at, line) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            key.id,
            key.facility,
            key.secret_sha256,
            sorted(key.scopes),
            key.label,
            key.created_at,
            key.expires_at,
            key.line,
        ],
    )


def _facility(row: TupleRow) -> Facility:
    code, name, username, has_card_staff = row
    return Facility(FacilityCode(code), name, username, has_card_staff)


def _api_key(row: TupleRow) -> ApiKey:
    key_id, facility, secret, scopes, label, created, expires, revoked, used, line = row
    return ApiKey(
        id=key_id,
        facility=None if facility is None else FacilityCode(facility),
        secret_sha256=bytes(secret),
        scopes=frozenset(Scope(scope) for scope in scopes),
        label=label,
        created_at=created,
        expires_at=expires,
        revoked_at=revoked,
        last_used_at=used,
        line=line,
    )
