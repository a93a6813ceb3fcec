"""Certificates: what they say, whether they lead to a trust anchor at a given time, whether they are revoked.

The only module that calls ``cryptography.x509.verification``, whose interface may still change. It leaves out
OCSP and fetching anything: what is known is in the trust store's folder.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, Self, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification

from signing.elements import Refused, decode_base64
from signing.errors import TrustStoreUnreadable
from signing.policy import Policy
from signing.verdict import Reason, SignerInfo

_MAX_PATHS_CACHED: Final = 4096
# Leaf, two intermediates and the anchor leave room for one more.
_MAX_INTERMEDIATES: Final = 4

# What the library raises, now or when a part is first looked at, for DER that makes no sense to it. Several
# of these are not ValueErrors, and a wrong certificate must never raise.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate with everything a verification asks about it, read once."""

    certificate: x509.Certificate
    info: SignerInfo
    issuer_der: bytes
    public_key: PublicKey | None
    is_ca: bool
    may_sign: bool
    extended_key_usages: frozenset[str] | None

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
        # The library warns of oddities such as a serial number of zero; they are not for the log of who
        # verifies, and what matters of them is asked elsewhere.
        with warnings.catch_warnings(action="ignore"):
            facts = _facts(der, x509.load_der_x509_certificate(der))
    except (Refused, *_UNREADABLE):
        raise Refused(Reason.CERTIFICATE_MALFORMED) from None
    # The issuer's signature does not cover the count of unused bits before it, which the library
    # takes other than zero; one certificate must not have two digests.
    if not der.endswith(b"\0" + facts.certificate.signature):
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
    match facts.public_key:
        case rsa.RSAPublicKey(key_size=bits):
            if bits < policy.min_rsa_bits:
                reasons.append(Reason.CERTIFICATE_RSA_TOO_SHORT)
            elif bits > policy.max_rsa_bits:
                reasons.append(Reason.CERTIFICATE_KEY_FORBIDDEN)
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in policy.curves:
            pass
        case _:
            reasons.append(Reason.CERTIFICATE_KEY_FORBIDDEN)
    if at < facts.info.not_before:
        reasons.append(Reason.CERTIFICATE_NOT_YET_VALID)
    if at > facts.info.not_after:
        reasons.append(Reason.CERTIFICATE_EXPIRED)
    return reasons


@dataclass(frozen=True, slots=True)
class _Revocation:
    """What the newest usable list of its issuer says about one certificate; no list is usable if None."""

    fresh_until: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Path:
    """A way from a leaf to an anchor. It holds at every moment at which all its certificates are valid."""

    valid_from: datetime
    valid_to: datetime
    # For the leaf first, then for each CA below the anchor; only for issuers of which there is a list.
    revocations: tuple[tuple[Reason, _Revocation], ...]

    def covers(self, at: datetime) -> bool:
        return self.valid_from <= at <= self.valid_to


class TrustStore:
    """The certification authorities that are trusted, others that lead to them, and revocation lists.

    It never changes after it is made, so it remembers the paths it found; load a new one to change trust.
    """

    __slots__ = ("_anchors", "_cached_paths", "_crls", "_intermediates")

    def __init__(
        self,
        *,
        anchors: Iterable[x509.Certificate],
        intermediates: Iterable[x509.Certificate] = (),
        crls: Iterable[x509.CertificateRevocationList] = (),
    ) -> None:
        """Trust these anchors."""
        self._anchors = tuple(anchors)
        self._intermediates = tuple(intermediates)
        self._crls: dict[bytes, list[x509.CertificateRevocationList]] = {}
        for crl in crls:
            self._crls.setdefault(crl.issuer.public_bytes(), []).append(crl)
        self._cached_paths: dict[tuple[str, ...], _Path] = {}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load ``anchors/``, ``intermediates/`` and ``crls/`` of PEM or DER files; the first must exist.

        Raises:
            TrustStoreUnreadable: There is no anchor, or a file is not what its folder says.
        """
        anchors = _load_certificates(folder / "anchors")
        if not anchors:
            raise TrustStoreUnreadable(folder / "anchors", "no trust anchor found")
        return cls(
            anchors=anchors,
            intermediates=_load_certificates(folder / "intermediates"),
            crls=_load_crls(folder / "crls"),
        )

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The trusted certificates."""
        return self._anchors

    def check_path(
        self, leaf: CertificateFacts, others: Sequence[CertificateFacts], *, at: datetime
    ) -> list[Reason]:
        """Return why the leaf is not trusted at that time, given the certificates that came with it."""
        key = (leaf.sha256, *(other.sha256 for other in others))
        path = self._cached_paths.get(key)
        if path is None or not path.covers(at):
            path = self._build_path(leaf.certificate, [other.certificate for other in others], at)
            if path is None:
                return [Reason.CERTIFICATE_UNTRUSTED]
            while len(self._cached_paths) >= _MAX_PATHS_CACHED:
                self._cached_paths.pop(next(iter(self._cached_paths)), None)
            self._cached_paths[key] = path
        return _check_revocations(path, at)

    def _build_path(
        self, leaf: x509.Certificate, others: list[x509.Certificate], at: datetime
    ) -> _Path | None:
        if not self._anchors:
            return None
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store(list(self._anchors)))
            .time(at)
            .max_chain_depth(_MAX_INTERMEDIATES)
            .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
            .build_client_verifier()
        )
        try:
            chain = verifier.verify(leaf, [*others, *self._intermediates]).chain
        except (verification.VerificationError, *_UNREADABLE):
            return None
        return _Path(
            valid_from=max(certificate.not_valid_before_utc for certificate in chain),
            valid_to=min(certificate.not_valid_after_utc for certificate in chain),
            revocations=tuple(self._revocations(chain)),
        )

    def _revocations(self, chain: Sequence[x509.Certificate]) -> Iterable[tuple[Reason, _Revocation]]:
        reason = Reason.CERTIFICATE_REVOKED
        for certificate, issuer in pairwise(chain):
            if lists := self._crls.get(certificate.issuer.public_bytes()):
                yield reason, _look_up(certificate, issuer, lists)
            reason = Reason.CERTIFICATE_ISSUER_REVOKED


def _check_revocations(path: _Path, at: datetime) -> list[Reason]:
    reasons = []
    for reason, revocation in path.revocations:
        if revocation.revoked_at is not None and revocation.revoked_at <= at:
            reasons.append(reason)
        elif revocation.fresh_until is None or revocation.fresh_until < at:
            # A list that is stale or not rightly signed must not pass for "not revoked".
            reasons.append(Reason.CERTIFICATE_REVOCATION_UNKNOWN)
    return reasons


def _look_up(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    crls: Sequence[x509.CertificateRevocationList],
) -> _Revocation:
    usable = [crl for crl in crls if _is_usable(crl, certificate, issuer)]
    if not usable:
        return _Revocation(None, None)
    newest = max(usable, key=lambda crl: crl.last_update_utc)
    entry = newest.get_revoked_certificate_by_serial_number(certificate.serial_number)
    return _Revocation(newest.next_update_utc, entry.revocation_date_utc if entry else None)


def _is_usable(
    crl: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    """Whether this is a full list by the certificate's own issuer that would still name the certificate."""
    try:
        extensions = crl.extensions
        usage = _find_extension(issuer.extensions, x509.KeyUsage)
        rightly_signed = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # others raise
    except _UNREADABLE:
        return False
    # Delta and indirect lists, and lists of some reasons or some certificates alone, carry critical
    # extensions (RFC 5280, 5.2); a list whose critical extensions are not understood must not be used.
    return (
        rightly_signed
        and (usage is None or usage.crl_sign)
        and not any(extension.critical for extension in extensions)
        and crl.next_update_utc is not None
        # An issuer may drop a certificate from the lists it makes after the certificate has ended.
        and crl.last_update_utc <= certificate.not_valid_after_utc
    )


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _find_extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _facts(der: bytes, certificate: x509.Certificate) -> CertificateFacts:
    extensions = certificate.extensions
    constraints = _find_extension(extensions, x509.BasicConstraints)
    usage = _find_extension(extensions, x509.KeyUsage)
    extended = _find_extension(extensions, x509.ExtendedKeyUsage)
    try:
        public_key = certificate.public_key()
    except _UNREADABLE:
        public_key = None
    info = SignerInfo(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
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
        public_key=public_key if isinstance(public_key, PublicKey) else None,
        is_ca=constraints is not None and constraints.ca,
        may_sign=usage is None or usage.digital_signature or usage.content_commitment,
        extended_key_usages=frozenset(oid.dotted_string for oid in extended)
        if extended is not None
        else None,
    )


def _check_ca(_: verification.Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not a certification authority")


def _check_ca_usage(_: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the certification authority may not sign certificates")


# Old national certification authorities lack key identifiers, so they are not asked for; what decides is
# who signed whom. A critical extension that is not named here is refused by the library.
_AGNOSTIC: Final = verification.Criticality.AGNOSTIC
_CA_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _AGNOSTIC, _check_ca)
    .may_be_present(x509.KeyUsage, _AGNOSTIC, _check_ca_usage)
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, None)
)
_LEAF_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, _AGNOSTIC, None)
    .may_be_present(x509.BasicConstraints, _AGNOSTIC, None)
)

_PEM: Final = b"-----BEGIN"
_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer", ".der", ".crl"})
_Loaded = TypeVar("_Loaded")


def _load_certificates(folder: Path) -> list[x509.Certificate]:
    return _load_folder(
        folder,
        lambda data: (
            x509.load_pem_x509_certificates(data) if _PEM in data else [x509.load_der_x509_certificate(data)]
        ),
    )


def _load_crls(folder: Path) -> list[x509.CertificateRevocationList]:
    return _load_folder(
        folder,
        lambda data: [x509.load_pem_x509_crl(data) if _PEM in data else x509.load_der_x509_crl(data)],
    )


def _load_folder(folder: Path, load: Callable[[bytes], list[_Loaded]]) -> list[_Loaded]:
    loaded: list[_Loaded] = []
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if path.suffix.lower() not in _SUFFIXES:
            continue
        try:
            loaded += load(path.read_bytes())
        except (OSError, ValueError) as error:
            raise TrustStoreUnreadable(path, str(error)) from error
    return loaded


def to_pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate as a PEM file."""
    return certificate.public_bytes(serialization.Encoding.PEM)
