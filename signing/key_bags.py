"""The private keys of a PKCS#12 file (RFC 7292), all of them: the library gives the first one alone."""

from collections.abc import Iterator
from typing import Final

from signing.ber import as_der
from signing.der import INTEGER, OCTET_STRING, NotDer, Reader, context

_DATA: Final = "1.2.840.113549.1.7.1"
_KEY: Final = "1.2.840.113549.1.12.10.1.1"
_SHROUDED_KEY: Final = "1.2.840.113549.1.12.10.1.2"
_NESTED: Final = "1.2.840.113549.1.12.10.1.6"


def find_key_bags(data: bytes) -> list[bytes]:
    """Return the keys that can be seen without a passphrase, in PKCS#8, each encrypted or not.

    Programs encrypt each key and put it where anybody sees that it is there. Of a file that is written
    otherwise nothing is returned.
    """
    try:
        file = Reader.of(as_der(data))
        file.integer(INTEGER)
        safe = Reader.of(_read_data(file.inside()) or b"")
        return list(_find_keys(safe))
    except NotDer:
        return []


def _find_keys(safe: Reader) -> Iterator[bytes]:
    while safe.tag is not None:
        contents = _read_data(safe.inside())
        if contents is not None:
            yield from _find_keys_among(Reader.of(contents))


def _find_keys_among(bags: Reader) -> Iterator[bytes]:
    while bags.tag is not None:
        bag = bags.inside()
        kind = bag.object_identifier()
        if kind in {_KEY, _SHROUDED_KEY}:
            yield bag.take(context(0))
        elif kind == _NESTED:
            yield from _find_keys_among(bag.inside(context(0)).inside())


def _read_data(info: Reader) -> bytes | None:
    """Return what a ContentInfo holds in the open; None: it does not."""
    if info.object_identifier() != _DATA:
        return None
    # What is written as BER is so inside of its octet strings, too.
    return as_der(info.inside(context(0)).take(OCTET_STRING))
