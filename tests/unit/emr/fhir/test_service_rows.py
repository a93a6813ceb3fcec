"""Which services become rows of XML3, and what prices them."""

from decimal import Decimal
from typing import Any

import pytest

from claims.emr.encounter import ServiceKind
from claims.emr.fhir.options import FhirOptions, PriceOverride
from tests.unit.emr.fhir.bundles import (
    SNOMED,
    a,
    a_charge,
    a_procedure,
    a_report,
    an_encounter,
    an_observation,
    an_order,
    codes,
    concept,
    read,
    read_one,
    ref,
)


def test_a_procedure_takes_the_place_of_the_order_that_it_names() -> None:
    rows = codes(
        an_order("s1"), an_order("s2"), a_procedure(basedOn=[ref("ServiceRequest/s1")]), what="services"
    )

    assert rows == ["Procedure/pr1", "ServiceRequest/s2"]


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation", "unknown"])
def test_a_procedure_that_was_not_done_leaves_the_order_standing(status: str) -> None:
    rows = codes(an_order(), a_procedure(basedOn=[ref("ServiceRequest/s1")], status=status), what="services")

    assert rows == ["ServiceRequest/s1"]


@pytest.mark.parametrize("status", ["completed", "in-progress", "stopped", "on-hold"])
def test_a_procedure_that_was_begun_counts(status: str) -> None:
    assert codes(a_procedure(status=status), what="services") == ["Procedure/pr1"]


@pytest.mark.parametrize("kind", ["DeviceUseStatement", "DeviceUsage", "SupplyDelivery"])
def test_devices_and_supplies_are_rows(kind: str) -> None:
    (service,) = read_one(a(kind, "x1")).services

    assert (service.kind, service.origin) == (ServiceKind.SUPPLY, (f"{kind}/x1",))


def test_a_charge_that_names_nothing_is_a_row() -> None:
    assert codes(a_charge(), what="services") == ["ChargeItem/c1"]


@pytest.mark.parametrize("status", ["not-billable", "planned", "aborted", "entered-in-error"])
def test_what_is_not_to_be_billed_makes_no_row(status: str) -> None:
    done = read(a_charge(status=status))

    assert done.encounters[0].services == ()
    assert [one.code for one in done.oddities] == ["not-counted"]


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param({"priceOverride": {"value": 4.5, "currency": "USD"}}, id="R4"),
        pytest.param(
            {"unitPriceComponent": {"type": "base", "amount": {"value": 4.5, "currency": "EUR"}}}, id="R5"
        ),
        pytest.param(
            {
                "extension": [
                    {
                        "url": "urn:ehoso:extension:insured-price",
                        "valueMoney": {"value": 4.5, "currency": "USD"},
                    }
                ]
            },
            id="extension",
        ),
    ],
)
def test_an_amount_in_other_money_is_no_price_and_said(amount: dict[str, Any]) -> None:
    done = read(a_charge(**amount))

    (service,) = done.encounters[0].services
    assert (service.hospital_price, service.insured_price) == (None, None)
    assert [one.code for one in done.oddities] == ["other-currency", "unknown-kind"]


def test_a_charge_prices_the_row_of_the_resource_that_it_names() -> None:
    charge = a_charge(
        of="Procedure/pr1",
        quantity={"value": 2, "unit": "Lần"},
        priceOverride={"value": 100000, "currency": "VND"},
    )

    (service,) = read_one(a_procedure(), charge).services

    assert (service.hospital_price, service.quantity, service.unit) == (50000, 2, "Lần")
    assert service.origin == ("Procedure/pr1", "ChargeItem/c1")


@pytest.mark.parametrize("named", ["ServiceRequest/s1", "DiagnosticReport/r1", "Observation/o1"])
def test_a_charge_may_name_the_order_its_report_or_its_result(named: str) -> None:
    answers: dict[str, Any] = {"basedOn": [ref("ServiceRequest/s1")]}
    charge = a_charge(of=named, priceOverride={"value": 22400})

    (service,) = read_one(an_order(), a_report(**answers), an_observation(**answers), charge).services

    assert service.hospital_price == 22400


@pytest.mark.parametrize(
    ("meaning", "price"),
    [
        pytest.param(PriceOverride.TOTAL, 100, id="total-of-the-line"),
        pytest.param(PriceOverride.UNIT, 300, id="of-one"),
    ],
)
def test_what_price_override_means_is_an_option(meaning: PriceOverride, price: int) -> None:
    charge = a_charge(quantity={"value": 3}, priceOverride={"value": 300})

    (service,) = read_one(charge, options=FhirOptions(price_override=meaning)).services

    assert service.hospital_price == price


@pytest.mark.parametrize(
    ("given", "price", "differ"),
    [
        pytest.param({"unitPriceComponent": 100, "totalPriceComponent": 300}, 100, "", id="agree"),
        pytest.param({"unitPriceComponent": 33.333, "totalPriceComponent": 100}, 33.333, "", id="rounded"),
        pytest.param(
            {"unitPriceComponent": 100, "totalPriceComponent": 400},
            100, "unitPriceComponent and totalPriceComponent", id="unit-and-total",
        ),
        pytest.param(
            {"unitPriceComponent": 100, "priceOverride": 600},
            100, "unitPriceComponent and priceOverride", id="unit-and-override",
        ),
        pytest.param(
            {"priceOverride": 300, "totalPriceComponent": 303},
            100, "priceOverride and totalPriceComponent", id="two-totals",
        ),
    ],
)  # fmt: skip
def test_two_prices_in_one_charge_that_do_not_agree_are_noted(
    given: dict[str, float], price: float, differ: str
) -> None:
    prices: dict[str, Any] = {
        name: {"value": value} if name == "priceOverride" else {"type": "base", "amount": {"value": value}}
        for name, value in given.items()
    }

    done = read(a_charge(quantity={"value": 3}, **prices))

    assert str(done.encounters[0].services[0].hospital_price) == str(price)
    noted = [one.detail for one in done.oddities if one.code == "prices-differ"]
    assert [one.partition(" differ;")[0] for one in noted] == ([differ] if differ else [])


def test_charges_without_quantity_for_one_resource_are_rows_each() -> None:
    prices = [a_charge(f"c{price}", of="Procedure/pr1", priceOverride={"value": price}) for price in (10, 20)]

    done = read(a_procedure(), *prices)

    assert [one.hospital_price for one in done.encounters[0].services] == [10, 20]
    assert "charge-beside" in {oddity.code for oddity in done.oddities}


def test_a_price_that_changes_makes_a_row_of_its_own() -> None:
    charges = [
        a_charge(f"c{n}", of="ServiceRequest/s1", quantity={"value": n}, priceOverride={"value": n * price})
        for n, price in ((2, 1000), (3, 1200), (4, 1000))
    ]

    services = read_one(an_order(), *charges).services

    assert [(one.quantity, one.hospital_price) for one in services] == [(6, 1000), (3, 1200)]
    assert [one.origin for one in services] == [
        ("ServiceRequest/s1", "ChargeItem/c2", "ChargeItem/c4"),
        ("ServiceRequest/s1", "ChargeItem/c3"),
    ]
    assert len({one.order_id for one in services}) == 1


@pytest.mark.parametrize("own", [concept("urn:bill", "A"), concept("urn:bill", "B"), concept(SNOMED, "1")])
def test_of_charges_of_different_codes_for_one_resource_none_is_lost(own: dict[str, Any]) -> None:
    charges = [
        a_charge(code, of="Procedure/pr1", code=concept("urn:bill", code), quantity={"value": 1})
        for code in ("A", "B")
    ]
    order = an_order(authoredOn="2026-11-02T08:00:00+07:00", requester=ref("Practitioner/dr"))

    done = read(order, a_procedure(code=own, basedOn=[ref("ServiceRequest/s1")]), *charges)

    first, beside = ("B", "A") if own == concept("urn:bill", "B") else ("A", "B")
    assert [one.origin for one in done.encounters[0].services] == [
        ("Procedure/pr1", "ServiceRequest/s1", f"ChargeItem/{first}"),
        (f"ChargeItem/{beside}",),
    ]
    assert {(one.ordered, one.orderer) for one in done.encounters[0].services} == {
        ("202611020800", "Practitioner/dr")
    }
    assert "charge-beside" in {oddity.code for oddity in done.oddities}


def test_a_medicine_charged_beside_a_procedure_is_a_medicine() -> None:
    charges = [
        a_charge("c1", of="Procedure/pr1", quantity={"value": 1}),
        a_charge("c2", of="Procedure/pr1", code=concept("urn:ehoso:drug", "40.30"), quantity={"value": 2}),
    ]

    encounter = read_one(a_procedure(), *charges)

    assert [one.origin for one in encounter.services] == [("Procedure/pr1", "ChargeItem/c1")]
    assert [(one.code, one.quantity) for one in encounter.medications] == [("40.30", 2)]


@pytest.mark.parametrize(
    "said",
    [
        {"quantityRatio": {"numerator": {"value": 20}, "denominator": {"value": 2}}},
        {"quantityRange": {"low": {"value": 1}, "high": {"value": 3}}},
        {"quantityQuantity": {"value": 0.0001}},
        {"quantityQuantity": {"value": 5, "comparator": "<"}},
    ],
    ids=["ratio", "range", "too-exact", "less-than"],
)
def test_a_quantity_that_cannot_be_read_is_not_one(said: dict[str, Any]) -> None:
    charge = a_charge(of="ServiceRequest/s1", quantity={"value": 2}, priceOverride={"value": 200})

    alone, charged = read(an_order(**said)), read(an_order(**said), charge)

    assert alone.encounters == ()
    assert [(one.encounter, one.code) for one in alone.refused] == [("ServiceRequest/s1", "not-an-amount")]
    assert [one.quantity for one in charged.encounters[0].services] == [2]


def test_a_charged_quantity_that_cannot_be_read_is_not_one() -> None:
    done = read(a_charge(quantity={"value": 0.0001}, priceOverride={"value": 200}))

    assert done.encounters == ()
    assert [(one.encounter, one.code) for one in done.refused] == [("ChargeItem/c1", "not-an-amount")]


@pytest.mark.parametrize(
    ("part", "refused"), [("discount", ["no-base-price"]), ("tax", ["no-base-price"]), ("base", [])]
)
def test_a_part_of_a_price_is_no_price(part: str, refused: list[str]) -> None:
    done = read(a_charge(unitPriceComponent={"type": part, "amount": {"value": 100000}}))

    assert [one.code for one in done.refused] == refused
    assert len(done.encounters) == 1 - len(refused)


@pytest.mark.parametrize(("factor", "refused"), [(0.5, ["factor"]), (1.0, [])])
@pytest.mark.parametrize("of_component", [False, True])
def test_a_factor_that_changes_a_charge_refuses_its_encounter(
    of_component: bool, factor: float, refused: list[str]
) -> None:
    said = {"unitPriceComponent": {"factor": factor}} if of_component else {"factorOverride": factor}

    done = read(a_procedure(), a_charge(of="Procedure/pr1", **said))

    assert [one.code for one in done.refused] == refused
    assert len(done.encounters) == 1 - len(refused)


def test_a_total_without_a_quantity_is_shared_among_what_the_row_says_was_done() -> None:
    charge = a_charge(of="ServiceRequest/s1", totalPriceComponent={"amount": {"value": 80000}})

    (service,) = read_one(an_order(quantityQuantity={"value": 2}), charge).services

    assert (service.quantity, service.hospital_price) == (2, 40000)


def test_a_charge_is_paid_once_however_many_rows_it_names() -> None:
    both = [ref("Procedure/pr1"), ref("Procedure/pr2")]
    charge = a_charge(service=both, quantity={"value": 1}, priceOverride={"value": 100000})

    done = read(a_procedure("pr1"), a_procedure("pr2"), charge)

    assert [one.hospital_price for one in done.encounters[0].services] == [100000, None]
    assert [(one.pointer, one.code) for one in done.oddities] == [("/entry/4/resource", "charge-of-several")]


def test_two_procedures_of_an_order_share_its_charge_no_more_than_once() -> None:
    procedures = [a_procedure(known, basedOn=[ref("ServiceRequest/s1")]) for known in ("pr1", "pr2")]
    charge = a_charge(of="ServiceRequest/s1", quantity={"value": 1}, priceOverride={"value": 100000})

    done = read(an_order(), *procedures, charge)

    assert [one.hospital_price for one in done.encounters[0].services] == [100000, None]


def test_equal_charges_are_not_added_up_where_one_has_no_quantity() -> None:
    known = a_charge("c1", of="Procedure/pr1", quantity={"value": 1}, priceOverride={"value": 100})
    unknown = a_charge("c2", of="Procedure/pr1", priceOverride={"value": 100})

    done = read(a_procedure(), known, unknown)

    assert [one.origin for one in done.encounters[0].services] == [
        ("Procedure/pr1", "ChargeItem/c1"),
        ("ChargeItem/c2",),
    ]


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        pytest.param("Encounter/e1", ServiceKind.OTHER, id="encounter"),
        pytest.param("DiagnosticReport/r1", ServiceKind.TEST, id="report"),
        pytest.param("Observation/o1", ServiceKind.TEST, id="observation"),
        pytest.param("ImagingStudy/i1", ServiceKind.OTHER, id="study"),
    ],
)
def test_a_charge_of_what_nobody_ordered_is_a_row_of_its_own(named: str, kind: ServiceKind) -> None:
    charge = a_charge(of=named, priceOverride={"value": 100000})

    (service,) = read_one(an_observation(), a_report(), charge).services

    assert (service.kind, service.hospital_price, service.code) == (kind, 100000, "EXAM")


@pytest.mark.parametrize("named", ["Procedure/elsewhere", "Immunization/i1", "#contained"])
def test_a_charge_of_what_the_input_does_not_hold_is_a_row_of_its_own(named: str) -> None:
    done = read(a_charge(of=named, priceOverride={"value": 100000}))

    assert [one.hospital_price for one in done.encounters[0].services] == [100000]
    is_told = "charge-of-absent" in {one.code for one in done.oddities}
    assert is_told is (named == "Procedure/elsewhere")


def test_a_charge_and_a_procedure_of_an_order_that_the_input_does_not_hold_are_one_row() -> None:
    charge = a_charge(of="ServiceRequest/elsewhere", quantity={"value": 1}, priceOverride={"value": 100000})
    address = "https://ehr.test/fhir/ServiceRequest/elsewhere/_history/2"

    done = read(a_procedure(basedOn=[ref(address)]), charge)

    assert [one.hospital_price for one in done.encounters[0].services] == [100000]


@pytest.mark.parametrize("named", ["MedicationRequest/elsewhere", "MedicationDispense/elsewhere"])
def test_a_charge_of_a_medicine_that_the_input_does_not_hold_is_a_medicine(named: str) -> None:
    encounter = read_one(a_charge(of=named, quantity={"value": 2}, priceOverride={"value": 100}))

    assert [(one.code, one.price) for one in encounter.medications] == [("EXAM", 50)]
    assert encounter.services == ()


def test_a_charge_whose_resource_makes_no_row_is_counted_and_said() -> None:
    charge = a_charge(of="Procedure/pr1", priceOverride={"value": 100000})

    done = read(a_procedure(status="not-done"), charge)

    assert done.encounters[0].services == ()
    noted = "1 × ChargeItem: nothing that it names makes a row; makes no row"
    assert noted in [one.detail for one in done.oddities]


def test_a_supply_that_has_no_encounter_belongs_to_that_of_its_charge() -> None:
    supply = {"resourceType": "SupplyDelivery", "id": "x1", "status": "completed"}
    charge = a_charge(of="SupplyDelivery/x1", quantity={"value": 1}, priceOverride={"value": 700})

    first, second = read(an_encounter("e1"), an_encounter("e2"), supply, charge).encounters

    assert [(one.origin, one.hospital_price) for one in first.services] == [
        (("SupplyDelivery/x1", "ChargeItem/c1"), 700)
    ]
    assert second.services == ()


def test_each_item_of_a_delivery_is_a_row_with_the_charge_of_its_code() -> None:
    given = [
        {"quantity": {"value": number}, "itemCodeableConcept": concept("urn:ehoso:supply", code)}
        for number, code in ((1, "N01"), (2, "N02"))
    ]
    charges = [
        a_charge(code, of="SupplyDelivery/x1", code=concept("urn:bill", code), priceOverride={"value": 18})
        for code in ("N02", "FEE")
    ]

    services = read_one(a("SupplyDelivery", "x1", suppliedItem=given), *charges).services

    assert [(one.code, one.quantity, one.hospital_price) for one in services] == [
        ("N01", 1, None),
        ("N02", 2, 9),
        ("FEE", 1, 18),
    ]


GLUCOSE_AGAIN = concept("urn:lab", "GLU")
BOTH = ["ServiceRequest/s1", "ServiceRequest/s2"]


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        pytest.param({"intent": "filler-order", "code": GLUCOSE_AGAIN}, ["ServiceRequest/s1"], id="filler"),
        pytest.param({}, ["ServiceRequest/s1"], id="same-code"),
        pytest.param({"intent": "reflex-order"}, BOTH, id="reflex"),
        pytest.param({"code": GLUCOSE_AGAIN}, BOTH, id="other-code"),
        pytest.param({"status": "revoked"}, ["ServiceRequest/s1"], id="revoked"),
        pytest.param(
            {"basedOn": [ref("ServiceRequest/s2")]}, ["ServiceRequest/s1", "ServiceRequest/s2"], id="ring"
        ),
    ],
)
def test_an_order_that_carries_out_another_is_the_same_row(changes: dict[str, Any], rows: list[str]) -> None:
    based = {"basedOn": [ref("ServiceRequest/s1")], **changes}

    assert codes(an_order("s1"), an_order("s2", **based), what="services") == rows


def test_what_answers_or_prices_a_fillers_order_joins_the_placers() -> None:
    chain = [
        an_order(f"s{n}", intent="filler-order", basedOn=[ref(f"ServiceRequest/s{n - 1}")]) for n in (2, 3)
    ]
    charge = a_charge(of="ServiceRequest/s3", quantity={"value": 1}, priceOverride={"value": 22400})
    answer = an_observation(basedOn=[ref("ServiceRequest/s2")], valueString="5")

    encounter = read_one(*chain, an_order("s1"), charge, answer)

    (service,) = encounter.services
    assert service.origin == ("ServiceRequest/s1", "ChargeItem/c1")
    assert service.hospital_price == 22400
    assert [one.order_id for one in encounter.results] == [service.order_id]


def test_several_instances_of_an_order_are_the_rows() -> None:
    instances = [
        an_order(f"s{n}", intent="instance-order", basedOn=[ref("ServiceRequest/s1")]) for n in (2, 3)
    ]

    assert codes(an_order("s1"), *instances, what="services") == ["ServiceRequest/s2", "ServiceRequest/s3"]


def test_an_order_that_another_replaces_is_no_row_unless_something_answers_it() -> None:
    orders = [an_order("s1"), an_order("s2", replaces=[ref("ServiceRequest/s1")])]

    assert codes(*orders, what="services") == ["ServiceRequest/s2"]
    done = codes(*orders, a_report(basedOn=[ref("ServiceRequest/s1")]), what="services")
    assert done == ["ServiceRequest/s1", "ServiceRequest/s2"]


def test_a_referral_is_a_paper_and_no_row() -> None:
    assert codes(an_order(category=[concept(SNOMED, "3457005")]), what="services") == []


def test_the_kind_comes_from_the_category_else_from_what_came_back() -> None:
    answers: dict[str, Any] = {"basedOn": [ref("ServiceRequest/s3")]}
    kinds = [
        service.kind
        for service in read_one(
            a_procedure("pr1", category=concept(SNOMED, "387713003")),
            a_procedure("pr2"),
            an_order("s1", category=[concept(SNOMED, "108252007")]),
            an_order("s2", category=[concept(SNOMED, "363679005")]),
            an_order("s3"),
            a_report(category="EC", **answers),
            an_order("s4"),
            an_observation(basedOn=[ref("ServiceRequest/s4")]),
            an_order("s5"),
        ).services
    ]

    assert kinds == [
        ServiceKind.SURGERY,
        ServiceKind.PROCEDURE,
        ServiceKind.TEST,
        ServiceKind.IMAGING,
        ServiceKind.FUNCTION,
        ServiceKind.TEST,
        ServiceKind.OTHER,
    ]


def test_times_and_people_of_a_test_come_from_its_order_results_and_report() -> None:
    order = an_order(
        authoredOn="2026-11-02T08:00:00+07:00", requester={"identifier": {"system": "urn:s", "value": "D1"}}
    )
    answers: dict[str, Any] = {"basedOn": [ref("ServiceRequest/s1")]}
    report = a_report(
        **answers,
        issued="2026-11-02T09:30:00+07:00",
        effectiveDateTime="2026-11-02T08:20:00+07:00",
        performer=[ref("Organization/lab"), {"identifier": {"system": "urn:s", "value": "T1"}}],
    )

    (service,) = read_one(order, report).services

    assert (service.ordered, service.performed, service.result) == (
        "202611020800",
        "202611020820",
        "202611020930",
    )
    assert (service.orderer, service.performers) == ("D1", ("T1",))
    assert set(service.codings) == {"code", "orderer", "performers/0"}


def test_a_staff_member_in_the_national_system_needs_no_map() -> None:
    order = an_order(requester={"identifier": {"system": "urn:ehoso:practitioner", "value": "0001"}})

    (service,) = read_one(order).services

    assert (service.orderer, "orderer" in service.codings) == ("0001", False)


def test_a_bed_day_knows_the_bed_in_which_the_patient_lay() -> None:
    bed = {
        "resourceType": "Location",
        "id": "b",
        "identifier": [{"system": "urn:ehoso:bed", "value": "H012"}],
        "physicalType": concept("urn:t", "bd"),
        "partOf": ref("Location/w"),
    }
    ward = {
        "resourceType": "Location",
        "id": "w",
        "identifier": [{"system": "urn:ehoso:department", "value": "K03"}],
    }
    stay = {"location": ref("Location/b"), "period": {"start": "2026-11-02T07:40:00+07:00"}}
    charge = a_charge(
        code=concept("urn:ehoso:service", "K03.1917"),
        occurrenceDateTime="2026-11-02T08:00:00+07:00",
        extension=[{"url": "urn:ehoso:extension:insured-price", "valueDecimal": 212600.5}],
    )
    encounter = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "IMP"},
        "location": [stay],
        "period": {"start": "2026-11-02T07:30:00+07:00", "end": "2026-11-05T07:30:00+07:00"},
    }

    done = read_one(encounter, bed, ward, charge)

    (service,) = done.services
    assert (service.kind, service.bed, service.insured_price) == (
        ServiceKind.BED,
        "H012",
        Decimal("212600.5"),
    )
    assert done.encounter.departments == ("K03",)
    assert done.encounter.inpatient_from == "202611020740"


@pytest.mark.parametrize(
    "below_zero",
    [{"quantity": {"value": -1}}, {"priceOverride": {"value": -5, "currency": "VND"}}],
    ids=["quantity", "price"],
)
def test_a_charge_that_takes_something_back_refuses_its_encounter(below_zero: dict[str, Any]) -> None:
    price = {"priceOverride": {"value": 5, "currency": "VND"}, "quantity": {"value": 1}}
    credit = a_charge("c2", of="Procedure/pr1", **(price | below_zero))

    done = read(a_procedure(), a_charge("c1", of="Procedure/pr1", **price), credit)

    assert done.encounters == ()
    assert [(one.encounter, one.code) for one in done.refused] == [("ChargeItem/c2", "negative")]


def test_a_charge_that_is_part_of_another_is_told() -> None:
    done = read(a_charge("c1"), a_charge("c2", partOf=[ref("ChargeItem/c1")]))

    assert ("/entry/3/resource", "part-of-a-charge") in [(one.pointer, one.code) for one in done.oddities]


@pytest.mark.parametrize(
    ("order", "noted"),
    [
        pytest.param(an_order(), True, id="nothing"),
        pytest.param(an_order(category=[concept(SNOMED, "108252007")]), False, id="category"),
        pytest.param(
            an_order(extension=[{"url": "urn:ehoso:extension:kind", "valueCode": "other"}]), False, id="kind"
        ),
        pytest.param(
            an_order(extension=[{"url": "urn:ehoso:extension:group", "valueCode": "19"}]), False, id="group"
        ),
    ],
)
def test_an_order_that_nothing_tells_the_kind_of_is_said(order: dict[str, Any], *, noted: bool) -> None:
    assert ("unknown-kind" in {one.code for one in read(order).oddities}) is noted


def test_who_is_named_in_words_alone_is_mapped_by_them() -> None:
    who = {"actor": {"display": "BS Trần Thử"}}

    (service,) = read_one(a_procedure(performer=[who])).services

    assert service.performers == ("BS Trần Thử",)
    assert [(one.system, one.code) for one in service.codings["performers/0"]] == [(None, "BS Trần Thử")]


@pytest.mark.parametrize(
    "product",
    [
        {"productCodeableConcept": concept("urn:ehoso:supply", "X01")},
        {"product": [{"concept": concept("urn:ehoso:supply", "X01")}]},
        {"productReference": ref("#d"), "contained": [
            {"resourceType": "Device", "id": "d", "type": concept("urn:ehoso:supply", "X01")}
        ]},
    ],
    ids=["R4", "R5", "device"],
)  # fmt: skip
def test_the_product_of_a_charge_is_the_supply(product: dict[str, Any]) -> None:
    (service,) = read_one(a_charge(**product)).services

    assert (service.code, service.kind, service.codings) == ("X01", ServiceKind.SUPPLY, {})


def test_a_product_that_is_to_be_mapped_stands_beside_the_code_of_its_charge() -> None:
    (service,) = read_one(a_charge(productCodeableConcept=concept("urn:stock", "S1"))).services

    assert [one.code for one in service.codings["code"]] == ["EXAM", "S1"]


@pytest.mark.parametrize(("chosen", "code"), [(None, "10.1"), (1, "10.2")], ids=["first", "chosen"])
def test_of_several_national_codes_of_one_thing_one_counts_and_the_rest_is_told(
    chosen: int | None, code: str
) -> None:
    codings: list[dict[str, Any]] = [{"system": "urn:ehoso:service", "code": one} for one in ("10.1", "10.2")]
    if chosen is not None:
        codings[chosen]["userSelected"] = True

    done = read(a_procedure(code={"coding": codings}))

    assert [one.code for one in done.encounters[0].services] == [code]
    told = [one.detail for one in done.oddities if one.code == "several-codes"]
    assert told == ([] if chosen else ["one thing has several national codes, 10.1, 10.2; 10.1 counts"])


def test_a_unit_that_only_says_that_something_is_counted_is_none() -> None:
    (service,) = read_one(an_order(quantityQuantity={"value": 1, "unit": "1", "code": "1"})).services

    assert (service.quantity, service.unit) == (1, None)


@pytest.mark.parametrize(("named", "row"), [(["a1"], ["EXAM"]), (["a1", "a2"], []), ([], [])])
def test_a_charge_of_an_account_belongs_to_the_only_encounter_of_it(named: list[str], row: list[str]) -> None:
    charge = a_charge(account=[ref(f"Account/{one}") for one in named], context=None)
    visits = [an_encounter(f"e{number}", account=[ref(f"Account/a{number}")]) for number in (1, 2)]

    first, second = read(*visits, charge).encounters

    assert [one.code for one in first.services] == row
    assert second.services == ()


@pytest.mark.parametrize(
    ("said", "medicine", "services"),
    [
        pytest.param({"code": concept("urn:ehoso:service", "99.9")}, [], ["10.1", "99.9"], id="service"),
        pytest.param({"code": concept("urn:ehoso:drug", "40.30")}, ["40.30"], ["10.1"], id="medicine"),
        pytest.param(
            {"productCodeableConcept": concept("urn:ehoso:supply", "N01")}, [], ["10.1", "N01"], id="product"
        ),
        pytest.param({"code": concept("urn:bill", "X")}, [], ["10.1"], id="own-word-of-the-bill"),
    ],
)
def test_a_charge_of_something_else_is_no_price_of_the_procedure_that_it_names(
    said: dict[str, Any], medicine: list[str], services: list[str]
) -> None:
    procedure = a_procedure(code=concept("urn:ehoso:service", "10.1"))
    charge = a_charge(of="Procedure/pr1", quantity={"value": 2}, priceOverride={"value": 2000}, **said)

    encounter = read_one(procedure, charge)

    assert [one.code for one in encounter.medications] == medicine
    assert [one.code for one in encounter.services] == services
    is_own = not medicine and services == ["10.1"]
    assert (encounter.services[0].hospital_price, encounter.services[0].quantity) == (
        (1000, 2) if is_own else (None, 1)
    )


@pytest.mark.parametrize(
    "price", [{"priceOverride": {"value": 100000}}, {"unitPriceComponent": {"amount": {"value": 0.0001}}}]
)
def test_a_charge_without_a_price_of_one_that_a_claim_can_carry_is_refused(price: dict[str, Any]) -> None:
    done = read(a_charge(quantity={"value": 3}, **price))

    assert [(one.encounter, one.code) for one in done.refused] == [("ChargeItem/c1", "no-unit-price")]
    assert not done.encounters
