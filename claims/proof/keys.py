"""The service's own keys: made, renewed and published.

A small authority of the installation vouches for one key after another, so that one certificate is trusted
however often the key is changed. An installation with a certificate from a public authority uses that.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from claims.proof.errors import BrokenToken
from claims.proof.tokens import ServiceKey, key_id_of
from signing.extensions import UNREADABLE

_AUTHORITY_LIFETIME: Final = timedelta(days=30 * 365)
_KEY_LIFETIME: Final = timedelta(days=3 * 365)
_LIST_LIFETIME: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)
_DER: Final = serialization.Encoding.DER


@dataclass(frozen=True, slots=True)
class Authority:
    """The installation's authority over its own keys."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, *, at: datetime) -> Self:
        """Make a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"eHoSo installation {x509.random_serial_number():x}"[:40])
        builder = _builder(name, name, key.public_key(), key, (at - _DAY, at + _AUTHORITY_LIFETIME))
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(is_authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def issue(self, *, at: datetime) -> ServiceKey:
        """Make a new key of the service."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = min(at + _KEY_LIFETIME, self.certificate.not_valid_after_utc)
        builder = _builder(
            _name("eHoSo evidence"), self.certificate.subject, key.public_key(), self.private_key, (at, until)
        )
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .sign(self.private_key, hashes.SHA256())
        )
        return ServiceKey(certificate, key, (self.certificate,))

    def revocation_list(self, *, at: datetime) -> x509.CertificateRevocationList:
        """Return a list of this authority's keys that are revoked: of none."""
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + _LIST_LIFETIME)
            .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
            .add_extension(_authority_identifier(self.private_key), critical=False)
            # The same list of the same moment is the same bytes, as everything else in an archive.
            .sign(self.private_key, hashes.SHA256(), ecdsa_deterministic=True)
        )


def by_key_id(certificates: Iterable[x509.Certificate]) -> dict[str, x509.Certificate]:
    """Return certificates by the names of their keys."""
    return {key_id_of(certificate): certificate for certificate in certificates}


def key_set(keys: Mapping[str, x509.Certificate], chain: Iterable[x509.Certificate]) -> dict[str, object]:
    """Return the keys as a JWK set (RFC 7517), oldest first, each with its certificates."""
    above = [_base64(each) for each in chain]
    ordered = sorted(keys.items(), key=lambda one: one[1].not_valid_before_utc)
    return {"keys": [_jwk(key_id, certificate, above) for key_id, certificate in ordered]}


def _jwk(key_id: str, certificate: x509.Certificate, above: list[str]) -> dict[str, object]:
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError(type(public))
    numbers = public.public_numbers()
    own = _base64(certificate)
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _coordinate(numbers.x),
        "y": _coordinate(numbers.y),
        "kid": key_id,
        "use": "sig",
        "alg": "ES256",
        "x5c": [own, *(each for each in above if each != own)],
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
    }


def _coordinate(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _base64(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(_DER)).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    validity: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority_identifier(issuer_key), critical=False)
    )


def _authority_identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def read_key_set(document: object) -> tuple[dict[str, bytes], tuple[bytes, ...]]:
    """Return the certificates (DER) of a key set by key, and those above them; nothing of it is believed.

    Raises:
        BrokenToken: It is no key set, or a key has another name than its certificate gives it.
    """
    keys: dict[str, bytes] = {}
    above: dict[bytes, None] = {}
    try:
        for key in document["keys"]:  # type: ignore[index]  # whatever it is, what is wrong is caught
            own, *others = [base64.b64decode(each, validate=True) for each in key["x5c"]]
            if key_id_of(x509.load_der_x509_certificate(own)) != key["kid"]:
                raise BrokenToken("a key has another name than its certificate gives it")
            keys[str(key["kid"])] = own
            above.update(dict.fromkeys(others))
    except (KeyError, *UNREADABLE) as error:
        raise BrokenToken("not a set of keys") from error
    return keys, tuple(above)
