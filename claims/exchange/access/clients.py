"""OAuth clients: machines that prove who they are with a key of their own (RFC 7523) and get a short token.

The service keeps public keys only: nothing that leaks from here lets anybody in. A client signs a statement
for each token it asks for; the statement counts once.

1. Its signature is by a live key of the client, in an algorithm that goes with the key.
2. Issuer and subject are the client, the audience is this service.
3. It lives for minutes at most, and now.
4. Its id was not seen before.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError

from claims.exchange.access.errors import ClientRefused, TooManyKeys, UnknownKey, UnusableKey
from claims.exchange.access.keys import Scope, machine_principal
from claims.exchange.access.principal import Principal, PrincipalKind
from claims.exchange.access.public_keys import (
    PublicKey,
    algorithms_of,
    key_from_jwk,
    key_from_pem,
    unpadded,
)
from claims.exchange.access.token_times import moment
from claims.exchange.ports import Clock
from claims.exchange.submission import FacilityCode

PREFIX: Final = "eat_"
#: How long an access token opens what it opens.
TOKEN_FOR: Final = timedelta(minutes=10)
#: How long a client's statement may live; its id is remembered as long.
LONGEST_STATEMENT: Final = timedelta(minutes=5)
#: How far a client's clock may be off.
DRIFT: Final = timedelta(seconds=30)
MOST_LIVE: Final = 2
#: Statements of one client that are remembered at a time; who needs more tokens keeps the ones he has.
MOST_REMEMBERED: Final = 2_000
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's public key.

    Attributes:
        id: Its thumbprint (RFC 7638).
        jwk: It, as JSON (RFC 7517), with nothing but what makes the key.
    """

    id: str
    jwk: str
    added_at: datetime
    ends_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Return whether statements signed with it count at a moment."""
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True, slots=True)
class Client:
    """A machine that gets tokens.

    Attributes:
        is_bound: Whether it gets them over mutual TLS only, bound to its certificate (RFC 8705).
        suspended_at: Since when it gets none, and those it has open nothing, until it is resumed.
    """

    id: str
    facility: FacilityCode | None
    scopes: frozenset[Scope]
    label: str
    created_at: datetime
    is_bound: bool = False
    keys: tuple[ClientKey, ...] = ()
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    suspended_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether it may call at all: neither ended nor suspended."""
        return self.revoked_at is None and self.suspended_at is None

    def live_keys(self, now: datetime) -> tuple[ClientKey, ...]:
        """Return the keys that count at a moment; none when the client was ended."""
        return () if self.revoked_at is not None else tuple(one for one in self.keys if one.is_live(now))

    def principal(self, scopes: frozenset[Scope]) -> Principal:
        """Who calls with a token for some of its scopes."""
        return machine_principal(self.id, PrincipalKind.CLIENT, self.facility, scopes & self.scopes)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is stored: its digest.

    Attributes:
        certificate: SHA-256 of the certificate that it is bound to; None: whoever shows it.
    """

    digest: bytes
    client: str
    scopes: frozenset[Scope]
    ends_at: datetime
    certificate: bytes | None = None


class Clients(Protocol):
    """Clients, their keys, tokens, and the statements that were used."""

    def add(self, client: Client) -> None:
        """Store a new client with its keys.

        Raises:
            UnknownFacility: Its facility is not registered.
        """
        ...

    def find(self, client_id: str) -> Client | None:
        """Return the client with this id, live or not."""
        ...

    def of_facility(self, facility: FacilityCode | None) -> Sequence[Client]:
        """Return a facility's clients, or the service's own, newest first."""
        ...

    def add_key(self, client_id: str, key: ClientKey, *, most: int) -> bool:
        """Store another key unless as many are live; return whether it was; one that is there is, too."""
        ...

    def end_key(self, client_id: str, key_id: str, *, at: datetime) -> bool:
        """Let a key end; return whether there was a live one."""
        ...

    def revoke(self, client_id: str, *, at: datetime) -> bool:
        """End a client and its tokens; return whether there was a live one."""
        ...

    def suspend(self, client_id: str, *, at: datetime) -> bool:
        """Suspend a client; return whether there was a live one."""
        ...

    def resume(self, client_id: str) -> bool:
        """Let a suspended client call again; return whether there was one."""
        ...

    def use_statement(
        self, client_id: str, digest: bytes, *, at: datetime, until: datetime, most: int
    ) -> bool:
        """Remember a statement; False: it was used before, or too many are remembered."""
        ...

    def add_token(self, token: AccessToken, *, at: datetime) -> None:
        """Store a token, note the client's use, and forget what has ended."""
        ...

    def find_token(self, digest: bytes) -> tuple[AccessToken, Client] | None:
        """Return the token with this digest and whose it is, live or not."""
        ...


@dataclass(frozen=True, slots=True)
class ManageClients:
    """Register clients by their public keys, let them change keys, suspend, resume and end them."""

    clients: Clients
    clock: Clock

    def register(
        self,
        public_key: str,
        *,
        facility: FacilityCode | None,
        scopes: frozenset[Scope],
        label: str,
        is_bound: bool = False,
    ) -> Client:
        """Return a new client.

        Raises:
            UnusableKey: The key is not one of those that count, or is a private one.
            UnknownFacility: The facility is not registered.
        """
        now = self.clock.now()
        client = Client(
            id=f"cli_{secrets.token_hex(8)}",
            facility=facility,
            scopes=scopes,
            label=label,
            created_at=now,
            is_bound=is_bound,
            keys=(read_public_key(public_key, at=now),),
        )
        self.clients.add(client)
        return client

    def add_key(self, client_id: str, public_key: str) -> ClientKey:
        """Let a client sign with another key too; the old one until it is ended.

        Raises:
            UnknownKey: There is no such client, or it was ended.
            UnusableKey: As `register`.
            TooManyKeys: Two are live.
        """
        client, now = self.clients.find(client_id), self.clock.now()
        if client is None or client.revoked_at is not None:
            raise UnknownKey
        key = read_public_key(public_key, at=now)
        if not self.clients.add_key(client_id, key, most=MOST_LIVE):
            raise TooManyKeys(MOST_LIVE)
        return key

    def end_key(self, client_id: str, key_id: str) -> bool:
        """End one key of a client; return whether there was a live one."""
        return self.clients.end_key(client_id, key_id, at=self.clock.now())

    def revoke(self, client_id: str) -> bool:
        """End a client and every token it has; return whether there was a live one."""
        return self.clients.revoke(client_id, at=self.clock.now())

    def suspend(self, client_id: str) -> bool:
        """Give a client no token, and let none that it has open anything, until it is resumed."""
        return self.clients.suspend(client_id, at=self.clock.now())

    def resume(self, client_id: str) -> bool:
        """Let a suspended client call again; return whether there was one that has not ended."""
        return self.clients.resume(client_id)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client gets."""

    token: str = field(repr=False)
    lasts: timedelta
    scopes: frozenset[Scope]
    is_bound: bool


@dataclass(frozen=True, slots=True)
class GrantToken:
    """Give a client a token for a statement that it signed.

    Attributes:
        audiences: What the statement may be made out to: the service's address, and that of its tokens.
    """

    clients: Clients
    clock: Clock
    audiences: frozenset[str]

    def __call__(
        self, statement: str, *, scopes: frozenset[str] | None = None, certificate: bytes | None = None
    ) -> Granted:
        """Return a token for the scopes asked for, or all that the client has.

        Raises:
            ClientRefused: The statement does not count; why is not said.
        """
        now = self.clock.now()
        client = self._client_of(statement)
        said = self._verified(statement, client, now)
        if client.is_bound and certificate is None:
            raise ClientRefused("invalid_client")
        granted = (
            client.scopes if scopes is None else frozenset(one for one in client.scopes if one in scopes)
        )
        if not granted or (scopes is not None and len(granted) != len(scopes)):
            raise ClientRefused("invalid_scope")
        # (4) The last step, so that what is refused for another reason uses up no id.
        used = hashlib.sha256(str(said["jti"]).encode()).digest()
        until = now + LONGEST_STATEMENT + DRIFT + DRIFT
        if not self.clients.use_statement(client.id, used, at=now, until=until, most=MOST_REMEMBERED):
            raise ClientRefused("invalid_client")
        text = PREFIX + secrets.token_urlsafe(32)
        self.clients.add_token(
            AccessToken(digest(text), client.id, granted, now + TOKEN_FOR, certificate), at=now
        )
        return Granted(text, TOKEN_FOR, granted, certificate is not None)

    def _client_of(self, statement: str) -> Client:
        # What it claims before anything is verified serves to find the keys, and for nothing else.
        client = self.clients.find(_claimed_issuer(statement))
        if client is None or not client.is_live:
            raise ClientRefused("invalid_client")
        return client

    def _verified(self, statement: str, client: Client, now: datetime) -> Mapping[str, object]:
        for key in client.live_keys(now):
            public, algorithms = _import(key.jwk)
            try:
                token = jwt.decode(statement, public, algorithms=list(algorithms))  # (1)
            except (JoseError, ValueError, TypeError, RecursionError):
                continue
            if self._counts(token.claims, client, now):
                return token.claims
        raise ClientRefused("invalid_client")

    def _counts(self, said: Mapping[str, object], client: Client, now: datetime) -> bool:
        audience = said.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        is_ours = len(named) == 1 and named[0] in self.audiences
        is_own = said.get("iss") == client.id and said.get("sub") == client.id  # (2)
        number = said.get("jti")
        has_id = isinstance(number, str) and 0 < len(number) <= _LONGEST_ID
        return is_own and is_ours and has_id and _is_now(said, now)


@dataclass(frozen=True, slots=True)
class RecognizeToken:
    """Find out whose an access token is."""

    clients: Clients
    clock: Clock

    def __call__(self, text: str, *, certificate: bytes | None = None) -> Principal:
        """Return who calls.

        Raises:
            UnknownKey: The token opens nothing, or not over this connection; why is not said.
        """
        found = self.clients.find_token(digest(text))
        if found is None:
            raise UnknownKey
        token, client = found
        if not client.is_live or self.clock.now() >= token.ends_at:
            raise UnknownKey
        # A certificate is public, and TLS proved who holds it: a plain comparison gives nothing away.
        if token.certificate is not None and token.certificate != certificate:
            raise UnknownKey
        return client.principal(token.scopes)


def digest(text: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain digest is enough."""
    return hashlib.sha256(text.encode()).digest()


def read_public_key(text: str, *, at: datetime) -> ClientKey:
    """Return a client's key from PEM or a JWK.

    Raises:
        UnusableKey: It is none, a private one, a shared secret, or too weak.
    """
    text = text.strip()
    try:
        key = key_from_pem(text) if text.startswith("-----BEGIN") else key_from_jwk(json.loads(text))
        if key.is_private:
            raise UnusableKey("private")
        algorithms_of(key)
        document = {name: value for name, value in key.as_dict(private=False).items() if name in _PARTS}
        return ClientKey(key.thumbprint(), json.dumps(document, sort_keys=True), at)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnusableKey("unreadable") from error


_PARTS: Final = frozenset({"kty", "crv", "x", "y", "n", "e"})


def _import(jwk: str) -> tuple[PublicKey, tuple[str, ...]]:
    key = key_from_jwk(json.loads(jwk))
    return key, algorithms_of(key)


def _claimed_issuer(statement: str) -> str:
    try:
        claims = json.loads(unpadded(statement.split(".")[1]))
        return str(claims["iss"])[:_LONGEST_ID]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise ClientRefused("invalid_client") from None


def _is_now(said: Mapping[str, object], now: datetime) -> bool:
    """Return whether a statement says that it counts now, and does not say so for long."""  # (3)
    try:
        ends, made = moment(said["exp"]), moment(said["iat"])
        begins = moment(said.get("nbf", said["iat"]))
    except (KeyError, ValueError, OverflowError, OSError):
        return False
    has_begun = begins <= now + DRIFT and now - LONGEST_STATEMENT - DRIFT <= made <= now + DRIFT
    return has_begun and now < ends + DRIFT and ends - made <= LONGEST_STATEMENT
