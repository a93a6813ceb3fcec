"""A clause is said in Vietnamese to the last word."""

import re
import tomllib
from importlib import resources

import pytest

from claims.checking.clauses import in_languages
from claims.checking.rules.book import load_rules

CHECKING = resources.files("claims.checking")
FAMILIES = tomllib.loads((CHECKING / "families.toml").read_text("utf-8"))
PHRASES = tomllib.loads((CHECKING / "clauses.toml").read_text("utf-8"))
CLAUSES = sorted(
    {rule.clause for rule in load_rules().rules.values()}
    | {family["clause"] for family in FAMILIES.values() if "clause" in family}
)
#: Names that no language changes.
NAMES = {"KQNhanLichSuKCB", "Signature"}
WORD = re.compile(r"[^\W\d_]{2,}")
ENGLISH = {word for text in (*PHRASES, *CLAUSES) for word in WORD.findall(text) if not word.isupper()}
VIETNAMESE = {word for text in PHRASES.values() for word in WORD.findall(text)}


@pytest.mark.parametrize("clause", CLAUSES)
def test_no_english_word_is_left(clause: str) -> None:
    assert set(WORD.findall(in_languages(clause)["vi"])) & (ENGLISH - VIETNAMESE - NAMES) == set()


def test_every_phrase_is_used() -> None:
    assert [
        one for one in PHRASES if not any(re.search(rf"\b{re.escape(one)}\b", text) for text in CLAUSES)
    ] == []
