"""Bundles and signatures for the tests of signing, right and wrong ones.

``sign_like`` signs the way other tools do, or the way an attacker who holds a valid key might: whatever the
recipe says is covered by the signature, so that a test proves the rule and not merely a broken digest.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from lxml import etree

from signing.canonical import C14N_1_0, canonicalize, canonicalize_document, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.policy import ENVELOPED_SIGNATURE, RSA_SHA256, SHA256, XMLDSIG, XMLDSIG_MORE_2007

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)

#: What grows with the square of a hostile document took minutes on these inputs; what grows with its size
#: takes about a second. A bound between the two, not a measure of speed.
LINEAR_S = 20
DS = f"{{{XMLDSIG}}}"

BUNDLE = (
    b'<?xml version="1.0" encoding="utf-8"?>\n'
    b'<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema">\n'
    b"  <THONGTINDONVI><MACSKCB>01001</MACSKCB></THONGTINDONVI>\n"
    b"  <THONGTINHOSO><NGAYLAP>20260601</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO>\n"
    b"    <FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>PFRPTkdfSE9QLz4=</NOIDUNGFILE></FILEHOSO>\n"
    b"  </HOSO></DANHSACHHOSO></THONGTINHOSO>\n"
    b"  <CHUKYDONVI/>\n"
    b"</GIAMDINHHS>\n"
)


def transform(algorithm: str, inside: str = "") -> str:
    """Return a Transform element; the prefix is put in later."""
    return f'<P:Transform Algorithm="{algorithm}">{inside}</P:Transform>'


ENVELOPED = transform(ENVELOPED_SIGNATURE)


@dataclass(frozen=True)
class Recipe:
    """How to sign: every part of the signature can be another than the one that our own signer makes."""

    prefix: str = ""
    signed_info_c14n: str = C14N_1_0
    document_c14n: str = C14N_1_0
    transforms: str = ENVELOPED
    algorithm: str = RSA_SHA256
    sign: Callable[[bytes], bytes] | None = None
    uri: str = 'URI=""'
    digest_method: str = SHA256
    digest_name: str = "sha256"
    method_inside: str = ""
    more_references: str = ""
    key_info: str | None = None
    certificates: tuple[x509.Certificate, ...] = ()
    after_key_info: str = ""
    encode: Callable[[bytes], str] = field(default=lambda data: base64.b64encode(data).decode())


_TEMPLATE = (
    "<P:Signature {declaration}>"
    '<P:SignedInfo><P:CanonicalizationMethod Algorithm="{signed_info_c14n}"/>'
    '<P:SignatureMethod Algorithm="{algorithm}">{method_inside}</P:SignatureMethod>'
    "<P:Reference {uri}><P:Transforms>{transforms}</P:Transforms>"
    '<P:DigestMethod Algorithm="{digest_method}"/><P:DigestValue>{digest}</P:DigestValue></P:Reference>'
    "{more_references}</P:SignedInfo>"
    "<P:SignatureValue>{value}</P:SignatureValue>{key_info}{after_key_info}</P:Signature>"
)


def pss_parameters(
    digest: str | None = SHA256,
    mask: str | None = SHA256,
    salt: object = 32,
    *,
    trailer: object = None,
    more: str = "",
) -> str:
    """Return the parameters of RSASSA-PSS (RFC 9231, 2.3.9); of what is None nothing is said."""
    written = {
        '<P:DigestMethod Algorithm="{}"/>': digest,
        '<X:MaskGenerationFunction><P:DigestMethod Algorithm="{}"/></X:MaskGenerationFunction>': mask,
        "<X:SaltLength>{}</X:SaltLength>": salt,
        "<X:TrailerField>{}</X:TrailerField>": trailer,
    }
    inside = "".join(each.format(value) for each, value in written.items() if value is not None)
    return f'<X:RSAPSSParams xmlns:X="{XMLDSIG_MORE_2007}">{inside}{more}</X:RSAPSSParams>'


def x509_data(*certificates: x509.Certificate, before: str = "") -> str:
    """Return a KeyInfo element with these certificates."""
    inside = "".join(
        "<P:X509Certificate>"
        + base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        + "</P:X509Certificate>"
        for certificate in certificates
    )
    return f"<P:KeyInfo><P:X509Data>{before}{inside}</P:X509Data></P:KeyInfo>"


def sign_like(recipe: Recipe, key: FacilityKey, document: bytes = BUNDLE) -> bytes:
    """Return the document with a signature made by the recipe in its container."""
    canonical = canonicalize_document(parse(document), recipe.document_c14n)
    digest = hashlib.new(recipe.digest_name, canonical).digest()

    def write(value: str) -> bytes:
        signature = _TEMPLATE.format(
            declaration=f'xmlns{":" if recipe.prefix else ""}{recipe.prefix}="{XMLDSIG}"',
            signed_info_c14n=recipe.signed_info_c14n,
            algorithm=recipe.algorithm,
            method_inside=recipe.method_inside,
            uri=recipe.uri,
            transforms=recipe.transforms,
            digest_method=recipe.digest_method,
            digest=recipe.encode(digest),
            more_references=recipe.more_references,
            value=value,
            key_info=recipe.key_info
            if recipe.key_info is not None
            else x509_data(*(recipe.certificates or (key.certificate,))),
            after_key_info=recipe.after_key_info,
        ).replace("P:", f"{recipe.prefix}:" if recipe.prefix else "")
        return document.replace(b"<CHUKYDONVI/>", f"<CHUKYDONVI>{signature}</CHUKYDONVI>".encode())

    signed_info = next(parse(write("")).iter(f"{DS}SignedInfo"))
    form = canonicalize(signed_info, recipe.signed_info_c14n)
    return write(recipe.encode((recipe.sign or key.signer.sign)(form)))


def rsa_signing(
    key: FacilityKey, algorithm: hashes.HashAlgorithm, *, pss: bool = False
) -> Callable[[bytes], bytes]:
    """Return a function that signs with an RSA key, PKCS#1 v1.5 or PSS."""
    private = key.signer.private_key
    assert isinstance(private, rsa.RSAPrivateKey)
    scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss else padding.PKCS1v15()
    return lambda data: private.sign(data, scheme, algorithm)


def ecdsa_signing(
    key: FacilityKey, algorithm: hashes.HashAlgorithm, *, octets: int
) -> Callable[[bytes], bytes]:
    """Return a function that signs with an EC key and writes each integer with so many octets."""
    private = key.signer.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(algorithm)))
        return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")

    return sign


def certificate_for(
    public_key: CertificatePublicKeyTypes,
    *,
    issued_by: DemoPki,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    validity: tuple[datetime, datetime] = (NOW - 30 * DAY, NOW + 30 * DAY),
    issuer: tuple[x509.Name, rsa.RSAPrivateKey] | None = None,
    subject: str = "leaf",
    name: x509.Name | None = None,
) -> x509.Certificate:
    """Return a certificate with these extensions alone, by the issuing CA or by somebody else."""
    issuer_name, issuer_key = issuer or (issued_by.issuing.subject, issued_by.issuing_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def edit(document: bytes, change: Callable[[etree._Element], object]) -> bytes:
    """Return the document after a change to its tree."""
    root = parse(document)
    change(root)
    return etree.tostring(root.getroottree(), encoding="UTF-8")
