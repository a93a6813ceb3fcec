"""Every word of the pages exists in both languages, once, with the same facts in it."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest

import claims
from claims.console.wording import LANGUAGES, read_parts, words


@pytest.mark.parametrize("part", sorted(read_parts()))
def test_a_part_has_the_same_words_in_both_languages(part: str) -> None:
    languages = read_parts()[part]

    assert set(languages) == set(LANGUAGES)
    assert languages["vi"].keys() == languages["en"].keys()


def test_no_word_is_said_by_two_parts() -> None:
    counts = Counter(key for part in read_parts().values() for key in part["vi"])

    assert [key for key, count in counts.items() if count > 1] == []


def test_a_sentence_asks_for_the_same_facts_in_both_languages() -> None:
    def asked(key: str, language: str) -> list[str]:
        parts = string.Formatter().parse(words(language)[key])
        return sorted(name for _, name, _, _ in parts if name is not None)

    keys = words("vi").entries

    assert [key for key in keys if asked(key, "vi") != asked(key, "en")] == []
    assert [key for key in keys if not all(words(language)[key].strip() for language in LANGUAGES)] == []


def test_whatever_is_noted_as_read_has_a_name_in_both_languages() -> None:
    sources = [path.read_text("utf-8") for path in Path(claims.__file__).parent.rglob("*.py")]
    noted = {name for text in sources for name in re.findall(r"note_reading\([^\"()]*\"([a-z_]+)\"", text)}

    assert noted >= {"archive", "assessment", "findings", "paper"}
    for language in ("vi", "en"):
        assert [name for name in sorted(noted) if f"page_{name}" not in words(language)] == []


def test_whatever_makes_an_encounter_unfit_is_said_in_both_languages() -> None:
    root = Path(claims.__file__).parent
    sources = [path.read_text("utf-8") for part in ("emr", "building") for path in (root / part).glob("*.py")]
    place = r"(?:[^()\"]|f?\"(?:/[^\"]*)?\"|\([^()]*\))*?"
    made = rf"(?:Reason|Problem|_malformed|_reason)\({place}\"([a-z]+(?:-[a-z0-9]+)+)\""
    listed = r"(?::| =) \(?\"([a-z]+(?:-[a-z0-9]+)+)\",? "
    codes = {code for text in sources for code in (*re.findall(made, text), *re.findall(listed, text))}

    assert codes >= {"unknown-key", "not-json", "still-open", "no-price", "several-in-list"}
    assert codes >= {"a-fhir-document", "an-hl7-message", "an-xml-document"}
    for language in LANGUAGES:
        known = words(language)
        assert [one for one in sorted(codes) if f"unfit_{one.replace('-', '_')}" not in known] == []


@pytest.mark.parametrize(
    ("count", "text"),
    [("0", "0 claims"), ("1", "1 claim"), ("2", "2 claims"), ("21", "21 claims"), ("1.000", "1.000 claims")],
)
def test_one_thing_is_not_several(count: str, text: str) -> None:
    assert words("en").fill("found", count=count) == text


def test_each_number_of_a_sentence_has_its_own_ending() -> None:
    said = words("en").fill("op_failures_of", number="12", groups="1")

    assert said == "12 submissions, 1 cause"


def test_no_ending_is_left_open() -> None:
    left = [key for key in words("en").entries if "[" in words("en").entries[key].replace("[s]", "")]

    assert left == []
