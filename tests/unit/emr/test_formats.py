"""Which kind of input it is, and how its reading is told about a hospital's own words."""

import pytest

from claims.emr.errors import MalformedEncounter, MalformedOptions
from claims.emr.formats import ReadingOptions, parse_options, read_encounters
from claims.emr.recognizing import Format, detect_format, parse_document


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(b'{"schema": "encounter/1"}', Format.ENCOUNTER, id="document"),
        pytest.param(b'{"entry": [], "resourceType": "Bundle"}', Format.FHIR, id="bundle-marked-last"),
        pytest.param(b'\xef\xbb\xbf\r\n{"resourceType": "Bundle"}', Format.FHIR, id="byte-order-mark"),
        pytest.param(
            b'{"resourceType": "Patient"}\n{"resourceType": "Encounter"}\n', Format.FHIR, id="lines"
        ),
        pytest.param(b'[{"resourceType": "Patient"}]', Format.FHIR, id="list-of-resources"),
        pytest.param(b'{"resourceType": "Bundle", "entry": [', Format.FHIR, id="cut-bundle"),
        pytest.param(b"MSH|^~\\&|HIS", Format.HL7, id="message"),
        pytest.param(b"\x0bMSH|^~\\&|HIS", Format.HL7, id="framed-message"),
        pytest.param(b"\r\nFHS|^~\\&", Format.HL7, id="batch"),
        pytest.param(b"", Format.ENCOUNTER, id="nothing"),
        pytest.param(b"\xff\xfe\x00", Format.ENCOUNTER, id="not-text"),
    ],
)
def test_the_kind_is_told_by_a_look_at_the_input(data: bytes, kind: Format) -> None:
    assert detect_format(data) is kind


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b'{"resourceType": "Bundle", "type": "collection"}', "a-fhir-document", id="fhir"),
        pytest.param(b"MSH|^~\\&|HIS\r", "an-hl7-message", id="hl7"),
        pytest.param(b"\xef\xbb\xbf\n<GIAMDINHHS/>", "an-xml-document", id="xml"),
        pytest.param(b"{}", "missing-key", id="a-document-after-all"),
        pytest.param(b"%PDF-1.7", "not-json", id="something-else"),
    ],
)
def test_what_is_no_encounter_document_is_refused_by_its_name(data: bytes, code: str) -> None:
    with pytest.raises(MalformedEncounter) as refusal:
        parse_document(data)

    assert {one.code for one in refusal.value.problems} == {code}


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[1]", b"null"], ids=repr)
def test_what_cannot_be_read_is_refused_and_never_raises(kind: Format, data: bytes) -> None:
    read = read_encounters(data, kind, ReadingOptions())

    assert read.encounters == ()
    assert read.refused


def test_options_are_read_for_each_kind_and_a_facility_is_put_into_both() -> None:
    options = parse_options('[hl7]\ncharset = "cp1258"\n', facility="79999")

    assert options.hl7.charset == "cp1258"
    assert (options.fhir.facility, options.hl7.facility) == ("79999", "79999")


@pytest.mark.parametrize(
    "text",
    ["[csv]", "hl7 = 3", "x =", "[fhir]\nnothing = 1", "[hl7]\nnothing = 1", '[hl7]\ncharset = "none"'],
)
def test_options_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(MalformedOptions):
        parse_options(text)
