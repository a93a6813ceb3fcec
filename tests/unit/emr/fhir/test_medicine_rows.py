"""Which medicines become rows of XML2, and what a row takes from dispense, request and administration."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emr.fhir.bundles import (
    a_charge,
    a_dispense,
    a_request,
    an_administration,
    an_encounter,
    codes,
    concept,
    read,
    read_one,
    ref,
)


def test_a_dispense_takes_the_place_of_the_request_that_it_names() -> None:
    rows = codes(a_request("m1"), a_request("m2"), a_dispense(of="MedicationRequest/m1"), what="medications")

    assert rows == ["MedicationDispense/d1", "MedicationRequest/m2"]


def test_several_dispenses_of_one_request_are_several_rows() -> None:
    rows = codes(
        a_request(),
        a_dispense("d1", of="MedicationRequest/m1"),
        a_dispense("d2", of="MedicationRequest/m1"),
        what="medications",
    )

    assert rows == ["MedicationDispense/d1", "MedicationDispense/d2"]


@pytest.mark.parametrize("status", ["cancelled", "declined", "entered-in-error", "preparation", "unknown"])
def test_a_dispense_that_did_not_happen_leaves_the_request_standing(status: str) -> None:
    rows = codes(a_request(), a_dispense(of="MedicationRequest/m1", status=status), what="medications")

    assert rows == ["MedicationRequest/m1"]


@pytest.mark.parametrize(
    ("statuses", "noted"),
    [(("declined",), True), (("cancelled", "completed"), False), (("entered-in-error",), False)],
    ids=["declined", "done-later", "by-mistake"],
)
def test_a_request_that_nothing_was_handed_over_for_is_said(
    statuses: tuple[str, ...], *, noted: bool
) -> None:
    dispenses = [a_dispense(one, of="MedicationRequest/m1", status=one) for one in statuses]

    done = read(a_request(), *dispenses)

    assert ("request-not-dispensed" in {one.code for one in done.oddities}) is noted


def test_dispenses_of_one_request_do_not_each_have_all_of_it() -> None:
    request = a_request(dispenseRequest={"quantity": {"value": 30}})
    parts = [
        a_dispense("d1", of="MedicationRequest/m1", quantity={"value": 10}),
        a_dispense("d2", of="MedicationRequest/m1"),
    ]

    done = read(request, *parts)

    assert [one.quantity for one in done.encounters[0].medications] == [10, None]
    assert [(one.pointer, one.code) for one in done.oddities] == [
        ("/entry/4/resource", "part-without-quantity")
    ]


def test_a_price_that_changes_makes_a_row_of_its_own() -> None:
    charges = [
        a_charge(
            f"c{n}", of="MedicationRequest/m1", quantity={"value": n}, priceOverride={"value": n * price}
        )
        for n, price in ((10, 1000), (5, 1200))
    ]

    medicines = read_one(a_request(), *charges).medications

    assert [(one.quantity, one.price) for one in medicines] == [(10, 1000), (5, 1200)]


@pytest.mark.parametrize(
    "said",
    [
        {"code": concept("urn:ehoso:drug", "40.30")},
        {"productCodeableConcept": concept("urn:ehoso:drug", "40.30")},
        {"product": [{"concept": concept("urn:ehoso:drug", "40.30")}]},
        {"code": concept("urn:ehoso:drug", "40.30"), "productReference": ref("#m"), "contained": [
            {"resourceType": "Medication", "id": "m", "code": concept("urn:ehoso:drug", "40.30")}
        ]},
    ],
    ids=["code", "product-R4", "product-R5", "medication"],
)  # fmt: skip
def test_a_charge_of_a_medicine_that_names_nothing_is_a_medicine(said: dict[str, Any]) -> None:
    charge = a_charge(quantity={"value": 20, "unit": "Viên"}, priceOverride={"value": 9600}, **said)

    encounter = read_one(charge | {"occurrenceDateTime": "2026-11-02T08:00:00+07:00"})

    (medicine,) = encounter.medications
    assert (medicine.code, medicine.quantity, medicine.unit, medicine.price) == ("40.30", 20, "Viên", 480)
    assert (medicine.ordered, medicine.given) == ("202611020800", "202611020800")
    assert medicine.codings.get("code") is None
    assert encounter.services == ()


def test_a_charge_is_of_a_medicine_where_its_kind_says_so() -> None:
    kind = {"url": "urn:ehoso:extension:kind", "valueCode": "medicine"}

    encounter = read_one(a_charge(code=concept("urn:stock", "AMOX"), extension=[kind]))

    assert [one.code for one in encounter.medications] == ["AMOX"]
    assert encounter.services == ()


def test_a_supply_that_is_kept_as_a_medication_stays_a_supply() -> None:
    product = {"resourceType": "Medication", "id": "m", "code": concept("urn:ehoso:supply", "X01")}

    encounter = read_one(a_charge(productReference=ref("#m"), contained=[product]))

    assert [one.code for one in encounter.services] == ["X01"]
    assert encounter.medications == ()


def test_an_administration_of_a_counted_request_makes_no_row() -> None:
    rows = codes(a_request(), an_administration(of="MedicationRequest/m1"), what="medications")

    assert rows == ["MedicationRequest/m1"]


@pytest.mark.parametrize(
    "request_changes",
    [
        pytest.param({"status": "cancelled"}, id="cancelled"),
        pytest.param({"intent": "plan"}, id="plan"),
        pytest.param({"doNotPerform": True}, id="not-to-be-given"),
        pytest.param({"encounter": ref("Encounter/elsewhere")}, id="of-another-encounter"),
    ],
)
def test_an_administration_of_a_request_that_does_not_count_makes_a_row(
    request_changes: dict[str, Any],
) -> None:
    rows = codes(
        a_request(**request_changes), an_administration(of="MedicationRequest/m1"), what="medications"
    )

    assert rows == ["MedicationAdministration/a1"]


def test_rows_come_in_the_order_dispenses_requests_administrations() -> None:
    rows = codes(an_administration(), a_request(), a_dispense(), what="medications")

    assert rows == ["MedicationDispense/d1", "MedicationRequest/m1", "MedicationAdministration/a1"]


@pytest.mark.parametrize(
    "intent", ["order", "original-order", "instance-order", "filler-order", "reflex-order"]
)
def test_requests_of_these_intents_count(intent: str) -> None:
    assert len(read_one(a_request(intent=intent)).medications) == 1


@pytest.mark.parametrize("intent", ["proposal", "plan", "option", "directive", None])
def test_requests_of_other_intents_do_not_count(intent: str | None) -> None:
    request = {name: value for name, value in a_request(intent=intent).items() if value is not None}

    assert read_one(request).medications == ()


@pytest.mark.parametrize("status", ["active", "on-hold", "stopped", "completed"])
def test_orders_that_were_begun_count(status: str) -> None:
    assert len(read_one(a_request(status=status)).medications) == 1


@pytest.mark.parametrize(
    "status",
    ["entered-in-error", "cancelled", "draft", "declined", "abandoned", "revoked", "unknown", "rejected"],
)
def test_orders_that_never_were_do_not_count(status: str) -> None:
    assert read_one(a_request(status=status)).medications == ()


def test_what_was_dispensed_in_another_encounter_is_not_a_row_twice() -> None:
    dispense = a_dispense(of="MedicationRequest/m1", context=ref("Encounter/e2"))

    first, second = read(an_encounter("e1"), an_encounter("e2"), a_request(), dispense).encounters

    assert first.medications == ()
    assert [item.origin[0] for item in second.medications] == ["MedicationDispense/d1"]


def test_administrations_say_when_and_without_a_dispense_how_much() -> None:
    medicine = read_one(
        a_request(authoredOn="2026-11-02T08:00:00+07:00"),
        an_administration(
            "a1",
            of="MedicationRequest/m1",
            effectiveDateTime="2026-11-02T09:00:00+07:00",
            dosage={"dose": {"value": 1.5, "unit": "ml"}},
        ),
        an_administration(
            "a2",
            of="MedicationRequest/m1",
            effectivePeriod={"start": "2026-11-02T08:30:00+07:00"},
            dosage={"dose": {"value": 2, "unit": "ml"}},
        ),
    ).medications[0]

    assert (medicine.given, medicine.quantity, medicine.unit) == ("202611020830", Decimal("3.5"), "ml")
    assert medicine.origin == (
        "MedicationRequest/m1",
        "MedicationAdministration/a1",
        "MedicationAdministration/a2",
    )


def test_doses_in_different_units_are_not_added_up() -> None:
    done = read(
        a_request(),
        an_administration("a1", of="MedicationRequest/m1", dosage={"dose": {"value": 1, "unit": "ml"}}),
        an_administration("a2", of="MedicationRequest/m1", dosage={"dose": {"value": 2, "unit": "mg"}}),
    )

    assert done.encounters[0].medications[0].quantity is None
    assert "several-units" in {oddity.code for oddity in done.oddities}


def test_the_quantity_dispensed_wins_over_the_one_asked_for() -> None:
    request = a_request(dispenseRequest={"quantity": {"value": 30, "unit": "Viên"}})
    dispense = a_dispense(of="MedicationRequest/m1", quantity={"value": 28, "unit": "Viên"})

    assert read_one(request, dispense).medications[0].quantity == 28
    assert read_one(request).medications[0].quantity == 30


def test_a_total_without_a_quantity_is_shared_among_what_was_handed_over() -> None:
    charge = a_charge(of="MedicationDispense/d1", priceOverride={"value": 80000})

    (medicine,) = read_one(a_dispense(quantity={"value": 20, "unit": "Viên"}), charge).medications

    assert (medicine.quantity, medicine.unit, medicine.price) == (20, "Viên", 4000)


@pytest.mark.parametrize("quantity", [{"quantity": {"value": 20}}, {}], ids=["quantity", "total-alone"])
def test_a_charge_of_a_request_prices_all_of_its_dispenses(quantity: dict[str, Any]) -> None:
    dispenses = [
        a_dispense(known, of="MedicationRequest/m1", quantity={"value": value})
        for known, value in (("d1", 15), ("d2", 5))
    ]
    charge = a_charge(of="MedicationRequest/m1", priceOverride={"value": 4000}, **quantity)

    done = read(a_request(), *dispenses, charge)

    assert [(one.quantity, one.price) for one in done.encounters[0].medications] == [(15, 200), (5, 200)]
    assert done.oddities == ()


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": {"value": 30}},
        {"extension": [{"url": "urn:ehoso:extension:other-source-cl", "valueDecimal": 50}]},
    ],
    ids=["another-quantity", "other-sources"],
)
def test_a_charge_that_cannot_be_shared_is_of_one_dispense(other: dict[str, Any]) -> None:
    dispenses = [
        a_dispense(known, of="MedicationRequest/m1", quantity={"value": 10}) for known in ("d1", "d2")
    ]
    total = {"quantity": {"value": 20}, "priceOverride": {"value": 4200}}

    done = read(a_request(), *dispenses, a_charge(of="MedicationRequest/m1", **total | other))

    assert [one.price is None for one in done.encounters[0].medications] == [False, True]
    assert [one.code for one in done.oddities] == ["quantity-differs", "charge-of-several"]


def test_a_charge_gives_price_and_quantity() -> None:
    charge = a_charge(
        of="MedicationRequest/m1", quantity={"value": 20}, priceOverride={"value": 9600, "currency": "VND"}
    )

    encounter = read_one(a_request(), charge)

    assert [(one.price, one.quantity) for one in encounter.medications] == [(480, 20)]
    assert encounter.services == ()
    assert encounter.medications[0].origin == ("MedicationRequest/m1", "ChargeItem/c1")


@pytest.mark.parametrize("value", [-1, 0.0001, 1e20])
def test_a_quantity_that_no_claim_can_carry_is_left_out_and_noted(value: float) -> None:
    done = read(a_request(dispenseRequest={"quantity": {"value": value}}))

    assert done.encounters[0].medications[0].quantity is None
    assert "not-an-amount" in {oddity.code for oddity in done.oddities}


def test_a_code_of_a_foreign_system_waits_for_a_map() -> None:
    medicine = read_one(a_request()).medications[0]

    (coding,) = medicine.codings["code"]
    assert (medicine.code, coding.system, coding.code) == (
        "313782",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "313782",
    )
    assert medicine.name is None


def test_a_code_of_the_national_list_stands_for_itself() -> None:
    drug = {
        "coding": [
            *concept("urn:other", "X")["coding"],
            *concept("urn:ehoso:drug", "40.48", "Paracetamol")["coding"],
        ]
    }

    medicine = read_one(a_request(medicationCodeableConcept=drug)).medications[0]

    assert (medicine.code, medicine.name, "code" in medicine.codings) == ("40.48", "Paracetamol", False)


@pytest.mark.parametrize("contained", [True, False], ids=["contained", "in-the-bundle"])
def test_a_medicine_may_be_named_by_reference(contained: bool) -> None:
    product = {"resourceType": "Medication", "id": "x", "code": concept("urn:ehoso:drug", "40.48")}
    request = a_request(medicationReference=ref("#x" if contained else "Medication/x"))
    del request["medicationCodeableConcept"]

    if contained:
        medicine = read_one(request | {"contained": [product]}).medications[0]
    else:
        medicine = read_one(request, product).medications[0]

    assert medicine.code == "40.48"


def test_how_it_is_taken_comes_from_words_or_from_the_structured_dose() -> None:
    timing = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
    structured = {"timing": timing, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "viên"}}]}
    spoken = {"text": "Ngày 2 viên chia 2 lần", "patientInstruction": "Uống sau ăn"}

    first, second = read_one(
        a_request("m1", dosageInstruction=[structured]), a_request("m2", dosageInstruction=[spoken])
    ).medications

    assert (first.dose, first.how) == ("1 viên/lần * 2 lần/ngày", None)
    assert (second.dose, second.how) == ("Ngày 2 viên chia 2 lần", "Uống sau ăn")


TABLET = {"value": 1, "unit": "viên"}
DAILY = {"period": 1, "periodUnit": "d"}


@pytest.mark.parametrize(
    ("dose", "timing", "words"),
    [
        pytest.param(
            {"doseRange": {"low": TABLET, "high": {"value": 2, "unit": "viên"}}},
            {"repeat": {"frequency": 2, "frequencyMax": 3, **DAILY}},
            "1-2 viên/lần * 2-3 lần/ngày",
            id="ranges",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"repeat": {"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}},
            "1 viên/lần * 1 lần/4-6 giờ",
            id="period",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"], "boundsDuration": {"value": 5, "code": "d"}}},
            "1 viên/lần * 2 lần/ngày * 5 ngày",
            id="times-of-day",
        ),
        pytest.param(
            {"doseQuantity": TABLET}, {"code": {"text": "sáng, tối"}}, "1 viên/lần * sáng, tối", id="code"
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"code": {"coding": [{"code": "BID"}]}, "repeat": {"boundsDuration": {"value": 2, "code": "wk"}}},
            "1 viên/lần * 2 lần/ngày * 14 ngày",
            id="known-code-and-weeks",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}},
            "1 viên/lần * 3 lần/ngày",
            id="hours-that-make-a-day",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"repeat": {"frequency": 1, "period": 0.5, "periodUnit": "d"}},
            "1 viên/lần * 2 lần/ngày",
            id="half-a-day",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {"repeat": {"when": ["CM", "CV"], **DAILY, "boundsDuration": {"value": 5, "code": "d"}}},
            "1 viên/lần * 2 lần/ngày * 5 ngày",
            id="meals-of-the-day",
        ),
        pytest.param(
            {"doseQuantity": TABLET}, {"repeat": {"when": ["PC"], **DAILY}}, "1 viên/lần", id="meals"
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {
                "repeat": {
                    "frequency": 1,
                    **DAILY,
                    "dayOfWeek": ["mon", "wed", "fri"],
                    "boundsDuration": {"value": 4, "code": "wk"},
                }
            },
            "1 viên/lần * 1 lần/ngày * 12 ngày",
            id="days-of-the-week",
        ),
        pytest.param(
            {"doseQuantity": TABLET},
            {
                "repeat": {
                    "frequency": 1,
                    **DAILY,
                    "boundsPeriod": {"start": "2026-11-02", "end": "2026-11-06"},
                }
            },
            "1 viên/lần * 1 lần/ngày * 5 ngày",
            id="from-day-to-day",
        ),
    ],
)
def test_a_structured_dose_is_written_whole(dose: dict[str, Any], timing: dict[str, Any], words: str) -> None:
    (medicine,) = read_one(
        a_request(dosageInstruction=[{"timing": timing, "doseAndRate": [dose]}])
    ).medications

    assert medicine.dose == words


@pytest.mark.parametrize(
    ("dosage", "words"),
    [
        pytest.param({"asNeededBoolean": True}, "khi cần", id="as-needed"),
        pytest.param({"asNeededCodeableConcept": {"text": "đau"}}, "khi cần: đau", id="as-needed-for-R4"),
        pytest.param(
            {"asNeeded": True, "asNeededFor": [{"coding": [{"code": "R52"}]}]},
            "khi cần: R52",
            id="as-needed-R5",
        ),
        pytest.param({"asNeededBoolean": False}, None, id="not-as-needed"),
        pytest.param(
            {"timing": {"repeat": {"when": ["ACM", "HS"], "offset": 30}}},
            "trước bữa sáng 30 phút, trước khi ngủ 30 phút",
            id="when",
        ),
        pytest.param(
            {"text": "Ngày 3 viên", "timing": {"repeat": {"when": ["PC"]}}}, "sau bữa ăn", id="beside-words"
        ),
        pytest.param(
            {"timing": {"repeat": {"dayOfWeek": ["mon", "sun"], "count": 6}}},
            "vào thứ Hai, Chủ nhật, tổng cộng 6 lần",
            id="days",
        ),
        pytest.param({"timing": {"repeat": {"timeOfDay": ["08:00:00"]}}}, "lúc 08:00", id="clock"),
        pytest.param(
            {"timing": {"repeat": {"boundsRange": {"low": {"value": 5}, "high": {"value": 7, "code": "d"}}}}},
            "trong 5-7 ngày",
            id="about-so-long",
        ),
        pytest.param(
            {"timing": {"repeat": {"boundsPeriod": {"start": "2026-11-02"}}}}, "từ 2026-11-02", id="from"
        ),
        pytest.param(
            {
                "patientInstruction": "Uống nhiều nước",
                "additionalInstruction": [{"coding": [{"display": "không nhai"}]}],
                "method": {"text": "nuốt"},
            },
            "Uống nhiều nước, không nhai, nuốt",
            id="instructions",
        ),
        pytest.param(
            {
                "maxDosePerPeriod": {
                    "numerator": {"value": 4, "unit": "viên"},
                    "denominator": {"value": 24, "unit": "giờ"},
                }
            },
            "tối đa 4 viên/24 giờ",
            id="most-R4",
        ),
        pytest.param(
            {"maxDosePerPeriod": [{"numerator": TABLET, "denominator": {"value": 1, "unit": "ngày"}}]},
            "tối đa 1 viên/ngày",
            id="most-R5",
        ),
        pytest.param(
            {"doseAndRate": [{"rateQuantity": {"value": 20, "unit": "ml/giờ"}}]},
            "tốc độ 20 ml/giờ",
            id="rate",
        ),
        pytest.param({"timing": {"code": {"coding": [{"code": "AM"}]}}}, "buổi sáng", id="code"),
    ],
)
def test_what_the_dose_has_no_place_for_is_an_instruction(dosage: dict[str, Any], words: str | None) -> None:
    (medicine,) = read_one(a_request(dosageInstruction=[dosage])).medications

    assert medicine.how == words


def test_how_a_medicine_was_given_is_an_instruction() -> None:
    dosage = {"method": {"text": "tiêm chậm"}, "rateQuantity": {"value": 20, "unit": "ml/giờ"}}

    (medicine,) = read_one(an_administration(dosage=dosage)).medications

    assert medicine.how == "tiêm chậm, tốc độ 20 ml/giờ"


def test_words_for_all_dosages_stand_where_no_dosage_has_any() -> None:
    spoken = "Ngày 2 viên"

    (bare,) = read_one(a_request(renderedDosageInstruction=spoken)).medications
    (own,) = read_one(
        a_request(renderedDosageInstruction=spoken, dosageInstruction=[{"text": "Ngày 3 viên"}])
    ).medications

    assert (bare.dose, own.dose) == (spoken, "Ngày 3 viên")


def test_days_of_supply_say_how_long_a_dose_is_taken() -> None:
    timing = {"repeat": {"frequency": 2, **DAILY}}
    dosage = {"timing": timing, "doseAndRate": [{"doseQuantity": TABLET}]}
    ten_days = {"value": 10, "unit": "ngày", "code": "d"}

    first, second = read_one(
        a_request("m1", dosageInstruction=[dosage], dispenseRequest={"expectedSupplyDuration": ten_days}),
        a_dispense("d1", dosageInstruction=[dosage], daysSupply=ten_days),
    ).medications

    assert first.dose == second.dose == "1 viên/lần * 2 lần/ngày * 10 ngày"


@pytest.mark.parametrize(
    "reported",
    [{"reportedBoolean": True}, {"reportedReference": ref("Patient/p1")}, {"reported": True}],
    ids=["boolean", "reference", "r5"],
)
def test_a_medicine_that_is_only_reported_is_no_row(reported: dict[str, Any]) -> None:
    assert codes(a_request("m1"), a_request("m2", **reported), what="medications") == ["MedicationRequest/m1"]


@pytest.mark.parametrize("said", ["basedOn", "priorPrescription"])
@pytest.mark.parametrize("dispensed", [None, "MedicationRequest/m1", "MedicationRequest/m2"])
def test_a_prescription_that_is_written_again_is_one_row(said: str, dispensed: str | None) -> None:
    earlier = ref("MedicationRequest/m1")
    again = a_request("m2", **{said: [earlier] if said == "basedOn" else earlier})
    handed = [a_dispense(of=dispensed, quantity={"value": 10})] if dispensed else []

    rows = codes(a_request("m1"), again, *handed, what="medications")

    if said == "basedOn":
        assert rows == (["MedicationDispense/d1"] if dispensed else ["MedicationRequest/m1"])
    elif dispensed == "MedicationRequest/m1":
        assert rows == ["MedicationDispense/d1", "MedicationRequest/m2"]
    else:
        assert rows == (["MedicationDispense/d1"] if dispensed else ["MedicationRequest/m2"])


@pytest.mark.parametrize(("charged", "is_told"), [([2], True), ([20], False), ([15, 5], False)])
def test_a_charge_of_another_quantity_than_was_handed_over_is_told(charged: list[int], is_told: bool) -> None:
    charges = [
        a_charge(f"c{number}", of="MedicationDispense/d1", quantity={"value": number}) for number in charged
    ]

    done = read(a_dispense(quantity={"value": 20, "unit": "Viên"}), *charges)

    assert [one.quantity for one in done.encounters[0].medications] == [sum(charged)]
    assert ("quantity-differs" in {one.code for one in done.oddities}) is is_told
