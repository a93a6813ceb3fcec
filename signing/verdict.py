"""What a verification says: an indication and sub-indication after ETSI EN 319 102-1, and our reason codes.

Values only. Which check gives which reason is decided in ``signing/verify.py`` and the modules it calls.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from lxml.etree import _Element as Element


class Indication(StrEnum):
    """The three outcomes of EN 319 102-1, 5.1.3."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"


class SubIndication(StrEnum):
    """Why the outcome is not TOTAL-PASSED (EN 319 102-1, table 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"


class Level(StrEnum):
    """How much a signature brings along to be judged by, now and later (EN 319 132-1, 6.1)."""

    PLAIN = "plain"
    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class Reason(StrEnum):
    """The stable codes that name what is wrong. They are API; sentences for people are looked up by code.

    A policy may let some of them pass with a warning.
    """

    SIGNATURE_MISSING = "signature.missing"
    SIGNATURE_SEVERAL = "signature.several"
    SIGNATURE_MISPLACED = "signature.misplaced"
    SIGNATURE_MALFORMED = "signature.malformed"
    SIGNATURE_DUPLICATE_ID = "signature.duplicate_id"
    SIGNATURE_OBJECT_UNSUPPORTED = "signature.object_unsupported"
    SIGNATURE_REFERENCE_SCOPE = "signature.reference_scope"
    SIGNATURE_REFERENCE_EXTERNAL = "signature.reference_external"
    SIGNATURE_TRANSFORM_FORBIDDEN = "signature.transform_forbidden"
    SIGNATURE_ALGORITHM_FORBIDDEN = "signature.algorithm_forbidden"
    SIGNATURE_SHA1 = "signature.sha1"
    SIGNATURE_ALGORITHM_ENDED = "signature.algorithm_ended"
    SIGNATURE_NOT_CANONICAL = "signature.not_canonical"
    SIGNATURE_DIGEST_MISMATCH = "signature.digest_mismatch"
    SIGNATURE_VALUE_WRONG = "signature.value_wrong"
    SIGNATURE_KEY_MISMATCH = "signature.key_mismatch"
    XADES_MALFORMED = "xades.malformed"
    XADES_TARGET = "xades.target"
    XADES_NOT_SIGNED = "xades.not_signed"
    XADES_PROPERTY_MISSING = "xades.property_missing"
    XADES_PROPERTY_SEVERAL = "xades.property_several"
    XADES_SIGNING_CERTIFICATE = "xades.signing_certificate"
    XADES_POLICY_UNKNOWN = "xades.policy_unknown"
    XADES_FORMAT_MISSING = "xades.format_missing"
    XADES_SIGNED_PROPERTY_UNKNOWN = "xades.signed_property_unknown"
    XADES_SIGNING_TIME_WITHOUT_ZONE = "xades.signing_time_without_zone"
    XADES_ISSUER_SERIAL_DIFFERS = "xades.issuer_serial_differs"
    TIMESTAMP_MALFORMED = "timestamp.malformed"
    TIMESTAMP_IMPRINT = "timestamp.imprint"
    TIMESTAMP_VALUE_WRONG = "timestamp.value_wrong"
    TIMESTAMP_CERTIFICATE = "timestamp.certificate"
    TIMESTAMP_USAGE = "timestamp.usage"
    TIMESTAMP_ALGORITHM = "timestamp.algorithm"
    TIMESTAMP_POLICY = "timestamp.policy"
    TIMESTAMP_ORDER = "timestamp.order"
    TIMESTAMP_EXPIRED = "timestamp.expired"
    TIMESTAMP_UNTRUSTED = "timestamp.untrusted"
    TIMESTAMP_REVOKED = "timestamp.revoked"
    TIMESTAMP_REVOCATION_UNKNOWN = "timestamp.revocation_unknown"
    CERTIFICATE_MISSING = "certificate.missing"
    CERTIFICATE_ELSEWHERE = "certificate.elsewhere"
    CERTIFICATE_MALFORMED = "certificate.malformed"
    CERTIFICATE_IS_CA = "certificate.is_ca"
    CERTIFICATE_USAGE = "certificate.usage"
    CERTIFICATE_RSA_TOO_SHORT = "certificate.rsa_too_short"
    CERTIFICATE_KEY_FORBIDDEN = "certificate.key_forbidden"
    CERTIFICATE_NOT_YET_VALID = "certificate.not_yet_valid"
    CERTIFICATE_EXPIRED = "certificate.expired"
    CERTIFICATE_UNTRUSTED = "certificate.untrusted"
    CERTIFICATE_PATH = "certificate.path"
    CERTIFICATE_REVOKED = "certificate.revoked"
    CERTIFICATE_ISSUER_REVOKED = "certificate.issuer_revoked"
    CERTIFICATE_REVOCATION_UNKNOWN = "certificate.revocation_unknown"
    CERTIFICATE_OTHER_FACILITY = "certificate.other_facility"
    DOCUMENT_OTHER_FACILITY = "document.other_facility"
    DOCUMENT_SEVERAL_FACILITIES = "document.several_facilities"
    CERTIFICATE_REVOCATION_UNCHECKED = "certificate.revocation_unchecked"


_FAILED: Final = Indication.TOTAL_FAILED
_OPEN: Final = Indication.INDETERMINATE

# The time of verification is when the document was received: it proves that the signature existed then.
# So a certificate that begins later is a plain failure, while one that ended or was revoked earlier leaves
# open whether the signature is older than that, as the standard has it.
MEANING: Final[dict[Reason, tuple[Indication, SubIndication]]] = {
    Reason.SIGNATURE_MISSING: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_SEVERAL: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_MISPLACED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_MALFORMED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_DUPLICATE_ID: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_OBJECT_UNSUPPORTED: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_REFERENCE_SCOPE: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_REFERENCE_EXTERNAL: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_TRANSFORM_FORBIDDEN: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_ALGORITHM_FORBIDDEN: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_SHA1: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Reason.SIGNATURE_ALGORITHM_ENDED: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    Reason.SIGNATURE_NOT_CANONICAL: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.SIGNATURE_DIGEST_MISMATCH: (_FAILED, SubIndication.HASH_FAILURE),
    Reason.SIGNATURE_VALUE_WRONG: (_FAILED, SubIndication.SIG_CRYPTO_FAILURE),
    Reason.SIGNATURE_KEY_MISMATCH: (_FAILED, SubIndication.SIG_CRYPTO_FAILURE),
    Reason.XADES_MALFORMED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.XADES_TARGET: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.XADES_NOT_SIGNED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.XADES_PROPERTY_MISSING: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.XADES_PROPERTY_SEVERAL: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.XADES_SIGNING_CERTIFICATE: (_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Reason.XADES_POLICY_UNKNOWN: (_OPEN, SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE),
    Reason.XADES_FORMAT_MISSING: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.XADES_SIGNED_PROPERTY_UNKNOWN: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.XADES_SIGNING_TIME_WITHOUT_ZONE: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.XADES_ISSUER_SERIAL_DIFFERS: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.TIMESTAMP_MALFORMED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.TIMESTAMP_IMPRINT: (_FAILED, SubIndication.HASH_FAILURE),
    Reason.TIMESTAMP_VALUE_WRONG: (_FAILED, SubIndication.SIG_CRYPTO_FAILURE),
    Reason.TIMESTAMP_CERTIFICATE: (_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Reason.TIMESTAMP_USAGE: (_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    Reason.TIMESTAMP_ALGORITHM: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Reason.TIMESTAMP_POLICY: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.TIMESTAMP_ORDER: (_OPEN, SubIndication.TIMESTAMP_ORDER_FAILURE),
    Reason.TIMESTAMP_EXPIRED: (_OPEN, SubIndication.OUT_OF_BOUNDS_NO_POE),
    Reason.TIMESTAMP_UNTRUSTED: (_OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
    Reason.TIMESTAMP_REVOKED: (_OPEN, SubIndication.REVOKED_NO_POE),
    Reason.TIMESTAMP_REVOCATION_UNKNOWN: (_OPEN, SubIndication.TRY_LATER),
    Reason.CERTIFICATE_MISSING: (_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Reason.CERTIFICATE_ELSEWHERE: (_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Reason.CERTIFICATE_MALFORMED: (_FAILED, SubIndication.FORMAT_FAILURE),
    Reason.CERTIFICATE_IS_CA: (_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    Reason.CERTIFICATE_USAGE: (_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    Reason.CERTIFICATE_RSA_TOO_SHORT: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Reason.CERTIFICATE_KEY_FORBIDDEN: (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Reason.CERTIFICATE_NOT_YET_VALID: (_FAILED, SubIndication.NOT_YET_VALID),
    Reason.CERTIFICATE_EXPIRED: (_OPEN, SubIndication.OUT_OF_BOUNDS_NO_POE),
    Reason.CERTIFICATE_UNTRUSTED: (_OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
    Reason.CERTIFICATE_PATH: (_OPEN, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE),
    Reason.CERTIFICATE_REVOKED: (_OPEN, SubIndication.REVOKED_NO_POE),
    Reason.CERTIFICATE_ISSUER_REVOKED: (_OPEN, SubIndication.REVOKED_CA_NO_POE),
    Reason.CERTIFICATE_REVOCATION_UNKNOWN: (_OPEN, SubIndication.TRY_LATER),
    Reason.CERTIFICATE_OTHER_FACILITY: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.DOCUMENT_OTHER_FACILITY: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.DOCUMENT_SEVERAL_FACILITIES: (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Reason.CERTIFICATE_REVOCATION_UNCHECKED: (_OPEN, SubIndication.TRY_LATER),
}


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """Whose certificate the signature names. Only a TOTAL-PASSED verdict vouches for it."""

    subject: str
    issuer: str
    serial: int
    sha256: str
    not_before: datetime
    not_after: datetime
    certificate_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one verification.

    ``content`` is the tree that was digested, with the signature taken out and comments removed (they are
    not signed). It is there only when the indication is TOTAL-PASSED, and nothing else may be read as signed.
    ``level`` is what was found and found right; of a XAdES signature that did not pass it is B-B.
    ``warnings`` is what the policy lets pass and a person should know, ``information`` what it lets pass.
    ``signing_time`` is what the signer claims, ``best_signature_time`` what timestamps prove: since then the
    signature is known to exist.
    """

    indication: Indication
    sub_indication: SubIndication | None
    reasons: tuple[Reason, ...]
    signer: SignerInfo | None
    scope: str | None
    content: Element | None
    level: Level = Level.PLAIN
    signing_time: datetime | None = None
    best_signature_time: datetime | None = None
    warnings: tuple[Reason, ...] = ()
    information: tuple[Reason, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Whether the indication is TOTAL-PASSED."""
        return self.indication is Indication.TOTAL_PASSED


def fail(verdict: Verdict, reason: Reason) -> Verdict:
    """Return a verdict that failed for one more reason, so that nothing may be read as signed."""
    worse = failed((*verdict.reasons, reason), verdict.signer)
    return replace(
        verdict,
        indication=worse.indication,
        sub_indication=worse.sub_indication,
        reasons=worse.reasons,
        scope=None,
        content=None,
    )


def gravest(reasons: tuple[Reason, ...]) -> tuple[Indication, SubIndication]:
    """Return what these reasons come to: the first of the gravest decides."""
    meanings = [MEANING[reason] for reason in reasons]
    return next((meaning for meaning in meanings if meaning[0] is _FAILED), meanings[0])


def failed(reasons: tuple[Reason, ...], signer: SignerInfo | None = None) -> Verdict:
    """Return the verdict for these reasons."""
    return Verdict(*gravest(reasons), reasons, signer, None, None)
