"""Verify the signature of a document: one call, one verdict, and the verified tree in it.

Leaves the form to ``signing/form.py``, certificates to ``signing/certificates.py``, and what the document
means, and for whom the signer may speak, to the caller.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import canonicalize, canonicalize_document
from signing.certificates import CertificateFacts, TrustStore, check_leaf, read_certificate
from signing.elements import Canonicalization, Refused
from signing.errors import CanonicalizationFailed
from signing.form import SignatureForm, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy, Scheme, SignatureAlgorithm
from signing.values import has_signed
from signing.verdict import Indication, Level, Reason, SignerInfo, SubIndication, Verdict, failed
from signing.xades.check import find_named, remark_on

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
    2. Read its form: structure, algorithms, one reference to the whole document, allowed transforms.
    3. Read the certificates and find the one whose key made the signature value over SignedInfo.
    4. Take the signature out, canonicalise the document and compare its digest.
    5. Judge the signer's certificate: usage, key, validity at the time.
    6. Find its path to a trust anchor at the time, and ask the revocation lists.
    7. Only if nothing was found wrong, hand out the tree that was digested.

    Steps 3 to 6 are all taken, so that a verdict names every fault.
    """
    if at.tzinfo is None:
        raise ValueError("the time of verification must be aware")
    signer: SignerInfo | None = None
    try:
        # (1) Nothing below may look for a signature again.
        signature = find_signature(root, container)

        # (2) Everything that the signature says is in `form` now.
        form = read_form(signature, policy)

        # (3) EN 319 102-1, 5.2.3 and 5.2.7: the signing certificate, and the signature value.
        certificates = [read_certificate(text) for text in form.certificates]
        leaf, reasons = _find_signing_certificate(form, _canonical_signed_info(form), certificates)
        signer = leaf.info

        # (4) EN 319 102-1, 5.2.7: the integrity of the signed data.
        reasons += _check_digests(root, form)
    except Refused as refusal:
        return failed((refusal.reason,), signer)

    # (5) EN 319 102-1, 5.2.6: the certificate itself, in time.
    unfit = check_leaf(leaf, at=at, policy=policy)
    reasons += unfit

    # (6) A path is only sought for a certificate that is valid: at another time it would not say anything.
    if not {Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID}.intersection(unfit):
        others = [certificate for certificate in certificates if certificate is not leaf]
        reasons += trust.check_path(leaf, others, at=at)
    if reasons:
        return _with_properties(failed(tuple(reasons), signer), form, leaf)

    # (7) Comments are in no canonical form of ours, so nobody signed them.
    if next(root.iter(etree.Comment), None) is not None:
        etree.strip_tags(root, etree.Comment)
    passed = Verdict(Indication.TOTAL_PASSED, None, (), signer, WHOLE_DOCUMENT, root)
    return _with_properties(passed, form, leaf)


def _with_properties(verdict: Verdict, form: SignatureForm, leaf: CertificateFacts) -> Verdict:
    properties = form.qualifying_properties
    if properties is None:
        return verdict
    return replace(
        verdict,
        level=Level.B_B,
        signing_time=properties.signing_time,
        remarks=remark_on(properties, leaf),
    )


def _canonical_signed_info(form: SignatureForm) -> bytes:
    return _canonical_part(form.signed_info, form.signed_info_canonicalization)


def _canonical_part(element: Element, canonicalization: Canonicalization) -> bytes:
    try:
        return canonicalize(
            element,
            canonicalization.algorithm,
            inclusive_prefixes=canonicalization.inclusive_prefixes,
        )
    except CanonicalizationFailed:
        raise Refused(Reason.SIGNATURE_NOT_CANONICAL) from None


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


def _check_digests(root: Element, form: SignatureForm) -> list[Reason]:
    """Take the signature out of the document and return what does not fit its digests."""
    # Parts of the signature inherit namespaces from where they stand, so they come first.
    parts = [
        (reference, _canonical_part(reference.part, reference.canonicalization))
        for reference in form.references
        if reference.part is not None
    ]
    document = form.document_reference
    _take_out(form.element)
    digested = [*parts, (document, _canonical_document(root, document.canonicalization))]
    if all(
        hashlib.new(reference.digest_name, octets).digest() == reference.digest_value
        for reference, octets in digested
    ):
        return []
    return [Reason.SIGNATURE_DIGEST_MISMATCH]


def _canonical_document(root: Element, canonicalization: Canonicalization) -> bytes:
    try:
        return canonicalize_document(
            root,
            canonicalization.algorithm,
            inclusive_prefixes=canonicalization.inclusive_prefixes,
        )
    except CanonicalizationFailed:
        raise Refused(Reason.SIGNATURE_NOT_CANONICAL) from None


def _take_out(signature: Element) -> None:
    """Remove the element but not the text after it, which belongs to its parent (XMLDSIG 6.6.4)."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail
    if parent is None:
        return
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)
