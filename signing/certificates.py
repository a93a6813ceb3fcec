"""Certificates: what they say, read once, and whether what they say lets them sign a document."""

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from signing.authorities import is_quick
from signing.der import INTEGER, SEQUENCE, Reader, context
from signing.elements import Refused, decode_base64
from signing.extensions import UNREADABLE, find_extension, is_critical
from signing.policy import SHORTEST_RSA_BITS, Policy
from signing.values import PublicKey
from signing.verdict import Reason, SignerInfo

_MAX_EXPONENT_BITS: Final = 256
# Usual ones have 1 to 4 KB. A part of a name and an extension cost the library a hundred times their size,
# and dozens of certificates may come along with a signature.
_MAX_CERTIFICATE_BYTES: Final = 16 * 1024
# X.520 bounds each part of a name to 64 or 128 characters, and there are about ten of them.
_MAX_NAME_BYTES: Final = 4 * 1024
# RFC 5280, 4.1.2.2: 20 octets; some authorities set the first bit of 20 random ones. What is longer is no
# number that anybody could read aloud, and Python refuses to write one of 4,300 digits.
_MAX_SERIAL_BITS: Final = 256

# RFC 4519 and X.520. The library writes the few of RFC 4514's own table by name, and of others the number.
_SHORT_NAMES: Final = {
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.TITLE: "title",
    NameOID.GIVEN_NAME: "givenName",
    NameOID.SURNAME: "SN",
}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate with everything a verification asks about it, read once."""

    certificate: x509.Certificate
    info: SignerInfo
    issuer_der: bytes
    public_key: PublicKey | None
    # What kind of key it is: to ask the key itself takes longer each time than all else about a certificate.
    rsa_bits: int | None
    curve: str | None
    is_ca: bool
    may_sign: bool
    extended_key_usages: frozenset[str] | None
    are_usages_critical: bool

    @property
    def sha256(self) -> str:
        """The digest of the certificate's DER form, in hexadecimal."""
        return self.info.sha256


@lru_cache(maxsize=1024)
def read_certificate(text: str) -> CertificateFacts:
    """Read a certificate from the text of an X509Certificate element.

    Raises:
        Refused: It is not base64 of a DER certificate.
    """
    try:
        der = decode_base64(text)
    except Refused:
        raise Refused(Reason.CERTIFICATE_MALFORMED) from None
    return read_der_certificate(der)


@lru_cache(maxsize=1024)
def read_der_certificate(der: bytes) -> CertificateFacts:
    """Read a certificate.

    Raises:
        Refused: It is not a DER certificate, or larger than any that is in use.
    """
    if len(der) > _MAX_CERTIFICATE_BYTES:
        raise Refused(Reason.CERTIFICATE_MALFORMED)
    try:
        if _longest_name(der) > _MAX_NAME_BYTES:
            raise Refused(Reason.CERTIFICATE_MALFORMED)
        # The library warns of oddities such as a serial number of zero; they are not for the log of who
        # verifies, and what matters of them is asked elsewhere.
        with warnings.catch_warnings(action="ignore"):
            facts = _facts(der, x509.load_der_x509_certificate(der))
    except UNREADABLE:
        raise Refused(Reason.CERTIFICATE_MALFORMED) from None
    # The issuer's signature does not cover the count of unused bits before it, which the library
    # takes other than zero; one certificate must not have two digests.
    has_unused_bits = not der.endswith(b"\0" + facts.certificate.signature)
    # RFC 5280, 4.1.2.2: serial numbers are positive. No list can name another one, and the library will not
    # read such certificates for long.
    if has_unused_bits or not 0 < facts.info.serial < 2**_MAX_SERIAL_BITS:
        raise Refused(Reason.CERTIFICATE_MALFORMED)
    return facts


def check_leaf(facts: CertificateFacts, *, at: datetime, policy: Policy) -> list[Reason]:
    """Return what makes this certificate unfit to sign a document at that time, apart from who issued it."""
    reasons = []
    if facts.is_ca:
        reasons.append(Reason.CERTIFICATE_IS_CA)
    # RFC 5280, 4.2.1.12: with the extension a certificate serves those purposes alone, critical or not.
    usages = facts.extended_key_usages
    if not facts.may_sign or (usages is not None and policy.extended_key_usages.isdisjoint(usages)):
        reasons.append(Reason.CERTIFICATE_USAGE)
    if facts.rsa_bits is not None:
        if not SHORTEST_RSA_BITS <= facts.rsa_bits <= policy.max_rsa_bits:
            reasons.append(Reason.CERTIFICATE_KEY_FORBIDDEN)
        elif facts.rsa_bits < policy.min_rsa_bits_at(at):
            reasons.append(Reason.CERTIFICATE_RSA_TOO_SHORT)
    elif facts.curve not in policy.curves:
        reasons.append(Reason.CERTIFICATE_KEY_FORBIDDEN)
    elif policy.has_ended(facts.curve, at=at):
        reasons.append(Reason.SIGNATURE_ALGORITHM_ENDED)
    if at < facts.info.not_before:
        reasons.append(Reason.CERTIFICATE_NOT_YET_VALID)
    if at > facts.info.not_after:
        reasons.append(Reason.CERTIFICATE_EXPIRED)
    return reasons


def usable(sent: Iterable[CertificateFacts]) -> list[x509.Certificate]:
    """Return those whose key may have signed another: to try any other one can take as long as to sign."""
    return [each.certificate for each in sent if each.public_key is not None and is_quick(each.public_key)]


def end_of_key(facts: CertificateFacts, policy: Policy) -> datetime | None:
    """Return when a certificate's key is accepted no longer, whatever the certificate says; None: never."""
    if facts.rsa_bits is not None:
        return policy.end_of_rsa_key(facts.rsa_bits)
    return None if facts.curve is None else policy.end_of([facts.curve])


def is_issuer_serial_of(issuer_serial: Reader, certificate: CertificateFacts) -> bool:
    """Whether an IssuerSerial (RFC 5035, section 4) is that of a certificate.

    Raises:
        NotDer: It is something else.
    """
    return read_issuer_serial(issuer_serial) == (certificate.issuer_der, certificate.info.serial)


def read_issuer_serial(issuer_serial: Reader) -> tuple[bytes, int]:
    """Return the issuer's name, in DER, and the serial number of an IssuerSerial.

    Raises:
        NotDer: It is something else.
    """
    # GeneralNames with one directoryName, [4], which is EXPLICIT because a Name is a CHOICE.
    names = issuer_serial.inside(SEQUENCE)
    issuer = names.take(context(4))
    names.end()
    serial = issuer_serial.integer(INTEGER)
    issuer_serial.end()
    return issuer, serial


def write_name(name: x509.Name) -> str:
    """Return a name as RFC 4514 writes it, safe to be shown: anybody can make a certificate of any name.

    Characters that nobody sees, that turn the text around them or that XML cannot hold are written as octets.
    """
    text = name.rfc4514_string(_SHORT_NAMES)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _as_octets(each) for each in text)


def _as_octets(character: str) -> str:
    # RFC 4514, 2.4: a backslash and two digits for each octet of its UTF-8.
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))


def to_pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate as a PEM file."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _longest_name(der: bytes) -> int:
    """Return how many octets the issuer's name or the subject's has, before anything is made of them."""
    fields = Reader.of(der).inside()
    if fields.tag == context(0):
        fields.take(context(0))  # the version
    fields.take(INTEGER)
    fields.take(SEQUENCE)  # the algorithm
    issuer, _, subject = (len(fields.take(SEQUENCE)) for _ in range(3))
    return max(issuer, subject)


def _facts(der: bytes, certificate: x509.Certificate) -> CertificateFacts:
    extensions = certificate.extensions
    constraints = find_extension(extensions, x509.BasicConstraints)
    usage = find_extension(extensions, x509.KeyUsage)
    extended = find_extension(extensions, x509.ExtendedKeyUsage)
    public_key = _read_key(certificate)
    info = SignerInfo(
        subject=write_name(certificate.subject),
        issuer=write_name(certificate.issuer),
        serial=certificate.serial_number,
        sha256=hashlib.sha256(der).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        certificate_der=der,
    )
    return CertificateFacts(
        certificate=certificate,
        info=info,
        issuer_der=certificate.issuer.public_bytes(),
        public_key=public_key,
        rsa_bits=public_key.key_size if isinstance(public_key, rsa.RSAPublicKey) else None,
        curve=public_key.curve.name if isinstance(public_key, ec.EllipticCurvePublicKey) else None,
        is_ca=constraints is not None and constraints.ca,
        may_sign=usage is None or usage.digital_signature or usage.content_commitment,
        extended_key_usages=frozenset(oid.dotted_string for oid in extended)
        if extended is not None
        else None,
        are_usages_critical=is_critical(extensions, x509.ExtendedKeyUsage),
    )


def _read_key(certificate: x509.Certificate) -> PublicKey | None:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return None
    return key if isinstance(key, PublicKey) and _is_usual(key) else None


def _is_usual(key: PublicKey) -> bool:
    # FIPS 186-5, A.1.1: with an exponent of any length a key can be made to which another's value fits, and
    # to use it takes as long as to sign. Exponents below 65537 are old, and safe with strict padding.
    return not isinstance(key, rsa.RSAPublicKey) or (
        key.public_numbers().e % 2 == 1 and key.public_numbers().e.bit_length() <= _MAX_EXPONENT_BITS
    )
