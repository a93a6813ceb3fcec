"""An OpenID provider over HTTP: its discovery document, its keys, and codes that become tokens.

What it says of itself is kept for an hour. Keys are looked for again when a token names one that is not
known, so that a provider may change them at any time; not more often than every half minute, so that tokens
with invented names do not make this service call it.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from joserfc.errors import JoseError

from claims.exchange.access.errors import ProviderRefused, ProviderUnavailable, UnusableKey
from claims.exchange.access.provider import Question
from claims.exchange.access.public_keys import PublicKey, algorithms_of, key_from_jwk
from claims.exchange.ports import Clock
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard

_KEPT_FOR: Final = timedelta(hours=1)
_LOOK_AGAIN_AFTER: Final = timedelta(seconds=30)
#: A provider that did not answer is left alone for so long: each question would hold a thread of the service.
_REST: Final = timedelta(seconds=10)
_MAX_BYTES: Final = 512 * 1024
_MOST_KEYS: Final = 50
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Registration:
    """What provider and service know of each other.

    Attributes:
        issuer: The provider's address.
        secret: What the service proves itself with; None: nothing, and PKCE alone protects the code.
        back: Where browsers come back to.
        left: Where browsers come to after signing out there.
    """

    issuer: str
    client_id: str
    secret: str | None = field(repr=False)
    back: str
    left: str


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: datetime


class OpenIdProvider:
    """`claims.exchange.access.provider.Provider`."""

    def __init__(self, registration: Registration, guard: Guard, clock: Clock) -> None:
        self._registration = registration
        self._guard = guard
        self._clock = clock
        self._lock = Lock()
        self._metadata: _Kept | None = None
        self._keys: _Kept | None = None
        self._failed: _Kept | None = None

    @property
    def issuer(self) -> str:
        """Its name, which is its address."""
        return self._registration.issuer

    @property
    def client_id(self) -> str:
        """Under which name it knows this service."""
        return self._registration.client_id

    @property
    def names_itself(self) -> bool:
        """Whether its answers always name it."""
        return self._described().get("authorization_response_iss_parameter_supported") is True

    def address(self, question: Question) -> str:
        """Return where the browser goes (OpenID Connect Core, 3.1.2.1; RFC 7636, 4.3)."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self._registration.back,
            "scope": self._scopes(),
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": question.challenge,
            "code_challenge_method": "S256",
        }
        described = self._described()
        if described.get("claims_parameter_supported") is True:
            # OpenID Connect Core, 5.5: some put into the token only what they were asked for.
            asked["claims"] = json.dumps({"id_token": dict.fromkeys(question.claims)})
        return _with_query(described["authorization_endpoint"], asked)

    def redeem(self, code: str, *, verifier: str) -> str:
        """Return the ID token for a code (OpenID Connect Core, 3.1.3)."""
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._registration.back,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        secret, described = self._registration.secret, self._described()
        if secret is None:
            sent["client_id"] = self.client_id
        elif _accepts_basic(described):
            # RFC 6749, 2.3.1: both are written as in a form before they are joined.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            sent |= {"client_id": self.client_id, "client_secret": secret}
        status, body = self._post(described["token_endpoint"], urlencode(sent).encode(), headers)
        token = body.get("id_token")
        if status == HTTPStatus.OK and isinstance(token, str):
            return token
        if body.get("error") == "invalid_grant":
            raise ProviderRefused("code")
        # Anything else is between provider and service: a wrong secret, or no OpenID provider at all.
        raise ProviderUnavailable(f"it answers a code with {status} and no ID token")

    def keys(self, key_id: str | None) -> Sequence[PublicKey]:
        """Return its keys of this name, or all where a token names none."""
        with self._lock:
            kept = self._keys
            now = self._clock.now()
            is_known = kept is not None and (key_id is None or any(name == key_id for name, _ in kept.value))
            age = None if kept is None else now - kept.at
            if age is None or age >= (_KEPT_FOR if is_known else _LOOK_AGAIN_AFTER):
                self._keys = kept = _Kept(self._published(), now)
        if kept is None:
            return ()
        return [key for name, key in kept.value if key_id is None or name == key_id]

    def sign_out_address(self) -> str | None:
        """Return where one signs out there too (OpenID Connect RP-Initiated Logout)."""
        try:
            address = self._described().get("end_session_endpoint")
        except ProviderUnavailable:
            return None
        if not isinstance(address, str) or not self._is_sound(address):
            return None
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": self._registration.left}
        return _with_query(address, asked)

    def _scopes(self) -> str:
        offered = self._described().get("scopes_supported")
        wanted = ("openid", "profile", "email", "groups", "roles")
        # A provider may refuse a scope that it does not know; one that lists none is asked for the usual.
        known = offered if isinstance(offered, list) else ("openid", "profile")
        return " ".join(one for one in wanted if one in known or one == "openid")

    def _described(self) -> Mapping[str, Any]:
        with self._lock:
            return self._described_locked()

    def _described_locked(self) -> Mapping[str, Any]:
        kept, now = self._metadata, self._clock.now()
        if kept is None or now - kept.at >= _KEPT_FOR:
            if self._failed is not None and now - self._failed.at < _REST:
                raise ProviderUnavailable(self._failed.value)
            try:
                self._metadata = kept = _Kept(self._discovered(), now)
            except ProviderUnavailable as error:
                self._failed = _Kept(error.detail, now)
                raise
        found: Mapping[str, Any] = kept.value
        return found

    def _discovered(self) -> Mapping[str, Any]:
        found = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        # OpenID Connect Discovery, 4.3: or somebody else's document would lead to somebody else's keys.
        if found.get("issuer") != self.issuer:
            raise ProviderUnavailable("its discovery document names another issuer")
        for name in _ENDPOINTS:
            if not isinstance(found.get(name), str) or not self._is_sound(found[name]):
                raise ProviderUnavailable(f"its {name} is no address that may be used")
        return found

    def _is_sound(self, address: str) -> bool:
        """Return whether an address is one of its kind: as safe as the issuer's own, and nothing but one."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        schemes = {"https"} if self.issuer.startswith("https:") else {"http", "https"}
        is_plain = address.isascii() and address.isprintable() and " " not in address and "#" not in address
        return is_plain and parts.scheme in schemes and bool(parts.hostname) and parts.username is None

    def _published(self) -> Sequence[tuple[str | None, PublicKey]]:
        documents = self._get(self._described_locked()["jwks_uri"]).get("keys")
        if not isinstance(documents, list):
            raise ProviderUnavailable("its keys are none")
        found: list[tuple[str | None, PublicKey]] = []
        for one in documents[:_MOST_KEYS]:
            try:
                if one.get("use", "sig") != "sig":
                    continue
                key = key_from_jwk(one)
                algorithms_of(key)
            except (JoseError, UnusableKey, ValueError, TypeError, KeyError, AttributeError):
                continue  # of another kind, or too weak: it signs nothing that counts
            found.append((one.get("kid"), key))
        return found

    def _get(self, address: str) -> dict[str, Any]:
        try:
            reply = self._guard.get(address, max_bytes=_MAX_BYTES)
        except (TargetUnreachable, UnusableAddress) as error:
            raise ProviderUnavailable(str(error)) from error
        if reply.status != HTTPStatus.OK:
            raise ProviderUnavailable(f"{address} answers {reply.status}")
        return _document(reply.body, address)

    def _post(self, address: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            reply = self._guard.post(address, content, headers=headers, max_bytes=_MAX_BYTES)
        except (TargetUnreachable, UnusableAddress) as error:
            raise ProviderUnavailable(str(error)) from error
        return reply.status, _document(reply.body, address)


def _accepts_basic(described: Mapping[str, Any]) -> bool:
    methods = described.get("token_endpoint_auth_methods_supported")
    return not isinstance(methods, list) or "client_secret_basic" in methods or not methods


def _document(body: bytes, address: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable(f"{address} answers no JSON") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{address} answers no JSON object")
    return found


def _with_query(address: str, asked: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"
