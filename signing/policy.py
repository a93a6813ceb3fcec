"""Which algorithms, key sizes, references, transforms and certificate usages are accepted, and why.

A policy is a value; the checks that read it live in ``signing/form.py`` and ``signing/certificates.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE

XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XMLDSIG_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
XMLDSIG_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
XMLENC: Final = "http://www.w3.org/2001/04/xmlenc#"

ENVELOPED_SIGNATURE: Final = f"{XMLDSIG}enveloped-signature"
RSA_SHA256: Final = f"{XMLDSIG_MORE}rsa-sha256"
ECDSA_SHA256: Final = f"{XMLDSIG_MORE}ecdsa-sha256"
ECDSA_SHA384: Final = f"{XMLDSIG_MORE}ecdsa-sha384"
SHA256: Final = f"{XMLENC}sha256"


class Scheme(StrEnum):
    """How a signature value is computed from a digest."""

    RSA_PKCS1 = "rsa-pkcs1"
    RSA_PSS = "rsa-pss"
    ECDSA = "ecdsa"


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """What a SignatureMethod stands for."""

    scheme: Scheme
    hash: hashes.HashAlgorithm


_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()

_SIGNATURES: Final[Mapping[str, SignatureAlgorithm]] = MappingProxyType(
    {
        RSA_SHA256: SignatureAlgorithm(Scheme.RSA_PKCS1, _SHA256),
        f"{XMLDSIG_MORE}rsa-sha384": SignatureAlgorithm(Scheme.RSA_PKCS1, _SHA384),
        f"{XMLDSIG_MORE}rsa-sha512": SignatureAlgorithm(Scheme.RSA_PKCS1, _SHA512),
        # RFC 9231, 2.3.10: the salt is as long as the digest, the mask is made with the same hash.
        f"{XMLDSIG_MORE_2007}sha256-rsa-MGF1": SignatureAlgorithm(Scheme.RSA_PSS, _SHA256),
        f"{XMLDSIG_MORE_2007}sha384-rsa-MGF1": SignatureAlgorithm(Scheme.RSA_PSS, _SHA384),
        f"{XMLDSIG_MORE_2007}sha512-rsa-MGF1": SignatureAlgorithm(Scheme.RSA_PSS, _SHA512),
        ECDSA_SHA256: SignatureAlgorithm(Scheme.ECDSA, _SHA256),
        ECDSA_SHA384: SignatureAlgorithm(Scheme.ECDSA, _SHA384),
        f"{XMLDSIG_MORE}ecdsa-sha512": SignatureAlgorithm(Scheme.ECDSA, _SHA512),
    },
)

# The hashlib name and the digest's length in bytes.
_DIGESTS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {SHA256: ("sha256", 32), f"{XMLDSIG_MORE}sha384": ("sha384", 48), f"{XMLENC}sha512": ("sha512", 64)},
)

# Old .NET frameworks sign with these unless told otherwise, so a facility is told exactly what to change.
_SHA1: Final = frozenset(
    {
        f"{XMLDSIG}sha1",
        f"{XMLDSIG}rsa-sha1",
        f"{XMLDSIG}dsa-sha1",
        f"{XMLDSIG}hmac-sha1",
        f"{XMLDSIG_MORE}ecdsa-sha1",
        f"{XMLDSIG_MORE_2007}sha1-rsa-MGF1",
    },
)

_MS_DOCUMENT_SIGNING: Final = "1.3.6.1.4.1.311.10.3.12"
_DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verifier accepts. The defaults are what this service asks of a facility."""

    signature_algorithms: Mapping[str, SignatureAlgorithm] = field(default_factory=lambda: _SIGNATURES)
    digest_algorithms: Mapping[str, tuple[str, int]] = field(default_factory=lambda: _DIGESTS)
    sha1_algorithms: frozenset[str] = _SHA1
    canonicalizations: frozenset[str] = frozenset({C14N_1_0, C14N_1_1, C14N_EXCLUSIVE})
    max_inclusive_prefixes: int = 16
    max_certificates: int = 8
    min_rsa_bits: int = 2048
    # Over this a verification takes longer than a claim is worth; no public CA issues such keys.
    max_rsa_bits: int = 8192
    curves: frozenset[str] = frozenset({"secp256r1", "secp384r1"})
    # A certificate with the extension must allow one of these; one without it may sign.
    extended_key_usages: frozenset[str] = frozenset(
        {
            ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
            ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,
            ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string,
            _DOCUMENT_SIGNING,
            _MS_DOCUMENT_SIGNING,
        },
    )
    # EN 319 421 wants a second of a time-stamping authority; one that is worse than a minute proves little.
    max_timestamp_inaccuracy: timedelta = timedelta(minutes=1)
    # The policies under which a timestamp must have been made; None accepts any of a trusted authority.
    timestamp_policies: frozenset[str] | None = None
    # By how much the clocks of two honest parties may differ.
    clock_tolerance: timedelta = timedelta(minutes=5)
    max_timestamps: int = 16
    # Certificates, lists and responses that a signature may bring along; each, and all, bounded in size.
    max_evidence: int = 64
    max_evidence_bytes: int = 8 * 2**20


DEFAULT_POLICY: Final = Policy()
