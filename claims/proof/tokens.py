"""Signed statements: JWS in its compact form (RFC 7515), ES256 alone, by a key that its certificate names.

What is signed is what is kept: a statement's bytes are never made again. Signatures are deterministic (RFC
6979), so that the same statement by the same key is the same bytes.
"""

import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeGuard

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from claims.proof.errors import BrokenDocument, BrokenToken
from signing.keys import side_by_side
from signing.policy import ECDSA_SHA256

_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_DETERMINISTIC: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_BITS: Final = 256
_MOST_KEYS: Final = 64
_PARTS: Final = 3
_VALUE_BYTES: Final = 64
#: Longer than any statement of ours.
_MOST_CHARACTERS: Final = 64 * 1024
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_PADDING: Final = (b"", b"===", b"==", b"=")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key of the service with its certificate; a `signing.keys.Signer` too.

    Attributes:
        chain: The certificates above its own, the one that is trusted last.
    """

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    #: The name of the key in what it signs.
    key_id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the key once: hashing its certificate costs a quarter of a signature."""
        object.__setattr__(self, "key_id", key_id_of(self.certificate))

    @property
    def algorithm(self) -> str:
        """The XML Signature name of the algorithm."""
        return ECDSA_SHA256

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over the data: both integers, side by side."""
        return side_by_side(self.private_key.sign(data, _DETERMINISTIC), _BITS)


def key_id_of(certificate: x509.Certificate) -> str:
    """Return the name of a certificate's key: the certificate's SHA-256 (``x5t#S256`` of RFC 7515)."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    return _encode(hashlib.sha256(der).digest())


def canonical_json(document: object) -> bytes:
    """Return the one spelling of a JSON document: members sorted, nothing between them, UTF-8.

    Raises:
        BrokenDocument: A text in it is half a character, which JSON can escape and nothing else can spell.
    """
    try:
        return _ENCODER.encode(document).encode()
    except UnicodeEncodeError as error:
        raise BrokenDocument("a text is no Unicode") from error


def digest_of(document: object) -> str:
    """Return the SHA-256 of a JSON document's one spelling, in hexadecimal."""
    return hashlib.sha256(canonical_json(document)).hexdigest()


def sign_token(statement: Document, key: ServiceKey, *, kind: str) -> str:
    """Return a statement signed; its kind says what it may be taken for."""
    signed = f"{_header(key.key_id, kind)}.{_encode(canonical_json(statement))}"
    return f"{signed}.{_encode(key.sign(signed.encode()))}"


def read_token(token: str, *, kind: str) -> tuple[str, dict[str, object]]:
    """Return who is said to have signed a statement and what it says; nothing is verified.

    Raises:
        BrokenToken: It is malformed, or of another kind.
    """
    parts = token.split(".")
    if len(token) > _MOST_CHARACTERS or len(parts) != _PARTS:
        raise BrokenToken("not a signed statement")
    key_id, its_kind = _read_header(parts[0])
    if its_kind != kind:
        raise BrokenToken(f"a statement of another kind than {kind}")
    return key_id, _read_json(parts[1])


def missing_signer(token: str, keys: Mapping[str, x509.Certificate], *, kind: str) -> str | None:
    """Return the key that is said to have signed a statement, if it is none of these."""
    try:
        key_id, _ = read_token(token, kind=kind)
    except BrokenToken:
        return None
    return None if key_id in keys else key_id


def verify_token(token: str, keys: Mapping[str, x509.Certificate], *, kind: str) -> dict[str, object]:
    """Return what a signed statement says, if one of the keys signed it.

    Raises:
        BrokenToken: It is malformed, of another kind, changed, or none of theirs.
    """
    key_id, statement = read_token(token, kind=kind)
    certificate = keys.get(key_id)
    if certificate is None:
        raise BrokenToken("signed by a key that is not known")
    signed, _, value = token.rpartition(".")
    octets = _decode(value)
    public = _public_keys[certificate]
    if len(octets) != _VALUE_BYTES:
        raise BrokenToken("no signature value")
    r, s = int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big")
    try:
        public.verify(encode_dss_signature(r, s), signed.encode(), _ECDSA)
    except InvalidSignature:
        raise BrokenToken("changed, or signed by somebody else") from None
    return statement


def _public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.key_size != _BITS:
        raise BrokenToken("the key is of another kind")
    return public


class _PublicKeys:
    """The keys of certificates, found by which object one is: a certificate's own hash is over all of it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[x509.Certificate, ec.EllipticCurvePublicKey]] = {}

    def __getitem__(self, certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
        known = self._known.get(id(certificate))
        if known is None:
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            # With the certificate, so that no other gets its place in memory and so its key.
            known = self._known[id(certificate)] = (certificate, _public_key(certificate))
        return known[1]


_public_keys: Final = _PublicKeys()


@lru_cache(maxsize=64)
def _read_header(part: str) -> tuple[str, str]:
    """Return the key and the kind of statement that a header names."""
    header = _read_json(part)
    key_id, kind = header.get("kid"), header.get("typ")
    if set(header) != {"alg", "kid", "typ"} or header["alg"] != "ES256":
        raise BrokenToken("not signed as this service signs")
    if not isinstance(key_id, str) or not isinstance(kind, str):
        raise BrokenToken("not signed as this service signs")
    return key_id, kind


@lru_cache(maxsize=64)
def _header(key_id: str, kind: str) -> str:
    return _encode(canonical_json({"alg": "ES256", "kid": key_id, "typ": kind}))


def _read_json(part: str) -> dict[str, object]:
    try:
        value: object = json.loads(_decode(part))
    except (ValueError, RecursionError) as error:
        raise BrokenToken("not a signed statement") from error
    if not _is_document(value):
        raise BrokenToken("not a signed statement")
    return value


def _is_document(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _encode(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + _PADDING[len(text) % 4])
    except ValueError as error:
        raise BrokenToken("not base64url") from error
    # Characters that do not belong, unused bits that are not zero: one token must not have two spellings.
    if _encode(data) != text:
        raise BrokenToken("not base64url")
    return data
