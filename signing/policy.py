"""Which algorithms, key sizes, references, transforms and certificate usages are accepted, and why.

A policy is a value that is read from a file for people, ``signing/policy.toml`` unless another is given; the
checks that read it live in ``signing/form.py``, ``signing/references.py`` and ``signing/certificates.py``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.errors import PolicyUnreadable
from signing.policy_file import Table
from signing.verdict import Reason

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


class Severity(StrEnum):
    """What follows when something is found: the signature is not accepted, or it is and something is said."""

    FAIL = "fail"
    WARN = "warn"
    INFORM = "inform"


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """What a SignatureMethod stands for, by its name in XML Signature."""

    name: str
    scheme: Scheme
    hash: hashes.HashAlgorithm


_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()

# Everything that is implemented, by its name in a policy file.
_SIGNATURES: Final[Mapping[str, SignatureAlgorithm]] = MappingProxyType(
    {
        "rsa-sha256": SignatureAlgorithm(RSA_SHA256, Scheme.RSA_PKCS1, _SHA256),
        "rsa-sha384": SignatureAlgorithm(f"{XMLDSIG_MORE}rsa-sha384", Scheme.RSA_PKCS1, _SHA384),
        "rsa-sha512": SignatureAlgorithm(f"{XMLDSIG_MORE}rsa-sha512", Scheme.RSA_PKCS1, _SHA512),
        # RFC 9231, 2.3.10: the salt is as long as the digest, the mask is made with the same hash.
        "rsa-pss-sha256": SignatureAlgorithm(f"{XMLDSIG_MORE_2007}sha256-rsa-MGF1", Scheme.RSA_PSS, _SHA256),
        "rsa-pss-sha384": SignatureAlgorithm(f"{XMLDSIG_MORE_2007}sha384-rsa-MGF1", Scheme.RSA_PSS, _SHA384),
        "rsa-pss-sha512": SignatureAlgorithm(f"{XMLDSIG_MORE_2007}sha512-rsa-MGF1", Scheme.RSA_PSS, _SHA512),
        "ecdsa-sha256": SignatureAlgorithm(ECDSA_SHA256, Scheme.ECDSA, _SHA256),
        "ecdsa-sha384": SignatureAlgorithm(ECDSA_SHA384, Scheme.ECDSA, _SHA384),
        "ecdsa-sha512": SignatureAlgorithm(f"{XMLDSIG_MORE}ecdsa-sha512", Scheme.ECDSA, _SHA512),
    },
)
# The hashlib name and the digest's length in bytes.
_DIGESTS: Final[Mapping[str, tuple[str, tuple[str, int]]]] = MappingProxyType(
    {
        "sha256": (SHA256, ("sha256", 32)),
        "sha384": (f"{XMLDSIG_MORE}sha384", ("sha384", 48)),
        "sha512": (f"{XMLENC}sha512", ("sha512", 64)),
    },
)
_CANONICALIZATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"inclusive-1_0": C14N_1_0, "inclusive-1_1": C14N_1_1, "exclusive": C14N_EXCLUSIVE}
)
_CURVES: Final[Mapping[str, str]] = MappingProxyType({"P-256": "secp256r1", "P-384": "secp384r1"})

# Old .NET frameworks sign with these unless told otherwise, so a facility is told exactly what to change.
SHA1_ALGORITHMS: Final = frozenset(
    {
        f"{XMLDSIG}sha1",
        f"{XMLDSIG}rsa-sha1",
        f"{XMLDSIG}dsa-sha1",
        f"{XMLDSIG}hmac-sha1",
        f"{XMLDSIG_MORE}ecdsa-sha1",
        f"{XMLDSIG_MORE_2007}sha1-rsa-MGF1",
    },
)

# What a policy may let pass; whatever else can be wrong makes the signature worthless, or proves nothing.
_ADJUSTABLE: Final = (
    Reason.SIGNATURE_ALGORITHM_ENDED,
    Reason.CERTIFICATE_USAGE,
    Reason.CERTIFICATE_RSA_TOO_SHORT,
    Reason.CERTIFICATE_REVOCATION_UNKNOWN,
    Reason.CERTIFICATE_REVOCATION_UNCHECKED,
    Reason.XADES_FORMAT_MISSING,
    Reason.XADES_SIGNED_PROPERTY_UNKNOWN,
    Reason.XADES_SIGNING_TIME_WITHOUT_ZONE,
    Reason.XADES_ISSUER_SERIAL_DIFFERS,
)
_VERSION: Final = 1
#: Under this a key is no obstacle to anybody, whatever a policy says.
SHORTEST_RSA_BITS: Final = 1024
_LONGEST_RSA_BITS: Final = 16384
_PATH: Final = re.compile(r"[^\W\d][\w.-]*(/[^\W\d][\w.-]*)*")
_ROOT_AND_ELEMENT: Final = re.compile(r"[^\W\d][\w.-]*/[^\W\d][\w.-]*")
_OBJECT_IDENTIFIER: Final = re.compile(r"[0-2](\.(0|[1-9]\d*))+", re.ASCII)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)
_VIETNAM: Final = timezone(timedelta(hours=7))


@dataclass(frozen=True)
class Policy:
    """What a verifier accepts.

    Attributes:
        name: What the policy calls itself.
        signature_algorithms: By their XML Signature names.
        digest_algorithms: The :mod:`hashlib` name and the length in bytes, by XML Signature name.
        sha1_algorithms: Names that have a reason of their own.
        canonicalizations: Of SignedInfo, and as a transform.
        ends: From when on an algorithm or a curve, by its name, is accepted no longer.
        containers: Where a signature may stand: paths of element names below the root.
        signed_elements: Which elements a signature may cover instead of the whole document: "root/element".
        curves: As :mod:`cryptography` calls them.
        longer_rsa_bits: From when on an RSA key must be longer, the earliest first.
        extended_key_usages: One of these must be allowed by a certificate that limits its purposes.
        max_timestamp_inaccuracy: By how much the time of a timestamp may be wrong.
        timestamp_policies: Under which a timestamp must have been made; None accepts any.
        clock_tolerance: By how much the clocks of two honest parties may differ.
        max_evidence: How many certificates, lists and responses a signature may bring along.
        severities: What follows from some reasons; the others fail.
        content: The file that it was read from.
    """

    name: str
    signature_algorithms: Mapping[str, SignatureAlgorithm]
    digest_algorithms: Mapping[str, tuple[str, int]]
    sha1_algorithms: frozenset[str]
    canonicalizations: frozenset[str]
    ends: Mapping[str, datetime]
    containers: frozenset[str]
    signed_elements: frozenset[str]
    max_inclusive_prefixes: int
    max_certificates: int
    min_rsa_bits: int
    longer_rsa_bits: tuple[tuple[datetime, int], ...]
    max_rsa_bits: int
    curves: frozenset[str]
    extended_key_usages: frozenset[str]
    max_timestamp_inaccuracy: timedelta
    timestamp_policies: frozenset[str] | None
    clock_tolerance: timedelta
    max_timestamps: int
    max_evidence: int
    max_evidence_bytes: int
    severities: Mapping[Reason, Severity]
    content: bytes = field(repr=False)

    @cached_property
    def first_end(self) -> datetime:
        """When the first of all that is accepted ends; until then nobody need be asked what has."""
        return min(self.ends.values(), default=_FOREVER)

    def has_ended(self, algorithm: str, *, at: datetime) -> bool:
        """Whether an algorithm or curve that is accepted is so no longer at that time."""
        end = self.ends.get(algorithm)
        return end is not None and at >= end

    def end_of(self, algorithms: Iterable[str]) -> datetime | None:
        """Return when the first of these algorithms or curves is accepted no longer; None: never."""
        return min((self.ends[each] for each in algorithms if each in self.ends), default=None)

    def end_of_rsa_key(self, bits: int) -> datetime | None:
        """Return from when on an RSA key of this length is too short; None: no such day is known."""
        return next((begin for begin, least in self.longer_rsa_bits if bits < least), None)

    def min_rsa_bits_at(self, at: datetime) -> int:
        """Return how long an RSA key must be at that time."""
        least = self.min_rsa_bits
        for begin, longer in self.longer_rsa_bits:
            if at >= begin:
                least = longer
        return least

    def of_severity(self, severity: Severity, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
        """Return those reasons from which this follows."""
        return tuple(reason for reason in reasons if self.severities.get(reason, Severity.FAIL) is severity)


def read_policy(data: bytes) -> Policy:
    """Read a policy from the content of its file.

    Raises:
        PolicyUnreadable: Something is missing, unknown, or not what it should be.
    """
    file = Table.of(data)
    if file.number("version") != _VERSION:
        raise file.fault("version", f"must be {_VERSION}")
    name = file.text("name")
    digests = file.table("digests").accepted(_DIGESTS)
    signatures = file.table("signatures").accepted(_SIGNATURES)
    canonicalizations = file.table("canonicalizations").accepted(_CANONICALIZATIONS)
    keys, references, limits = file.table("keys"), file.table("references"), file.table("limits")
    certificates, timestamps = file.table("certificates"), file.table("timestamps")
    min_rsa_bits = keys.number("rsa-min-bits", least=SHORTEST_RSA_BITS, most=_LONGEST_RSA_BITS)
    longer_rsa_bits = _read_longer_bits(keys, min_rsa_bits)
    most_asked = max([min_rsa_bits, *(bits for _, bits in longer_rsa_bits)])
    max_rsa_bits = keys.number("rsa-max-bits", least=most_asked, most=_LONGEST_RSA_BITS)
    curves = keys.accepted(_CURVES)
    policy = Policy(
        name=name,
        signature_algorithms=MappingProxyType(
            {_SIGNATURES[name].name: _SIGNATURES[name] for name in signatures}
        ),
        digest_algorithms=MappingProxyType(dict(_DIGESTS[name] for name in digests)),
        sha1_algorithms=SHA1_ALGORITHMS,
        canonicalizations=frozenset(_CANONICALIZATIONS[name] for name in canonicalizations),
        ends=_ends(
            {_SIGNATURES[name].name: until for name, until in signatures.items()}
            | {_DIGESTS[name][0]: until for name, until in digests.items()}
            | {_CANONICALIZATIONS[name]: until for name, until in canonicalizations.items()}
            | {_CURVES[name]: until for name, until in curves.items()}
        ),
        containers=frozenset(references.texts("containers", _PATH, "a path of element names")),
        signed_elements=frozenset(
            references.texts("elements", _ROOT_AND_ELEMENT, "a root and an element, such as A/B")
        ),
        max_inclusive_prefixes=limits.number("inclusive-prefixes", most=64),
        max_certificates=limits.number("certificates", least=1, most=64),
        min_rsa_bits=min_rsa_bits,
        longer_rsa_bits=longer_rsa_bits,
        max_rsa_bits=max_rsa_bits,
        curves=frozenset(_CURVES[name] for name in curves),
        extended_key_usages=frozenset(_read_identifiers(certificates, "purposes")),
        max_timestamp_inaccuracy=timedelta(seconds=timestamps.number("max-inaccuracy-s")),
        timestamp_policies=frozenset(_read_identifiers(timestamps, "policies")) or None,
        clock_tolerance=timedelta(seconds=timestamps.number("clock-tolerance-s")),
        max_timestamps=limits.number("timestamps", most=256),
        max_evidence=limits.number("evidence", most=1024),
        max_evidence_bytes=limits.number("evidence-bytes"),
        severities=_read_severities(file.table("severity")),
        content=data,
    )
    for table in (references, limits, certificates, timestamps, file):
        table.end()
    return policy


def load_policy(path: Path) -> Policy:
    """Read a policy from its file.

    Raises:
        PolicyUnreadable: The file cannot be read, or :func:`read_policy` says why.
    """
    try:
        return read_policy(path.read_bytes())
    except PolicyUnreadable as error:
        raise PolicyUnreadable(error.key, error.detail, path) from error
    except OSError as error:
        raise PolicyUnreadable("", str(error.strerror), path) from error


def _ends(until: Mapping[str, date | None]) -> Mapping[str, datetime]:
    return MappingProxyType(
        {name: _beginning_of(day + timedelta(days=1)) for name, day in until.items() if day is not None}
    )


def _beginning_of(day: date) -> datetime:
    return datetime.combine(day, time(), _VIETNAM).astimezone(UTC)


def _read_longer_bits(keys: Table, min_bits: int) -> tuple[tuple[datetime, int], ...]:
    steps = []
    for step in keys.tables("rsa-min-bits-later"):
        bits = step.number("bits", least=SHORTEST_RSA_BITS, most=_LONGEST_RSA_BITS)
        steps.append((_beginning_of(step.day("from")), bits))
        step.end()
    for (earlier, shorter), (later, longer) in pairwise([(_NEVER, min_bits), *steps]):
        if earlier >= later or shorter >= longer:
            raise keys.fault(
                "rsa-min-bits-later", "each must begin later than the one before and ask for more"
            )
    return tuple(steps)


def _read_identifiers(table: Table, key: str) -> tuple[str, ...]:
    return table.texts(key, _OBJECT_IDENTIFIER, "an object identifier such as 2.5.29.37.0")


def _read_severities(table: Table) -> Mapping[Reason, Severity]:
    severities = {reason: table.choice(reason.value, Severity, Severity) for reason in _ADJUSTABLE}
    table.end()
    return MappingProxyType(severities)


DEFAULT_POLICY: Final = load_policy(Path(__file__).with_name("policy.toml"))
