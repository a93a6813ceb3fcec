"""The blind index of insured persons: numbers as digests that only the key's holder can make and compare."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from claims.checking.tables import CheckedClaim

#: Fields of XML1 that say who a patient is, the surest first.
PERSON_FIELDS: Final = ("MA_BHXH_BN", "MA_THE_BHYT", "SO_CCCD")
_BYTES: Final = 16
_MOST_CARDS: Final = 5


def blind_person(key: bytes, field: str, number: str) -> bytes:
    """Return a number as its digest."""
    return hmac.digest(key, f"{field}:{number}".encode(), "sha256")[:_BYTES]


def blind_all(key: bytes, number: str) -> tuple[bytes, ...]:
    """Return the digests under which a number may be found, whichever kind of number it is."""
    return tuple(blind_person(key, field, number.strip().upper()) for field in PERSON_FIELDS)


def persons_of(claim: CheckedClaim, key: bytes) -> tuple[bytes, ...]:
    """Return the digests of the numbers in a claim, the surest first; a stay may have had several cards."""
    row = claim.summary_row
    if row is None:
        return ()
    numbers = (
        (field, text.strip().upper())
        for field in PERSON_FIELDS
        for text in row[field].split(";")[:_MOST_CARDS]
    )
    return tuple(dict.fromkeys(blind_person(key, field, text) for field, text in numbers if text))
