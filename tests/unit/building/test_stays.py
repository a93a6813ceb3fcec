"""Money of stays: two cards, ceilings of packages, other sources, bed days, changes of year and salary."""

from datetime import UTC, datetime

import pytest

from claims.building.build import BuildSettings
from claims.bundle.kinds import TableKind
from claims.bundle.money import MoneySettings, PackageExcess, SalaryDay, ServiceAmount, Support, always
from claims.checking.check import check_bundle
from tests.unit.building.built import a_ward_stay, built, codes, rows, summary
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service

XML2, XML3 = TableKind.XML2, TableKind.XML3


def an_item(ordered: str, price: str = "400000", **changes: object) -> Document:
    return a_service(ordered=ordered, hospital_price=price, insured_price=price, **changes)


def percents(document: Document, settings: BuildSettings | None = None) -> list[str]:
    return [row["MUC_HUONG"] for row in rows(document, XML3, settings)]


def a_stay_with(services: list[Document], *cards: Document, **visit: object) -> Document:
    document = a_ward_stay(**visit)
    document["services"] = services
    document["coverage"] += cards
    return document


def a_card(number: str, since: str, **changes: object) -> Document:
    return {"card": number, "registered_at": "79999", "from": since, **changes}


# --- two cards -----------------------------------------------------------------------------


def test_a_card_that_takes_the_place_of_another_counts_from_its_first_day_even_when_it_pays_less() -> None:
    document = a_stay_with(
        [an_item("2026-11-03T09:00"), an_item("2026-11-04T09:00")],
        a_card("DN4790000000009", "2026-11-04"),
    )
    document["coverage"][0] |= {"card": "HN2790000000000", "to": "2026-11-03"}

    assert percents(document) == ["100", "80"]


def test_while_two_cards_are_in_force_the_higher_percent_counts() -> None:
    document = a_stay_with(
        [an_item("2026-11-03T09:00"), an_item("2026-11-04T09:00")],
        a_card("HT3790000000009", "2026-11-04"),
    )

    assert percents(document) == ["80", "95"]


def test_the_fifteenth_day_after_a_cards_end_is_paid_and_the_sixteenth_is_not() -> None:
    document = a_stay_with(
        [an_item("2026-11-18T09:00"), an_item("2026-11-19T09:00")], discharged="2026-11-20T10:00"
    )
    document["coverage"][0]["to"] = "2026-11-03"
    document["services"][1]["scope"] = "2"

    first, second = rows(document, XML3)

    assert (first["MUC_HUONG"], second["MUC_HUONG"]) == ("80", "0")


def test_a_card_does_not_pay_before_it_begins() -> None:
    document = a_stay_with([an_item("2026-11-03T09:00", scope="2"), an_item("2026-11-04T09:00")])
    document["coverage"][0]["from"] = "2026-11-04"

    assert percents(document) == ["0", "80"]


def test_rows_of_army_cards_stay_out_of_the_amount_per_service() -> None:
    document = a_stay_with(
        [an_item("2026-11-03T09:00"), an_item("2026-11-04T09:00")],
        a_card("QN5790000000009", "2026-11-04"),
    )
    document["coverage"][0]["to"] = "2026-11-03"

    totals = summary(document)

    assert (totals["T_BHTT"], totals["T_BHTT_GDV"]) == ("720000", "320000")


def test_a_group_whose_percent_changes_during_the_stay_has_both() -> None:
    document = a_stay_with(
        [an_item("2025-12-31T09:00"), an_item("2026-01-01T09:00")],
        admitted="2025-12-30T08:00",
        discharged="2026-01-03T10:00",
    )
    document["coverage"][0] |= {"card": "CN3790000000000", "from": "2025-01-01"}

    assert percents(document) == ["95", "100"]


# --- across a change -----------------------------------------------------------------------


def test_an_exemption_ends_with_its_year() -> None:
    document = a_stay_with(
        [an_item("2026-12-31T09:00"), an_item("2027-01-01T09:00")],
        admitted="2026-12-30T08:00",
        discharged="2027-01-03T10:00",
    )
    document["coverage"][0] |= {"to": "2027-12-31", "copay_exempt_from": "2026-10-01"}

    assert percents(document) == ["100", "80"]


@pytest.mark.parametrize(("day", "percent"), [(SalaryDay.DISCHARGED, "100"), (SalaryDay.ADMITTED, "80")])
def test_a_stay_across_a_change_of_salary_is_limited_as_the_setting_says(
    day: SalaryDay, percent: str
) -> None:
    document = a_stay_with(
        [an_item("2026-06-29T09:00", "360000")],
        admitted="2026-06-28T08:00",
        discharged="2026-07-02T10:00",
    )

    settings = BuildSettings(money=MoneySettings(salary_day=always(day)))

    assert percents(document, settings) == [percent]


@pytest.mark.parametrize(("price", "percent"), [("379499.999", "80"), ("379499.99", "100"), ("379500", "80")])
def test_a_cheap_visit_stays_strictly_below_the_limit(price: str, percent: str) -> None:
    assert percents(a_document(services=[an_item("2026-11-02T08:00", price)])) == [percent]


# --- packages ------------------------------------------------------------------------------


def a_supply(price: str, package: str | None = "G1", **changes: object) -> Document:
    supply = {"package": package, "tender": "1;G1;N1;2026"}
    return an_item("2026-11-03T09:00", price, kind="supply", code="N06.01.010", supply=supply, **changes)


def test_the_fund_pays_the_supplies_of_a_package_up_to_45_salaries() -> None:
    document = a_stay_with([a_supply("100000000"), a_supply("80000000"), a_supply("80000000", "G2")])

    first, second, other = rows(document, XML3)

    assert (first["T_BHTT"], second["T_BHTT"], other["T_BHTT"]) == ("80000000", "33850000", "64000000")
    assert (second["T_BNCCT"], second["T_BNTT"], second["MUC_HUONG"]) == ("46150000", "0", "80")
    assert codes(built(document)).count("BUILD.package-ceiling") == 1


@pytest.mark.parametrize(
    ("card", "fund"),
    [
        pytest.param("TE1790000000000", ["100000000", "80000000"], id="no-limits"),
        pytest.param("CA5790000000000", ["100000000", "80000000"], id="beyond-the-scope"),
        pytest.param("HN2790000000000", ["100000000", "13850000"], id="whole-with-limits"),
    ],
)
def test_cards_without_limits_of_rates_have_no_ceiling_of_packages(card: str, fund: list[str]) -> None:
    document = a_stay_with([a_supply("100000000"), a_supply("80000000")])
    document["coverage"][0]["card"] = card

    assert [row["T_BHTT"] for row in rows(document, XML3)] == fund


@pytest.mark.parametrize("digit", "12345")
@pytest.mark.parametrize(
    "supplies",
    [
        pytest.param([a_supply("100000000"), a_supply("80000000")], id="package"),
        pytest.param([a_supply("42000000", quantity="2", ceiling="30000000")], id="unit"),
    ],
)
def test_what_a_ceiling_leaves_to_the_patient_stands_against_no_card(
    supplies: list[Document], digit: str
) -> None:
    document = a_stay_with(supplies)
    document["coverage"][0]["card"] = f"GD{digit}790000000000"

    report = check_bundle(built(document).bundle, at=datetime(2026, 11, 30, tzinfo=UTC))

    found = {finding.code for finding in report.findings}
    assert not {
        code
        for code in found
        if code.startswith(("CARD.BENEFIT", "XML3.CEILING", "XML3.AMOUNT", "XML3.FUND"))
    }


def test_what_a_package_costs_above_can_be_the_patients_own() -> None:
    document = a_stay_with([a_supply("100000000"), a_supply("80000000")])
    settings = BuildSettings(money=MoneySettings(package_excess=always(PackageExcess.OWN)))

    _, second = rows(document, XML3, settings)

    assert (second["T_BHTT"], second["T_BNCCT"], second["T_BNTT"]) == ("33850000", "16000000", "30150000")


def test_a_ceiling_is_that_of_its_time() -> None:
    document = a_stay_with(
        [a_supply("200000000")], admitted="2026-06-01T08:00", discharged="2026-06-30T10:00"
    )
    document["services"][0]["ordered"] = "2026-06-02T09:00"

    assert rows(document, XML3)[0]["T_BHTT"] == "105300000"


def test_supplies_outside_a_package_have_no_ceiling_in_common() -> None:
    document = a_stay_with([a_supply("100000000", None), a_supply("80000000", None)])

    assert [row["T_BHTT"] for row in rows(document, XML3)] == ["80000000", "64000000"]


def test_a_supply_whose_code_looks_like_an_unpriced_service_keeps_its_price() -> None:
    document = a_stay_with([a_supply("1000000", None) | {"code": "N06.01.0000"}])

    assert rows(document, XML3)[0]["DON_GIA_BH"] == "1000000"


# --- other sources -------------------------------------------------------------------------


def test_support_for_the_facility_is_a_setting() -> None:
    medicine = a_medicine(quantity="1", price="10000000", pay_percent=50, other_sources={"vtnn": "3000000"})
    settings = BuildSettings(money=MoneySettings(support=always(Support.FACILITY)))

    (row,) = rows(a_document(medications=[medicine]), XML2, settings)

    amounts = ("THANH_TIEN_BV", "THANH_TIEN_BH", "T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")
    assert [row[name] for name in amounts] == [
        "10000000", "3500000", "2800000", "700000", "3500000", "3000000",
    ]  # fmt: skip


def test_the_co_payment_of_a_supported_medicine_is_paid_first() -> None:
    medicine = a_medicine(quantity="1", price="1000000", pay_percent=50, other_sources={"nsnn": "100000"})
    settings = BuildSettings(money=MoneySettings(copayment_supported_medicines=always(frozenset({"40.30"}))))

    (row,) = rows(a_document(medications=[medicine]), XML2, settings)

    assert (row["T_BNTT"], row["T_BNCCT"], row["T_BHTT"]) == ("500000", "0", "400000")


def test_what_another_supplied_and_nobody_paid_is_pointed_out() -> None:
    unpaid = a_document(medications=[a_medicine(source="2")])
    paid = a_document(medications=[a_medicine(source="2", other_sources={"cl": "80000"})])

    assert codes(built(unpaid)) == ["BUILD.supplier-pays-nothing"]
    assert codes(built(paid)) == []


# --- beds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "found"), [("4", 0), ("4.5", 1)])
def test_more_beds_than_days_are_pointed_out(days: str, found: int) -> None:
    document = a_stay_with([an_item("2026-11-02T09:00", kind="bed", quantity=days)])

    assert codes(built(document)).count("BUILD.more-beds-than-days") == found


# --- formulas of their time ----------------------------------------------------------------


@pytest.mark.parametrize("amount", [ServiceAmount.PLAIN, ServiceAmount.WITH_RATE])
def test_before_decision_4750_the_rate_of_a_service_may_count_and_need_not(amount: ServiceAmount) -> None:
    document = a_stay_with(
        [an_item("2024-03-04T09:00", service_percent=50)],
        admitted="2024-03-03T08:00",
        discharged="2024-03-06T10:00",
    )
    document["coverage"][0] |= {"from": "2024-01-01", "to": "2024-12-31"}
    settings = BuildSettings(money=MoneySettings(service_amount=always(amount)))

    report = check_bundle(built(document, settings=settings).bundle, at=datetime(2024, 3, 7, tzinfo=UTC))

    found = {finding.code for finding in report.findings}
    assert found.isdisjoint({"XML3.AMOUNT_BV", "XML3.AMOUNT_BH", "XML3.SPLIT", "XML3.FUND_PART"})
