"""Documents that are papers become papers of the encounter, and no notes."""

from typing import Any

from claims.emr.encounter import Sex
from tests.unit.emr.fhir.bundles import (
    LOINC,
    Resource,
    a,
    a_patient,
    an_encounter,
    concept,
    read,
    read_one,
    ref,
)

LICENCE = {"identifier": {"system": "urn:ehoso:practitioner", "value": "0000000001"}}


def a_paper(known: str, type_code: str, **changes: Any) -> Resource:
    elements = {
        "status": "final",
        "type": concept(LOINC, type_code),
        "date": "2026-11-02T09:45:00+07:00",
        "author": [LICENCE],
        "identifier": {"value": f"NO-{known}"},
        **changes,
    }
    return a("Composition", known, **elements)


def a_section(code: str, text: str) -> Resource:
    return {"code": concept(LOINC, code), "text": {"div": f"<div>{text}</div>"}}


def extension(field: str, value: str) -> Resource:
    return {"url": f"urn:ehoso:extension:{field}", "valueString": value}


def test_a_discharge_summary_is_the_discharge_paper_and_the_summary_and_no_note() -> None:
    sections = [a_section("8648-8", "Tiến triển tốt"), a_section("30954-2", "Glucose 5.6")]

    encounter = read_one(a_paper("d", "18842-5", section=sections))

    discharge, summary = encounter.documents.discharge, encounter.documents.summary
    assert discharge is not None
    assert summary is not None
    assert (discharge.archive_no, discharge.doctor, discharge.issued) == ("NO-d", "0000000001", "20261102")
    assert (summary.course, summary.results) == ("Tiến triển tốt", "Glucose 5.6")
    assert encounter.notes == ()


def test_of_several_papers_of_a_kind_the_one_issued_last_counts() -> None:
    encounter = read_one(
        a_paper("new", "18842-5"), a_paper("old", "18842-5", date="2026-11-01T09:45:00+07:00")
    )

    assert encounter.documents.discharge is not None
    assert encounter.documents.discharge.archive_no == "NO-new"


def test_a_summary_of_its_own_comes_before_the_discharge_paper() -> None:
    encounter = read_one(a_paper("d", "18842-5"), a_paper("s", "34133-9", text={"div": "<div>Tóm tắt</div>"}))

    assert encounter.documents.summary is not None
    assert encounter.documents.summary.course == "Tóm tắt"


def test_a_referral_is_the_order_with_its_note() -> None:
    order = a(
        "ServiceRequest",
        "ref",
        status="active",
        intent="order",
        category=[concept("http://snomed.info/sct", "3457005")],
        requester=LICENCE,
        performer=[{"identifier": {"system": "urn:ehoso:facility", "value": "79010"}}],
        extension=[extension("transport", "Xe cứu thương"), extension("referral-reason", "1")],
    )
    note = a_paper("r", "57133-1", section=[a_section("10184-0", "Tỉnh táo")])

    encounter = read_one(order, note)

    referral = encounter.documents.referral
    assert referral is not None
    assert (referral.destination, referral.number, referral.reason) == ("79010", "NO-r", "1")
    assert (referral.condition, referral.transport, referral.doctor) == (
        "Tỉnh táo",
        "Xe cứu thương",
        "0000000001",
    )
    assert encounter.services == ()


def test_the_first_appointment_is_the_paper_and_all_are_days_to_come_again() -> None:
    encounter = read_one(
        a("Appointment", "late", start="2026-12-20T08:00:00+07:00"),
        a("Appointment", "soon", start="2026-11-20T08:00:00+07:00", identifier=[{"value": "HK1"}]),
    )

    assert encounter.documents.appointment is not None
    assert (encounter.documents.appointment.at, encounter.documents.appointment.number) == (
        "202611200800",
        "HK1",
    )
    assert encounter.encounter.follow_up == ("20261120", "20261220")


def test_a_leave_certificate_says_the_days_in_extensions() -> None:
    days = [extension("leave-from", "2026-11-02"), extension("leave-to", "2026-11-04")]

    encounter = read_one(a_paper("l", "sick-leave", extension=days))

    sick_leave = encounter.documents.sick_leave
    assert sick_leave is not None
    assert (sick_leave.number, sick_leave.leave.first, sick_leave.leave.last) == (
        "NO-l",
        "20261102",
        "20261104",
    )


def test_a_child_whose_encounter_is_part_of_the_mothers_is_a_birth() -> None:
    child = {
        "resourceType": "Patient",
        "id": "child",
        "gender": "female",
        "birthDate": "2026-11-02",
        "_birthDate": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                    "valueDateTime": "2026-11-02T08:05:00+07:00",
                }
            ]
        },
    }
    born = {
        "resourceType": "Encounter",
        "id": "e2",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": ref("Patient/child"),
        "partOf": ref("Encounter/e1"),
        "period": {"start": "2026-11-02T08:05:00+07:00", "end": "2026-11-02T09:45:00+07:00"},
    }
    weight = a(
        "Observation",
        "w",
        status="final",
        encounter=ref("Encounter/e2"),
        code=concept(LOINC, "8339-4"),
        valueQuantity={"value": 3.1, "unit": "kg"},
    )

    mother, baby = read(a_patient(), an_encounter(), child, born, weight).encounters

    (birth,) = mother.documents.births
    assert (birth.sex, birth.born, birth.weight_g) == (Sex.FEMALE, "202611020805", 3100)
    assert baby.documents.births == ()
