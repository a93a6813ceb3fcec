"""What data seem to be instead of what they should be: told to whoever sent them.

Data that are no XML are told by how they begin; documents that are no bundle by their root, or by the bundle
that is inside; what is no base64 by the base64 that it nearly is.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

import pybase64

from claims.bundle.notation import BOM
from xsd.scan import local_name

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_STARTS: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!\x1a", "rar"),
    (b"7z\xbc\xaf", "7z"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0", "office"),
)
_TEXT_STARTS: Final = ((b"{", "json"), (b"[", "json"), (b"MSH|", "hl7"))
# A form of HTML's: what curl -F and pages send, the bundle being one field of it.
_FORM: Final = re.compile(rb"--[^\r\n]{1,70}\r?\nContent-Disposition: *form-data", re.IGNORECASE)
_FORM_IN_A_LINE: Final = re.compile(rb"[\w.-]{1,64}=%3C", re.ASCII | re.IGNORECASE)
_LOOKED_AT: Final = 4096
_SOAP: Final = (
    "{http://schemas.xmlsoap.org/soap/envelope/}Envelope",
    "{http://www.w3.org/2003/05/soap-envelope}Envelope",
)
_FHIR: Final = "{http://hl7.org/fhir}"
_BUNDLE: Final = "GIAMDINHHS"
_DATA_URI: Final = re.compile(r"\s*data:[^,]{0,200},", re.IGNORECASE)
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4}){8,}")


def recognize_content(data: bytes) -> str | None:
    """Recognize archives, PDF, JSON, HL7 v2, forms, and base64 within base64; None for anything else."""
    start = data[:_LOOKED_AT].removeprefix(BOM).lstrip()
    for mark, content in (*_STARTS, *_TEXT_STARTS):
        if start.startswith(mark):
            return content
    if _FORM.match(start) or _FORM_IN_A_LINE.match(start):
        return "web_form"
    whole = _BASE64.match(b"".join(start.split()))
    if whole is None:
        return None
    inner = pybase64.b64decode(whole[0]).removeprefix(BOM).lstrip()
    return "base64" if inner.startswith(b"<") else None


def recognize_document(root: Element) -> str | None:
    """Recognize a message of SOAP, a page, FHIR, a bundle in small letters or inside of something else."""
    name = str(root.tag)
    if name in _SOAP:
        return "soap"
    if name.startswith(_FHIR):
        return "fhir"
    local = local_name(name)
    if local.lower() == "html":
        return "html"
    if local.upper() == _BUNDLE:
        return None if local == _BUNDLE else "small_letters"
    return "wrapped" if next(root.iter(f"{{*}}{_BUNDLE}"), None) is not None else None


def recognize_encoding(text: str) -> str | None:
    """Recognize what text that is no base64 nearly is: a data URI, or the base64 of addresses."""
    if _DATA_URI.match(text):
        return "data_uri"
    compact = "".join(text.split()).rstrip("=")
    padded = (compact + "=" * (-len(compact) % 4)).replace("-", "+").replace("_", "/")
    try:
        pybase64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return "base64url" if "-" in compact or "_" in compact else "unpadded"
