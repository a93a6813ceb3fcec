"""Whatever is billed, the parts of a row add up and nobody pays less than nothing."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from claims.bundle.money import (
    Amounts,
    Benefit,
    BilledRow,
    OtherSources,
    PackageExcess,
    ServiceAmount,
    SourceOrder,
    UnitPrices,
    add_up,
    cap_package,
    find_rules,
    insured_after_support,
    muc_huong,
    price_medicine,
    price_service,
    round_amount,
    service_prices,
    split,
)


def decimals(largest: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=0, max_value=largest, places=places, allow_nan=False, allow_infinity=False)


QUANTITIES = decimals(100_000, 3)
PRICES = decimals(10**9, 3)
PERCENTS = st.integers(0, 100).map(Decimal)
BENEFITS = st.sampled_from(
    [Decimal(text) for text in ("0", "32", "38", "40", "47.5", "50", "80", "95", "100")]
)


@st.composite
def medicine_amounts(draw: st.DrawFn) -> Amounts:
    return price_medicine(so_luong=draw(QUANTITIES), don_gia=draw(PRICES), tyle_tt_bh=draw(PERCENTS))


@st.composite
def service_amounts(draw: st.DrawFn) -> Amounts:
    bv = draw(PRICES)
    prices = service_prices(UnitPrices(bv, min(bv, draw(PRICES))), ma_dich_vu="02.0001.0002")
    return price_service(
        prices,
        so_luong=draw(QUANTITIES),
        tyle_tt_dv=draw(PERCENTS),
        tyle_tt_bh=draw(PERCENTS),
        amount=draw(st.sampled_from(ServiceAmount)),
    )


@st.composite
def billed_rows(draw: st.DrawFn) -> BilledRow:
    amounts = draw(st.one_of(medicine_amounts(), service_amounts()))
    # A sum of four rounded sources that never exceeds the cost.
    quarter = (amounts.thanh_tien_bv / 4).quantize(Decimal("0.01"), "ROUND_DOWN")
    sources = [draw(st.sampled_from([Decimal(0), quarter])) for _ in range(4)]
    other = OtherSources(*sources)
    if draw(st.booleans()):
        amounts = insured_after_support(amounts, other.total)
    order = draw(st.sampled_from(SourceOrder))
    parts = split(amounts, muc_huong=draw(BENEFITS), other_sources=other, order=order)
    return BilledRow(draw(st.booleans()), draw(st.sampled_from(["4", "10", "11", "13"])), "1", amounts, parts)


@given(st.one_of(medicine_amounts(), service_amounts()))
def test_the_insured_amount_is_never_above_the_whole(amounts: Amounts) -> None:
    assert 0 <= amounts.thanh_tien_bh <= amounts.thanh_tien_bv


@given(billed_rows())
def test_the_parts_of_a_row_add_up_to_it(row: BilledRow) -> None:
    parts = row.split

    assert parts.t_bntt + parts.t_bncct + parts.t_bhtt + parts.t_nguonkhac == row.amounts.thanh_tien_bv


@given(billed_rows())
def test_no_part_is_negative_and_each_has_two_decimals(row: BilledRow) -> None:
    parts = row.split

    for part in (parts.t_bntt, parts.t_bncct, parts.t_bhtt, parts.t_nguonkhac):
        assert part >= 0
        assert part == round_amount(part)


@given(st.lists(billed_rows(), max_size=12))
def test_totals_add_up_as_rows_do(rows: list[BilledRow]) -> None:
    totals = add_up(rows, find_rules(date(2026, 11, 2)))

    assert totals.t_bntt + totals.t_bncct + totals.t_bhtt + totals.t_nguonkhac == totals.t_tongchi_bv
    assert totals.t_thuoc + totals.t_vtyt <= totals.t_tongchi_bv
    assert totals.t_tongchi_bh <= totals.t_tongchi_bv


@given(decimals(10**12, 6))
def test_rounding_twice_is_rounding_once(amount: Decimal) -> None:
    assert round_amount(round_amount(amount)) == round_amount(amount)


@given(st.integers(0, 10**12))
def test_a_tie_goes_up(cents: int) -> None:
    assert round_amount(Decimal(cents) / 100 + Decimal("0.005")) == Decimal(cents + 1) / 100


@given(medicine_amounts(), BENEFITS, BENEFITS)
def test_a_higher_percent_never_costs_the_patient_more(
    amounts: Amounts, one: Decimal, other: Decimal
) -> None:
    lower, higher = sorted((one, other))

    assert split(amounts, muc_huong=higher).t_bncct <= split(amounts, muc_huong=lower).t_bncct


@given(st.one_of(medicine_amounts(), service_amounts()), st.data())
def test_support_never_raises_the_insured_amount(amounts: Amounts, data: st.DataObject) -> None:
    cents = data.draw(st.integers(0, int(amounts.thanh_tien_bv * 100)))

    after = insured_after_support(amounts, Decimal(cents) / 100)

    assert 0 <= after.thanh_tien_bh <= amounts.thanh_tien_bh
    assert after.thanh_tien_bv == amounts.thanh_tien_bv


@given(medicine_amounts(), BENEFITS, st.data())
def test_more_from_other_sources_never_costs_the_patient_or_the_fund_more(
    amounts: Amounts, benefit: Decimal, data: st.DataObject
) -> None:
    most = int(amounts.thanh_tien_bv * 100)
    less, more = sorted(data.draw(st.integers(0, most)) for _ in range(2))
    order = data.draw(st.sampled_from(SourceOrder))

    before, after = (
        split(amounts, muc_huong=benefit, other_sources=OtherSources(cl=Decimal(cents) / 100), order=order)
        for cents in (less, more)
    )

    assert after.t_bntt <= before.t_bntt
    assert after.t_bncct <= before.t_bncct
    assert after.t_bhtt <= before.t_bhtt


@given(medicine_amounts(), BENEFITS, st.data())
def test_the_fund_pays_less_only_after_the_patient_pays_nothing(
    amounts: Amounts, benefit: Decimal, data: st.DataObject
) -> None:
    cents = data.draw(st.integers(0, int(amounts.thanh_tien_bv * 100)))

    alone = split(amounts, muc_huong=benefit)
    parts = split(amounts, muc_huong=benefit, other_sources=OtherSources(vttn=Decimal(cents) / 100))

    if parts.t_bncct < alone.t_bncct:
        assert parts.t_bntt == 0
    if parts.t_bhtt < alone.t_bhtt:
        assert parts.t_bntt == parts.t_bncct == 0


@given(st.lists(billed_rows(), max_size=8), decimals(10**10, 2), st.sampled_from(PackageExcess))
def test_the_ceiling_of_a_package_is_kept_and_nothing_is_lost(
    rows: list[BilledRow], ceiling: Decimal, excess: PackageExcess
) -> None:
    before = [row.split for row in rows]

    after = cap_package(before, ceiling, excess)

    fund = sum(parts.t_bhtt for parts in after)
    assert fund == min(ceiling, sum(parts.t_bhtt for parts in before))
    for old, new in zip(before, after, strict=True):
        assert new.t_bhtt <= old.t_bhtt
        assert new.t_bntt + new.t_bncct + new.t_bhtt == old.t_bntt + old.t_bncct + old.t_bhtt
        assert new.t_nguonkhac == old.t_nguonkhac


@given(st.lists(billed_rows(), max_size=8))
def test_the_fund_total_is_scope_less_co_payment_unless_others_reach_the_insured_part(
    rows: list[BilledRow],
) -> None:
    totals = add_up(rows, find_rules(date(2026, 11, 2)))
    reached = sum(row.amounts.thanh_tien_bh - row.split.t_bncct - row.split.t_bhtt for row in rows)

    assert totals.t_bhtt == totals.t_tongchi_bh - totals.t_bncct - reached
    assert reached >= 0


@given(
    st.sampled_from([Decimal(80), Decimal(95), Decimal(100)]),
    st.sampled_from(["1.1", "1.13", "1.14", "1.18", "2", "3.1"]),
)
def test_percents_are_the_products_that_the_facts_name(card: Decimal, case: str) -> None:
    rules = find_rules(date(2026, 11, 2))
    factor = rules.find_factor(case, is_inpatient=True)
    assert factor is not None

    percent = muc_huong(Benefit(card, case, factor), rules)

    assert percent == card * factor / 100
    assert percent in {Decimal(text) for text in ("32", "38", "40", "47.5", "50", "80", "95", "100")}
