"""Searching without diacritics: "dang quynh" finds "Đặng Quỳnh", however its letters are composed."""

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[0-9a-z]+")
MOST_WORDS: Final = 8


def fold(text: str) -> str:
    """Return a text in lower case without diacritics.

    ``đ`` is a letter of its own and does not decompose, so it is replaced by hand.
    """
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def folded_words(*texts: str) -> tuple[str, ...]:
    """Return the distinct folded words of texts, in their order."""
    return tuple(dict.fromkeys(word for text in texts for word in _WORD.findall(fold(text))))


def wanted_words(query: str) -> tuple[str, ...]:
    """Return what somebody typed as beginnings of words, a few at most."""
    return folded_words(query)[:MOST_WORDS]
