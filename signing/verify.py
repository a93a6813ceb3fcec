"""Verify the signature of a document: one call, one verdict, and the verified tree in it.

Leaves the form to ``signing/form.py``, certificates to ``signing/certificates.py``, and what the document
means, and for whom the signer may speak, to the caller.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from lxml.etree import _Element as Element

from signing.certificates import CertificateFacts, TrustStore, check_leaf, read_certificate
from signing.covered import CoveredOctets, canonical_part
from signing.elements import Refused
from signing.form import SignatureForm, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy, Scheme, SignatureAlgorithm
from signing.values import has_signed
from signing.verdict import Indication, Level, Reason, SignerInfo, SubIndication, Verdict, failed
from signing.xades.check import find_named, remark_on
from signing.xades.times import find_level, prove_time
from signing.xades.unsigned import read_unsigned

__all__ = ["Indication", "Reason", "SignerInfo", "SubIndication", "Verdict", "verify"]

WHOLE_DOCUMENT: Final = "whole-document"


def verify(
    root: Element,
    *,
    trust: TrustStore,
    at: datetime,
    policy: Policy = DEFAULT_POLICY,
    container: str = "CHUKYDONVI",
) -> Verdict:
    """Verify the one signature of a parsed document as it was received at a given time.

    A wrong document never raises: it gives a verdict. The tree is consumed: the signature is taken out of it,
    and what may be read as signed afterwards is ``Verdict.content`` alone.

    1. Find the one Signature, at its place.
    2. Read its form: structure, algorithms, what it covers, allowed transforms; and what came along unsigned.
    3. Read the certificates and find the one whose key made the signature value over SignedInfo.
    4. Take the signature out, canonicalise what is covered and compare the digests.
    5. Judge the timestamps: since when the signature is known to exist.
    6. Judge the signer's certificate at that time: usage, key, validity.
    7. Find its path to a trust anchor at that time, and ask who is revoked.
    8. Only if nothing was found wrong, hand out the tree that was digested.

    Steps 3 to 7 are all taken, so that a verdict names every fault.
    """
    if at.tzinfo is None:
        raise ValueError("the time of verification must be aware")
    signer: SignerInfo | None = None
    try:
        # (1) Nothing below may look for a signature again.
        signature = find_signature(root, container)

        # (2) Everything that the signature says is in `form` now.
        form = read_form(signature, policy)
        properties = form.qualifying_properties
        unsigned = read_unsigned(() if properties is None else properties.unsigned, policy)

        # (3) EN 319 102-1, 5.2.3 and 5.2.7: the signing certificate, and the signature value.
        certificates = [read_certificate(text) for text in form.certificates]
        signed_info = canonical_part(form.signed_info, form.signed_info_canonicalization)
        leaf, reasons = _find_signing_certificate(form, signed_info, certificates)
        signer = leaf.info

        # (4) EN 319 102-1, 5.2.7: the integrity of the signed data.
        covered = CoveredOctets.collect(root, form, [each.place for each in unsigned.timestamps])
        if not covered.fit(form):
            reasons.append(Reason.SIGNATURE_DIGEST_MISMATCH)
    except Refused as refusal:
        return failed((refusal.reason,), signer)

    # (5) EN 319 102-1, 5.5.4 and 5.6.3: the best signature time. What came along helps to judge it; an anchor
    #     never comes along.
    if unsigned.certificates or unsigned.sources:
        sent = [each.certificate for each in unsigned.certificates]
        trust = trust.with_evidence(sent, unsigned.sources)
    proven = prove_time(form, unsigned, covered, trust=trust, at=at, policy=policy)
    reasons += proven.reasons

    # (6) EN 319 102-1, 5.2.6: the certificate itself, in time.
    unfit = check_leaf(leaf, at=proven.time, policy=policy)
    reasons += unfit

    # (7) A path is only sought for a certificate that is valid: at another time it would not say anything.
    others = [certificate for certificate in certificates if certificate is not leaf]
    if not {Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID}.intersection(unfit):
        reasons += trust.check_path(leaf, others, at=proven.time)
    if reasons:
        verdict = failed(tuple(reasons), signer)
    else:
        # (8) Comments are in no canonical form of ours, so nobody signed them.
        if next(root.iter(etree.Comment), None) is not None:
            etree.strip_tags(root, etree.Comment)
        verdict = Verdict(Indication.TOTAL_PASSED, None, (), signer, WHOLE_DOCUMENT, root)
    if properties is None:
        return verdict
    return replace(
        verdict,
        level=find_level(unsigned, leaf, certificates, trust=trust, at=proven.time)
        if verdict.has_passed
        else Level.B_B,
        signing_time=properties.signing_time,
        best_signature_time=proven.time if verdict.has_passed and unsigned.timestamps else None,
        remarks=remark_on(properties, leaf),
    )


def _find_signing_certificate(
    form: SignatureForm,
    signed_info: bytes,
    certificates: list[CertificateFacts],
) -> tuple[CertificateFacts, list[Reason]]:
    """Return the certificate whose key made the value; if none did, the first one and why."""
    candidates = certificates
    if form.qualifying_properties is not None:
        candidates = find_named(form.qualifying_properties, certificates)
        if not candidates:
            # EN 319 132-1, 5.2.2: the key may fit another certificate, of another owner or purpose.
            return certificates[0], [Reason.XADES_SIGNING_CERTIFICATE]
    # XMLDSIG 4.5.4: the order of certificates says nothing, though everybody puts the signer's first.
    for certificate in candidates:
        if _has_signed(certificate, form.algorithm, form.value, signed_info):
            return certificate, []
    kinds = {_fits(certificate, form.algorithm) for certificate in candidates}
    reason = Reason.SIGNATURE_VALUE_WRONG if True in kinds else Reason.SIGNATURE_KEY_MISMATCH
    return candidates[0], [reason]


def _fits(certificate: CertificateFacts, algorithm: SignatureAlgorithm) -> bool:
    wanted = ec.EllipticCurvePublicKey if algorithm.scheme is Scheme.ECDSA else rsa.RSAPublicKey
    return isinstance(certificate.public_key, wanted)


def _has_signed(
    certificate: CertificateFacts,
    algorithm: SignatureAlgorithm,
    value: bytes,
    data: bytes,
) -> bool:
    if algorithm.scheme is Scheme.ECDSA and isinstance(certificate.public_key, ec.EllipticCurvePublicKey):
        try:
            value = _ecdsa_der(value, certificate.public_key)
        except ValueError:
            return False
    return has_signed(certificate.public_key, algorithm.scheme, algorithm.hash, value=value, data=data)


def _ecdsa_der(value: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    # XML Signature 1.1, 6.4.3: exactly two integers of the order's length, no padding and no DER.
    length = (key.key_size + 7) // 8
    if len(value) != 2 * length:
        raise ValueError("not two integers of the order's length")
    return encode_dss_signature(int.from_bytes(value[:length], "big"), int.from_bytes(value[length:], "big"))
