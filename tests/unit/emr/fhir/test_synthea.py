"""A whole life as Synthea writes it becomes one encounter a visit, with the rows that the rules give."""

from claims.emr.fhir.reading import read_fhir
from tests.unit.emr.fhir.synthea import ROWS, synthea_json


def test_each_visit_is_an_encounter_with_its_rows() -> None:
    done = read_fhir(synthea_json(encounters=4))

    assert done.refused == ()
    assert [one.encounter.link_id for one in done.encounters] == ["enc-0", "enc-1", "enc-2", "enc-3"]
    for encounter in done.encounters:
        assert {what: len(getattr(encounter, what)) for what in ROWS} == ROWS


def test_what_belongs_to_no_visit_is_said() -> None:
    (oddity,) = (
        one for one in read_fhir(synthea_json(encounters=4)).oddities if "SupplyDelivery" in one.detail
    )

    assert (oddity.code, oddity.detail[:18]) == ("not-counted", "4 × SupplyDelivery")


def test_a_delivery_in_a_bundle_with_one_visit_belongs_to_it() -> None:
    (encounter,) = read_fhir(synthea_json(encounters=1)).encounters

    assert len(encounter.services) == ROWS["services"] + 1


def test_staff_and_places_named_by_search_keep_their_identifiers() -> None:
    (encounter,) = read_fhir(synthea_json(encounters=1)).encounters

    (prescriber,) = encounter.medications[0].codings["prescriber"]
    (department,) = encounter.encounter.codings["departments/0"]
    assert (prescriber.system, prescriber.code) == ("http://hl7.org/fhir/sid/us-npi", "9999963199")
    assert (department.code, department.display) == ("loc-1", "PCP1")


def test_times_are_moved_to_viet_nam() -> None:
    (encounter,) = read_fhir(synthea_json(encounters=1)).encounters

    assert (encounter.encounter.admitted, encounter.encounter.discharged) == ("202601012000", "202601012045")


def test_the_patient_is_read() -> None:
    (encounter,) = read_fhir(synthea_json(encounters=1)).encounters

    assert (encounter.patient.id, encounter.patient.name, encounter.patient.birth) == (
        "MR-d9af6cb5",
        "Cole117 Joanna347",
        "195703040000",
    )
    assert encounter.encounter.weight_kg is not None
    assert encounter.diagnoses.codings["main"][0].code == "59621000"
