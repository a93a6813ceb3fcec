"""What fits into the columns of the statement, told without setting it, and where else it may be broken.

A row whose height is known is set once; one whose height is not, is set twice, first to measure it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Widths of the columns, in millimetres, as `sheet.typ` sets them; the first one is what the page leaves.
WIDTHS_MM: Final = (87, 10, 11, 17, 17, 12, 20, 12, 20, 19, 18, 15, 17)
#: Of rows of sums, whose name goes over six columns.
SUM_WIDTHS_MM: Final = (sum(WIDTHS_MM[:6]), *WIDTHS_MM[6:])
#: Heights of the two rows above the columns, in points: what their words take in each language.
HEADER_HEIGHTS_PT: Final = {"vi": (10, 24), "en": (10, 17.5)}
#: What a label and its value have, two of them side by side.
FIELD_MM: Final = 130
_INSETS_MM: Final = 1.8
_EM_MM: Final = 8.5 * 25.4 / 72
#: What letters take at most, in tenths of an em, the bold ones among them (Libertinus Serif); a mark over
#: a letter takes no room, the horn of ơ and ư a little.
_TENTHS: Final = {
    letter: tenths
    for tenths, letters in (
        (0, "\u0300\u0301\u0302\u0303\u0306\u0309\u0323"),
        (1, "\u031b"),
        (3, " !',.:;|"),
        (4, '"()-/IJ[\\]`fijlt{}'),
        (5, "*?_cersz~"),
        (6, "#$+0123456789<=>FLS^abdgopquvxyđ–"),
        (7, "%BEPTYZhkn"),
        (8, "&ACDGKNOQRUVXwĐ"),
        (9, "HM"),
        (10, "@m"),
        (11, "W"),
    )
    for letter in letters
}
_BREAK: Final = "\N{ZERO WIDTH SPACE}"
#: No word has more letters: what has is broken behind some at a time, since each place costs as much as five
#: letters do.
_WORD: Final = 100
_AT_ONCE: Final = 8
_WIDEST_EM: Final = 1.1
#: A place to break beside the end of a line is a letter that no font has.
_WORDS: Final = re.compile(r"\S+")
_FIGURE: Final = re.compile(r"-?[0-9.]+(,[0-9]+)?")
#: What a letter that is not known here counts as.
_MORE_THAN_A_LINE: Final = 1_000.0
_AS_A_RULE: Final = 10
#: Longer texts are not remembered.
_SHORT: Final = 16


def takes_one_line(texts: Sequence[str], widths_mm: Sequence[float] = WIDTHS_MM) -> bool:
    """Whether these texts, one for each column, stand in their columns without a second line."""
    return all(
        width_em(text) * _EM_MM <= width - _INSETS_MM for text, width in zip(texts, widths_mm, strict=True)
    )


def breakable(text: str, width_mm: float) -> str:
    """Return a text with places to break words that are wider: they would run over other columns."""
    if width_em(text) * _EM_MM <= width_mm - _INSETS_MM:
        return text
    return _WORDS.sub(lambda word: _broken(word[0], width_mm), text)


def _broken(word: str, width_mm: float) -> str:
    # A letter that is not known is hardly the widest.
    width_em = sum(_TENTHS.get(letter, _AS_A_RULE) for letter in unicodedata.normalize("NFD", word)) / 10
    if width_em * _EM_MM <= width_mm - _INSETS_MM:
        return word
    if _FIGURE.fullmatch(word):
        return word.replace(".", f".{_BREAK}")
    letters: list[str] = []
    for each in word:
        # A mark stays with its letter.
        if unicodedata.combining(each) and letters:
            letters[-1] += each
        else:
            letters.append(each)
    most = int((width_mm - _INSETS_MM) / (_WIDEST_EM * _EM_MM))
    step = 1 if len(letters) <= _WORD else min(max(1, most), _AT_ONCE)
    return _BREAK.join("".join(letters[at : at + step]) for at in range(0, len(letters), step))


def width_em(text: str) -> float:
    """Return what a text is wide at most, in em; with a letter that is not known here, more than any line."""
    return _short_width_em(text) if len(text) <= _SHORT else _width_em(text)


def _width_em(text: str) -> float:
    try:
        return sum(map(_TENTHS.__getitem__, unicodedata.normalize("NFD", text))) / 10
    except KeyError:
        return _MORE_THAN_A_LINE


#: Most cells are figures, the same ones over and over.
_short_width_em: Final = lru_cache(maxsize=4_096)(_width_em)
