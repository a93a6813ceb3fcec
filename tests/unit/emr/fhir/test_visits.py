"""What the visit, the patient, the cards and the diagnoses take from FHIR R4 and R5."""

from decimal import Decimal
from typing import Any

import pytest

from claims.emr.errors import MalformedOptions
from claims.emr.fhir.options import FhirOptions, parse_fhir_options
from tests.unit.emr.fhir.bundles import (
    LOINC,
    SNOMED,
    a,
    a_patient,
    an_encounter,
    an_observation,
    an_order,
    concept,
    read,
    read_one,
    ref,
)

_ICD = "http://hl7.org/fhir/sid/icd-10"
_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"


@pytest.mark.parametrize(
    ("code", "ends", "visit_type"),
    [
        ("AMB", "2026-11-02T09:45:00+07:00", "01"),
        ("IMP", "2026-11-05T09:45:00+07:00", "03"),
        ("ACUTE", "2026-11-05T09:45:00+07:00", "03"),
        ("IMP", "2026-11-02T11:29:00+07:00", "09"),
        ("SS", "2026-11-02T16:00:00+07:00", "04"),
        ("HH", "2026-11-02T09:45:00+07:00", "12"),
        ("VR", "2026-11-02T09:45:00+07:00", "14"),
        ("EMER", "2026-11-02T09:45:00+07:00", "01"),
        ("FLD", "2026-11-02T09:45:00+07:00", ""),
    ],
)
def test_the_kind_of_visit_comes_from_its_class(code: str, ends: str, visit_type: str) -> None:
    period = {"start": "2026-11-02T07:30:00+07:00", "end": ends}

    visit = read_one(an_encounter(period=period) | {"class": {"code": code}}).encounter

    assert (visit.visit_type, visit.emergency) == (visit_type, code == "EMER")


def test_an_emergency_keeps_the_kind_of_the_stay_that_follows() -> None:
    history = [
        {"class": {"code": "EMER"}},
        {"class": {"code": "IMP"}, "period": {"start": "2026-11-02T09:00:00+07:00"}},
    ]
    period = {"start": "2026-11-02T07:30:00+07:00", "end": "2026-11-06T07:30:00+07:00"}

    visit = read_one(an_encounter(period=period, classHistory=history) | {"class": {"code": "IMP"}}).encounter

    assert (visit.visit_type, visit.emergency, visit.inpatient_from) == ("03", True, "202611020900")


def test_the_hospitals_own_word_for_the_kind_wins() -> None:
    assert read_one(an_encounter(type=[concept("urn:ehoso:visit-type", "08")])).encounter.visit_type == "08"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-02T20:30:00Z", "202611030330"),
        ("2026-11-02T20:30:00-05:00", "202611030830"),
        ("2026-11-02T20:30:59.123456+07:00", "202611022030"),
        ("2026-11-02T20:30:00", "202611022030"),
        ("2026-11-02", "202611020000"),
        ("2026-11", ""),
        ("hôm qua", ""),
    ],
)
def test_a_time_is_moved_to_viet_nam(text: str, local: str) -> None:
    assert read_one(an_encounter(period={"start": text})).encounter.admitted == local


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("home", ("", "1")),
        ("other-hcf", ("", "2")),
        ("aadvice", ("", "4")),
        ("exp", ("5", "")),
        ("oth", ("", "")),
    ],
)
def test_how_it_ended_comes_from_the_discharge_disposition(code: str, ending: tuple[str, str]) -> None:
    leaving = {
        "dischargeDisposition": concept("http://terminology.hl7.org/CodeSystem/discharge-disposition", code)
    }

    visit = read_one(an_encounter(hospitalization=leaving)).encounter

    assert (visit.outcome, visit.discharge_type) == ending


def test_the_number_of_the_visit_is_the_official_identifier() -> None:
    identifiers = [
        {"value": "other"},
        {"use": "official", "value": "V1"},
        {"system": "urn:ehoso:record", "value": "HS1"},
    ]

    visit = read_one(an_encounter(identifier=identifiers)).encounter

    assert (visit.link_id, visit.record_no) == ("V1", "HS1")


def test_the_facility_is_the_provider_by_its_code_else_the_configured_one() -> None:
    provider = {"identifier": {"system": "urn:ehoso:facility", "value": "79001"}}

    assert read_one(an_encounter(serviceProvider=provider)).facility == "79001"
    assert read_one(an_encounter(), options=FhirOptions(facility="48010")).facility == "48010"
    assert read_one(an_encounter()).facility == ""


def test_weights_come_from_vital_signs() -> None:
    def weight(known: str, code: str, value: float, unit: str) -> dict[str, Any]:
        quantity = {"value": value, "unit": unit}
        return an_observation(
            known, category="vital-signs", code=concept(LOINC, code), valueQuantity=quantity
        )

    visit = read_one(
        weight("o1", "29463-7", 52.5, "kg"),
        weight("o2", "8339-4", 3.2, "kg"),
        weight("o3", "8339-4", 2900, "g"),
        weight("o4", "29463-7", 120, "[lb_av]"),
    ).encounter

    assert visit.weight_kg == Decimal("52.5")
    assert visit.newborn_weights_g == (3200, 2900)


# --- diagnoses ---------------------------------------------------------------------------------


def _condition(known: str, code: str, text: str, system: str = _ICD, **changes: Any) -> dict[str, Any]:
    return a("Condition", known, code=concept(system, code) | {"text": text}, **changes)


def _line(known: str, use: str | None, rank: int | None) -> dict[str, Any]:
    line: dict[str, Any] = {"condition": ref(f"Condition/{known}")}
    return line | ({"use": concept(_ROLE, use)} if use else {}) | ({"rank": rank} if rank else {})


def test_the_main_diagnosis_is_the_first_on_discharge() -> None:
    lines = [_line("c1", "AD", 1), _line("c2", "DD", 2), _line("c3", "DD", 1), _line("c4", None, None)]

    found = read_one(
        an_encounter(diagnosis=lines),
        _condition("c1", "R51", "Đau đầu"),
        _condition("c2", "E11.9", "Tiểu đường"),
        _condition("c3", "I10", "Tăng huyết áp"),
        _condition("c4", "U62.1", "Đầu thống"),
    ).diagnoses

    assert (found.main, found.other, found.traditional) == ("I10", ("E11.9",), ("U62.1",))
    assert (found.entry_text, found.exit_text) == ("Đau đầu", "Tăng huyết áp; Tiểu đường")
    assert found.codings == {}


def test_without_a_list_the_conditions_of_the_encounter_count() -> None:
    category = [concept("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")]

    found = read_one(
        _condition("c1", "Z00", "vấn đề"),
        _condition("c2", "38341003", "Hypertension", SNOMED, category=category),
    ).diagnoses

    assert (found.main, found.other) == ("38341003", ())
    assert [(one.system, one.code) for one in found.codings["main"]] == [(SNOMED, "38341003")]


def test_a_refuted_diagnosis_does_not_count() -> None:
    refuted = concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "refuted")

    assert read_one(_condition("c1", "I10", "x", verificationStatus=refuted)).diagnoses.main == ""


def test_what_a_service_was_ordered_for_is_read_from_its_reason() -> None:
    order = an_order(reasonReference=[ref("Condition/c1")])

    assert read_one(order, _condition("c1", "I10", "x")).services[0].diagnosis == "I10"


# --- people ------------------------------------------------------------------------------------


def test_the_patient_is_read() -> None:
    birth_time = {
        "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
        "valueDateTime": "2026-11-01T22:05:00Z",
    }
    patient = read_one(
        a_patient(
            identifier=[
                {"system": "urn:ehoso:national-id", "value": "001080000001"},
                {"system": "urn:his", "value": "BN1"},
            ],
            name=[
                {"use": "usual", "text": "Tí"},
                {"use": "official", "family": "NGUYỄN", "given": ["VĂN", "THỬ"]},
            ],
            birthDate="2026-11-02",
            _birthDate={"extension": [birth_time]},
            address=[{"line": ["1 Lê Lợi"], "city": "26734", "state": "79"}],
            extension=[{"url": "urn:ehoso:extension:ethnicity", "valueCoding": {"code": "01"}}],
        )
    ).patient

    assert (patient.id, patient.national_id, patient.name) == ("BN1", "001080000001", "NGUYỄN VĂN THỬ")
    assert (patient.birth, patient.ethnicity) == ("202611020505", "01")
    assert (patient.address.province, patient.address.ward) == ("79", "26734")


@pytest.mark.parametrize(
    ("date", "digits"),
    [("1980", "198000000000"), ("1980-05", "198005000000"), ("1980-05-06", "198005060000"), ("x", "")],
)
def test_a_birth_date_may_be_known_in_part(date: str, digits: str) -> None:
    assert read_one(a_patient(birthDate=date)).patient.birth == digits


def test_what_is_out_of_use_counts_only_for_want_of_another() -> None:
    record = {"type": {"coding": [{"code": "MR"}]}}
    patient = read_one(
        a_patient(
            identifier=[{**record, "use": "old", "value": "BN1"}, {**record, "value": "BN2"}],
            name=[{"use": "old", "text": "TÊN CŨ"}, {"use": "usual", "text": "TÊN MỚI"}],
            address=[{"use": "old", "text": "Chỗ cũ"}, {"use": "temp", "text": "Chỗ mới"}],
            telecom=[
                {"use": "old", "system": "phone", "value": "0900000001"},
                {"use": "home", "system": "phone", "value": "0900000002"},
            ],
        )
    ).patient

    assert (patient.id, patient.name, patient.address.text, patient.phone) == (
        "BN2",
        "TÊN MỚI",
        "Chỗ mới",
        "0900000002",
    )
    assert read_one(a_patient(name=[{"use": "old", "text": "TÊN CŨ"}])).patient.name == "TÊN CŨ"


def test_a_visit_whose_hours_nobody_wrote_is_told() -> None:
    done = read(an_encounter(period={"start": "2026-11-02", "end": "2026-11-02T09:45:00+07:00"}))

    assert done.encounters[0].encounter.admitted == "202611020000"
    assert [one.code for one in done.oddities] == ["no-clock"]


@pytest.mark.parametrize(
    ("gender", "sex", "said"),
    [("male", "male", []), ("M", "male", []), ("f", "female", []), ("Nam", "unknown", ["not-in-list"])],
)
def test_a_gender_that_fhir_does_not_know_is_said(gender: str, sex: str, said: list[str]) -> None:
    done = read(a_patient(gender=gender))

    assert done.encounters[0].patient.sex == sex
    assert [one.code for one in done.oddities] == said


@pytest.mark.parametrize(
    "name", [{"text": "  NGUYỄN   VĂN\tTHỬ "}, {"family": "NGUYỄN ", "given": [" VĂN  THỬ"]}]
)
def test_a_name_has_single_blanks(name: dict[str, Any]) -> None:
    assert read_one(a_patient(name=[name])).patient.name == "NGUYỄN VĂN THỬ"


def _card(known: str, number: str, start: str = "2026-01-01", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": known,
        "status": "active",
        "beneficiary": ref("Patient/p1"),
        "subscriberId": number,
        "period": {"start": start, "end": "2026-12-31"},
        "class": [{"type": {"text": "ĐKBĐ"}, "value": "79001"}],
        **changes,
    }


def test_a_card_is_read() -> None:
    (card,) = read_one(_card("k1", "DN4790000000001")).coverage

    assert (card.card, card.registered_at, card.valid_from, card.valid_to) == (
        "DN4790000000001",
        "79001",
        "20260101",
        "20261231",
    )


@pytest.mark.parametrize("number", ["DN 4 79 0000000001", " dn4790000000001 "])
def test_a_card_is_read_as_it_is_printed(number: str) -> None:
    assert [card.card for card in read_one(_card("k1", number)).coverage] == ["DN4790000000001"]


@pytest.mark.parametrize(
    ("card", "code"),
    [
        pytest.param(_card("k1", "private-7"), "not-a-card", id="no-card-number"),
        pytest.param(
            _card("k1", "DN4790000000001", start="2026-11-03"), "card-not-valid", id="not-yet-valid"
        ),
    ],
)
def test_why_a_visit_has_no_card_is_said(card: dict[str, Any], code: str) -> None:
    assert [one.code for one in read(card).oddities] == [code]


def test_beside_a_card_that_counts_no_other_is_spoken_of() -> None:
    assert read(_card("k1", "DN4790000000001"), _card("k2", "private-7")).oddities == ()


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(_card("k1", "private-7"), id="no-card-number"),
        pytest.param(_card("k1", "DN4790000000001", start="2026-11-03"), id="not-yet-valid"),
        pytest.param(_card("k1", "DN4790000000001", status="cancelled"), id="cancelled"),
        pytest.param(_card("k1", "DN4790000000001", beneficiary=ref("Patient/p2")), id="of-somebody-else"),
    ],
)
def test_what_is_no_card_for_this_visit_is_left_out(card: dict[str, Any]) -> None:
    assert read_one(card, a_patient(), a_patient() | {"id": "p2"}).coverage == ()


def test_where_the_patient_is_only_planned_to_be_is_no_department() -> None:
    places = [
        {"location": {"identifier": {"system": "urn:ehoso:department", "value": code}}, "status": status}
        for code, status in (("K03", "completed"), ("K19", "planned"), ("K26", "reserved"))
    ]

    assert read_one(an_encounter(location=places)).encounter.departments == ("K03",)


def test_the_cards_of_the_account_win_in_their_order() -> None:
    lines = [
        {"coverage": ref("Coverage/k1"), "priority": 2},
        {"coverage": ref("Coverage/k2"), "priority": 1},
        {"coverage": ref("Coverage/k4"), "priority": 3},
    ]
    account = {"resourceType": "Account", "id": "a", "status": "active", "coverage": lines}

    cards = read_one(
        account,
        an_encounter(account=[ref("Account/a")]),
        _card("k1", "DN4790000000001"),
        _card("k2", "GD4790000000002"),
        _card("k3", "HT3790000000003"),
        _card("k4", "CH4790000000004", status="cancelled"),
    ).coverage

    assert [one.card[:2] for one in cards] == ["GD", "DN"]


def test_a_card_that_was_renewed_during_the_stay_has_both_its_times() -> None:
    stay = {"start": "2026-10-20T07:30:00+07:00", "end": "2026-11-20T09:45:00+07:00"}
    old = _card("k1", "DN4790000000001", period={"start": "2025-11-01", "end": "2026-10-31"})
    new = _card("k2", "DN4790000000001", period={"start": "2026-11-01", "end": "2027-10-31"})

    cards = read_one(an_encounter(period=stay), old, new, old | {"id": "k3"}).coverage

    assert [(one.valid_from, one.valid_to) for one in cards] == [
        ("20251101", "20261031"),
        ("20261101", "20271031"),
    ]


# --- R5 ----------------------------------------------------------------------------------------


def test_the_spellings_of_r5_are_read() -> None:
    period = {"start": "2026-11-02T07:30:00+07:00", "end": "2026-11-05T09:45:00+07:00"}
    encounter = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "completed",
        "class": [concept("urn:v3", "IMP")],
        "subject": ref("Patient/p1"),
        "actualPeriod": period,
        "admission": {
            "dischargeDisposition": concept("urn:d", "home"),
            "origin": {"identifier": {"system": "urn:ehoso:facility", "value": "79002"}},
        },
        "reason": [{"value": [{"concept": {"text": "sốt cao"}}]}],
        "diagnosis": [{"condition": [{"reference": ref("Condition/c1")}], "use": [concept(_ROLE, "DD")]}],
        "serviceType": [{"concept": concept("urn:ehoso:department", "K03")}],
    }
    drug = {"concept": concept("urn:ehoso:drug", "40.48")}
    request = a("MedicationRequest", "m1", intent="order", medication=drug, authoredOn="2026-11-02")
    dispense = a(
        "MedicationDispense", "d1", medication=drug, authorizingPrescription=[ref("MedicationRequest/m1")]
    )
    given = a(
        "MedicationAdministration",
        "a1",
        medication={"reference": ref("Medication/x")},
        occurenceDateTime="2026-11-02T10:00:00+07:00",
    )
    product = {"resourceType": "Medication", "id": "x", "code": concept("urn:ehoso:drug", "40.30")}
    order = a(
        "ServiceRequest",
        "s1",
        intent="order",
        code={"concept": concept("urn:ehoso:service", "23.0075.1494")},
        reason=[{"reference": ref("Condition/c1")}],
    )
    procedure = a(
        "Procedure",
        "p1",
        code=concept("urn:ehoso:service", "27.0187.2039"),
        category=[concept(SNOMED, "387713003")],
        occurrencePeriod=period,
    )
    usage = a(
        "DeviceUsage",
        "u1",
        device={"concept": concept("urn:ehoso:supply", "N03.01")},
        context=ref("Encounter/e1"),
    )
    charge = {
        "resourceType": "ChargeItem",
        "id": "h1",
        "encounter": ref("Encounter/e1"),
        "quantity": {"value": 3},
        "service": [{"reference": ref("ServiceRequest/s1")}],
        "code": concept("urn:x", "1"),
        "unitPriceComponent": {"type": "base", "amount": {"value": 22400, "currency": "VND"}},
    }

    read = read_one(
        encounter,
        request,
        dispense,
        given,
        product,
        order,
        procedure,
        usage,
        charge,
        _condition("c1", "A97", "x"),
    )

    visit = read.encounter
    assert (visit.visit_type, visit.discharged, visit.discharge_type) == ("03", "202611050945", "1")
    assert (visit.reason, visit.from_facility, visit.departments) == ("sốt cao", "79002", ("K03",))
    assert read.diagnoses.main == "A97"
    assert [(one.code, one.given) for one in read.medications] == [("40.48", None), ("40.30", "202611021000")]
    assert [(one.code, one.kind.value, one.hospital_price) for one in read.services] == [
        ("27.0187.2039", "surgery", None),
        ("23.0075.1494", "other", 22400),
        ("N03.01", "supply", None),
    ]
    assert (read.services[0].performed, read.services[1].diagnosis) == ("202611020730", "A97")


# --- options -----------------------------------------------------------------------------------


def test_a_hospitals_own_systems_are_read_from_its_options() -> None:
    options = parse_fhir_options(
        {
            "facility": "79001",
            "identifiers": {"practitioner": ["urn:staff"]},
            "national": {"service": ["urn:dvkt"]},
            "extensions": {"ethnicity": ["urn:dan-toc"]},
        }
    )
    order = an_order(
        code=concept("urn:dvkt", "23.0075.1494"),
        requester={"identifier": {"system": "urn:staff", "value": "7"}},
    )
    patient = a_patient(extension=[{"url": "urn:dan-toc", "valueString": "02"}])

    read = read_one(patient, order, options=options)

    assert (read.facility, read.patient.ethnicity) == ("79001", "02")
    assert (read.services[0].code, read.services[0].orderer, dict(read.services[0].codings)) == (
        "23.0075.1494",
        "7",
        {},
    )


@pytest.mark.parametrize(
    ("table", "pointer"),
    [
        ({"facilty": "79001"}, "/facilty"),
        ({"national": {"drugs": []}}, "/national/drugs"),
        ({"facility": "x"}, "/facility"),
    ],
)
def test_a_misspelled_option_is_an_error(table: dict[str, object], pointer: str) -> None:
    with pytest.raises(MalformedOptions, match=f"fhir: {pointer}: "):
        parse_fhir_options(table)


def test_a_part_of_a_stay_that_makes_a_claim_of_its_own_is_told() -> None:
    part = an_encounter("e2", partOf=ref("Encounter/e1"))

    done = read(an_encounter(), part)

    assert [(one.pointer, one.code) for one in done.oddities] == [("/entry/2/resource", "part-of-another")]


def test_a_child_has_an_encounter_of_its_own() -> None:
    child = an_encounter("e2", partOf=ref("Encounter/e1"), subject=ref("Patient/p2"))

    assert read(a_patient(), a_patient(id="p2"), an_encounter(), child).oddities == ()


@pytest.mark.parametrize("says_so", ["p1", "p2", "both"])
@pytest.mark.parametrize("insured", ["p1", "p2"])
def test_of_two_records_that_were_merged_the_kept_one_is_read(says_so: str, insured: str) -> None:
    into = {"p1": [{"other": ref("Patient/p2"), "type": "replaced-by"}], "p2": []}
    over = {"p1": [], "p2": [{"other": ref("Patient/p1"), "type": "replaces"}]}
    links = {
        name: [*(into[name] if says_so != "p2" else []), *(over[name] if says_so != "p1" else [])]
        for name in into
    }
    people = [a_patient(id=name, link=links[name], name=[{"text": f"NGƯỜI {name}"}]) for name in into]
    card = {"resourceType": "Coverage", "id": "c", "subscriberId": "DN4790000000000"}

    done = read(*people, {**card, "beneficiary": ref(f"Patient/{insured}")})

    assert [(one.patient.name, len(one.coverage)) for one in done.encounters] == [("NGƯỜI p2", 1)]
    assert [one.detail for one in done.oddities if one.code == "patient-merged"] == [
        "Patient/p1 was merged into Patient/p2, which is read in its place"
    ]


def test_records_that_were_merged_into_each_other_stay_as_they_are() -> None:
    people = [
        a_patient(
            id=name, link=[{"other": ref(f"Patient/{other}"), "type": "replaced-by"}], name=[{"text": name}]
        )
        for name, other in (("p1", "p2"), ("p2", "p1"))
    ]

    assert read_one(*people).patient.name == "p1"


@pytest.mark.parametrize("said", [{"coding": [{"code": "NI"}]}, {"text": "CCCD"}])
@pytest.mark.parametrize("number", [{}, {"type": {"coding": [{"code": "MR"}]}}], ids=["untyped", "record"])
def test_the_number_of_a_person_is_told_by_its_type_and_is_no_number_of_the_hospital(
    said: dict[str, Any], number: dict[str, Any]
) -> None:
    identifiers = [
        {"type": said, "system": "http://hospital.vn/cccd", "value": "000080000001"},
        {"type": {"coding": [{"code": "PPN"}]}, "value": "P1"},
        {**number, "system": "http://hospital.vn/pid", "value": "BN9"},
    ]

    patient = read_one(a_patient(identifier=identifiers)).patient

    assert (patient.id, patient.national_id) == ("BN9", "000080000001")
