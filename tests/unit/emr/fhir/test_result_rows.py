"""Which results and notes become rows of XML4 and XML5, and what they hold."""

from base64 import b64encode
from typing import Any

import pytest

from tests.unit.emr.fhir.bundles import (
    LOINC,
    a,
    a_procedure,
    a_report,
    an_observation,
    an_order,
    codes,
    concept,
    read,
    read_one,
    ref,
)

_NUMBER: dict[str, Any] = {"valueQuantity": {"value": 5.6, "unit": "mmol/L"}}


def _part(code: str, **value: Any) -> dict[str, Any]:
    return {"code": concept(LOINC, code), **value}


def test_every_laboratory_observation_is_a_row() -> None:
    assert codes(an_observation("o1", **_NUMBER), an_observation("o2"), what="results") == [
        "Observation/o1",
        "Observation/o2",
    ]


def test_a_result_that_is_not_final_is_taken_and_told() -> None:
    done = read(an_observation(status="preliminary", valueString="x"), an_observation("o2", valueString="y"))

    assert [one.value for one in done.encounters[0].results] == ["x", "y"]
    assert [(one.pointer, one.code) for one in done.oddities] == [("/entry/2/resource", "preliminary-result")]


@pytest.mark.parametrize("category", ["vital-signs", "social-history", "survey", "exam", "imaging", None])
def test_other_observations_make_no_row(category: str | None) -> None:
    assert codes(an_observation(category=category, **_NUMBER), what="results") == []


@pytest.mark.parametrize("category", ["exam", "procedure", None])
def test_what_a_laboratory_report_names_as_a_result_is_a_row(category: str | None) -> None:
    report = a_report(result=[ref("Observation/o1")])

    assert codes(an_observation(category=category, **_NUMBER), report, what="results") == ["Observation/o1"]


@pytest.mark.parametrize("category", ["vital-signs", "social-history", "survey"])
def test_a_vital_sign_is_no_row_even_in_a_laboratory_report(category: str) -> None:
    report = a_report(result=[ref("Observation/o1")])

    assert codes(an_observation(category=category, **_NUMBER), report, what="results") == []


def test_a_result_of_another_report_is_no_row() -> None:
    report = a_report(category="RAD", result=[ref("Observation/o1")])

    assert codes(an_observation(category=None, **_NUMBER), report, what="results") == ["DiagnosticReport/r1"]


def test_a_panel_makes_no_row_and_its_members_do() -> None:
    panel = an_observation("o0", hasMember=[ref("Observation/o1"), ref("Observation/o2")])
    rows = codes(panel, an_observation("o1", **_NUMBER), an_observation("o2", **_NUMBER), what="results")

    assert rows == ["Observation/o1", "Observation/o2"]


def test_a_panel_with_a_value_of_its_own_is_a_row() -> None:
    panel = an_observation("o0", hasMember=[ref("Observation/o1")], valueString="bình thường")

    assert codes(panel, an_observation("o1"), what="results") == ["Observation/o0", "Observation/o1"]


def test_members_of_a_reported_panel_are_rows_without_a_category_of_their_own() -> None:
    report = a_report(result=[ref("Observation/o0")])
    panel = an_observation("o0", category=None, hasMember=[ref("Observation/o1")])

    assert codes(report, panel, an_observation("o1", category=None, **_NUMBER), what="results") == [
        "Observation/o1"
    ]


def test_components_are_rows_when_the_observation_has_no_value() -> None:
    parts = [_part("1", **_NUMBER), _part("2"), _part("3", valueString="âm tính")]

    results = read_one(an_observation(component=parts)).results

    assert [(one.index, one.value) for one in results] == [("1", "5.6"), ("3", "âm tính")]


def test_components_are_no_rows_when_the_observation_has_a_value() -> None:
    results = read_one(an_observation(component=[_part("1", **_NUMBER)], valueString="tổng hợp")).results

    assert [one.value for one in results] == ["tổng hợp"]


@pytest.mark.parametrize("category", ["RAD", "CT", "NMR", "RUS", "EC", "LP29684-5"])
def test_a_report_of_images_or_functions_is_a_row(category: str) -> None:
    assert codes(a_report(category=category), what="results") == ["DiagnosticReport/r1"]


def test_a_laboratory_report_itself_is_no_row() -> None:
    assert codes(a_report(), what="results") == []


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "unknown"])
def test_results_that_never_were_make_no_row(status: str) -> None:
    assert codes(an_observation(status=status), a_report(category="RAD", status=status), what="results") == []


@pytest.mark.parametrize(
    ("value", "text", "unit"),
    [
        pytest.param({"valueQuantity": {"value": 5.6, "unit": "mmol/L"}}, "5.6", "mmol/L", id="quantity"),
        pytest.param({"valueQuantity": {"value": 2, "comparator": "<", "code": "g"}}, "<2", "g", id="below"),
        pytest.param({"valueString": "vết"}, "vết", None, id="text"),
        pytest.param({"valueCodeableConcept": {"text": "Âm tính"}}, "Âm tính", None, id="concept"),
        pytest.param({"valueBoolean": False}, "false", None, id="flag"),
        pytest.param({"valueInteger": 7}, "7", None, id="integer"),
        pytest.param(
            {"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "x"}}}, "1 - 2", "x", id="range"
        ),
        pytest.param(
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 64}}},
            "1:64",
            None,
            id="titer",
        ),
    ],
)
def test_a_value_of_any_kind_becomes_text(value: dict[str, Any], text: str, unit: str | None) -> None:
    (result,) = read_one(an_observation(**value)).results

    assert (result.value, result.unit) == (text, unit)


def test_a_curve_is_a_row_without_a_value() -> None:
    curve = {"origin": {"value": 2048}, "period": 10, "dimensions": 1, "data": "2041 2043"}

    done = read(an_observation(valueSampledData=curve))

    assert done.refused == ()
    assert [one.value for one in done.encounters[0].results] == [None]


def test_the_zeros_that_say_how_exact_a_value_is_stay() -> None:
    from claims.emr.fhir.reading import read_fhir

    data = (
        b'[{"resourceType":"Encounter","id":"e"},{"resourceType":"Observation","id":"o","valueQuantity":{"value":5.60},'
        b'"category":[{"coding":[{"code":"laboratory"}]}]}]'
    )

    assert read_fhir(data).encounters[0].results[0].value == "5.60"


def test_a_result_belongs_to_the_order_of_its_own_or_of_its_report() -> None:
    answers: dict[str, Any] = {"basedOn": [ref("ServiceRequest/s1")]}
    encounter = read_one(
        an_order(),
        an_observation("o1", **answers, **_NUMBER),
        an_observation("o2", **_NUMBER),
        a_report(
            result=[ref("Observation/o2")],
            **answers,
            issued="2026-11-02T09:00:00+07:00",
            resultsInterpreter=[{"identifier": {"system": "urn:ehoso:practitioner", "value": "0009"}}],
        ),
    )

    first, second = encounter.results
    assert first.order_id == second.order_id == encounter.services[0].order_id
    assert (second.at, second.reader) == ("202611020900", "0009")


def test_a_result_of_an_order_that_was_done_joins_the_row_of_the_procedure() -> None:
    encounter = read_one(
        an_order(),
        a_procedure(basedOn=[ref("ServiceRequest/s1")]),
        an_observation("o1", basedOn=[ref("ServiceRequest/s1")]),
        an_observation("o2", partOf=[ref("Procedure/pr1")]),
    )

    (service,) = encounter.services
    assert {result.order_id for result in encounter.results} == {service.order_id}


def test_a_result_without_an_order_names_its_panel_as_the_service() -> None:
    report = a_report(code=concept(LOINC, "51990-0", "Basic metabolic panel"), result=[ref("Observation/o1")])

    (result,) = read_one(report, an_observation(**_NUMBER)).results

    assert [one.code for one in result.codings["service"]] == ["51990-0"]
    assert [one.code for one in result.codings["index"]] == ["2339-0"]


def test_a_report_of_images_says_what_was_seen_and_concluded() -> None:
    form = {"contentType": "text/plain; charset=utf-8", "data": b64encode("Phổi sáng".encode()).decode()}

    (result,) = read_one(a_report(category="RAD", presentedForm=[form], conclusion="Bình thường")).results

    assert (result.description, result.conclusion) == ("Phổi sáng", "Bình thường")


def test_a_narrative_loses_its_markup() -> None:
    text = {
        "div": "<div xmlns='http://www.w3.org/1999/xhtml'><p>Gan &lt; 10 cm</p><p>Lách <b>to</b></p></div>"
    }

    (result,) = read_one(a_report(category="RAD", text=text)).results

    assert result.description == "Gan < 10 cm\nLách to"


# --- notes -------------------------------------------------------------------------------------


def _document(known: str, text: str | None, code: str = "34117-2", **attachment: str) -> dict[str, Any]:
    content = {"contentType": "text/plain", **attachment}
    if text is not None:
        content["data"] = b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": known,
        "status": "current",
        "type": concept(LOINC, code),
        "content": [{"attachment": content}],
        "context": {"encounter": [ref("Encounter/e1")]},
        "date": "2026-11-02T09:00:00+07:00",
    }


def test_impressions_come_before_other_notes() -> None:
    notes = read_one(
        _document("n1", "Tỉnh, tiếp xúc tốt"),
        a("ClinicalImpression", "i1", description="Đỡ mệt", date="2026-11-02"),
    ).notes

    assert [(one.text, one.at) for one in notes] == [
        ("Đỡ mệt", "202611020000"),
        ("Tỉnh, tiếp xúc tốt", "202611020900"),
    ]


@pytest.mark.parametrize("code", ["18842-5", "34133-9", "57133-1", "sick-leave", "pregnancy-leave"])
def test_papers_are_no_notes(code: str) -> None:
    composition = a("Composition", "k1", status="final", type=concept(LOINC, code))

    assert read_one(composition, _document("n1", "Giấy", code)).notes == ()


def test_a_composition_tells_consult_and_operation_apart() -> None:
    sections = [
        {"title": "Diễn biến", "text": {"div": "<div>Ổn</div>"}},
        {"code": concept(LOINC, "11488-4"), "text": {"div": "<div>Mời ngoại</div>"}},
        {"code": concept(LOINC, "11504-8"), "text": {"div": "<div>Cắt ruột thừa</div>"}},
    ]

    (note,) = read_one(a("Composition", "k1", type=concept(LOINC, "11506-3"), section=sections)).notes

    assert (note.text, note.consult, note.operation) == ("Diễn biến: Ổn", "Mời ngoại", "Cắt ruột thừa")


def test_a_document_that_is_only_a_picture_is_no_note() -> None:
    assert read_one(_document("n1", None, contentType="application/pdf", url="Binary/9")).notes == ()


def test_the_text_of_a_document_may_lie_in_a_binary() -> None:
    binary = {
        "resourceType": "Binary",
        "id": "9",
        "contentType": "text/plain",
        "data": b64encode(b"xa").decode(),
    }

    (note,) = read_one(_document("n1", None, url="Binary/9"), binary).notes

    assert note.text == "xa"


@pytest.mark.parametrize(
    "kind", ["Immunization", "CareTeam", "CarePlan", "Goal", "AllergyIntolerance", "Claim"]
)
def test_other_resources_make_no_rows(kind: str) -> None:
    encounter = read_one(a(kind, "x"))

    assert (encounter.medications, encounter.services, encounter.results, encounter.notes) == ((), (), (), ())


def test_a_blood_group_that_nobody_ordered_tells_of_the_patient_and_makes_no_row() -> None:
    encounter = read_one(
        an_order(),
        an_observation("abo", code=concept(LOINC, "883-9"), valueCodeableConcept={"text": "Blood group AB"}),
        an_observation("rh", code=concept(LOINC, "10331-7"), valueString="Rh positive"),
    )

    assert encounter.patient.blood_group == "AB+"
    assert encounter.results == ()


def test_a_blood_group_that_was_ordered_is_a_result_too() -> None:
    encounter = read_one(
        an_order(),
        an_observation(
            "group", code=concept(LOINC, "882-1"), valueString="O NEG", basedOn=[ref("ServiceRequest/s1")]
        ),
    )

    assert encounter.patient.blood_group == "O-"
    assert [result.value for result in encounter.results] == ["O NEG"]


def test_a_report_of_no_category_is_of_the_category_of_its_order() -> None:
    order = an_order(category=[concept("http://snomed.info/sct", "363679005")])
    report = a("DiagnosticReport", "r1", basedOn=[ref("ServiceRequest/s1")], conclusion="Bình thường")

    (result,) = read_one(order, report).results

    assert (result.origin[0], result.conclusion) == ("DiagnosticReport/r1", "Bình thường")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(
            {"valueSampledData": {"origin": {"value": 0}, "dimensions": 1, "data": "1 2"}}, id="series"
        ),
        pytest.param({"valueReference": ref("MolecularSequence/1")}, id="reference"),
        pytest.param({"dataAbsentReason": {"text": "hemolyzed"}}, id="absent"),
    ],
)
def test_a_result_without_a_value_that_can_be_written_is_told(value: dict[str, Any]) -> None:
    done = read(an_observation(**value))

    assert [one.value for one in done.encounters[0].results] == [None]
    assert [(one.pointer, one.code) for one in done.oddities] == [("/entry/2/resource", "no-value")]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(
            {
                "valueRatio": {
                    "numerator": {"value": 5, "unit": "mg"},
                    "denominator": {"value": 24, "unit": "h"},
                }
            },
            ("5 mg:24 h", None),
            id="ratio",
        ),
        pytest.param(
            {"valueRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "g"}}},
            ("1 mg - 2 g", None),
            id="range",
        ),
        pytest.param(
            {"valueRange": {"low": {"value": 1, "unit": "g"}, "high": {"value": 2, "unit": "g"}}},
            ("1 - 2", "g"),
            id="one-unit",
        ),
    ],
)
def test_two_amounts_of_different_units_each_keep_their_own(
    value: dict[str, Any], written: tuple[str, str | None]
) -> None:
    (result,) = read_one(an_observation(**value)).results

    assert (result.value, result.unit) == written
