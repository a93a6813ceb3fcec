"""Amounts, percents and totals come out as the money rules say, to the cent."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from claims.bundle.money import (
    NO_OTHER_SOURCES,
    Amounts,
    Benefit,
    BilledRow,
    CheapVisitOffRoute,
    FundTotal,
    MoneySettings,
    NoMoneyRules,
    OtherSources,
    OtherSourcesTooLarge,
    PackageExcess,
    ServiceAmount,
    SourceOrder,
    Split,
    UnitPrices,
    add_up,
    always,
    cap_package,
    copayments_by_year,
    find_rules,
    insured_after_support,
    insured_percent,
    is_cheap_visit,
    muc_huong,
    price_medicine,
    price_service,
    remaining_copayment,
    round_amount,
    row_percent,
    service_prices,
    split,
)

D = Decimal
LATE_2026 = date(2026, 11, 2)
RULES = find_rules(LATE_2026)


@pytest.mark.parametrize(
    ("exact", "rounded"), [("0.005", "0.01"), ("0.0049", "0.00"), ("2.675", "2.68"), ("1", "1.00")]
)
def test_half_a_cent_is_rounded_up(exact: str, rounded: str) -> None:
    assert str(round_amount(D(exact))) == rounded


def test_a_medicine_costs_quantity_times_price() -> None:
    amounts = price_medicine(so_luong=D("1.5"), don_gia=D("333.335"), tyle_tt_bh=D(50))

    assert amounts == Amounts(D("500.00"), D("250.00"))


def test_both_amounts_are_rounded_from_the_exact_product() -> None:
    amounts = price_medicine(so_luong=D("0.333"), don_gia=D("0.045"), tyle_tt_bh=D(33))

    # 0.014985 is 0.01; a third of it is 0.00494505, which 0.01 x 33 % would also round to 0.00.
    assert amounts == Amounts(D("0.01"), D("0.00"))


def test_the_largest_numbers_lose_no_digit() -> None:
    amounts = price_medicine(so_luong=D("9999999.999"), don_gia=D("99999999999.999"), tyle_tt_bh=D(99))

    assert amounts.thanh_tien_bv == D("999999999899990000.00")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        pytest.param(ServiceAmount.WITH_RATE, Amounts(D(60), D(20)), id="since-4750"),
        pytest.param(ServiceAmount.PLAIN, Amounts(D(200), D("66.67")), id="before-4750"),
        pytest.param(ServiceAmount.DIFFERENCE_WAIVED, Amounts(D("106.67"), D(20)), id="difference-waived"),
    ],
)
def test_the_service_rate_counts_as_the_day_says(amount: ServiceAmount, expected: Amounts) -> None:
    prices = UnitPrices(don_gia_bv=D(100), don_gia_bh=D("66.667"))

    worked_out = price_service(prices, so_luong=D(2), tyle_tt_dv=D(30), tyle_tt_bh=D(50), amount=amount)

    assert worked_out == expected


def test_what_the_patient_pays_has_no_insured_percent() -> None:
    assert insured_percent(pham_vi="2", tyle_tt_bh=D(100)) == 0
    assert insured_percent(pham_vi="1", tyle_tt_bh=D(70)) == 70


@pytest.mark.parametrize(
    ("prices", "code", "ceiling", "is_reused", "expected"),
    [
        pytest.param((50, 40), "02.0001.0002", None, False, (50, 40), id="as-given"),
        pytest.param((50, 40), "02.0001.0002_TB", None, False, (0, 0), id="not-performed"),
        pytest.param((50, 40), "02.0001.0002_TB_GT", None, False, (0, 0), id="not-performed-with-a-mark"),
        pytest.param((50, 40), "02.0001.0000", None, False, (50, 0), id="without-insured-price"),
        pytest.param((50, 40), "02.0001.0000_GT", None, False, (50, 0), id="without-insured-and-a-mark"),
        pytest.param((50, 50), "N01", 30, False, (50, 30), id="above-the-ceiling"),
        pytest.param((50, 20), "N01", 30, False, (50, 20), id="insured-price-below-the-ceiling"),
        pytest.param((30, 30), "N01", 30, False, (30, 30), id="at-the-ceiling"),
        pytest.param((50, 50), "N01", 0, False, (50, 50), id="no-ceiling-of-zero"),
        pytest.param((50, 20), "N01", None, True, (20, 20), id="reused"),
        pytest.param((50, 50), "N01", 30, True, (30, 30), id="reused-above-the-ceiling"),
    ],
)
def test_unit_prices(
    prices: tuple[int, int],
    code: str,
    ceiling: int | None,
    is_reused: bool,
    expected: tuple[int, int],
) -> None:
    given = UnitPrices(D(prices[0]), D(prices[1]))

    written = service_prices(
        given, ma_dich_vu=code, t_trantt=None if ceiling is None else D(ceiling), is_reused=is_reused
    )

    assert written == UnitPrices(D(expected[0]), D(expected[1]))


@pytest.mark.parametrize(
    ("other_sources", "expected"),
    [
        pytest.param(NO_OTHER_SOURCES, Split(D(0), D(50), D(10), D(40)), id="none"),
        pytest.param(OtherSources(cl=D(30)), Split(D(30), D(20), D(10), D(40)), id="own-part-first"),
        pytest.param(
            OtherSources(nsnn=D(50), cl=D(5)), Split(D(55), D(0), D(5), D(40)), id="then-co-payment"
        ),
        pytest.param(OtherSources(vtnn=D(70)), Split(D(70), D(0), D(0), D(30)), id="then-the-fund"),
        pytest.param(OtherSources(vttn=D(100)), Split(D(100), D(0), D(0), D(0)), id="all"),
    ],
)
def test_other_sources_take_off_in_order(other_sources: OtherSources, expected: Split) -> None:
    assert split(Amounts(D(100), D(50)), muc_huong=D(80), other_sources=other_sources) == expected


def test_other_sources_cannot_exceed_the_amount() -> None:
    with pytest.raises(OtherSourcesTooLarge):
        split(Amounts(D(100), D(50)), muc_huong=D(80), other_sources=OtherSources(cl=D("100.01")))


@pytest.mark.parametrize(
    ("card", "case", "on", "is_inpatient", "expected"),
    [
        pytest.param("80", "1.1", LATE_2026, False, "80", id="right-route"),
        pytest.param("80", "1.2", LATE_2026, False, "100", id="first-level-is-whole"),
        pytest.param("80", "1.14", date(2026, 6, 30), False, "0", id="self-referred-until-june-2026"),
        pytest.param("80", "1.14", date(2026, 7, 1), False, "40", id="self-referred-from-july-2026"),
        pytest.param("95", "1.13", LATE_2026, False, "47.5", id="four-characters"),
        pytest.param("100", "1.18", LATE_2026, False, "50", id="half-of-a-whole-card"),
        pytest.param("80", "3.1", LATE_2026, True, "32", id="central-inpatient"),
        pytest.param("95", "3.1", LATE_2026, True, "38", id="central-inpatient-95"),
        pytest.param("80", "3.1", LATE_2026, False, "0", id="central-outpatient"),
        pytest.param("95", "2", LATE_2026, False, "95", id="emergency"),
        pytest.param("80", "1.1", date(2025, 3, 1), False, "80", id="list-of-decision-824"),
    ],
)
def test_percent_of_benefit(card: str, case: str, on: date, is_inpatient: bool, expected: str) -> None:
    rules = find_rules(on)
    factor = rules.find_factor(case, is_inpatient=is_inpatient)
    assert factor is not None

    assert muc_huong(Benefit(D(card), case, factor), rules) == D(expected)


@pytest.mark.parametrize("case", ["7.2", "10", "8", "4.4"])
def test_a_case_without_an_established_factor_has_none(case: str) -> None:
    assert RULES.find_factor(case, is_inpatient=False) is None


def test_an_open_factor_can_be_set() -> None:
    settings = MoneySettings(open_factors=always({"7.2": D(100)}))

    assert find_rules(LATE_2026, settings).find_factor("7.2", is_inpatient=False) == 100


def test_co_payment_exemption_lifts_a_right_route_visit_only() -> None:
    assert muc_huong(Benefit(D(80), "1.1", D(100), is_copay_exempt=True), RULES) == 100
    assert muc_huong(Benefit(D(80), "1.14", D(50), is_copay_exempt=True), RULES) == 40


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (CheapVisitOffRoute.NOTHING, 40),
        (CheapVisitOffRoute.FACTOR_ALONE, 50),
        (CheapVisitOffRoute.WHOLE, 100),
    ],
)
def test_what_a_cheap_visit_lifts_off_route_is_a_setting(answer: CheapVisitOffRoute, expected: int) -> None:
    rules = find_rules(LATE_2026, MoneySettings(cheap_visit_off_route=always(answer)))

    assert muc_huong(Benefit(D(80), "1.14", D(50), is_cheap_visit=True), rules) == expected


def test_a_cheap_visit_never_lifts_what_is_not_paid_at_all() -> None:
    rules = find_rules(LATE_2026, MoneySettings(cheap_visit_off_route=always(CheapVisitOffRoute.WHOLE)))

    assert muc_huong(Benefit(D(80), "3.1", D(0), is_cheap_visit=True), rules) == 0


@pytest.mark.parametrize(
    ("on", "limit", "ceiling"),
    [
        (date(2024, 6, 30), 270_000, 81_000_000),
        (date(2024, 7, 1), 351_000, 105_300_000),
        (date(2026, 6, 30), 351_000, 105_300_000),
        (date(2026, 7, 1), 379_500, 113_850_000),
    ],
)
def test_limits_follow_the_base_salary_of_the_day(on: date, limit: int, ceiling: int) -> None:
    rules = find_rules(on)

    assert rules.cheap_visit_below == limit
    assert rules.package_ceiling == ceiling


def test_a_cheap_visit_costs_something_and_stays_strictly_below_the_limit() -> None:
    assert not is_cheap_visit(D(0), RULES)
    assert is_cheap_visit(D("379499.99"), RULES)
    assert not is_cheap_visit(D(379_500), RULES)


def test_no_rules_are_invented_for_a_day_before_the_first_salary() -> None:
    with pytest.raises(NoMoneyRules):
        find_rules(date(1990, 1, 1))


@pytest.mark.parametrize(
    ("card", "on", "percent"),
    [
        ("TE1790000000000", LATE_2026, 100),
        ("HN2790000000000", LATE_2026, 100),
        ("HT3790000000000", LATE_2026, 95),
        ("DN4790000000000", LATE_2026, 80),
        ("QN5790000000000", LATE_2026, 100),
        ("CN3790000000000", date(2025, 12, 31), 95),
        ("CN3790000000000", date(2026, 1, 1), 100),
        ("LH4790000000000", date(2026, 1, 1), 100),
        ("7900000000", LATE_2026, None),
    ],
)
def test_the_third_character_of_a_card_says_its_percent(card: str, on: date, percent: int | None) -> None:
    assert find_rules(on).find_card_percent(card) == percent


def test_the_fund_pays_nothing_of_what_others_supplied() -> None:
    assert row_percent(D(80), nguon_ctra="2") == 0
    assert row_percent(D(80), nguon_ctra="1") == 80


def billed(
    *, is_medicine: bool, ma_nhom: str, ma_pttt: str = "1", other_sources: OtherSources = NO_OTHER_SOURCES
) -> BilledRow:
    amounts = Amounts(D(100), D(50))
    return BilledRow(
        is_medicine, ma_nhom, ma_pttt, amounts, split(amounts, muc_huong=D(80), other_sources=other_sources)
    )


def test_totals_are_the_sums_of_the_rows() -> None:
    totals = add_up(
        [
            billed(is_medicine=True, ma_nhom="4"),
            billed(is_medicine=False, ma_nhom="10", ma_pttt="2"),
            billed(is_medicine=False, ma_nhom="13"),
        ],
        RULES,
    )

    assert (totals.t_thuoc, totals.t_vtyt) == (D(100), D(100))
    assert (totals.t_tongchi_bv, totals.t_tongchi_bh) == (D(300), D(150))
    assert (totals.t_bntt, totals.t_bncct, totals.t_bhtt, totals.t_nguonkhac) == (D(150), D(30), D(120), D(0))
    assert totals.t_bhtt_gdv == 80


def test_cards_of_army_and_police_have_no_amount_outside_capitation() -> None:
    assert not RULES.is_gdv_card("QN5790000000000")
    row = replace(billed(is_medicine=True, ma_nhom="4"), has_gdv_card=False)

    assert add_up([row], RULES).t_bhtt_gdv == 0


def test_how_the_fund_total_is_made_matters_when_others_reach_the_insured_part() -> None:
    rows = [billed(is_medicine=True, ma_nhom="4", other_sources=OtherSources(cl=D(75)))]
    by_scope = find_rules(LATE_2026, MoneySettings(fund_total=always(FundTotal.SCOPE_LESS_COPAYMENT)))

    assert add_up(rows, RULES).t_bhtt == 25
    assert add_up(rows, by_scope).t_bhtt == 50


def test_rules_differ_only_in_their_settings_when_asked_for_other_answers() -> None:
    settings = MoneySettings(grace_days_after_card=always(0))

    assert find_rules(LATE_2026, settings) == replace(RULES, settings=settings)


# --- other sources, packages, years --------------------------------------------------------


def test_support_for_the_facility_comes_off_the_cost_first() -> None:
    support = OtherSources(cl=D(3_000_000))

    after = insured_after_support(Amounts(D(10_000_000), D(5_000_000)), support.total)
    parts = split(after, muc_huong=D(80), other_sources=support)

    assert after.thanh_tien_bh == 3_500_000
    assert parts == Split(D(3_000_000), D(3_500_000), D(700_000), D(2_800_000))


def test_support_for_the_facility_cannot_exceed_the_cost() -> None:
    with pytest.raises(OtherSourcesTooLarge):
        insured_after_support(Amounts(D(100), D(50)), D("100.01"))


def test_a_supported_co_payment_leaves_the_own_part() -> None:
    parts = split(
        Amounts(D(100), D(50)),
        muc_huong=D(80),
        other_sources=OtherSources(nsnn=D(10)),
        order=SourceOrder.COPAYMENT_FIRST,
    )

    assert parts == Split(D(10), D(50), D(0), D(40))


@pytest.mark.parametrize(
    ("excess", "own", "copayment"),
    [
        pytest.param(PackageExcess.COPAYMENT, 10, 45, id="co-payment"),
        pytest.param(PackageExcess.OWN, 35, 20, id="own"),
    ],
)
def test_a_package_is_paid_in_the_order_of_its_rows_up_to_its_ceiling(
    excess: PackageExcess, own: int, copayment: int
) -> None:
    row = Split(D(0), D(10), D(20), D(80))

    paid = cap_package([row, row, row], D(135), excess)

    assert [parts.t_bhtt for parts in paid] == [80, 55, 0]
    assert paid[0] is row
    assert paid[1] == Split(D(0), D(own), D(copayment), D(55))


def test_a_package_at_its_ceiling_is_left_alone() -> None:
    row = Split(D(0), D(10), D(20), D(80))

    assert cap_package([row], D(80), PackageExcess.COPAYMENT) == (row,)


@pytest.mark.parametrize(
    ("paid_before", "left"),
    [
        pytest.param("0", "15180000", id="nothing-paid"),
        pytest.param("7020000", "7590000", id="half-paid"),
        pytest.param("14040000", "0", id="all-paid"),
        pytest.param("20000000", "0", id="more-paid"),
    ],
)
def test_what_is_left_to_co_pay_is_counted_in_salaries(paid_before: str, left: str) -> None:
    remaining = remaining_copayment(
        paid_before=D(paid_before),
        salary_before=D(2_340_000),
        salary_now=D(2_530_000),
        limit_salaries=D(6),
    )

    assert remaining == D(left)


def test_co_payments_of_a_stay_across_new_year_count_in_both_years() -> None:
    parts = Split(D(0), D(0), D(20), D(80))

    years = copayments_by_year([("202612310900", parts), ("202701010900", parts), ("202612300900", parts)])

    assert years == {"2026": 40, "2027": 20}
