"""Clauses in Vietnamese: where a rule is written, phrase by phrase.

Rules name their source in English with the numbers of Decisions, articles and fields as they are; the phrases
around these are few, and ``clauses.toml`` has each of them in Vietnamese. What a hospital's own rules say of
their source is the hospital's, and stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from claims.bundle.messages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def in_languages(clause: str) -> Mapping[str, str]:
    """Return a clause in each language."""
    pattern, phrases = _phrases()
    vietnamese = pattern.sub(lambda found: phrases[found[0]], clause)
    return dict(zip(LANGUAGES, (vietnamese, clause), strict=True))


@cache
def _phrases() -> tuple[re.Pattern[str], Mapping[str, str]]:
    text = (resources.files(__package__ or "") / "clauses.toml").read_text(encoding="utf-8")
    phrases = tomllib.loads(text)
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(one)}\b" for one in longest_first)), phrases
