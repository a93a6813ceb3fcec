"""Findings read as sentences in both languages."""

import pytest

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.messages import LANGUAGES, describe, describe_code
from xsd.catalog import default_catalog

WRITTEN = sorted(
    {field.kind for schema in default_catalog().schemas for field in schema.fields} - {"text", "list"}
)


def malformed(kind: str) -> Finding:
    location = Location(table=TableKind.XML1, field="NGAY_RA")
    return Finding("XML1.NGAY_RA.format", Severity.ERROR, location, (("kind", kind),))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", WRITTEN)
def test_a_malformed_value_is_told_how_its_kind_is_written(kind: str, language: str) -> None:
    assert not describe(malformed(kind), language).endswith(f" {kind}.")


def test_the_form_is_said_in_the_language_of_the_sentence() -> None:
    assert describe(malformed("datetime"), "vi").endswith("phải là thời điểm gồm 12 chữ số: yyyyMMddHHmm.")
    assert describe(malformed("datetime"), "en").endswith("needed is a time of 12 digits: yyyyMMddHHmm.")


def test_a_kind_of_a_later_decision_is_called_by_its_name() -> None:
    assert describe(malformed("roman"), "en").endswith("needed is roman.")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("XML1.NGAY_RA.length", "NGAY_RA (End of episode): … characters long; at most … are allowed."),
        ("ENV.NGAYLAP.required", "NGAYLAP (Date the bundle was made): a value is required."),
        ("XML2.ORDER", "Table XML2: fields are not in the Decision's order (… rows)."),
        ("ENV.COUNT", "SOLUONGHOSO says …, but the file has … claims; the file may be truncated."),
    ],
)
def test_a_code_is_described_without_what_differs_from_one_finding_to_the_next(
    code: str, sentence: str
) -> None:
    assert describe_code(code, "en") == sentence


@pytest.mark.parametrize(
    ("location", "begins"),
    [
        (Location(table=TableKind.XML1, field="MA_THE_BHYT"), "MA_THE_BHYT (Mã thẻ BHYT): "),
        (Location(table=TableKind.XML1), "XML1: "),
        (Location(), ""),
    ],
    ids=["a-field", "a-table", "neither"],
)
def test_a_sentence_begins_with_what_it_is_about(location: Location, begins: str) -> None:
    found = describe(Finding("BUILD.no-card", Severity.WARNING, location), "vi")

    assert found == f"{begins}đợt điều trị bảo hiểm cần có thẻ bảo hiểm y tế."
