"""ID tokens: what an OpenID provider says of somebody who signed in there (OpenID Connect Core, 3.1.3.7).

1. It is signed by a key that the provider publishes, in an algorithm that goes with the key.
2. The provider issued it, and to this service alone.
3. It counts now, and was made a moment ago.
4. It answers the question that this browser was sent with.
5. It says about whom it is.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError

from claims.exchange.access.errors import ProviderRefused, UnusableKey
from claims.exchange.access.public_keys import PublicKey, algorithms_of, unpadded
from claims.exchange.access.token_times import moment

#: How far the provider's clock may be off.
DRIFT: Final = timedelta(seconds=60)
#: A provider makes the token when it is asked for it; one that was made before was kept by somebody.
_MADE_WITHIN: Final = timedelta(minutes=10)
_LONGEST: Final = 100_000
_LONGEST_SUBJECT: Final = 255
_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to count.

    Attributes:
        client_id: Under which name the provider knows this service.
        nonce: The question of the browser that brings it.
    """

    issuer: str
    client_id: str
    nonce: str


def key_id_of(token: str) -> str | None:
    """Return which key a token says that it is signed with; it serves to find the key, and for nothing else.

    Raises:
        ProviderRefused: It is no token.
    """
    try:
        if len(token) > _LONGEST:
            raise ValueError("too long")
        header = json.loads(unpadded(token.split(".", maxsplit=1)[0]))
        named = header.get("kid")
    except (*_UNREADABLE, AttributeError) as error:
        raise ProviderRefused("token") from error
    return named if isinstance(named, str) else None


def read_id_token(
    token: str, keys: Sequence[PublicKey], expected: Expected, *, now: datetime
) -> Mapping[str, object]:
    """Return what a token says.

    Raises:
        ProviderRefused: It does not count.
    """
    said = _signed(token, keys)
    _require_addressed(said, expected)
    _require_now(said, now)
    nonce, subject = said.get("nonce"), said.get("sub")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise ProviderRefused("nonce")  # (4)
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderRefused("subject")  # (5)
    return said


def _signed(token: str, keys: Sequence[PublicKey]) -> Mapping[str, object]:
    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=list(algorithms_of(key))).claims  # (1)
        except (*_UNREADABLE, UnusableKey):
            continue
    raise ProviderRefused("signature")


def _require_addressed(said: Mapping[str, object], expected: Expected) -> None:  # (2)
    if said.get("iss") != expected.issuer:
        raise ProviderRefused("issuer")
    audience = said.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    # Another audience beside this service could hand the token on: only with its name as the asking party.
    asking = said.get("azp", expected.client_id if len(named) == 1 else None)
    if expected.client_id not in named or asking != expected.client_id:
        raise ProviderRefused("audience")


def _require_now(said: Mapping[str, object], now: datetime) -> None:  # (3)
    try:
        ends, made = moment(said["exp"]), moment(said["iat"])
        begins = moment(said.get("nbf", said["iat"]))
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise ProviderRefused("time") from error
    if not (begins <= now + DRIFT and now < ends + DRIFT and now - _MADE_WITHIN <= made <= now + DRIFT):
        raise ProviderRefused("time")
