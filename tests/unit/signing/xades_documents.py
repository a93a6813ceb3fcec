"""XAdES signatures of every shape, rightly signed: so that a rule refuses them, and not the digest."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization

from signing.canonical import C14N_1_0, canonicalize, canonicalize_document, parse
from signing.demo_pki import FacilityKey
from signing.policy import SHA256, XMLDSIG
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES
from tests.unit.signing.documents import BUNDLE, DS, ENVELOPED, x509_data

SIGNING_TIME = "<X:SigningTime>2026-06-01T14:59:00+07:00</X:SigningTime>"
FORMAT = '<X:DataObjectFormat ObjectReference="#r"><X:MimeType>text/xml</X:MimeType></X:DataObjectFormat>'


def digest_of(data: bytes, name: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


def der_of(key: FacilityKey) -> bytes:
    return key.certificate.public_bytes(serialization.Encoding.DER)


def cert(digest: str, after: str = "", method: str = SHA256) -> str:
    """Return a Cert element with this digest."""
    return (
        f'<X:Cert><X:CertDigest><P:DigestMethod Algorithm="{method}"/>'
        f"<P:DigestValue>{digest}</P:DigestValue></X:CertDigest>{after}</X:Cert>"
    )


def signing_certificate(key: FacilityKey, after: str = "") -> str:
    """Return SigningCertificateV2 that names a key's certificate."""
    return f"<X:SigningCertificateV2>{cert(digest_of(der_of(key)), after)}</X:SigningCertificateV2>"


@dataclass(frozen=True)
class XadesRecipe:
    """How to sign: every part of the qualifying properties can be another than our own signer makes."""

    c14n: str = C14N_1_0
    signature_id: str = 'Id="s"'
    target: str = 'Target="#s"'
    properties_id: str = 'Id="p"'
    uri: str = "#p"
    type: str = f'Type="{SIGNED_PROPERTIES_TYPE}"'
    transforms: str = ""
    digest_method: str = SHA256
    digest_name: str = "sha256"
    more_references: str = ""
    signing_time: str = SIGNING_TIME
    certificate: str | None = None
    more_signature_properties: str = ""
    data_object_properties: str = f"<X:SignedDataObjectProperties>{FORMAT}</X:SignedDataObjectProperties>"
    unsigned: str = ""
    object: str = "{}"
    more_objects: str = ""
    key_info: str | None = None
    xades: str = XADES


_TEMPLATE = (
    '<P:Signature xmlns:P="{xmldsig}" {r.signature_id}>'
    '<P:SignedInfo><P:CanonicalizationMethod Algorithm="{r.c14n}"/>'
    '<P:SignatureMethod Algorithm="{algorithm}"/>'
    '<P:Reference Id="r" URI=""><P:Transforms>{enveloped}</P:Transforms>'
    '<P:DigestMethod Algorithm="{sha256}"/><P:DigestValue>{document}</P:DigestValue></P:Reference>'
    '<P:Reference URI="{r.uri}" {r.type}>{r.transforms}'
    '<P:DigestMethod Algorithm="{r.digest_method}"/><P:DigestValue>{properties}</P:DigestValue></P:Reference>'
    "{r.more_references}</P:SignedInfo>"
    "<P:SignatureValue>{value}</P:SignatureValue>{key_info}{object}{r.more_objects}</P:Signature>"
)
_PROPERTIES = (
    '<P:Object><X:QualifyingProperties xmlns:X="{r.xades}" {r.target}>'
    "<X:SignedProperties {r.properties_id}>"
    "<X:SignedSignatureProperties>{r.signing_time}{certificate}{r.more_signature_properties}"
    "</X:SignedSignatureProperties>{r.data_object_properties}</X:SignedProperties>{r.unsigned}"
    "</X:QualifyingProperties></P:Object>"
)


def sign_xades(
    recipe: XadesRecipe, key: FacilityKey, document: bytes = BUNDLE, *, covered: str | None = None
) -> bytes:
    """Return the document signed by the recipe.

    ``covered`` is the tag of what the second reference digests, if not the first SignedProperties.
    """
    named = signing_certificate(key) if recipe.certificate is None else recipe.certificate
    values = {
        "document": digest_of(canonicalize_document(parse(document), C14N_1_0)),
        "properties": "",
        "value": "",
    }

    def write() -> bytes:
        properties = recipe.object.format(_PROPERTIES.format(r=recipe, certificate=named))
        signature = _TEMPLATE.format(
            xmldsig=XMLDSIG,
            r=recipe,
            algorithm=key.signer.algorithm,
            enveloped=ENVELOPED,
            sha256=SHA256,
            key_info=recipe.key_info or x509_data(key.certificate),
            object=properties,
            **values,
        )
        return document.replace(b"<CHUKYDONVI/>", f"<CHUKYDONVI>{signature}</CHUKYDONVI>".encode())

    root = parse(write())
    found = next(root.iter(covered or f"{{{recipe.xades}}}SignedProperties"), None)
    if found is not None:
        values["properties"] = digest_of(canonicalize(found, C14N_1_0), recipe.digest_name)
    signed_info = next(parse(write()).iter(f"{DS}SignedInfo"))
    values["value"] = base64.b64encode(key.signer.sign(canonicalize(signed_info, recipe.c14n))).decode()
    return write()
