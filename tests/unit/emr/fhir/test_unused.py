"""A resource of an encounter that nothing is made of is said: its type, the reason, the first of its kind."""

from typing import Any

import pytest

from tests.unit.emr.fhir.bundles import (
    LOINC,
    Resource,
    a,
    a_procedure,
    a_report,
    an_encounter,
    an_observation,
    an_order,
    concept,
    read,
    ref,
)

_ICD = "http://hl7.org/fhir/sid/icd-10"


def _told(*resources: Resource) -> list[str]:
    return [one.detail.partition(";")[0] for one in read(*resources).oddities if one.code == "not-counted"]


def _condition(known: str, code: str) -> Resource:
    return a("Condition", known, code=concept(_ICD, code))


def test_conditions_beside_the_diagnoses_that_an_encounter_lists_are_said() -> None:
    encounter = an_encounter(diagnosis=[{"condition": ref("Condition/k1"), "rank": 1}])

    done = read(encounter, _condition("k1", "I10"), _condition("k2", "E11.9"), _condition("k3", "N18"))

    assert [one.detail for one in done.oddities] == [
        "2 × Condition: it is none of the diagnoses of its encounter; makes no row; the first is Condition/k2"
    ]


def test_a_diagnosis_that_is_said_twice_is_used() -> None:
    assert _told(_condition("k1", "I10"), _condition("k2", "I10")) == []


@pytest.mark.parametrize("category", ["exam", "procedure", None])
def test_an_observation_that_is_no_result_is_said(category: str | None) -> None:
    assert _told(an_observation(category=category, valueString="x")) == [
        "1 × Observation: its category is not laboratory, and no laboratory report names it"
    ]


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(an_observation(category="vital-signs", valueString="x"), id="vital-sign"),
        pytest.param(
            an_observation(
                category="exam", code=concept(LOINC, "29463-7"), valueQuantity={"value": 60, "unit": "kg"}
            ),
            id="weight",
        ),
        pytest.param(
            an_observation(category="exam", code=concept(LOINC, "882-1"), valueString="O+"), id="blood-group"
        ),
    ],
)
def test_what_only_tells_of_the_patient_is_not_said(observation: Resource) -> None:
    assert _told(observation) == []


def test_a_panel_that_only_has_members_is_not_said() -> None:
    panel = an_observation("o1", hasMember=[ref("Observation/o2")])

    assert _told(panel, an_observation("o2", valueString="x")) == []


def test_a_report_that_joins_nothing_is_said() -> None:
    report = a_report(category="OTH", conclusion="no row")

    assert _told(report) == [
        "1 × DiagnosticReport: no imaging or function by its category, and it joins no order and no result"
    ]


@pytest.mark.parametrize(
    "words", [{"conclusion": "x"}, {"presentedForm": [{"data": "eA=="}]}], ids=lambda words: next(iter(words))
)
def test_words_of_a_report_that_stand_in_no_result_are_said(words: dict[str, Any]) -> None:
    report = a_report(category="SP", basedOn=[ref("ServiceRequest/s1")], **words)

    assert _told(an_order(), report) == [
        "1 × DiagnosticReport: no imaging or function by its category: its conclusion and text are left out"
    ]


def test_a_document_that_is_no_text_is_said() -> None:
    page = {"attachment": {"contentType": "application/pdf", "data": "AAAA"}}

    assert _told(a("DocumentReference", "d1", content=[page])) == [
        "1 × DocumentReference: nothing of it stands in the claim"
    ]


def test_of_several_papers_of_a_kind_those_that_are_not_taken_are_said() -> None:
    papers = [
        a("Composition", f"c{day}", type=concept(LOINC, "18842-5"), date=f"2026-11-0{day}", status="final")
        for day in (1, 2)
    ]

    assert _told(*papers) == ["1 × Composition: nothing of it stands in the claim"]


def test_where_all_is_used_nothing_is_said() -> None:
    order = an_order(category=[concept("http://snomed.info/sct", "108252007")])
    result = an_observation(basedOn=[ref("ServiceRequest/s1")], valueString="x")
    report = a_report(basedOn=[ref("ServiceRequest/s1")], result=[ref("Observation/o1")])

    assert _told(_condition("k1", "I10"), a_procedure(), order, result, report) == []
