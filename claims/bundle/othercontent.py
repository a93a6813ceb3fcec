"""What data that are no XML seem to be instead: told by how they begin, to say to whoever sent them."""

from __future__ import annotations

import re
from typing import Final

import pybase64

from claims.bundle.notation import BOM

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
_LOOKED_AT: Final = 4096
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4}){8,}")


def recognize_content(data: bytes) -> str | None:
    """Recognize archives, PDF, JSON, HL7 v2, and base64 within base64; None for anything else."""
    start = data[:_LOOKED_AT].removeprefix(BOM).lstrip()
    for mark, content in (*_STARTS, *_TEXT_STARTS):
        if start.startswith(mark):
            return content
    whole = _BASE64.match(b"".join(start.split()))
    if whole is None:
        return None
    inner = pybase64.b64decode(whole[0]).removeprefix(BOM).lstrip()
    return "base64" if inner.startswith(b"<") else None
