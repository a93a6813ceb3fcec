"""Keys: a certificate is asked for, and hints are never trusted."""

import base64
from collections.abc import Callable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from signing.policy import XMLDSIG
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop, recipe
from tests.unit.signing.documents import Recipe, sign_like, x509_data

MISSING, MALFORMED = Reason.CERTIFICATE_MISSING, Reason.SIGNATURE_MALFORMED
BROKEN, ELSEWHERE = Reason.CERTIFICATE_MALFORMED, Reason.CERTIFICATE_ELSEWHERE
DSIG_11 = "http://www.w3.org/2009/xmldsig11#"

KEY_INFOS = {
    "no KeyInfo": ("", MISSING),
    "an empty KeyInfo": ("<P:KeyInfo/>", MISSING),
    "no certificate": ("<P:KeyInfo><P:X509Data/></P:KeyInfo>", MISSING),
    "a name of a key": ("<P:KeyInfo><P:KeyName>x</P:KeyName></P:KeyInfo>", MISSING),
    "the subject of a certificate": (
        "<P:KeyInfo><P:X509Data><P:X509SubjectName>CN=x</P:X509SubjectName></P:X509Data></P:KeyInfo>",
        MISSING,
    ),
    "a RetrievalMethod by HTTP": (
        '<P:KeyInfo><P:RetrievalMethod URI="http://127.0.0.1/"/></P:KeyInfo>',
        ELSEWHERE,
    ),
    "a RetrievalMethod of a file": (
        (
            '<P:KeyInfo><P:RetrievalMethod URI="file:///etc/passwd"'
            f' Type="{XMLDSIG}rawX509Certificate"/></P:KeyInfo>'
        ),
        ELSEWHERE,
    ),
    "a RetrievalMethod inside the document": (
        f'<P:KeyInfo><P:RetrievalMethod URI="#k" Type="{XMLDSIG}X509Data"/></P:KeyInfo>',
        ELSEWHERE,
    ),
    "a KeyInfoReference": (
        f'<P:KeyInfo><d:KeyInfoReference xmlns:d="{DSIG_11}" URI="#k"/></P:KeyInfo>',
        ELSEWHERE,
    ),
    "a DEREncodedKeyValue": (
        f'<P:KeyInfo><d:DEREncodedKeyValue xmlns:d="{DSIG_11}">AAAA</d:DEREncodedKeyValue></P:KeyInfo>',
        MISSING,
    ),
    "PGP data": ("<P:KeyInfo><P:PGPData/></P:KeyInfo>", MALFORMED),
    "SPKI data": ("<P:KeyInfo><P:SPKIData/></P:KeyInfo>", MALFORMED),
    "management data": ("<P:KeyInfo><P:MgmtData>x</P:MgmtData></P:KeyInfo>", MALFORMED),
    "a list of revoked certificates": (
        "<P:KeyInfo><P:X509Data><P:X509CRL>AAAA</P:X509CRL></P:X509Data></P:KeyInfo>",
        MISSING,
    ),
    "an empty certificate": (
        "<P:KeyInfo><P:X509Data><P:X509Certificate/></P:X509Data></P:KeyInfo>",
        BROKEN,
    ),
    "a certificate that is none": (
        "<P:KeyInfo><P:X509Data><P:X509Certificate>AAAA</P:X509Certificate></P:X509Data></P:KeyInfo>",
        BROKEN,
    ),
    "nine certificates": (
        "<P:KeyInfo><P:X509Data>"
        + "<P:X509Certificate>AAAA</P:X509Certificate>" * 9
        + "</P:X509Data></P:KeyInfo>",
        BROKEN,
    ),
    "nine certificates in nine places": (
        "<P:KeyInfo>"
        + "<P:X509Data><P:X509Certificate>AAAA</P:X509Certificate></P:X509Data>" * 9
        + "</P:KeyInfo>",
        BROKEN,
    ),
    "a certificate of 100,000 characters": (
        "<P:KeyInfo><P:X509Data><P:X509Certificate>"
        + "A" * 100_000
        + "</P:X509Certificate></P:X509Data></P:KeyInfo>",
        BROKEN,
    ),
}


def bare_key(workshop: Workshop) -> bytes:
    numbers = workshop.facility.certificate.public_key()
    assert isinstance(numbers, rsa.RSAPublicKey)
    modulus = base64.b64encode(numbers.public_numbers().n.to_bytes(256, "big")).decode()
    key_info = (
        "<P:KeyInfo><P:KeyValue><P:RSAKeyValue>"
        f"<P:Modulus>{modulus}</P:Modulus><P:Exponent>AQAB</P:Exponent></P:RSAKeyValue></P:KeyValue></P:KeyInfo>"
    )
    return sign_like(Recipe(key_info=key_info), workshop.facility)


def with_certificates(choose: Callable[[Workshop], tuple[x509.Certificate, ...]]) -> Make:
    return lambda workshop: sign_like(Recipe(certificates=choose(workshop)), workshop.facility)


def with_der(change: Callable[[bytes], bytes]) -> Make:
    """Change the octets of the right certificate."""

    def make(workshop: Workshop) -> bytes:
        der = workshop.facility.certificate.public_bytes(serialization.Encoding.DER)
        text = base64.b64encode(change(der)).decode()
        key_info = (
            f"<P:KeyInfo><P:X509Data><P:X509Certificate>{text}</P:X509Certificate></P:X509Data></P:KeyInfo>"
        )
        return sign_like(Recipe(key_info=key_info), workshop.facility)

    return make


def one_bit(der: bytes) -> bytes:
    """Change the last bit, which is the issuer's signature's."""
    return der[:-1] + bytes([der[-1] ^ 1])


def unused_bits(der: bytes) -> bytes:
    """Say that a bit of the issuer's signature is not used, which that signature does not cover."""
    at = len(der) - 257
    assert der[at] == 0
    return der[:at] + b"\1" + der[at + 1 :]


def ber_length(der: bytes) -> bytes:
    """Write the outermost length with one more octet than DER has."""
    assert der[:2] == b"\x30\x82"
    return b"\x30\x83\x00" + der[2:]


def pem(workshop: Workshop) -> bytes:
    text = workshop.facility.certificate.public_bytes(serialization.Encoding.PEM).decode()
    key_info = (
        f"<P:KeyInfo><P:X509Data><P:X509Certificate>{text}</P:X509Certificate></P:X509Data></P:KeyInfo>"
    )
    return sign_like(Recipe(key_info=key_info), workshop.facility)


def attacks() -> Iterator[Attack]:
    yield Attack("a bare KeyValue of the right key", bare_key, MISSING)
    for name, (key_info, reason) in KEY_INFOS.items():
        yield Attack(name, recipe(Recipe(key_info=key_info)), reason)
    yield Attack(
        "the certificate of another key",
        with_certificates(lambda workshop: (workshop.other_facility.certificate,)),
        Reason.SIGNATURE_VALUE_WRONG,
    )
    yield Attack(
        "the certificate of a key of another kind",
        with_certificates(lambda workshop: (workshop.ec_facility.certificate,)),
        Reason.SIGNATURE_KEY_MISMATCH,
    )
    yield Attack(
        "the certificates of the authorities alone",
        with_certificates(lambda workshop: (workshop.pki.issuing, workshop.pki.root)),
        (Reason.SIGNATURE_VALUE_WRONG, Reason.CERTIFICATE_IS_CA, Reason.CERTIFICATE_USAGE),
    )
    for name, change in {
        "octets after a certificate": lambda der: der + b"\0",
        "octets before a certificate": lambda der: b"\0" + der,
        "two certificates in one element": lambda der: der * 2,
        "half a certificate": lambda der: der[: len(der) // 2],
        "a certificate in BER": ber_length,
        "a certificate with other unused bits": unused_bits,
    }.items():
        yield Attack(name, with_der(change), BROKEN)
    yield Attack("a certificate changed by a bit", with_der(one_bit), Reason.CERTIFICATE_UNTRUSTED)
    yield Attack("a certificate in PEM", pem, BROKEN)
    yield Attack(
        "a comment in a certificate's place",
        lambda workshop: sign_like(
            Recipe(key_info=x509_data(workshop.facility.certificate, before="<!-- x -->")), workshop.facility
        ),
        MALFORMED,
    )


FAMILY = Family("Keys", tuple(attacks()))
