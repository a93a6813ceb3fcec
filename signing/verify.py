"""Verify the signature of a document: one call, one verdict, and the verified tree in it.

Leaves the form to ``signing/form.py``, certificates to ``signing/certificates.py``, and what the document
means, and for whom the signer may speak, to the caller.
"""

import hashlib
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import canonicalize, canonicalize_document
from signing.certificates import CertificateFacts, TrustStore, check_leaf, read_certificate
from signing.errors import CanonicalizationFailed
from signing.form import Refused, SignatureForm, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy, Scheme, SignatureAlgorithm
from signing.verdict import Indication, Reason, SignerInfo, SubIndication, Verdict, failed

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
        signed_info = _canonical_signed_info(form)
        leaf, reasons = _find_signing_certificate(form, signed_info, certificates)
        signer = leaf.info

        # (4) EN 319 102-1, 5.2.7: the integrity of the signed data.
        reasons += _check_digest(root, form)
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
        return failed(tuple(reasons), signer)

    # (7) Comments are in no canonical form of ours, so nobody signed them.
    if next(root.iter(etree.Comment), None) is not None:
        etree.strip_tags(root, etree.Comment)
    return Verdict(Indication.TOTAL_PASSED, None, (), signer, WHOLE_DOCUMENT, root)


def _canonical_signed_info(form: SignatureForm) -> bytes:
    canonicalization = form.signed_info_canonicalization
    try:
        return canonicalize(
            form.signed_info,
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
    # XMLDSIG 4.5.4: the order of certificates says nothing, though everybody puts the signer's first.
    for certificate in certificates:
        if _has_signed(certificate, form.algorithm, form.value, signed_info):
            return certificate, []
    kinds = {_fits(certificate, form.algorithm) for certificate in certificates}
    reason = Reason.SIGNATURE_VALUE_WRONG if True in kinds else Reason.SIGNATURE_KEY_MISMATCH
    return certificates[0], [reason]


def _fits(certificate: CertificateFacts, algorithm: SignatureAlgorithm) -> bool:
    wanted = ec.EllipticCurvePublicKey if algorithm.scheme is Scheme.ECDSA else rsa.RSAPublicKey
    return isinstance(certificate.public_key, wanted)


def _has_signed(
    certificate: CertificateFacts,
    algorithm: SignatureAlgorithm,
    value: bytes,
    data: bytes,
) -> bool:
    try:
        match algorithm.scheme, certificate.public_key:
            case Scheme.RSA_PKCS1, rsa.RSAPublicKey() as rsa_key:
                rsa_key.verify(value, data, padding.PKCS1v15(), algorithm.hash)
            case Scheme.RSA_PSS, rsa.RSAPublicKey() as rsa_key:
                pss = padding.PSS(padding.MGF1(algorithm.hash), algorithm.hash.digest_size)
                rsa_key.verify(value, data, pss, algorithm.hash)
            case Scheme.ECDSA, ec.EllipticCurvePublicKey() as ec_key:
                ec_key.verify(_ecdsa_der(value, ec_key), data, ec.ECDSA(algorithm.hash))
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _ecdsa_der(value: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    # XML Signature 1.1, 6.4.3: exactly two integers of the order's length, no padding and no DER.
    length = (key.key_size + 7) // 8
    if len(value) != 2 * length:
        raise ValueError("not two integers of the order's length")
    return encode_dss_signature(int.from_bytes(value[:length], "big"), int.from_bytes(value[length:], "big"))


def _check_digest(root: Element, form: SignatureForm) -> list[Reason]:
    _take_out(form.element)
    canonicalization = form.document_canonicalization
    try:
        document = canonicalize_document(
            root,
            canonicalization.algorithm,
            inclusive_prefixes=canonicalization.inclusive_prefixes,
        )
    except CanonicalizationFailed:
        raise Refused(Reason.SIGNATURE_NOT_CANONICAL) from None
    digest = hashlib.new(form.digest_name, document).digest()
    return [] if digest == form.digest_value else [Reason.SIGNATURE_DIGEST_MISMATCH]


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
