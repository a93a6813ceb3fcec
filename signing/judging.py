"""Judge the facts of a signature: a verdict is what they, a policy, whom to trust and a time come to.

Asks nobody and reads nothing: the same facts give the same verdict, today and in ten years.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml.etree import _Element as Element

from signing.certificates import CertificateFacts, check_leaf, usable
from signing.covered import take_content
from signing.facts import SignatureFacts
from signing.form import SignatureForm
from signing.policy import Policy, Scheme, Severity, SignatureAlgorithm
from signing.trust import TrustStore
from signing.values import has_signed
from signing.verdict import Indication, Level, Reason, Verdict, gravest
from signing.xades.check import find_named, find_oddities
from signing.xades.times import find_level, prove_time

WHOLE_DOCUMENT: Final = "whole-document"
FILES: Final = "files"

_NOT_IN_FORCE: Final = frozenset({Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID})


class Judgement(NamedTuple):
    """What the facts come to.

    Attributes:
        verdict: The verdict, with the tree that was signed if it was given.
        reasons: All that was found, whatever follows from it.
        signer: The certificate that the signature is held to.
        time: The time at which it was judged: the best signature time.
        trust: Whom was trusted, with what came along.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    signer: CertificateFacts
    time: datetime
    trust: TrustStore


def judge(
    facts: SignatureFacts, *, trust: TrustStore, at: datetime, policy: Policy, root: Element | None = None
) -> Judgement:
    """Judge a signature as of a time.

    ``root`` is the tree that the facts are of: what was signed of it goes with a verdict that passes.

    1. Find the certificate whose key made the signature value over SignedInfo.
    2. Compare the digests.
    3. Judge the timestamps: since when the signature is known to exist.
    4. Judge the signer's certificate at that time: usage, key, validity.
    5. Find its path to a trust anchor at that time, and ask who is revoked.

    All steps are taken, so that a verdict names every fault.
    """
    form, unsigned = facts.form, facts.unsigned
    # (1) EN 319 102-1, 5.2.3 and 5.2.7: the signing certificate, and the signature value.
    leaf, reasons = _find_signing_certificate(form, facts.signed_info, facts.certificates)

    # (2) EN 319 102-1, 5.2.7: the integrity of the signed data.
    if not facts.digests.fit(form):
        reasons.append(Reason.SIGNATURE_DIGEST_MISMATCH)

    # (3) EN 319 102-1, 5.5.4 and 5.6.3: the best signature time. What came along helps to judge it; an anchor
    #     never comes along.
    if unsigned.certificates or unsigned.sources:
        trust = trust.with_evidence(usable(unsigned.certificates), unsigned.sources)
    time = at
    if unsigned.timestamps:
        time, found = prove_time(form, unsigned, facts.digests, trust=trust, at=at, policy=policy)
        reasons += found

    # (4) EN 319 102-1, 5.2.6 and 5.2.8: the certificate itself, and what was computed with, in time.
    if time >= policy.first_end and any(policy.has_ended(each, at=time) for each in form.algorithms):
        reasons.append(Reason.SIGNATURE_ALGORITHM_ENDED)
    unfit = check_leaf(leaf, at=time, policy=policy)
    reasons += unfit

    # (5) A path is only sought for a certificate that is valid: at another time it would not say anything.
    if _NOT_IN_FORCE.isdisjoint(unfit):
        others = [certificate for certificate in facts.certificates if certificate is not leaf]
        reasons += trust.check_path(leaf, others, at=time, purposes=policy.extended_key_usages)
        if trust.has_unchecked(leaf, others, at=time):
            reasons.append(Reason.CERTIFICATE_REVOCATION_UNCHECKED)
    if form.qualifying_properties is not None:
        reasons += find_oddities(form.qualifying_properties, leaf)
    each_once = tuple(dict.fromkeys(reasons))
    verdict = _weigh(each_once, facts, leaf, time, trust, policy, root)
    return Judgement(verdict, each_once, leaf, time, trust)


def _weigh(  # noqa: PLR0913, PLR0917 - all that a verdict says
    reasons: tuple[Reason, ...],
    facts: SignatureFacts,
    leaf: CertificateFacts,
    at: datetime,
    trust: TrustStore,
    policy: Policy,
    root: Element | None,
) -> Verdict:
    form, timestamps = facts.form, facts.unsigned.timestamps
    covered, properties = form.signed_element, form.qualifying_properties
    failing = policy.of_severity(Severity.FAIL, reasons) if reasons else ()
    indication, sub_indication = gravest(failing) if failing else (Indication.TOTAL_PASSED, None)
    level, claimed = Level.PLAIN, None
    if covered is not None:
        claimed = covered.signing_time
    elif form.statement is not None:
        claimed = form.statement.signing_time
    elif properties is not None:
        level, claimed = Level.B_B, properties.signing_time
        if timestamps and not failing:
            level = find_level(facts.unsigned, leaf, facts.certificates, trust=trust, at=at)
    return Verdict(
        indication,
        sub_indication,
        failing,
        leaf.info,
        None if failing else _scope_of(form),
        None if failing or root is None else take_content(root, form),
        level,
        claimed,
        at if timestamps and not failing else None,
        policy.of_severity(Severity.WARN, reasons) if reasons else (),
        policy.of_severity(Severity.INFORM, reasons) if reasons else (),
    )


def _scope_of(form: SignatureForm) -> str:
    if [each for each in form.references if each.file is not None]:
        return FILES
    covered = form.signed_element
    return WHOLE_DOCUMENT if covered is None else f"element:{covered.element.tag!s}"


def _find_signing_certificate(
    form: SignatureForm,
    signed_info: bytes,
    certificates: tuple[CertificateFacts, ...],
) -> tuple[CertificateFacts, list[Reason]]:
    """Return the certificate whose key made the value; if none did, the first one and why."""
    candidates: Sequence[CertificateFacts] = certificates
    if form.qualifying_properties is not None:
        named = find_named(form.qualifying_properties, certificates)
        if named is None:
            # EN 319 132-1, 5.2.2: the key may fit another certificate, of another owner or purpose.
            return certificates[0], [Reason.XADES_SIGNING_CERTIFICATE]
        candidates = (named,)
    # XMLDSIG 4.5.4: the order of certificates says nothing, though everybody puts the signer's first.
    for certificate in candidates:
        if _has_signed(certificate, form.algorithm, form.value, signed_info):
            return certificate, []
    is_of_kind = any(_fits(certificate, form.algorithm) for certificate in candidates)
    reason = Reason.SIGNATURE_VALUE_WRONG if is_of_kind else Reason.SIGNATURE_KEY_MISMATCH
    return candidates[0], [reason]


def _fits(certificate: CertificateFacts, algorithm: SignatureAlgorithm) -> bool:
    kind = certificate.curve if algorithm.scheme is Scheme.ECDSA else certificate.rsa_bits
    return kind is not None


def _has_signed(
    certificate: CertificateFacts,
    algorithm: SignatureAlgorithm,
    value: bytes,
    data: bytes,
) -> bool:
    key = certificate.public_key
    if key is None:
        return False
    if algorithm.scheme is Scheme.ECDSA:
        try:
            value = _ecdsa_der(value, key.key_size)
        except ValueError:
            return False
    return has_signed(key, algorithm.scheme, algorithm.hash, value=value, data=data)


def _ecdsa_der(value: bytes, order_bits: int) -> bytes:
    # XML Signature 1.1, 6.4.3: exactly two integers of the order's length, no padding and no DER.
    length = (order_bits + 7) // 8
    if len(value) != 2 * length:
        raise ValueError("not two integers of the order's length")
    return encode_dss_signature(int.from_bytes(value[:length], "big"), int.from_bytes(value[length:], "big"))
