"""Public keys of others: read from PEM or a JWK, and which signature algorithms go with each.

The key decides about the algorithm, never what a token says of itself: a public key is then never taken for
a shared secret, and a token that names no algorithm is signed by nobody.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from claims.exchange.access.errors import UnusableKey

_SMALLEST_RSA: Final = 2048
_CURVES: Final = {"P-256": "ES256", "P-384": "ES384"}

PublicKey = RSAKey | ECKey | OKPKey


def key_from_pem(text: str) -> PublicKey:
    """Return the key in a PEM.

    Raises:
        UnusableKey: There is none.
    """
    readers: Sequence[Callable[[str], PublicKey]] = (
        RSAKey.import_key,
        ECKey.import_key,
        OKPKey.import_key,
    )
    for read in readers:
        try:
            return read(text)
        except (JoseError, ValueError, TypeError):
            continue
    raise UnusableKey("unreadable")


def key_from_jwk(document: dict[str, str | list[str]]) -> PublicKey:
    """Return the key in a JWK.

    Raises:
        JoseError, ValueError, TypeError, KeyError: There is none, or one of another kind.
    """
    kinds: Mapping[object, Callable[[dict[str, str | list[str]]], PublicKey]] = {
        "RSA": RSAKey.import_key,
        "EC": ECKey.import_key,
        "OKP": OKPKey.import_key,
    }
    return kinds[document["kty"]](document)


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    """Return the algorithms that go with a key: the key decides, never the statement's header.

    Raises:
        UnusableKey: None does.
    """
    document = key.as_dict(private=False)
    if isinstance(key, RSAKey):
        modulus = int.from_bytes(unpadded(str(document["n"])))
        if modulus.bit_length() >= _SMALLEST_RSA:
            return ("PS256", "RS256")
    elif isinstance(key, ECKey):
        if str(document["crv"]) in _CURVES:
            return (_CURVES[str(document["crv"])],)
    elif document["crv"] == "Ed25519":
        return ("Ed25519", "EdDSA")
    raise UnusableKey("weak")


def unpadded(text: str) -> bytes:
    """Return what base64url without padding says.

    Raises:
        ValueError: It is none.
    """
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
