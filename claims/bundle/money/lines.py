"""What a row costs: unit prices as written, and both amounts of it."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from claims.bundle.money.rounding import EXACT, ZERO, percent_of, round_amount
from claims.bundle.money.settings import ServiceAmount

#: PHAM_VI of what lies outside the scope of the insurance.
PATIENT_PAYS: Final = "2"
_NOT_PERFORMED: Final = "TB"
_WITHOUT_INSURED_PRICE: Final = ".0000"


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a row costs at the hospital's price, and the part of it inside the insurance scope."""

    thanh_tien_bv: Decimal
    thanh_tien_bh: Decimal


def insured_percent(*, pham_vi: str, tyle_tt_bh: Decimal) -> Decimal:
    """Return TYLE_TT_BH as written: a row that the patient pays (PHAM_VI 2) has 0."""
    return ZERO if pham_vi == PATIENT_PAYS else tyle_tt_bh


def price_medicine(*, so_luong: Decimal, don_gia: Decimal, tyle_tt_bh: Decimal) -> Amounts:
    """Work out both amounts of an XML2 row."""
    cost = EXACT.multiply(so_luong, don_gia)
    return Amounts(round_amount(cost), round_amount(percent_of(tyle_tt_bh, cost)))


class PriceGround(StrEnum):
    """Why a unit price is what it is."""

    GIVEN = "given"
    SUPPLY = "supply"  # the purchase price, as nobody gave an insured one
    OUTSIDE_SCOPE = "outside-scope"  # the patient pays, and nobody gave an insured price
    CEILING = "ceiling"
    REUSED = "reused"
    NOT_PERFORMED = "not-performed"
    WITHOUT_INSURED = "without-insured"


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """DON_GIA_BV and DON_GIA_BH of an XML3 row, each with why it is what it is."""

    don_gia_bv: Decimal
    don_gia_bh: Decimal
    bv_ground: PriceGround = field(default=PriceGround.GIVEN, compare=False)
    bh_ground: PriceGround = field(default=PriceGround.GIVEN, compare=False)


NOT_PERFORMED: Final = UnitPrices(ZERO, ZERO, PriceGround.NOT_PERFORMED, PriceGround.NOT_PERFORMED)


def service_prices(
    prices: UnitPrices,
    *,
    ma_dich_vu: str = "",
    t_trantt: Decimal | None = None,
    is_reused: bool = False,
) -> UnitPrices:
    """Return the unit prices as written: not performed, not priced, above a ceiling, or used again.

    A service that was begun and not performed has the mark ``_TB`` behind its code, and one whose
    last part is ``0000`` has no insured price.
    """
    code, *marks = ma_dich_vu.split("_")
    if _NOT_PERFORMED in marks:
        return NOT_PERFORMED
    if code.endswith(_WITHOUT_INSURED_PRICE):
        prices = replace(prices, don_gia_bh=ZERO, bh_ground=PriceGround.WITHOUT_INSURED)
    # Decision 4750: the lower of the purchase price and the ceiling.
    if t_trantt is not None and prices.don_gia_bv > t_trantt > ZERO and prices.don_gia_bh > t_trantt:
        prices = replace(prices, don_gia_bh=t_trantt, bh_ground=PriceGround.CEILING)
    if is_reused:
        prices = replace(prices, don_gia_bv=prices.don_gia_bh, bv_ground=PriceGround.REUSED)
    return prices


def price_service(
    prices: UnitPrices,
    *,
    so_luong: Decimal,
    tyle_tt_dv: Decimal,
    tyle_tt_bh: Decimal,
    amount: ServiceAmount = ServiceAmount.WITH_RATE,
) -> Amounts:
    """Work out both amounts of an XML3 row."""
    at_hospital = EXACT.multiply(so_luong, prices.don_gia_bv)
    insured = EXACT.multiply(so_luong, prices.don_gia_bh)
    if amount is ServiceAmount.PLAIN:
        return Amounts(round_amount(at_hospital), round_amount(percent_of(tyle_tt_bh, insured)))
    in_scope = percent_of(tyle_tt_dv, insured)
    if amount is ServiceAmount.DIFFERENCE_WAIVED:
        cost = EXACT.subtract(at_hospital, EXACT.subtract(insured, in_scope))
    else:
        cost = percent_of(tyle_tt_dv, at_hospital)
    return Amounts(round_amount(cost), round_amount(percent_of(tyle_tt_bh, in_scope)))
