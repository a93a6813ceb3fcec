"""What a file is that was given as a key file and is none: most of them are a neighbour of the right one."""

import binascii
import codecs
from typing import Final

from cryptography import x509

from signing.errors import FileKind
from signing.extensions import UNREADABLE

# The first that is there counts: a private key is often followed by its certificate.
_PEM: Final = (
    (b"-----BEGIN OPENSSH PRIVATE KEY", FileKind.SSH_KEY),
    (b"PRIVATE KEY-----", FileKind.KEY),
    (b"-----BEGIN CERTIFICATE REQUEST", FileKind.REQUEST),
    (b"-----BEGIN NEW CERTIFICATE REQUEST", FileKind.REQUEST),
    (b"-----BEGIN PKCS7", FileKind.CERTIFICATES),
    (b"-----BEGIN CERTIFICATE", FileKind.CERTIFICATE),
    (b"PUBLIC KEY-----", FileKind.PUBLIC_KEY),
)
_SEQUENCE: Final = b"\x30"
_LONGEST_HEADER: Final = 24
# What the first octets hold: version 3 and a sequence; the OID of signed data.
_DER: Final = (
    (b"\x02\x01\x03\x30", FileKind.PKCS12),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", FileKind.CERTIFICATES),
)
_JAVA: Final = b"\xfe\xed\xfe\xed"


def read_marked(data: bytes) -> bytes:
    """Return a PEM file as it was before PowerShell wrote it in UTF-16; any other as it is."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        return data


def recognize_file(data: bytes) -> FileKind | None:
    """Say what a file is; None of one that is nothing known, or is damaged."""
    if not data.strip():
        return FileKind.EMPTY
    for mark, kind in _PEM:
        if mark in data:
            return kind
    if data.startswith(_JAVA):
        return FileKind.JAVA
    if data.startswith(_SEQUENCE):
        return _recognize_der(data)
    try:
        is_base64 = binascii.a2b_base64(b"".join(data.split()), strict_mode=True).startswith(_SEQUENCE)
    except binascii.Error:
        return None
    return FileKind.BASE64 if is_base64 else None


def _recognize_der(data: bytes) -> FileKind | None:
    for mark, kind in _DER:
        if mark in data[:_LONGEST_HEADER]:
            return kind
    try:
        x509.load_der_x509_certificate(data)
    except UNREADABLE:
        return None
    return FileKind.CERTIFICATE
