"""Whatever is billed, the parts of a row add up and nobody pays less than nothing."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from claims.bundle.money import (
    Amounts,
    BilledRow,
    OtherSources,
    ServiceAmount,
    UnitPrices,
    add_up,
    find_rules,
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
    prices = service_prices(UnitPrices(bv, min(bv, draw(PRICES))), code="02.0001.0002")
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
    parts = split(amounts, muc_huong=draw(BENEFITS), other_sources=other)
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
