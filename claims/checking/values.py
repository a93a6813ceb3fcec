"""How a field's text reads as a number, a time, a day or a list. None: it is not one; the schema says so."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from claims.localtime import parse_day

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9]", re.ASCII)


# Values come again in the rows of their claim, hardly in another: more than a long stay has only fills up.
@lru_cache(maxsize=1024)
def read_number(text: str) -> Decimal | None:
    """Read digits with an optional decimal point."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def read_moment(text: str) -> str | None:
    """Read a real time, ``yyyyMMddHHmm``."""
    is_time = len(text) == len("yyyyMMddHHmm") and _TIME_OF_DAY.fullmatch(text, 8) and parse_day(text)
    return text if is_time else None


@lru_cache(maxsize=1024)
def read_day(text: str) -> str | None:
    """Read the real day that a date or a time begins with, ``yyyyMMdd``."""
    return text[:8] if parse_day(text) else None


def is_blank(text: str) -> bool:
    """Whether a value says nothing."""
    return not text.strip()


@lru_cache(maxsize=1024)
def split_items(text: str) -> tuple[str, ...]:
    """Split a value at its semicolons, without blanks around an item and without empty items."""
    return tuple(item for item in map(str.strip, text.split(";")) if item)
