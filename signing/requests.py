"""A new key for a facility and the request for its certificate (PKCS#10, RFC 2986).

The subject is what Vietnamese authorities put into an organisation's certificate: its name, its province, and
its tax code as a user id, ``MST:…``; budget units without one have ``MNS:…``. The authority decides what it
writes in the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from signing.keys import PrivateKey

_PUBLIC_EXPONENT: Final = 65537


class KeyKind(StrEnum):
    """What kind of key is made."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P_256 = "p-256"
    P_384 = "p-384"

    def make(self) -> PrivateKey:
        """Make a key of this kind."""
        if self is KeyKind.P_256:
            return ec.generate_private_key(ec.SECP256R1())
        if self is KeyKind.P_384:
            return ec.generate_private_key(ec.SECP384R1())
        return rsa.generate_private_key(_PUBLIC_EXPONENT, int(self.value.removeprefix("rsa-")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Whose certificate is asked for.

    Attributes:
        name: Its name as registered.
        user_id: Its number with what kind of number it is, such as ``MST:0100000000``.
        province: Its province or city.
    """

    name: str
    user_id: str
    province: str

    def as_name(self) -> x509.Name:
        """Return the subject of the request."""
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, self.province),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.name),
                x509.NameAttribute(NameOID.COMMON_NAME, self.name),
                x509.NameAttribute(NameOID.USER_ID, self.user_id),
            ]
        )


def make_request(key: PrivateKey, subject: Organisation) -> bytes:
    """Return a certificate request in PEM, signed with the key."""
    digest = hashes.SHA384() if _is_wide(key) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject.as_name()).sign(key, digest)
    return request.public_bytes(serialization.Encoding.PEM)


def seal_key(key: PrivateKey, passphrase: str) -> bytes:
    """Return the key in PEM (PKCS#8), encrypted with the passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )


def _is_wide(key: PrivateKey) -> bool:
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1)
