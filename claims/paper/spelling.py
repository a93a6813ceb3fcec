"""Amounts in Vietnamese words, as a bill has them below its total."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES: Final = ("", "nghìn", "triệu")
_BILLION: Final = 1_000_000_000
_THOUSAND: Final = 1000
_ONE: Final = Decimal(1)


def spell_amount(amount: Decimal) -> str:
    """Return an amount of đồng in words, rounded to whole đồng: ``Mười hai triệu bốn trăm nghìn đồng``."""
    whole = int(abs(amount).quantize(_ONE, ROUND_HALF_UP))
    words = spell_number(whole)
    sign = "âm " if amount < 0 and whole else ""
    text = f"{sign}{words} đồng"
    return text[0].upper() + text[1:]


def spell_number(number: int) -> str:
    """Return a whole number of zero or more in words."""
    if number == 0:
        return _DIGITS[0]
    billions, rest = divmod(number, _BILLION)
    parts = [f"{spell_number(billions)} tỷ"] if billions else []
    groups = [rest // _THOUSAND**power % _THOUSAND for power in (2, 1, 0)]
    for power, group in zip((2, 1, 0), groups, strict=True):
        if group:
            # Behind something greater, every group is read with its hundreds.
            words = _spell_group(group, whole=bool(parts))
            parts.append(f"{words} {_SCALES[power]}".rstrip())
    return " ".join(parts)


def _spell_group(group: int, *, whole: bool) -> str:
    hundreds, rest = divmod(group, 100)
    tens, ones = divmod(rest, 10)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens == 0 and ones and words:
        words.append("lẻ")
    elif tens == 1:
        words.append("mười")
    elif tens > 1:
        words += [_DIGITS[tens], "mươi"]
    if ones:
        words.append(_spell_ones(tens, ones))
    return " ".join(words)


def _spell_ones(tens: int, ones: int) -> str:
    if ones == 1 and tens > 1:
        return "mốt"
    if ones == 5 and tens > 0:  # noqa: PLR2004 - five after a ten has a word of its own
        return "lăm"
    return _DIGITS[ones]
