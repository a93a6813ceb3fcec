"""Whether a certificate is revoked: what lists (RFC 5280) and responses (RFC 6960) say, if believable.

Fetches nothing. Which certificate is asked about, and when, is decided in ``signing/trust.py``.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from signing.der import BIT_STRING, Reader
from signing.extensions import UNREADABLE, find_extension
from signing.policy import Scheme
from signing.revocation_list import RevocationList
from signing.values import PublicKey, has_signed

RevocationSource = RevocationList | ocsp.OCSPResponse

_RESPONSE_SIGNATURES: Final = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    },
)
# RFC 6960, 4.2.2.1: without nextUpdate a responder has newer information at any time. Who verifies asked a
# little while ago, and the responder's answer was made a little before that.
_ANSWERS_FOR: Final = timedelta(hours=1)
# SHA-1 names an issuer here and vouches for nothing; most responders use it.
_CERT_ID_DIGESTS: Final = frozenset({"sha1", "sha256", "sha384", "sha512"})
# RFC 5280, 5.2.4 and 5.2.5.
_UNDERSTOOD: Final = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator)
# RFC 5280, 4.2: whoever meets a critical extension that he does not know refuses the certificate.
_UNDERSTOOD_OF_DELEGATE: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.CertificatePolicies,
    x509.OCSPNoCheck,
)
_SHORTEST_RSA: Final = 2048
_SHORTEST_EC: Final = 256
# RFC 5280, 5.3.1: reasons that are not for good. The second one has no place in a full list.
_TEMPORARY: Final = frozenset({x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl})
# RFC 3161, 4: why a time-stamping authority's certificate is revoked whose key nobody else has got hold of.
# It must be said: without a reason the worst is assumed.
_RETIRED: Final = frozenset(
    {
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)
# Certificates that come along with a response cost the library the square of their number.
_MOST_OF_RESPONSE: Final = 32 * 1024
# One that answers with his own certificate and an older one of the same name.
_MOST_DELEGATES: Final = 4
# What a signature brings along is asked about some authorities for timestamps, and those above them.
_MOST_REMEMBERED: Final = 256


def load_response(der: bytes) -> ocsp.OCSPResponse:
    """Load an OCSP response.

    Raises:
        ValueError: It is none, or larger than any that is in use.
    """
    if len(der) > _MOST_OF_RESPONSE:
        raise ValueError("the response is too large")
    return ocsp.load_der_ocsp_response(der)


def octets_of(source: RevocationSource) -> bytes:
    """Return a list or a response in DER."""
    if isinstance(source, RevocationList):
        return source.der
    return source.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What one believable source says of one certificate.

    Attributes:
        as_of: When the source was made.
        fresh_until: Until when it answers; at least when it was made.
        revoked_at: Since when the certificate is revoked, or None: it is not.
        is_hold: Whether it is revoked for the time being, and may be good again.
        source: The list or the response.
        is_retired: Whether it was revoked because it is not used any more, and its key is in good hands.
    """

    as_of: datetime
    fresh_until: datetime
    revoked_at: datetime | None
    is_hold: bool
    source: RevocationSource
    is_retired: bool = False

    def leaves_valid(self, made: datetime) -> bool:
        """Whether a token that says it was made then stays valid (RFC 3161, 4)."""
        return self.is_retired and self.revoked_at is not None and made < self.revoked_at

    def says_good(self, at: datetime) -> bool:
        """Whether it says that the certificate was not revoked at that time."""
        return self.fresh_until >= at and (self.revoked_at is None or self.revoked_at > at)

    def answers(self, at: datetime) -> bool:
        """Whether nothing newer need be asked at that time: who is revoked for good stays so."""
        return self.fresh_until >= at or (self.revoked_at is not None and not self.is_hold)


_Pair = tuple[x509.Certificate, x509.Certificate]
_Key = TypeVar("_Key")
_Known = TypeVar("_Known")


class RevocationSources:
    """Lists and responses, found by what they are about."""

    __slots__ = (
        "_crls",
        "_found",
        "_listed",
        "_responses",
        "_unanswered",
        "crls",
        "responses",
        "unanswered",
    )

    def __init__(
        self,
        crls: Iterable[RevocationList | x509.CertificateRevocationList] = (),
        responses: Iterable[ocsp.OCSPResponse] = (),
        unanswered: Iterable[x509.Certificate] = (),
    ) -> None:
        """Sort these; lists that name nobody and responses that are no answers are left out.

        ``unanswered`` are certificates about which the authorities were asked in vain.
        """
        self.crls = tuple(
            each if isinstance(each, RevocationList) else RevocationList.of(each) for each in crls
        )
        self.responses = tuple(responses)
        self.unanswered = tuple(unanswered)
        self._unanswered = frozenset(self.unanswered)
        self._crls: dict[x509.Name, list[RevocationList]] = {}
        for crl in self.crls:
            if (issuer := _issuer_of(crl.crl)) is not None:
                self._crls.setdefault(issuer, []).append(crl)
        # What came along with a signature is asked about the same few certificates again and again.
        self._listed: dict[_Pair, tuple[Revocation, ...]] = {}
        self._found: dict[_Pair, tuple[Revocation | None]] = {}
        self._responses: dict[int, list[ocsp.OCSPResponse]] = {}
        for response in self.responses:
            for serial in _serials(response):
                self._responses.setdefault(serial, []).append(response)

    def are_there(self, certificate: x509.Certificate) -> bool:
        """Whether there is any source about this certificate, believable or not, or should be."""
        return (
            certificate.issuer in self._crls
            or certificate.serial_number in self._responses
            or certificate in self._unanswered
        )

    def about(self, certificate: x509.Certificate) -> Sequence[RevocationSource]:
        """Return the sources about this certificate, believable or not: responses first, then lists."""
        responses = self._responses.get(certificate.serial_number, ())
        return *responses, *self._crls.get(certificate.issuer, ())

    def find(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Revocation | None:
        """Return what the believable sources come to; None if there is none.

        The newest counts, but not against one that says revoked. RFC 5280, 3.3 keeps a certificate on the
        lists until it has ended, so whoever leaves it out, or answers "good", does not know or has forgotten;
        EN 319 102-1 leaves open which of two to believe. A hold alone may be lifted (RFC 5280, 5.3.1), and is
        by what is newer. Of several that say revoked, the earliest date counts.
        """
        pair = certificate, issuer
        (found,) = self._found.get(pair) or remember(self._found, pair, (self._weigh(*pair),))
        return found

    def read(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[Revocation, ...]:
        """Return what each believable source says of a certificate: responses first, then lists."""

        def is_listed(delegate: x509.Certificate) -> bool:
            return any(each.revoked_at is not None for each in self._read_lists(delegate, issuer))

        responses = self._responses.get(certificate.serial_number, ())
        read = (_read_response(response, certificate, issuer, is_listed) for response in responses)
        return (*(each for each in read if each is not None), *self._read_lists(certificate, issuer))

    def _weigh(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Revocation | None:
        found = sorted(self.read(certificate, issuer), key=lambda each: each.as_of, reverse=True)
        lifted = next((each.as_of for each in found if each.revoked_at is None), None)
        revoked = [
            (each.revoked_at, each)
            for each in found
            if each.revoked_at is not None
            and not (each.is_hold and lifted is not None and each.as_of < lifted)
        ]
        if revoked:
            first = min(revoked, key=lambda dated: dated[0])[1]
            return replace(first, is_retired=all(each.is_retired for _, each in revoked))
        return found[0] if found else None

    def _read_lists(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[Revocation, ...]:
        """Return what the believable lists say of a certificate."""
        pair = certificate, issuer
        if (known := self._listed.get(pair)) is not None:
            return known
        crls = self._crls.get(certificate.issuer, ())
        read = (_read_crl(crl, certificate, issuer) for crl in crls)
        return remember(self._listed, pair, tuple(each for each in read if each is not None))


def remember(memory: dict[_Key, _Known], key: _Key, known: _Known, *, most: int = _MOST_REMEMBERED) -> _Known:
    """Keep what is known, and forget the oldest of what there is too much of. Several threads may do so."""
    while len(memory) >= most:
        # Not next(iter(…)), between whose two steps another thread may change the memory.
        for oldest in list(memory)[:1]:
            memory.pop(oldest, None)
    memory[key] = known
    return known


def _issuer_of(crl: x509.CertificateRevocationList) -> x509.Name | None:
    try:
        return crl.issuer
    except UNREADABLE:
        return None


def _serials(response: ocsp.OCSPResponse) -> Sequence[int]:
    try:
        return [single.serial_number for single in response.responses]
    except UNREADABLE:
        return ()


def _read_crl(
    source: RevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> Revocation | None:
    crl = source.crl
    try:
        next_update, last_update = crl.next_update_utc, crl.last_update_utc
        if next_update is None or not _is_believable(source, certificate, issuer):
            return None
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None and not _would_name(crl, certificate):
            return None
        revoked_at = entry.revocation_date_utc if entry else None
        is_delta = find_extension(crl.extensions, x509.DeltaCRLIndicator) is not None
    except UNREADABLE:
        return None
    reason = None if entry is None else _reason_of(lambda: _reason_of_entry(entry))
    if is_delta and reason is x509.ReasonFlags.remove_from_crl:
        # RFC 5280, 5.3.1: good again, which a delta alone can say.
        revoked_at = None
    return Revocation(
        last_update,
        max(next_update, last_update),
        revoked_at,
        reason in _TEMPORARY,
        source,
        reason in _RETIRED,
    )


def _reason_of_entry(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    reason = find_extension(entry.extensions, x509.CRLReason)
    return None if reason is None else reason.reason


def _reason_of(read: Callable[[], x509.ReasonFlags | None]) -> x509.ReasonFlags | None:
    try:
        return read()
    except UNREADABLE:
        # Revoked all the same, and for good as far as anybody can tell.
        return None


def _is_believable(source: RevocationList, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether this is a list by the certificate's own issuer whose entry for the certificate would count."""
    try:
        if not source.is_signed_by(issuer.public_key()):
            return False
        extensions = source.crl.extensions
        usage = find_extension(issuer.extensions, x509.KeyUsage)
    except UNREADABLE:
        return False
    scope = find_extension(extensions, x509.IssuingDistributionPoint)
    return (
        (usage is None or usage.crl_sign)
        and (scope is None or _covers(scope, certificate))
        # A list whose critical extensions are not understood must not be used.
        and not any(
            extension.critical and not isinstance(extension.value, _UNDERSTOOD) for extension in extensions
        )
    )


def _would_name(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Whether a list names every revoked certificate among which this one is, so that silence says good."""
    # RFC 5280, 5.2.4: a delta names what has changed, whether or not it says so critically, as it should.
    if find_extension(crl.extensions, x509.DeltaCRLIndicator) is not None:
        return False
    scope = find_extension(crl.extensions, x509.IssuingDistributionPoint)
    if scope is not None and scope.only_some_reasons:
        return False
    # An issuer may drop a certificate from the lists it makes after the certificate has ended.
    return crl.last_update_utc <= certificate.not_valid_after_utc


def _covers(scope: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    """Whether the certificate is among those that the list is about (RFC 5280, 6.3.3, b)."""
    is_about_others = scope.indirect_crl or scope.only_contains_attribute_certs
    if is_about_others or scope.relative_name is not None:
        return False
    constraints = find_extension(certificate.extensions, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    if scope.only_contains_ca_certs if not is_ca else scope.only_contains_user_certs:
        return False
    if scope.full_name is None:
        return True
    # A list of one part of an issuer's certificates is that of those that say where it lies.
    points = find_extension(certificate.extensions, x509.CRLDistributionPoints) or ()
    return any(name in scope.full_name for point in points for name in point.full_name or ())


def _read_response(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    is_listed: Callable[[x509.Certificate], bool],
) -> Revocation | None:
    try:
        if any(extension.critical for extension in response.extensions):
            return None
        single = next((one for one in response.responses if _is_about(one, certificate, issuer)), None)
        if single is None or not _is_rightly_signed(response, issuer, is_listed):
            return None
        as_of = single.this_update_utc
        until = single.next_update_utc or as_of + _ANSWERS_FOR
        status = single.certificate_status
    except UNREADABLE:
        return None
    # RFC 6960, 2.2: "unknown" says nothing about this certificate.
    if status is ocsp.OCSPCertStatus.UNKNOWN or as_of > response.produced_at_utc:
        return None
    revoked_at = single.revocation_time_utc if status is ocsp.OCSPCertStatus.REVOKED else None
    reason = _reason_of(lambda: single.revocation_reason)
    return Revocation(
        as_of, max(until, as_of), revoked_at, reason in _TEMPORARY, response, reason in _RETIRED
    )


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    """Whether the CertID is that of the certificate: its issuer's name and key, and its serial number."""
    name = single.hash_algorithm.name
    return (
        single.serial_number == certificate.serial_number
        and name in _CERT_ID_DIGESTS
        and single.issuer_name_hash == hashlib.new(name, issuer.subject.public_bytes()).digest()
        and single.issuer_key_hash == hashlib.new(name, _key_bits(issuer)).digest()
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """Return the subjectPublicKey without its tag, length and count of unused bits (RFC 6960, 4.1.1)."""
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    info = Reader.of(der)
    info.inside()
    return info.take(BIT_STRING)[1:]


def _is_rightly_signed(
    response: ocsp.OCSPResponse, issuer: x509.Certificate, is_listed: Callable[[x509.Certificate], bool]
) -> bool:
    if response.signature_algorithm_oid not in _RESPONSE_SIGNATURES:
        return False
    if _made(response, issuer):
        return True
    # Whoever has the key of a revoked delegate can date an answer as he likes.
    return any(
        _made(response, delegate) and not is_listed(delegate) for delegate in _delegates(response, issuer)
    )


def _delegates(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> Iterable[x509.Certificate]:
    """Find certificates, sent along, whose owner the issuer lets answer for it (RFC 6960, 4.2.2.2)."""
    named = (each for each in response.certificates if _is_named(response, each))
    for certificate in islice(named, _MOST_DELEGATES):
        try:
            certificate.verify_directly_issued_by(issuer)
            purposes = find_extension(certificate.extensions, x509.ExtendedKeyUsage) or ()
            usage = find_extension(certificate.extensions, x509.KeyUsage)
            key = certificate.public_key()
        except UNREADABLE:
            continue
        if (
            ExtendedKeyUsageOID.OCSP_SIGNING in purposes
            and (usage is None or usage.digital_signature)
            and certificate.not_valid_before_utc
            <= response.produced_at_utc
            <= certificate.not_valid_after_utc
            and _is_strong(key)
            and not any(
                extension.critical and not isinstance(extension.value, _UNDERSTOOD_OF_DELEGATE)
                for extension in certificate.extensions
            )
        ):
            yield certificate


def _is_strong(key: object) -> bool:
    """Whether a key is as long as paths ask those of authorities to be."""
    return isinstance(key, PublicKey) and key.key_size >= (
        _SHORTEST_RSA if isinstance(key, rsa.RSAPublicKey) else _SHORTEST_EC
    )


def _made(response: ocsp.OCSPResponse, responder: x509.Certificate) -> bool:
    key, algorithm = responder.public_key(), response.signature_hash_algorithm
    if algorithm is None or not isinstance(key, PublicKey) or not _is_named(response, responder):
        return False
    scheme = Scheme.RSA_PKCS1 if isinstance(key, rsa.RSAPublicKey) else Scheme.ECDSA
    return has_signed(key, scheme, algorithm, value=response.signature, data=response.tbs_response_bytes)


def _is_named(response: ocsp.OCSPResponse, responder: x509.Certificate) -> bool:
    try:
        if response.responder_name is not None:
            return response.responder_name == responder.subject
        key = hashlib.sha1(_key_bits(responder), usedforsecurity=False).digest()
    except UNREADABLE:
        return False
    return response.responder_key_hash == key
