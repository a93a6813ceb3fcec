"""Drop-in accounts: how hospital software signs in that speaks only the insurer's gateway's protocol.

That protocol's secret is the MD5 of a password, sent with every call. Here it opens this one door, within one
facility, for as long as a token lives; at rest it is hashed again, under a key outside the database.
"""

import base64
import binascii
import hmac
import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from argon2 import PasswordHasher

from claims.exchange.access.errors import UnknownKey
from claims.exchange.access.passwords import Passwords
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant, Principal, PrincipalKind
from claims.exchange.ports import Clock
from claims.exchange.submission import FacilityCode

_MD5: Final = re.compile(r"[0-9A-Fa-f]{32}")
_ROLES: Final = ("submit", "read")


@dataclass(frozen=True, slots=True)
class DropInAccount:
    """A facility's account for the drop-in intake.

    Attributes:
        verifier: What the password's digest is compared with; says nothing without the sealing key.
        networks: From where it may be used, on top of what the installation allows; empty: no more is asked.
        changed_at: Tokens from before do not count.
    """

    facility: FacilityCode
    username: str
    verifier: str = field(repr=False)
    networks: tuple[str, ...]
    changed_at: datetime


class DropInAccounts(Protocol):
    """The accounts of the drop-in intake."""

    def find(self, username: str) -> DropInAccount | None:
        """Return the account of that name, or None."""
        ...

    def put(self, account: DropInAccount) -> None:
        """Store or replace a facility's account.

        Raises:
            UnknownFacility: The facility is not registered.
            UsernameTaken: Another facility's account has the name.
        """
        ...

    def remove(self, facility: FacilityCode) -> bool:
        """Remove a facility's account; return whether it had one."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """What a sign-in gives."""

    username: str
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    expires_at: datetime


def _light_passwords() -> Passwords:
    # OWASP's least for Argon2id; what is hashed depends on a key of 256 bits besides.
    return Passwords(PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1))


@dataclass(frozen=True, slots=True)
class DropInDesk:
    """Signs drop-in accounts in and recognizes them.

    Tokens are not stored: each says whose it is and until when, under a code that only this service and the
    password's digest together can make. So every process recognizes every token, and a stolen one is worth
    nothing without the digest.
    """

    accounts: DropInAccounts
    clock: Clock
    key: bytes = field(repr=False)
    lifetime: timedelta
    passwords: Passwords = field(default_factory=_light_passwords)

    def make_account(
        self, facility: FacilityCode, *, username: str, password_md5: str, networks: Sequence[str] = ()
    ) -> DropInAccount:
        """Return an account with the verifier of this digest; nothing is stored.

        Raises:
            ValueError: One of the networks is none.
        """
        read = tuple(str(ipaddress.ip_network(one)) for one in networks)
        verifier = self.passwords.hash(self._peppered(password_md5))
        return DropInAccount(facility, username, verifier, read, self.clock.now())

    def sign_in(self, username: str, password_md5: str, *, address: str) -> Session:
        """Return a new session.

        Raises:
            UnknownKey: Name, digest or address is wrong; which of these is not said.
        """
        account = self.accounts.find(username)
        known = None if account is None else account.verifier
        matches = self.passwords.matches(self._peppered(password_md5), known)
        if account is None or not matches or not _MD5.fullmatch(password_md5):
            raise UnknownKey
        if not is_within(address, account.networks):
            raise UnknownKey
        expires_at = (self.clock.now() + self.lifetime).replace(microsecond=0)
        claims = [account.username, int(expires_at.timestamp()), _microseconds(account.changed_at)]
        content = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        access = f"{content}.{self._code('access', content, password_md5)}"
        return Session(account.username, access, self._code("id", access, password_md5), expires_at)

    def recognize(self, access_token: str, id_token: str, password_md5: str, *, address: str) -> Principal:
        """Return whose session it is.

        Raises:
            UnknownKey: The three do not belong together, the session is over, the account has changed since,
                or the address is not one of its own.
        """
        content, _, code = access_token.rpartition(".")
        is_ours = hmac.compare_digest(
            code.encode(), self._code("access", content, password_md5).encode()
        ) & hmac.compare_digest(id_token.encode(), self._code("id", access_token, password_md5).encode())
        if not is_ours:
            raise UnknownKey
        username, expires_s, changed_us = _read(content)
        account = self.accounts.find(username)
        if (
            account is None
            or self.clock.now() >= datetime.fromtimestamp(expires_s, UTC)
            or _microseconds(account.changed_at) != changed_us
            or not is_within(address, account.networks)
        ):
            raise UnknownKey
        place = Place(account.facility)
        grants = frozenset(Grant(role, place) for role in _ROLES)
        return Principal(f"dropin:{account.username}", PrincipalKind.KEY, grants)

    def _peppered(self, password_md5: str) -> str:
        return hmac.digest(self.key, password_md5.upper().encode(), "sha256").hex()

    def _code(self, purpose: str, text: str, password_md5: str) -> str:
        parts = json.dumps([purpose, text, password_md5.upper()]).encode()
        return hmac.digest(self.key, parts, "sha256").hex()


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Return whether an address lies in one of the networks; where none is named, every one does."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(one) for one in networks)


def _read(content: str) -> tuple[str, int, int]:
    try:
        username, expires_s, changed_us = json.loads(
            base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
        )
    except (binascii.Error, ValueError) as error:  # cannot be: the code says that we wrote it
        raise UnknownKey from error
    return username, expires_s, changed_us


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
