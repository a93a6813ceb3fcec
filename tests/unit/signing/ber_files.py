"""DER as other programs write it: with lengths that are found at the end, and strings in pieces."""

from signing.der import OCTET_STRING

CONSTRUCTED = 0x20
END = b"\0\0"


def as_ber(data: bytes, *, opens_strings: bool, piece: int = 100) -> bytes:
    """Return the values with indefinite lengths, all others in four octets, and long octet strings in pieces.

    With ``opens_strings`` those strings that hold values are written so inside, too.
    """
    written = b""
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(data[at + 2 : start])
        content, at = data[start : start + length], start + length
        if tag & CONSTRUCTED:
            written += bytes((tag, 0x80)) + as_ber(content, opens_strings=opens_strings, piece=piece) + END
        elif tag == OCTET_STRING and length > piece:
            if opens_strings and content.startswith(b"\x30\x82"):
                content = as_ber(content, opens_strings=True, piece=piece)
            pieces = (content[place : place + piece] for place in range(0, len(content), piece))
            cut = b"".join(bytes((OCTET_STRING, len(each))) + each for each in pieces)
            written += bytes((OCTET_STRING | CONSTRUCTED, 0x80)) + cut + END
        else:
            written += bytes((tag, 0x84)) + length.to_bytes(4) + content
    return written
