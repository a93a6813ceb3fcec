"""Who may do what: principals, scopes and the one question everybody asks."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from claims.exchange.errors import AccessDenied, UnknownKey
from claims.exchange.ports import Clock
from claims.exchange.submission import FacilityCode


class Scope(StrEnum):
    """What an API key is for."""

    SUBMIT = "submit"
    READ = "read"
    REVIEW = "review"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. Without a facility it is one of the service's own operators or reviewers."""

    key_id: str
    facility: FacilityCode | None
    scopes: frozenset[Scope]

    def require(self, scope: Scope) -> None:
        """Pass if the principal has the scope.

        Raises:
            AccessDenied: It has not.
        """
        if scope not in self.scopes:
            raise AccessDenied(f"the scope {scope}")

    def own_facility(self) -> FacilityCode:
        """Return the facility the principal acts for.

        Raises:
            AccessDenied: It acts for none.
        """
        if self.facility is None:
            raise AccessDenied("a facility of its own")
        return self.facility


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: the digest of its secret, never the secret."""

    id: str
    facility: FacilityCode | None
    secret_sha256: bytes
    scopes: frozenset[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Return whether the key opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ApiKeys(Protocol):
    """The keys that callers authenticate with."""

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, live or not."""
        ...

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        ...

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        """End a key; return whether there was a live one."""
        ...

    def of_facility(self, facility: FacilityCode | None) -> Sequence[ApiKey]:
        """Return a facility's keys, or the service's own, newest first."""
        ...

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Remember when a key was last used, to the minute."""
        ...


@dataclass(frozen=True, slots=True)
class IssueKey:
    """Make an API key; its text is shown once and kept nowhere."""

    keys: ApiKeys
    clock: Clock

    def __call__(
        self,
        *,
        facility: FacilityCode | None,
        scopes: frozenset[Scope],
        label: str,
        expires_at: datetime | None = None,
    ) -> str:
        """Return the new key's text: ``ehs_<id>_<secret>``."""
        key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
        self.keys.add(ApiKey(key_id, facility, _digest(secret), scopes, label, self.clock.now(), expires_at))
        return f"ehs_{key_id}_{secret}"


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who holds a key."""

    keys: ApiKeys
    clock: Clock

    def __call__(self, text: str) -> Principal:
        """Return the principal that the key's text stands for.

        Raises:
            UnknownKey: It is no key of ours, or is revoked, or has expired; which of these is not said.
        """
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        now = self.clock.now()
        key = self.keys.find(key_id) if prefix == "ehs" and key_id.isalnum() else None
        # Digest and comparison run for an unknown id as well, so that their time tells nothing.
        expected = key.secret_sha256 if key is not None else bytes(32)
        matches = hmac.compare_digest(_digest(secret), expected)
        if key is None or not matches or not key.is_live(now):
            raise UnknownKey
        self.keys.note_use(key.id, at=now)
        return Principal(key.id, key.facility, key.scopes)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
