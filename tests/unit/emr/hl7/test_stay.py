"""Patient, visit, cards and diagnoses."""

import pytest

from claims.emr.encounter import Encounter, Sex
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.reading import read_hl7
from tests.unit.emr.hl7.messages import ARRIVAL, DEPARTURE, codes, encounter, msg, pv1, read, seg

AT = "20261102080000"


def admitted(*segments: str, options: Hl7Options | None = None) -> Encounter:
    return read_hl7(msg("ADT^A08", "M1", AT, *segments), options=options).encounters[0]


def test_only_the_event_of_discharge_closes_a_visit() -> None:
    told = msg("ADT^A08", "M1", AT, pv1(f45="202611020945"))

    assert encounter().encounter.discharged == "202611020945"
    assert read_hl7([ARRIVAL]).encounters[0].encounter.discharged is None
    assert read_hl7([ARRIVAL, told]).encounters[0].encounter.discharged is None
    assert "discharge-not-told" in codes(read_hl7([ARRIVAL, told]))


def test_the_options_may_name_another_closing_event() -> None:
    told = msg("ADT^A08", "M1", AT, pv1(f45="202611020945"))
    options = Hl7Options(closing_events=("A03", "A08"))

    assert read_hl7([ARRIVAL, told], options=options).encounters[0].encounter.discharged == "202611020945"


def test_a_cancelled_discharge_opens_the_visit_again() -> None:
    cancelled = msg("ADT^A13", "M1", "20261102095000", pv1())

    assert read_hl7([cancelled, DEPARTURE, ARRIVAL]).encounters[0].encounter.discharged is None


def test_a_cancelled_visit_is_refused_by_its_number() -> None:
    found = read_hl7([msg("ADT^A11", "M1", "20261102095000", pv1()), ARRIVAL])

    assert [(r.encounter, r.code) for r in found.refused] == [("V1", "visit-cancelled")]
    assert not found.encounters


def test_a_discharge_without_a_time_takes_the_event_time_and_says_so() -> None:
    departure = msg("ADT^A03", "M1", "20261102095000", seg("EVN", {2: "202611020947"}), pv1())

    found = read_hl7([ARRIVAL, departure])

    assert found.encounters[0].encounter.discharged == "202611020947"
    assert "time-of-telling" in codes(found)


def test_an_empty_field_keeps_what_was_said_and_a_null_takes_it_away() -> None:
    first = msg("ADT^A04", "M1", "20261102073100", seg("PID", {3: "BN1", 13: "0900", 22: "01"}), pv1())
    later = msg("ADT^A08", "M2", "20261102080000", seg("PID", {3: "BN1", 13: '""', 22: ""}), pv1())

    patient = read_hl7([later, first]).encounters[0].patient

    assert patient.phone is None
    assert patient.ethnicity == "01"


def test_an_admission_message_has_the_word_over_any_other() -> None:
    later = msg("ORU^R01", "M2", "20261102090000", seg("PID", {3: "LAB99", 5: "X^Y"}), pv1())

    assert encounter(later).patient.id == "BN1"


def test_a_patient_has_identifiers_name_and_birth() -> None:
    ids = "001080000001^^^BCA^NI~BN7^^^BV^MR~OLD^^^BV^XX"
    pid = seg(
        "PID", {3: ids, 5: "NGUYỄN^THỬ^VĂN", 7: "1980", 8: "F", 11: "Số 0^^Huế^46^^^^^00001", 28: "VNM"}
    )

    patient = admitted(pid, pv1()).patient

    assert (patient.id, patient.national_id, patient.name) == ("BN7", "001080000001", "NGUYỄN VĂN THỬ")
    assert (patient.birth, patient.sex, patient.nationality) == ("198000000000", Sex.FEMALE, "000")
    assert (patient.address.text, patient.address.province, patient.address.ward) == (
        "Số 0, Huế",
        "46",
        "00001",
    )


def test_a_visit_of_two_patients_is_said() -> None:
    other = msg("ADT^A08", "M1", AT, seg("PID", {3: "BN2^^^BV^MR"}), pv1())

    found = read_hl7([ARRIVAL, other])

    assert found.encounters[0].patient.id == "BN2"
    assert [(o.pointer, o.code) for o in found.oddities] == [("ADT^A08 M1/PID[1]-3", "patients-differ")]


def test_what_the_messages_do_not_say_is_empty() -> None:
    found = admitted(pv1(f3="", f44=""))

    assert (found.patient.name, found.patient.birth, found.encounter.admitted) == ("", "", "")
    assert found.encounter.departments == ()
    assert found.diagnoses.main == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("202611020730", "202611020730"),
        ("20261102073059.123", "202611020730"),
        ("20261102003000+0000", "202611020730"),
        ("20261102", "202611020000"),
        ("2026-11-02T07:30", "202611020730"),
        ("202613", ""),
        ("2026", ""),
        ("99999999", ""),
        ("99991231235900-1200", ""),
        ("soon", ""),
    ],
)
def test_times_are_moved_to_viet_nam_and_keep_their_precision(written: str, read: str) -> None:
    found = read_hl7(msg("ADT^A08", "M1", AT, pv1(f44=written)))

    assert found.encounters[0].encounter.admitted == read
    assert ("not-a-time" in codes(found)) == (not read)


@pytest.mark.parametrize(
    ("patient_class", "ended", "visit_type"),
    [("O", "202611020945", "01"), ("I", "202611050945", "03"), ("I", "202611021129", "09"), ("R", "", "")],
)
def test_the_class_gives_the_type_of_visit(patient_class: str, ended: str, visit_type: str) -> None:
    data = msg("ADT^A03", "M1", "20261105100000", pv1(f2=patient_class, f45=ended))

    assert read_hl7(data).encounters[0].encounter.visit_type == visit_type


def test_an_emergency_that_becomes_a_stay_begins_with_the_emergency() -> None:
    came = msg("ADT^A04", "M1", "20261102073000", pv1(f2="E", f44="202611020725", f3="K02^^^^^^^^^^BYT"))
    stays = msg(
        "ADT^A06", "M2", "20261102090000", seg("EVN", {6: "202611020855"}),
        pv1(f2="I", f44="202611020900", f3="K03^^H012^^^^^^^^BYT"),
    )  # fmt: skip
    goes = msg("ADT^A03", "M3", "20261106090000", pv1(f2="I", f45="202611060900", f3=""))

    visit = read_hl7([goes, stays, came]).encounters[0].encounter

    assert (visit.admitted, visit.inpatient_from, visit.visit_type) == ("202611020725", "202611020855", "03")
    assert visit.departments == ("K02", "K03")
    assert visit.emergency


def test_a_cancelled_transfer_did_not_happen() -> None:
    moved = msg("ADT^A02", "M1", "20261102080000", pv1(f3="K03^^^^^^^^^^BYT"))
    back = msg("ADT^A12", "M2", "20261102081000", pv1())

    assert encounter(moved, back).encounter.departments == ("K01",)


@pytest.mark.parametrize(
    ("disposition", "outcome", "discharge_type"),
    [("01", "", "1"), ("02", "", "2"), ("07", "", "4"), ("20", "5", "")],
)
def test_the_disposition_gives_how_a_visit_ended(disposition: str, outcome: str, discharge_type: str) -> None:
    visit = admitted(pv1(f36=disposition)).encounter

    assert (visit.outcome, visit.discharge_type) == (outcome, discharge_type)


def test_a_department_of_no_national_system_has_to_be_mapped() -> None:
    visit = admitted(pv1(f3="NOI^^^^^^^^Khoa Nội")).encounter

    assert visit.departments == ("NOI",)
    assert [(c.system, c.code, c.display) for c in visit.codings["departments/0"]] == [
        (None, "NOI", "Khoa Nội")
    ]


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("0912345678", "0912345678"),
        ("^PRN^PH^^^^0912345678", "0912345678"),
        ("^NET^Internet^an@example.com~^PRN^CP^^84^912^345678", "0912345678"),
        ("^PRN^PH^^+81^3^12345678", "+81312345678"),
        ("^NET^Internet^an@example.com", None),
    ],
)
def test_a_telephone_number_is_read_whole_or_from_its_parts(written: str, phone: str | None) -> None:
    found = read(msg("ADT^A08", "A5", "20261102080000", seg("PID", {3: "BN1", 13: written}), pv1()))

    assert found.encounters[0].patient.phone == phone


def test_cards_come_from_the_latest_message_that_lists_them() -> None:
    one = seg("IN1", {12: "20260101", 13: "20261231", 36: "DN4790000000000"})
    two = (
        seg("IN1", {12: "20260101", 36: "GD4790000000001"})
        + "\r"
        + seg("ZIN", {1: "79002", 2: "80", 5: "20260301"})
    )
    first = msg("ADT^A04", "M1", "20261102073100", seg("PD1", {3: "X^^79001"}), pv1(), one)
    later = msg("ADT^A08", "M2", "20261102080000", pv1(), one, two)

    cards = read_hl7([later, first]).encounters[0].coverage

    assert [(c.card, c.registered_at, c.valid_from, c.valid_to) for c in cards] == [
        ("DN4790000000000", "79001", "20260101", "20261231"),
        ("GD4790000000001", "79002", "20260101", None),
    ]
    assert (cards[1].percent, cards[1].copay_exempt_from) == (80, "20260301")


def test_diagnoses_are_those_of_the_end_by_rank_with_the_words_of_the_beginning() -> None:
    came = msg("ADT^A04", "M1", "20261102073100", pv1(), seg("DG1", {3: "R51^Đau đầu^I10", 6: "A"}))
    gone = msg(
        "ADT^A03", "M2", "20261102094600", pv1(f45="202611020945"),
        seg("DG1", {3: "E11.9^Đái tháo đường^I10", 6: "F", 15: "2"}),
        seg("DG1", {3: "I10^Tăng huyết áp^I10", 6: "F", 15: "1"}),
        seg("DG1", {3: "U50.011^Chứng^BYT", 6: "F"}),
    )  # fmt: skip

    diagnoses = read_hl7([gone, came]).encounters[0].diagnoses

    assert (diagnoses.main, diagnoses.other, diagnoses.traditional) == ("I10", ("E11.9",), ("U50.011",))
    assert diagnoses.entry_text == "Đau đầu"
    assert diagnoses.exit_text == "Tăng huyết áp; Đái tháo đường; Chứng"
    assert not diagnoses.codings


def test_a_longer_american_code_is_not_taken_for_a_national_one() -> None:
    diagnoses = admitted(pv1(), seg("DG1", {3: "E11.65^Type 2^I10C", 6: "W"})).diagnoses

    assert diagnoses.main == "E11.65"
    assert diagnoses.codings["main"][0].system == "I10C"


@pytest.mark.parametrize(
    ("value", "unit", "weight"),
    [
        ("60.50", "kg", "60.5"),
        ("3250", "g", "3.25"),
        ("100", "kg", "100"),
        ("65000", "gm^gram^ISO+", "65"),
    ],
)
def test_a_weight_is_in_kilograms(value: str, unit: str, weight: str) -> None:
    observation = seg("OBX", {2: "NM", 3: "29463-7^Weight^LN", 5: value, 6: unit, 11: "F"})

    assert str(admitted(pv1(), observation).encounter.weight_kg) == weight


@pytest.mark.parametrize("unit", ["lb", ""])
def test_a_weight_in_another_unit_or_none_is_left_out_and_said(unit: str) -> None:
    observations = [
        seg("OBX", {2: "NM", 3: code, 5: "3300", 6: unit, 11: "F"}) for code in ("29463-7", "8339-4")
    ]

    found = read(msg("ADT^A08", "A2", "20261102080000", pv1(), *observations))

    visit = found.encounters[0].encounter
    assert (visit.weight_kg, visit.newborn_weights_g) == (None, ())
    assert [(one.pointer, one.code) for one in found.oddities] == [
        (f"ADT^A08 A2/OBX[{number}]-6", "not-a-weight") for number in (1, 2)
    ]


def test_what_hl7_has_no_field_for_is_found_where_the_options_say() -> None:
    options = Hl7Options(places={"visit.case": ("PV1-14",), "visit.paid": ("ZXX-2.1",)})

    visit = admitted(pv1(f14="1.1"), seg("ZXX", {2: "202611020950"}), options=options).encounter

    assert (visit.case, visit.paid) == ("1.1", "202611020950")


def test_origins_name_message_and_segment_the_deciding_one_first() -> None:
    found = encounter()

    assert found.encounter.origin == ("ADT^A03 A9/PV1[1]", "ADT^A04 A1/PV1[1]")
    assert found.patient.origin == ("ADT^A04 A1/PID[1]",)


def test_an_insurance_that_is_no_card_is_left_out_and_said() -> None:
    listed = [seg("IN1", {1: str(n), 12: "20260101", 36: number}) for n, number in
              enumerate(("PVI-2026-0001", "DN 4 79 00 000 00000", "", "AB1234"), 1)]  # fmt: skip

    found = read(msg("ADT^A08", "A5", "20261102080000", pv1(), *listed))

    assert [one.card for one in found.encounters[0].coverage] == ["DN4790000000000"]
    assert [one.pointer for one in found.oddities if one.code == "not-a-card"] == [
        f"ADT^A08 A5/IN1[{n}]-36" for n in (1, 3, 4)
    ]


def test_a_card_that_several_plans_name_is_one_and_one_that_was_renewed_is_two() -> None:
    spans = (("20260101", "20261102"), ("20260101", "20261102"), ("20261102", "20271231"))
    listed = [
        seg("IN1", {1: str(number), 12: since, 13: until, 36: "DN4790000000000"})
        for number, (since, until) in enumerate(spans, 1)
    ]

    found = read(msg("ADT^A08", "A5", "20261102080000", pv1(), *listed))

    assert [one.valid_from for one in found.encounters[0].coverage] == ["20260101", "20261102"]


def test_a_card_of_other_days_than_the_visits_is_left_out_and_said() -> None:
    days = (("20240101", "20241231"), ("20260101", "20261231"), ("20261103", ""))
    listed = [
        seg("IN1", {12: since, 13: until, 36: f"DN479000000000{number}"})
        for number, (since, until) in enumerate(days, 1)
    ]

    found = read(msg("ADT^A08", "A5", "20261102080000", pv1(), *listed))

    assert [one.card for one in found.encounters[0].coverage] == ["DN4790000000002"]
    assert [one.pointer for one in found.oddities if one.code == "card-not-valid"] == [
        f"ADT^A08 A5/IN1[{number}]-36" for number in (1, 3)
    ]
