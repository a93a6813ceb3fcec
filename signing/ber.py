"""BER (X.690) made DER: programs in Java and NSS write lengths that are found at the end, strings in pieces.

Nobody reads the octets in two ways: what was BER is read as the DER that it is made, by the strict reader.
"""

from typing import Final

from signing.der import OCTET_STRING, NotDer, Reader, encode

_CONSTRUCTED: Final = 0x20
_LONG_TAG: Final = 0x1F
_INDEFINITE: Final = 0x80
_END: Final = b"\0\0"
# Key files have about ten values inside each other.
_MAX_DEPTH: Final = 32


def as_der(data: bytes) -> bytes:
    """Return a value with definite lengths in their shortest form, and its octet strings in one piece.

    Raises:
        NotDer: The octets are no value, or more than one.
    """
    value, end = _rewrite(data, 0, len(data), _MAX_DEPTH)
    if end != len(data):
        raise NotDer("something follows the last value")
    return value


def as_definite(data: bytes) -> bytes:
    """Return a value as it is; in DER if its length is found at its end.

    Raises:
        NotDer: It is such a one, and wrong.
    """
    return as_der(data) if data[1:2] == bytes((_INDEFINITE,)) else data


def _rewrite(data: bytes, at: int, limit: int, depth: int) -> tuple[bytes, int]:
    """Return the value that begins here, and where the next one does."""
    tag, start, end = _read_head(data, at, limit)
    if not tag & _CONSTRUCTED:
        if end is None:
            raise NotDer("a primitive value of no length")
        return encode(tag, data[start:end]), end
    if not depth:
        raise NotDer("values too deep inside each other")
    parts: list[bytes] = []
    at = start
    while at != end and not (end is None and data[at : at + 2] == _END):
        part, at = _rewrite(data, at, limit if end is None else end, depth - 1)
        parts.append(part)
    if end is None:
        at += len(_END)
    if tag == OCTET_STRING | _CONSTRUCTED:
        return encode(OCTET_STRING, *(Reader(part).take(OCTET_STRING) for part in parts)), at
    return encode(tag, *parts), at


def _read_head(data: bytes, at: int, limit: int) -> tuple[int, int, int | None]:
    """Return a value's tag, where its content begins and where it ends; None: at its end mark."""
    if at + 2 > limit or data[at] & _LONG_TAG == _LONG_TAG:
        raise NotDer("a tag of several octets, or no value")
    tag, length, start = data[at], data[at + 1], at + 2
    if length == _INDEFINITE:
        return tag, start, None
    if length > _INDEFINITE:
        octets = data[start : start + length - _INDEFINITE]
        start += length - _INDEFINITE
        length = int.from_bytes(octets, "big")
    if start + length > limit:
        raise NotDer("a value is longer than what holds it")
    return tag, start, start + length
