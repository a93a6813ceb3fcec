"""What reading an input has to say, for people: refusals and oddities by their codes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

_ENGLISH: Final = "en"


def in_words(code: str, detail: str, language: str) -> str:
    """Say in one language (``vi`` or ``en``) what was refused or odd; the English detail has the facts."""
    if language == _ENGLISH:
        return detail
    words = load_words()
    sentence, colon, facts = detail.partition(": ")
    if sentence in words.sentences:
        return f"{words.sentences[sentence]}{colon}{facts}"
    return words.sentences.get(detail) or (
        f"{words.codes[code]} ({detail})" if code in words.codes else detail
    )


@dataclass(frozen=True, slots=True)
class Words:
    """The Vietnamese words: of sentences without facts by the English ones, of all others by their codes."""

    sentences: Mapping[str, str]
    codes: Mapping[str, str]


@cache
def load_words() -> Words:
    """Load them."""
    text = (resources.files(__package__ or "") / "words.toml").read_text(encoding="utf-8")
    said = tomllib.loads(text)
    return Words(said.pop("sentences"), said)
