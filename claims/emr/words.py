"""What reading an input has to say, for people: refusals and oddities by their codes."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

_ENGLISH: Final = "en"


def in_words(code: str, detail: str, language: str) -> str:
    """Say in one language (``vi`` or ``en``) what was refused or odd; the English detail has the facts."""
    said = None if language == _ENGLISH else load_words().get(code)
    return f"{said} ({detail})" if said else detail


@cache
def load_words() -> Mapping[str, str]:
    """Load the Vietnamese words, by code."""
    text = (resources.files(__package__ or "") / "words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
