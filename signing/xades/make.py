"""The elements of a XAdES signature (EN 319 132-1): of B-B, and what extends it.

The signature carries a prefix and exclusive canonical forms throughout, because more verifiers than one read
inclusive forms of inner elements wrongly; the document itself is covered as in a plain signature.
"""

import base64
import copy
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, canonicalize
from signing.der import context, encode, integer, sequence
from signing.keys import Signer
from signing.policy import ENVELOPED_SIGNATURE, SHA256, XMLDSIG
from signing.revocation import RevocationSource
from signing.xades import names
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES

_SIGNATURE: Final = (
    '<ds:Signature xmlns:ds="{xmldsig}" Id="{id}">'
    "<ds:SignedInfo>"
    '<ds:CanonicalizationMethod Algorithm="{exclusive}"/>'
    '<ds:SignatureMethod Algorithm="{algorithm}"/>'
    '<ds:Reference Id="{id}-document" URI="">'
    '<ds:Transforms><ds:Transform Algorithm="{enveloped}"/>'
    '<ds:Transform Algorithm="{inclusive}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue>{digest}</ds:DigestValue>'
    "</ds:Reference>"
    '<ds:Reference Type="{type}" URI="#{id}-properties">'
    '<ds:Transforms><ds:Transform Algorithm="{exclusive}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/>'
    "</ds:Reference>"
    "</ds:SignedInfo>"
    "<ds:SignatureValue/>"
    "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    "<ds:Object>"
    '<xades:QualifyingProperties xmlns:xades="{xades}" Target="#{id}">'
    '<xades:SignedProperties Id="{id}-properties">'
    "<xades:SignedSignatureProperties>"
    "<xades:SigningTime>{time}</xades:SigningTime>"
    "<xades:SigningCertificateV2><xades:Cert>"
    "<xades:CertDigest>"
    '<ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue>{certificate_digest}</ds:DigestValue>'
    "</xades:CertDigest>"
    "<xades:IssuerSerialV2>{issuer_serial}</xades:IssuerSerialV2>"
    "</xades:Cert></xades:SigningCertificateV2>"
    "</xades:SignedSignatureProperties>"
    "<xades:SignedDataObjectProperties>"
    '<xades:DataObjectFormat ObjectReference="#{id}-document">'
    "<xades:MimeType>text/xml</xades:MimeType>"
    "</xades:DataObjectFormat>"
    "</xades:SignedDataObjectProperties>"
    "</xades:SignedProperties>"
    "</xades:QualifyingProperties>"
    "</ds:Object>"
    "</ds:Signature>"
)


def xades_signature(signer: Signer, document_digest: bytes, *, at: datetime) -> Element:
    """Return a Signature over a document with this SHA-256 digest, complete but for its value.

    Put it in its place and sign the canonical form of its SignedInfo; ``at`` is the time that it claims.
    """
    der = signer.certificate.public_bytes(serialization.Encoding.DER)
    time = at.astimezone(UTC).replace(microsecond=0)
    signature = etree.fromstring(
        _SIGNATURE.format(
            xmldsig=XMLDSIG,
            xades=XADES,
            # Nobody can put this Id into a document beforehand: it depends on the document and the time.
            id="xades-" + hashlib.sha256(document_digest + der + time.isoformat().encode()).hexdigest()[:32],
            exclusive=C14N_EXCLUSIVE,
            inclusive=C14N_1_0,
            algorithm=signer.algorithm,
            enveloped=ENVELOPED_SIGNATURE,
            sha256=SHA256,
            digest=_base64(document_digest),
            type=SIGNED_PROPERTIES_TYPE,
            certificate=_base64(der),
            time=f"{time:%Y-%m-%dT%H:%M:%SZ}",
            certificate_digest=_base64(hashlib.sha256(der).digest()),
            issuer_serial=_base64(_issuer_serial(signer.certificate)),
        ),
    )
    _digest_properties(signature)
    return signature


def _digest_properties(signature: Element) -> None:
    # The exclusive form is the same wherever the signature will stand.
    properties = canonicalize(signature[3][0][0], C14N_EXCLUSIVE)
    signature[0][-1][2].text = _base64(hashlib.sha256(properties).digest())


def detached_signature(signer: Signer, files: Mapping[str, bytes], *, at: datetime) -> Element:
    """Return a Signature over files, each by its name and its bytes, complete but for its value.

    Names are plain (letters, digits and ``._-/``), so that each is its own URI.
    """
    digests = {name: hashlib.sha256(data).digest() for name, data in files.items()}
    signature = xades_signature(
        signer, hashlib.sha256(b"".join(name.encode() + digests[name] for name in digests)).digest(), at=at
    )
    signed_info, formats = signature[0], signature[3][0][0][1]
    model, one_format = signed_info[2], formats[0]
    prefix = str(signature.get("Id"))
    references, described = [], []
    for number, (name, digest) in enumerate(digests.items()):
        reference, about = copy.deepcopy(model), copy.deepcopy(one_format)
        reference.set("Id", f"{prefix}-file-{number}")
        reference.set("URI", name)
        reference.remove(reference[0])
        reference[1].text = _base64(digest)
        about.set("ObjectReference", f"#{prefix}-file-{number}")
        about[0].text = "application/octet-stream"
        references.append(reference)
        described.append(about)
    signed_info[2:3] = references
    formats[:] = described
    _digest_properties(signature)
    return signature


def timestamp_element(token: bytes, *, is_archive: bool) -> Element:
    """Return a SignatureTimeStamp or an ArchiveTimeStamp with this token."""
    if is_archive:
        element = etree.Element(names.ARCHIVE_TIMESTAMP, nsmap={"xades141": names.XADES_141})
    else:
        element = etree.Element(names.SIGNATURE_TIMESTAMP, nsmap={"xades": XADES})
    method = etree.SubElement(element, f"{{{XMLDSIG}}}CanonicalizationMethod", nsmap={"ds": XMLDSIG})
    method.set("Algorithm", C14N_1_0)
    etree.SubElement(element, names.ENCAPSULATED_TIMESTAMP, nsmap={"xades": XADES}).text = _base64(token)
    return element


def evidence_elements(
    certificates: Sequence[bytes], sources: Sequence[RevocationSource], *, is_more: bool
) -> list[Element]:
    """Return properties that hold these certificates (in DER), lists and responses.

    ``is_more`` says that the signature has such values already, and may not have them twice: what is added
    later is TimeStampValidationData (EN 319 132-1, 5.5.1).
    """
    made = []
    if certificates:
        values = etree.Element(names.CERTIFICATE_VALUES, nsmap={"xades": XADES})
        for der in certificates:
            etree.SubElement(values, names.ENCAPSULATED_CERTIFICATE).text = _base64(der)
        made.append(values)
    if sources:
        made.append(_revocation_values(sources))
    if not is_more or not made:
        return made
    more = etree.Element(names.TIMESTAMP_VALIDATION_DATA, nsmap={"xades141": names.XADES_141})
    more.extend(made)
    return [more]


def _revocation_values(sources: Sequence[RevocationSource]) -> Element:
    values = etree.Element(names.REVOCATION_VALUES, nsmap={"xades": XADES})
    for group, tag, kind in (
        (names.CRL_VALUES, names.ENCAPSULATED_CRL, x509.CertificateRevocationList),
        (names.OCSP_VALUES, names.ENCAPSULATED_OCSP, ocsp.OCSPResponse),
    ):
        members = [source for source in sources if isinstance(source, kind)]
        place = etree.SubElement(values, group) if members else values
        for member in members:
            etree.SubElement(place, tag).text = _base64(member.public_bytes(serialization.Encoding.DER))
    return values


def _issuer_serial(certificate: x509.Certificate) -> bytes:
    """Return an IssuerSerial (RFC 5035, section 4) in DER."""
    return sequence(
        sequence(encode(context(4), certificate.issuer.public_bytes())), integer(certificate.serial_number)
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
