"""API keys: how machines prove who they are with a secret."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from claims.exchange.access.errors import AccessDenied, TooManyKeys, UnknownKey
from claims.exchange.access.places import NATION, Place
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Grant, Principal, PrincipalKind
from claims.exchange.ports import Clock
from claims.exchange.submission import FacilityCode

#: Keys of one line that are live at a time: one, and while it is replaced the next one.
MOST_LIVE: Final = 2


class Scope(StrEnum):
    """What an API key is for; the table of rights (``policy.toml``) says what each opens."""

    SUBMIT = "submit"
    READ = "read"
    REVIEW = "review"
    OPERATE = "operate"
    MANAGE = "manage"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: the digest of its secret, never the secret.

    Attributes:
        line: The id of the key that began the line of those that replaced each other; None for that one.
    """

    id: str
    facility: FacilityCode | None
    secret_sha256: bytes
    scopes: frozenset[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    line: str | None = None

    def is_live(self, now: datetime) -> bool:
        """Return whether the key opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who calls with this key."""
        return machine_principal(self.id, PrincipalKind.KEY, self.facility, self.scopes)


def machine_principal(
    machine_id: str, kind: PrincipalKind, facility: FacilityCode | None, scopes: Iterable[Scope]
) -> Principal:
    """Return who calls, when a machine of a facility, or of the service itself, does."""
    place = NATION if facility is None else Place(facility)
    return Principal(machine_id, kind, frozenset(Grant(scope.value, place) for scope in scopes))


def require_givable(scopes: Iterable[Scope], *, by: Principal) -> None:
    """Let pass who may give these scopes to a machine.

    Raises:
        AccessDenied: One of them is not for a facility to give.
    """
    reserved = sorted(set(scopes).difference(givable_scopes(by=by)))
    if reserved:
        raise AccessDenied(f"the right to give the scope {reserved[0]}", f"quyền cấp phạm vi {reserved[0]}")


def givable_scopes(*, by: Principal) -> list[Scope]:
    """Return the scopes that somebody may give to a machine."""
    roles = load_policy().roles
    return [scope for scope in Scope if by.within.is_everywhere or not roles[scope].is_given_by_nation]


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

    def replace(self, key_id: str, new: ApiKey, *, ends_at: datetime, most: int) -> bool:
        """Store a key that takes another's place and let that one end, unless as many of its line live."""
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
        key_id, digest, text = _new_secret()
        self.keys.add(ApiKey(key_id, facility, digest, scopes, label, self.clock.now(), expires_at))
        return text


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Replace an API key by one that opens the same; for a while both do."""

    keys: ApiKeys
    clock: Clock

    def __call__(self, key_id: str, *, overlap: timedelta, lives: timedelta | None = None) -> str:
        """Return the new key's text; the old key ends when the overlap is over.

        Raises:
            UnknownKey: There is no live key with this id.
            TooManyKeys: The key that this one replaced is live still: it has to end first.
        """
        now, old = self.clock.now(), self.keys.find(key_id)
        if old is None or not old.is_live(now):
            raise UnknownKey
        new_id, digest, text = _new_secret()
        new = ApiKey(
            id=new_id,
            facility=old.facility,
            secret_sha256=digest,
            scopes=old.scopes,
            label=old.label,
            created_at=now,
            expires_at=None if lives is None else now + lives,
            line=old.line or old.id,
        )
        if not self.keys.replace(key_id, new, ends_at=now + overlap, most=MOST_LIVE):
            raise TooManyKeys(MOST_LIVE)
        return text


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who holds a key."""

    keys: ApiKeys
    clock: Clock

    def __call__(self, text: str) -> Principal:
        """Return the principal that the key's text stands for.

        Raises:
            UnknownKey: It opens nothing.
        """
        return self.find(text).principal

    def find(self, text: str) -> ApiKey:
        """Return the live key that this is the text of.

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
        return key


def _new_secret() -> tuple[str, bytes, str]:
    """Return a new key's id, the digest of its secret, and its text."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
    return key_id, _digest(secret), f"ehs_{key_id}_{secret}"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
