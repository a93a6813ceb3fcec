"""Every code has a sentence in Vietnamese and in English."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

import claims
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.messages import LANGUAGES, describe, describe_code, find_message, load_messages
from claims.checking.explaining import explain
from claims.checking.rules.book import load_rules
from claims.checking.signatures import find_code
from claims.gateway.protocol import RESULT_CODES
from signing.verdict import Reason
from xsd.catalog import FaultKind

SOURCES = [
    path
    for folder in ("bundle", "checking", "building", "exchange")
    for path in sorted((Path(claims.__file__).parent / folder).rglob("*.py"))
]
CODE = re.compile(r'"((?:ENV|ALL|SIGNATURE|CERTIFICATE|VERSION|XML\d+)\.[A-Z0-9_]+(?:\.[A-Za-z]+)?)"')
WORD = re.compile(r'"(?:BUILD\.)?([a-z]+(?:-[a-z]+)+)"')  # codes of reasons not to build
TEXTS = [path.read_text("utf-8") for path in SOURCES]
USED = sorted({code for text in TEXTS for code in CODE.findall(text)})
BUILT = {f"BUILD.{word}" for text in TEXTS for word in WORD.findall(text)}
RULES = load_rules().rules


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("1", "MA_MAY: the element is left out in 1 row; it"),
        ("2", "MA_MAY: the element is left out in 2 rows; it"),
    ],
)
def test_english_counts_one_row_and_two_rows(rows: str, says: str) -> None:
    finding = Finding("XML3.MA_MAY.absent", Severity.INFO, Location(field="MA_MAY"), (("rows", rows),))

    assert describe(finding, "en").startswith(says)


def test_a_sentence_without_its_facts_counts_many() -> None:
    assert describe_code("XML3.MA_MAY.absent", "en").partition("left out in ")[2].startswith("… rows;")
    explained = explain("XML3.MA_MAY.absent")
    assert explained is not None
    assert "{rows} rows" in explained.sentences["en"]


def test_no_sentence_leaves_the_number_open() -> None:
    messages = load_messages()

    assert [code for code in messages if "(s)" in messages[code]["en"]] == []
    assert [code for code in messages if re.search(r"\{[^}]*:[^}]*\}", messages[code]["vi"])] == []


def test_codes_are_found_in_the_sources() -> None:
    assert {"ENV.COUNT", "ENV.CHUKYDONVI.format", "ALL.MA_LK_MATCH", "SIGNATURE.FACILITY"} <= set(USED)


def lacking_a_sentence(codes: Iterable[str]) -> list[str]:
    return [code for code in codes if not set(find_message(code)) >= set(LANGUAGES)]


def test_every_code_in_the_sources_has_both_sentences() -> None:
    assert lacking_a_sentence(USED) == []


def test_every_rule_has_both_sentences() -> None:
    assert lacking_a_sentence(code for code, rule in RULES.items() if not rule.found_as) == []


def test_every_reason_of_the_verifier_has_both_sentences() -> None:
    assert lacking_a_sentence(map(find_code, Reason)) == []
    assert [reason for reason in Reason if explain(reason.value.upper()) is None] == []


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_of_a_schema_has_both_sentences(kind: FaultKind) -> None:
    family = {
        FaultKind.ORDER: "XML2.ORDER",
        FaultKind.MISSING: "XML2.STRUCTURE",
        FaultKind.UNEXPECTED: "XML2.STRUCTURE",
    }

    assert set(find_message(family.get(kind, f"XML2.SO_LUONG.{kind}"))) >= set(LANGUAGES)


def test_both_sentences_of_a_code_use_the_same_facts() -> None:
    def facts(code: str, language: str) -> set[str]:
        return set(re.findall(r"\{(\w+)[:}]", load_messages()[code][language]))

    different = [code for code in load_messages() if facts(code, "vi") != facts(code, "en")]

    assert [code for code in different if (facts(code, "vi"), facts(code, "en")) != ({"vi"}, {"en"})] == []


def test_a_code_has_the_next_step_in_both_languages_or_in_none() -> None:
    complete = ({"vi", "en"}, {"vi", "en", "next_vi", "next_en"})

    assert [code for code, said in load_messages().items() if set(said) not in complete] == []


def test_no_sentence_is_left_over() -> None:
    families = {
        "required", "length", "format", "duplicate", "unknown", "absent", "code", "ORDER", "STRUCTURE",
        "NO_ROWS",
        "leading_zero", "unseen", "null", "PAPER_LEFT_OUT", "FIELDS_LEFT_OUT", "called_for", "many_days",
        "other_day", "same_day", "CARD.LOOKUP_OK.failed", "OWN.*", "OWN.*.failed",
    }  # fmt: skip
    reasons = {reason.value.upper() for reason in Reason}
    refused = {"ENV.XML0_REFUSED", "ENV.XML12_REFUSED"}  # made from the table's name

    later = {f"GATEWAY.{code}" for code in (*RESULT_CODES, "OTHER")}
    codes = {*USED, *RULES, *reasons, *refused, *BUILT, *later}

    left = [one for one in load_messages() if one not in codes and one.removeprefix("*.") not in families]

    assert left == []


def test_a_sentence_names_the_field_with_its_label() -> None:
    finding = Finding(
        "XML2.SO_LUONG.length",
        Severity.ERROR,
        Location(table="XML2", field="SO_LUONG"),
        (("max", "10"), ("length", "12")),
    )

    assert describe(finding, "en") == "SO_LUONG (Quantity): 12 characters long; at most 10 are allowed."
    assert describe(finding, "vi") == "SO_LUONG (Số lượng): dài 12 ký tự, tối đa 10."


def test_a_fact_that_a_finding_lacks_is_a_dash() -> None:
    assert "–" in describe(Finding("ENV.COUNT", Severity.ERROR), "en")


def test_braces_in_a_fact_are_only_text() -> None:
    finding = Finding("ENV.KNOWN_TABLE", Severity.ERROR, params=(("value", "{field.__class__}"),))

    assert "{field.__class__}" in describe(finding, "en")


def test_a_code_without_a_sentence_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        describe(Finding("NO.SUCH_CODE", Severity.INFO), "en")
