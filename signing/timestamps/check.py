"""Whether a token may be believed: on these octets, rightly signed, by an authority that was trusted then.

Asks what RFC 3161, 2.2 to 2.4 and RFC 5816 want a verifier to ask, and gives a reason for each fault.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.certificates import (
    CertificateFacts,
    check_leaf,
    end_of_key,
    is_issuer_serial_of,
    read_der_certificate,
)
from signing.der import NotDer, Reader
from signing.elements import Refused
from signing.extensions import find_extension
from signing.policy import Policy
from signing.timestamps.tokens import CertificateId, TimestampToken
from signing.trust import TrustStore
from signing.values import HASHES, has_signed
from signing.verdict import Reason

#: Returns the digest, by this hash algorithm, of what the token should be about.
DigestOf = Callable[[str], bytes]

_TIME_STAMPING: Final = frozenset({ExtendedKeyUsageOID.TIME_STAMPING.dotted_string})
_OF_CERTIFICATE: Final = {
    Reason.CERTIFICATE_IS_CA: Reason.TIMESTAMP_USAGE,
    Reason.CERTIFICATE_USAGE: Reason.TIMESTAMP_USAGE,
    Reason.CERTIFICATE_RSA_TOO_SHORT: Reason.TIMESTAMP_ALGORITHM,
    Reason.CERTIFICATE_KEY_FORBIDDEN: Reason.TIMESTAMP_ALGORITHM,
    Reason.SIGNATURE_ALGORITHM_ENDED: Reason.TIMESTAMP_ALGORITHM,
    Reason.CERTIFICATE_NOT_YET_VALID: Reason.TIMESTAMP_EXPIRED,
    Reason.CERTIFICATE_EXPIRED: Reason.TIMESTAMP_EXPIRED,
    Reason.CERTIFICATE_UNTRUSTED: Reason.TIMESTAMP_UNTRUSTED,
    Reason.CERTIFICATE_PATH: Reason.TIMESTAMP_UNTRUSTED,
    Reason.CERTIFICATE_REVOKED: Reason.TIMESTAMP_REVOKED,
    Reason.CERTIFICATE_ISSUER_REVOKED: Reason.TIMESTAMP_REVOKED,
    Reason.CERTIFICATE_REVOCATION_UNKNOWN: Reason.TIMESTAMP_REVOCATION_UNKNOWN,
}


def check_token(  # noqa: PLR0913 - what is judged, and the terms on which it is
    token: TimestampToken,
    digest_of: DigestOf,
    *,
    trust: TrustStore,
    at: datetime,
    policy: Policy,
    others: Sequence[CertificateFacts] = (),
) -> list[Reason]:
    """Return why a token is no proof, at a given time, that the octets existed when it says; none if it is.

    ``trust`` is asked for its anchors for time-stamping; ``others`` are certificates beside the token's own.

    1. It is on these octets.
    2. What it states is what was signed, and a certificate that it names made the signature.
    3. The certificate is fit for time-stamping and nothing else.
    4. Its clock is good enough, its policy accepted, and its time is not ahead of ours.
    5. The certificate was trusted when the token was made, and was good until the given time: whoever gets
       hold of its key later can write any time into a token. Nobody does of one that its authority says was
       retired (RFC 3161, 4).
    6. What it was computed with has not ended by the given time: then anybody can write one.
    """
    # (1) RFC 3161, 2.4.2: the imprint.
    reasons = []
    if digest_of(token.info.digest_name) != token.info.digest:
        reasons.append(Reason.TIMESTAMP_IMPRINT)

    # (2) RFC 5652, 5.4 and RFC 5035, 3 and 5: the signature, and whose it is.
    candidates = [*read_certificates(token.certificates), *others]
    signer = find_signer(token, candidates)
    if signer is None:
        return [*reasons, Reason.TIMESTAMP_CERTIFICATE]
    reasons += _check_itself(token, signer, at=at, policy=policy)

    # (5) A path is only sought for a certificate that was valid.
    if Reason.TIMESTAMP_EXPIRED not in reasons:
        reasons += _check_trust(token, signer, candidates, trust=trust.for_timestamps(), at=at)

    # (6) EN 319 102-1, 5.6.2.3: the past needs algorithms that hold until something else protects it.
    end = end_of_strength(token, signer, policy)
    if end is not None and at >= end:
        reasons.append(Reason.TIMESTAMP_ALGORITHM)
    return list(dict.fromkeys(reasons))


def check_fresh_token(token: TimestampToken, *, at: datetime, policy: Policy) -> list[Reason]:
    """Return why a token that was made just now is worth nothing, whoever trusts its authority; `at` is now.

    That is (2) to (4) of `check_token`, and (6), of a token by itself; and that its clock is ours.
    """
    signer = find_signer(token, read_certificates(token.certificates))
    if signer is None:
        return [Reason.TIMESTAMP_CERTIFICATE]
    reasons = _check_itself(token, signer, at=at, policy=policy)
    if at - token.info.time > policy.clock_tolerance:
        reasons.append(Reason.TIMESTAMP_ORDER)
    end = end_of_strength(token, signer, policy)
    if end is not None and at >= end:
        reasons.append(Reason.TIMESTAMP_ALGORITHM)
    return list(dict.fromkeys(reasons))


def end_of_strength(token: TimestampToken, signer: CertificateFacts, policy: Policy) -> datetime | None:
    """Return when the first of what a token was computed with is accepted no longer; None: never."""
    digests = {token.digest_name, token.info.digest_name}
    algorithms = {uri for uri, (name, _) in policy.digest_algorithms.items() if name in digests}
    algorithms |= {
        uri
        for uri, algorithm in policy.signature_algorithms.items()
        if (algorithm.scheme, algorithm.hash.name) == (token.scheme, token.signature_digest_name)
    }
    ends = [policy.end_of(algorithms), end_of_key(signer, policy)]
    return min((each for each in ends if each is not None), default=None)


def read_certificates(ders: Iterable[bytes]) -> list[CertificateFacts]:
    """Read the certificates that can be read; what else came along is of no use."""
    found = []
    for der in ders:
        try:
            found.append(read_der_certificate(der))
        except Refused:
            continue
    return found


def find_signer(token: TimestampToken, certificates: Iterable[CertificateFacts]) -> CertificateFacts | None:
    """Return the certificate that the token names, in every way in which it does."""
    if not token.certificate_ids:
        # RFC 3161, 2.4.2: it is signed, so that no other certificate of that key can take its place.
        return None
    return next((each for each in certificates if _is_named(token, each)), None)


def _is_named(token: TimestampToken, certificate: CertificateFacts) -> bool:
    if token.issuer is not None and token.issuer != (certificate.issuer_der, certificate.info.serial):
        return False
    if token.key_identifier is not None and token.key_identifier != _key_identifier(certificate):
        return False
    return all(_fits(named, certificate) for named in token.certificate_ids)


def _key_identifier(certificate: CertificateFacts) -> bytes | None:
    found = find_extension(certificate.certificate.extensions, x509.SubjectKeyIdentifier)
    return None if found is None else found.digest


def _fits(named: CertificateId, certificate: CertificateFacts) -> bool:
    # SHA-1 in the older identifier: the digest binds one of few certificates to a signature that is checked
    # with a strong hash, so a collision gains nothing.
    digest = hashlib.new(named.digest_name, certificate.info.certificate_der, usedforsecurity=False).digest()
    if digest != named.digest:
        return False
    try:
        return named.issuer_serial is None or is_issuer_serial_of(Reader.of(named.issuer_serial), certificate)
    except NotDer:
        return False


def _check_itself(
    token: TimestampToken, signer: CertificateFacts, *, at: datetime, policy: Policy
) -> list[Reason]:
    reasons = [] if _is_rightly_signed(token, signer) else [Reason.TIMESTAMP_VALUE_WRONG]
    # (3) RFC 3161, 2.3, and (4) what the token states of itself.
    reasons += _check_fitness(signer, policy, at=token.info.time)
    reasons += _check_statement(token, at=at, policy=policy)
    return reasons


def _is_rightly_signed(token: TimestampToken, signer: CertificateFacts) -> bool:
    return hashlib.new(token.digest_name, token.content).digest() == token.message_digest and has_signed(
        signer.public_key,
        token.scheme,
        HASHES[token.signature_digest_name],
        value=token.signature,
        data=token.signed,
    )


def _check_fitness(signer: CertificateFacts, policy: Policy, *, at: datetime) -> list[Reason]:
    asked = replace(policy, extended_key_usages=_TIME_STAMPING)
    reasons = [_OF_CERTIFICATE[reason] for reason in check_leaf(signer, at=at, policy=asked)]
    # RFC 3161, 2.3: the only extended key usage, and critical.
    if signer.extended_key_usages != _TIME_STAMPING or not signer.are_usages_critical:
        reasons.append(Reason.TIMESTAMP_USAGE)
    return reasons


def _check_statement(token: TimestampToken, *, at: datetime, policy: Policy) -> list[Reason]:
    reasons = []
    info = token.info
    is_accepted = policy.timestamp_policies is None or info.policy in policy.timestamp_policies
    if not is_accepted or (info.accuracy is not None and info.accuracy > policy.max_timestamp_inaccuracy):
        reasons.append(Reason.TIMESTAMP_POLICY)
    # Differences, not sums: there is no time after the year 9999, and anybody can write a token.
    if info.time - at > policy.clock_tolerance:
        reasons.append(Reason.TIMESTAMP_ORDER)
    return reasons


def _check_trust(
    token: TimestampToken,
    signer: CertificateFacts,
    candidates: Sequence[CertificateFacts],
    *,
    trust: TrustStore,
    at: datetime,
) -> list[Reason]:
    others = [each for each in candidates if each is not signer]
    reasons = [
        _OF_CERTIFICATE[reason]
        for reason in trust.check_path(signer, others, at=token.info.time, purposes=_TIME_STAMPING)
    ]
    # Newer lists say nothing of a certificate that has ended: that it has is what counts.
    if at > signer.info.not_after and set(reasons) <= {Reason.TIMESTAMP_REVOCATION_UNKNOWN}:
        return [Reason.TIMESTAMP_EXPIRED]
    if reasons or at <= token.info.time:
        return reasons
    # How fresh the news of revocation must be is a question of when the token was made, asked above.
    later = trust.check_path(signer, others, at=at, purposes=_TIME_STAMPING, made=token.info.time)
    return [
        _OF_CERTIFICATE[reason] for reason in later if reason is not Reason.CERTIFICATE_REVOCATION_UNKNOWN
    ]
