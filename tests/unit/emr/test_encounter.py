"""An encounter document becomes one exact value, or a list of all that is wrong with it."""

import json
from decimal import Decimal

import pytest

from claims.emr.encounter import Encounter, ServiceKind, Sex, parse_encounter, read_encounter
from claims.emr.errors import MalformedEncounter
from claims.emr.reading import read_json
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service, as_json


def parsed(document: Document) -> Encounter:
    return parse_encounter(as_json(document))


def problems(data: bytes | str) -> set[tuple[str, str]]:
    with pytest.raises(MalformedEncounter) as caught:
        parse_encounter(data)
    return {(problem.pointer, problem.code) for problem in caught.value.problems}


def test_a_document_becomes_typed_values() -> None:
    encounter = parsed(a_document(medications=[a_medicine()], services=[a_service()]))

    assert encounter.patient.sex is Sex.MALE
    assert encounter.services[0].kind is ServiceKind.EXAM
    assert encounter.medications[0].quantity == Decimal(20)
    assert encounter.coverage[0].valid_to == "20261231"


@pytest.mark.parametrize("written", ['"0.1"', "0.1", "0.10", '"0.1000"'])
def test_an_amount_is_exact_as_text_and_as_number(written: str) -> None:
    text = as_json(a_document(medications=[a_medicine(price="PRICE")])).decode()

    encounter = parse_encounter(text.replace('"PRICE"', written))

    assert encounter.medications[0].price == Decimal("0.1")


def test_a_number_with_more_digits_than_a_float_holds_stays_exact() -> None:
    text = as_json(a_document(medications=[a_medicine(price="PRICE")])).decode()

    encounter = parse_encounter(text.replace('"PRICE"', "123456789012345.123"))

    assert encounter.medications[0].price == Decimal("123456789012345.123")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param("1,5", "not-a-number", id="decimal-comma"),
        pytest.param("1.000.000", "not-a-number", id="thousands-mark"),
        pytest.param("1e3", "not-a-number", id="exponent"),
        pytest.param("-1", "negative", id="negative"),
        pytest.param("1.0001", "too-many-decimals", id="four-decimals"),
        pytest.param(True, "not-a-number", id="flag"),
        pytest.param("", "not-a-number", id="empty"),
        pytest.param("١٢", "not-a-number", id="other-digits"),
        pytest.param("NaN", "not-a-number", id="nan"),
    ],
)
def test_what_is_no_plain_number_is_refused(written: object, code: str) -> None:
    document = a_document(medications=[a_medicine(price=written)])

    assert problems(as_json(document)) == {("/medications/0/price", code)}


def test_a_json_number_in_exponent_form_is_refused() -> None:
    text = as_json(a_document(medications=[a_medicine(price="PRICE")])).decode()

    assert problems(text.replace('"PRICE"', "1e3")) == {("/medications/0/price", "not-a-number")}


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        pytest.param("2026-11-02T07:30", "202611020730", id="local"),
        pytest.param("2026-11-02T07:30:59", "202611020730", id="seconds"),
        pytest.param("2026-11-02T00:30:00Z", "202611020730", id="utc"),
        pytest.param("2026-11-01T23:30:00.5-01:00", "202611020730", id="offset-over-midnight"),
        pytest.param("202611020730", "202611020730", id="digits"),
        pytest.param("2026-11-02", "202611020000", id="date-alone"),
        pytest.param("20261102", "202611020000", id="eight-digits"),
        pytest.param("0012-11-02", "001211020000", id="an-early-year"),
        pytest.param("0012-11-02T07:30", "001211020730", id="an-early-year-with-a-clock"),
    ],
)
def test_a_time_is_moved_to_vietnam(written: str, moved: str) -> None:
    encounter = parsed(a_document(visit={"admitted": written}))

    assert encounter.encounter.admitted == moved


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30", "202613010000", "02/11/2026", "2026-11-02T25:00", "", "2026", 20261102,
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(written: object) -> None:
    (found,) = problems(as_json(a_document(visit={"admitted": written})))

    assert found[0] == "/encounter/admitted"


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        pytest.param("1980", "198000000000", id="year"),
        pytest.param("1980-05", "198005000000", id="month"),
        pytest.param("198000000000", "198000000000", id="year-padded"),
        pytest.param("198005000000", "198005000000", id="month-padded"),
        pytest.param("1980-05-06", "198005060000", id="day"),
        pytest.param("2026-10-30T04:05+07:00", "202610300405", id="minute"),
    ],
)
def test_a_birth_may_have_unknown_parts(written: str, digits: str) -> None:
    document = a_document()
    document["patient"]["birth"] = written

    assert parsed(document).patient.birth == digits


def test_every_problem_is_listed_with_its_place() -> None:
    document = a_document(services=[a_service(quantity="x", kind="massage")], facility=79999)
    document["patient"]["sexx"] = document["patient"].pop("sex")
    document["extra"] = {"xml2": {"0": {}}}

    assert problems(as_json(document)) == {
        ("/facility", "not-text"),
        ("/patient/sex", "missing-key"),
        ("/patient/sexx", "unknown-key"),
        ("/services/0/kind", "not-in-list"),
        ("/services/0/quantity", "not-a-number"),
        ("/extra/xml2/0", "not-a-code"),
    }


def test_what_is_possible_is_listed_where_something_else_is_said() -> None:
    document = a_document(services=[a_service(kind="massage")])
    document["patient"]["sex"] = "Nam"

    with pytest.raises(MalformedEncounter) as caught:
        parsed(document)

    said = {problem.pointer: problem.detail for problem in caught.value.problems}
    assert said["/patient/sex"] == "one of these is needed: male, female, other, unknown"
    assert "exam, test, imaging" in said["/services/0/kind"]


def test_of_very_many_problems_the_first_are_listed_and_the_others_counted() -> None:
    document = a_document()
    document["services"] = [{}] * 500

    with pytest.raises(MalformedEncounter) as caught:
        parsed(document)

    *listed, last = caught.value.problems
    assert len(listed) == 1_000
    assert (last.pointer, last.code) == ("", "more-problems")


def test_a_key_that_is_there_twice_is_refused() -> None:
    text = as_json(a_document()).decode().replace('"outcome": "2"', '"outcome": "1", "outcome": "2"')

    assert problems(text) == {("/encounter/outcome", "duplicate-key")}


def test_a_problem_never_repeats_what_the_document_holds() -> None:
    document = a_document(card={"card": "DN4 7900 0000"})
    document["patient"]["sex"] = "NGUYỄN VĂN BÍ MẬT"

    with pytest.raises(MalformedEncounter) as caught:
        parsed(document)

    assert "BÍ MẬT" not in str(caught.value)
    assert "7900" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "not-json", id="empty"),
        pytest.param(b"{", "not-json", id="cut-off"),
        pytest.param(b"[" * 200_000, "not-json", id="too-deep"),
        pytest.param(b"[" * 600 + b'"\\u0301"' + b"]" * 600, "not-json", id="deep-with-an-escape"),
        pytest.param(b'{"a": NaN}', "not-json", id="nan"),
        pytest.param(b'{"a": ' + b"1" * 5000 + b"}", "not-json", id="endless-number"),
        pytest.param('{"a": "é"}'.encode("latin-1"), "not-utf-8", id="latin-1"),
        pytest.param("{}".encode("utf-16"), "not-utf-8", id="utf-16"),
        pytest.param(b"PK\x03\x04\xff", "packed", id="zip"),
        pytest.param(b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>', "fhir-as-xml", id="fhir"),
        pytest.param(b'<?xml version="1.0"?>\n<GIAMDINHHS/>', "a-bundle", id="a-bundle"),
        pytest.param(b'<ADT_A01 xmlns="urn:hl7-org:v2xml"/>', "hl7-as-xml", id="hl7-xml"),
        pytest.param(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "a-cda-document", id="cda"),
        pytest.param(b"<CHECKIN/>", "not-json", id="other-xml"),
        pytest.param(b"[]", "not-an-object", id="a-list"),
        pytest.param(b"[{}, {}]", "several-documents", id="a-list-of-documents"),
        pytest.param(b"{}\n{}", "several-documents", id="a-document-a-line"),
        pytest.param(b'{"services": [' + b"{}," * 30_000 + b"{}]}", "too-large", id="too-many-objects"),
        pytest.param(b'{"services": [' + b"0," * 200_001 + b"0]}", "too-large", id="too-many-values"),
    ],
)
def test_what_is_no_json_object_in_utf_8_is_refused(data: bytes, code: str) -> None:
    assert problems(data) == {("", code)}


def test_utf_16_is_named() -> None:
    with pytest.raises(MalformedEncounter, match="it is UTF-16: save it as UTF-8"):
        parse_encounter("{}".encode("utf-16"))


def test_a_byte_order_mark_is_no_matter() -> None:
    assert parse_encounter(b"\xef\xbb\xbf" + as_json(a_document())).facility == "79999"


@pytest.mark.parametrize("as_escapes", [False, True], ids=["plain", "escaped"])
def test_decomposed_letters_are_composed(as_escapes: bool) -> None:
    document = a_document()
    document["patient"]["name"] = "NGUYE\u0302\u0303N"

    encounter = parse_encounter(json.dumps(document, ensure_ascii=as_escapes))

    assert encounter.patient.name == "NGUY\u1ec4N"


@pytest.mark.parametrize("character", list("\x00\b\x0b\f\x1f\x7f\x85\ud800\uffff"))
def test_a_character_that_xml_cannot_hold_is_refused(character: str) -> None:
    document = a_document(visit={"reason": f"đau{character}đầu"})

    assert problems(json.dumps(document)) == {("/encounter/reason", "control-character")}


def test_a_text_means_the_same_whichever_of_its_characters_are_escaped() -> None:
    different = []
    for code_point in (*range(0xD800), *range(0xE000, 0x10000), 0x1F600):
        text = json.dumps(f"e{chr(code_point)}"), json.dumps(f"e{chr(code_point)}", ensure_ascii=False)
        if len(set(map(_read_or_refused, text))) > 1:
            different.append(code_point)

    assert not different


def _read_or_refused(text: str) -> object:
    try:
        return read_json(text)
    except MalformedEncounter as error:
        return error.problems


def test_line_ends_in_a_text_are_kept() -> None:
    assert parsed(a_document(visit={"reason": "đau\n\tđầu"})).encounter.reason == "đau\n\tđầu"


def test_a_null_stands_for_the_default() -> None:
    encounter = parsed(a_document(medications=[a_medicine(scope=None, other_sources=None)], notes=None))

    assert encounter.medications[0].scope == "1"
    assert encounter.notes == ()


def test_a_null_does_not_hide_a_misspelling_nor_a_missing_key() -> None:
    document = a_document(visit={"discharge": None, "record_no": None})

    assert problems(as_json(document)) == {
        ("/encounter/discharge", "unknown-key"),
        ("/encounter/record_no", "missing-key"),
    }


def test_a_mapping_is_read_as_the_same_value() -> None:
    document = a_document()

    assert read_encounter(document) == parsed(document)
