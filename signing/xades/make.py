"""The elements of a XAdES signature (EN 319 132-1): of B-B, and what extends it.

The signature carries a prefix and exclusive canonical forms throughout, because more verifiers than one read
inclusive forms of inner elements wrongly; the document itself is covered as in a plain signature.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
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
from signing.revocation import RevocationSource, octets_of
from signing.revocation_list import RevocationList
from signing.xades import names
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES

_SIGNATURE: Final = (
    '<ds:Signature xmlns:ds="{xmldsig}" Id="{id}">'
    "<ds:SignedInfo>"
    '<ds:CanonicalizationMethod Algorithm="{exclusive}"/>'
    '<ds:SignatureMethod Algorithm="{algorithm}"/>'
    "{references}"
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
    "{formats}"
    "</xades:SignedDataObjectProperties>"
    "</xades:SignedProperties>"
    "</xades:QualifyingProperties>"
    "</ds:Object>"
    "</ds:Signature>"
)
_TRANSFORMS: Final = (
    f'<ds:Transforms><ds:Transform Algorithm="{ENVELOPED_SIGNATURE}"/>'
    f'<ds:Transform Algorithm="{C14N_1_0}"/></ds:Transforms>'
)


@dataclass(frozen=True, slots=True)
class _Signed:
    """Something that a signature is over: under which name, with which digest, and what it is."""

    name: str
    uri: str
    digest: bytes
    mime_type: str
    transforms: str = ""

    def reference(self, prefix: str) -> str:
        return (
            f'<ds:Reference Id="{prefix}-{self.name}" URI="{escape(self.uri)}">{self.transforms}'
            f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{_base64(self.digest)}</ds:DigestValue>'
            "</ds:Reference>"
        )

    def format(self, prefix: str) -> str:
        return (
            f'<xades:DataObjectFormat ObjectReference="#{prefix}-{self.name}">'
            f"<xades:MimeType>{self.mime_type}</xades:MimeType></xades:DataObjectFormat>"
        )


def xades_signature(signer: Signer, document_digest: bytes, *, at: datetime) -> Element:
    """Return a Signature over a document with this SHA-256 digest, complete but for its value.

    Put it in its place and sign the canonical form of its SignedInfo; ``at`` is the time that it claims.
    """
    document = _Signed("document", "", document_digest, "text/xml", _TRANSFORMS)
    return _signature(signer, document_digest, [document], at)


def detached_signature(signer: Signer, files: Mapping[str, bytes], *, at: datetime) -> Element:
    """Return a Signature over files, each by its name and its bytes, complete but for its value.

    Names are plain (letters, digits and ``._-/``), so that each is its own URI.
    """
    digests = {name: hashlib.sha256(data).digest() for name, data in files.items()}
    over_all = hashlib.sha256(b"".join(name.encode() + digest for name, digest in digests.items())).digest()
    signed = [
        _Signed(f"file-{number}", name, digest, "application/octet-stream")
        for number, (name, digest) in enumerate(digests.items())
    ]
    return _signature(signer, over_all, signed, at)


def _signature(signer: Signer, digest: bytes, signed: Sequence[_Signed], at: datetime) -> Element:
    der = signer.certificate.public_bytes(serialization.Encoding.DER)
    time = at.astimezone(UTC).replace(microsecond=0)
    # Nobody can put this Id into a document beforehand: it depends on the document and the time.
    prefix = "xades-" + hashlib.sha256(digest + der + time.isoformat().encode()).hexdigest()[:32]
    signature = etree.fromstring(
        _SIGNATURE.format(
            xmldsig=XMLDSIG,
            xades=XADES,
            id=prefix,
            exclusive=C14N_EXCLUSIVE,
            algorithm=signer.algorithm,
            references="".join(each.reference(prefix) for each in signed),
            formats="".join(each.format(prefix) for each in signed),
            sha256=SHA256,
            type=SIGNED_PROPERTIES_TYPE,
            certificate=_base64(der),
            time=f"{time:%Y-%m-%dT%H:%M:%SZ}",
            certificate_digest=_base64(hashlib.sha256(der).digest()),
            issuer_serial=_base64(_issuer_serial(signer.certificate)),
        ),
    )
    # The exclusive form is the same wherever the signature will stand.
    properties = canonicalize(signature[3][0][0], C14N_EXCLUSIVE)
    signature[0][-1][2].text = _base64(hashlib.sha256(properties).digest())
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
        (names.CRL_VALUES, names.ENCAPSULATED_CRL, RevocationList),
        (names.OCSP_VALUES, names.ENCAPSULATED_OCSP, ocsp.OCSPResponse),
    ):
        members = [source for source in sources if isinstance(source, kind)]
        place = etree.SubElement(values, group) if members else values
        for member in members:
            etree.SubElement(place, tag).text = _base64(octets_of(member))
    return values


def _issuer_serial(certificate: x509.Certificate) -> bytes:
    """Return an IssuerSerial (RFC 5035, section 4) in DER."""
    return sequence(
        sequence(encode(context(4), certificate.issuer.public_bytes())), integer(certificate.serial_number)
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
