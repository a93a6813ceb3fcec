"""Signs whatever a template says, as a tool does that looks elements up by their Id and asks no questions.

So does an attacker who holds a valid key: what is refused is refused by a rule, and not for a wrong digest.
"""

import base64
import hashlib

from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, canonicalize, canonicalize_document, parse
from signing.covered import take_out
from signing.demo_pki import FacilityKey
from signing.policy import RSA_SHA256, SHA256, XMLDSIG
from tests.unit.signing.documents import DS, x509_data

ADJUSTMENTS = (
    b'<?xml version="1.0" encoding="utf-8"?>\n'
    b'<HOSO_DIEUCHINH_GD xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    b'  <TT_HOSO Id="HS-1"><MACSKCB>01001</MACSKCB><DSACH><MA_LK>A1</MA_LK></DSACH></TT_HOSO>\n'
    b"  <CHUKYDONVI/>\n"
    b"</HOSO_DIEUCHINH_GD>"
)
SIGNING_TIME = "<SigningTime>2026-06-01T14:59:00</SigningTime>"
PROPERTY = f'<SignatureProperty Target="#S" Id="SP">{SIGNING_TIME}</SignatureProperty>'
STATEMENT = f'<SignatureProperties xmlns="">{PROPERTY}</SignatureProperties>'
OBJECT = f'<Object Id="O">{STATEMENT}</Object>'


def reference(uri: str, transforms: str = "", *, attributes: str = "") -> str:
    """Return a Reference whose digest is filled in by :func:`forge`."""
    inside = f"<Transforms>{transforms}</Transforms>" if transforms else ""
    method = f'<DigestMethod Algorithm="{SHA256}"/>'
    return f'<Reference URI="{uri}"{attributes}>{inside}{method}<DigestValue/></Reference>'


STATEMENT_REFERENCE = reference("#O")
ELEMENT_REFERENCE = reference("#HS-1")


def template(
    references: str = STATEMENT_REFERENCE + ELEMENT_REFERENCE,
    objects: str = OBJECT,
    *,
    signature: str = 'Id="S"',
    c14n: str = C14N_1_0,
) -> str:
    """Return a signature over one element that lacks its digests, its value and its certificate."""
    return (
        f'<Signature xmlns="{XMLDSIG}" {signature}><SignedInfo><CanonicalizationMethod Algorithm="{c14n}"/>'
        f'<SignatureMethod Algorithm="{RSA_SHA256}"/>{references}</SignedInfo>'
        f"<SignatureValue/><KeyInfo/>{objects}</Signature>"
    )


def forge(key: FacilityKey, signature: str, document: bytes = ADJUSTMENTS) -> bytes:
    """Return the document with the signature in its container, complete."""
    placed = document.replace(b"<CHUKYDONVI/>", f"<CHUKYDONVI>{signature}</CHUKYDONVI>".encode())
    key_info = x509_data(key.certificate).replace("P:", "")
    root = parse(placed.replace(b"<KeyInfo/>", key_info.encode()))
    element = next(root.iter(f"{DS}Signature"))
    for each in element[0].iterfind(f"{DS}Reference"):
        value = each.find(f"{DS}DigestValue")
        if value is not None and not value.text:
            value.text = _base64(hashlib.sha256(_octets(root, each)).digest())
    method = element[0][0].get("Algorithm", "")
    element[1].text = _base64(key.signer.sign(canonicalize(element[0], method)))
    return etree.tostring(root.getroottree(), encoding="UTF-8")


def _octets(root: Element, each: Element) -> bytes:
    uri = each.get("URI", "")
    algorithms = [step.get("Algorithm", "") for step in each.iter(f"{DS}Transform")]
    # What is not known to us is left out, as if the transform changed nothing.
    c14n = C14N_EXCLUSIVE if C14N_EXCLUSIVE in algorithms else C14N_1_0
    if not uri:
        copy = parse(etree.tostring(root.getroottree(), encoding="UTF-8"))
        take_out(next(copy.iter(f"{DS}Signature")))
        return canonicalize_document(copy, c14n)
    found = [one for one in root.iter("*") if uri[1:] in (one.get("Id"), one.get("ID"), one.get("id"))]
    return canonicalize(found[0], c14n) if found else b""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
