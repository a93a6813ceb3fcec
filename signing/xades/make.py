"""Make a XAdES B-B signature (EN 319 132-1, 6.3): what is signed beside the document.

The signature carries a prefix and exclusive canonical forms throughout, because more verifiers than one read
inclusive forms of inner elements wrongly; the document itself is covered as in a plain signature.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, canonicalize
from signing.der import context, encode, integer, sequence
from signing.keys import Signer
from signing.policy import ENVELOPED_SIGNATURE, SHA256, XMLDSIG
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
    # The exclusive form is the same wherever the signature will stand.
    properties = canonicalize(signature[3][0][0], C14N_EXCLUSIVE)
    signature[0][3][2].text = _base64(hashlib.sha256(properties).digest())
    return signature


def _issuer_serial(certificate: x509.Certificate) -> bytes:
    """Return an IssuerSerial (RFC 5035, section 4) in DER."""
    return sequence(
        sequence(encode(context(4), certificate.issuer.public_bytes())), integer(certificate.serial_number)
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
