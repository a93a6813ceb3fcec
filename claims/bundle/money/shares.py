"""Who pays a row: other sources, the patient alone, the patient's co-payment, the fund."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from claims.bundle.money.errors import OtherSourcesTooLarge
from claims.bundle.money.lines import Amounts
from claims.bundle.money.rounding import EXACT, ZERO, percent_of, round_amount
from claims.bundle.money.settings import PackageExcess

_INSURANCE_FUND: Final = "1"


class SourceOrder(StrEnum):
    """What other sources are taken off, in this order."""

    OWN_FIRST = "own-first"  # own part, co-payment, the fund's part: support for the patient
    COPAYMENT_FIRST = "copayment-first"  # co-payment, own part, the fund's part: antiretrovirals


@dataclass(frozen=True, slots=True)
class OtherSources:
    """What others than patient and fund pay for a row (T_NGUONKHAC_*)."""

    nsnn: Decimal = ZERO
    vtnn: Decimal = ZERO
    vttn: Decimal = ZERO
    cl: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """T_NGUONKHAC."""
        return self.nsnn + self.vtnn + self.vttn + self.cl


NO_OTHER_SOURCES: Final = OtherSources()


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays a row: other sources, the patient alone, the patient's co-payment, the fund."""

    t_nguonkhac: Decimal
    t_bntt: Decimal
    t_bncct: Decimal
    t_bhtt: Decimal


def insured_after_support(amounts: Amounts, support: Decimal) -> Amounts:
    """Lessen the insured amount by what a facility was given towards the cost, in proportion.

    THANH_TIEN_BH is then no longer quantity times price times rate. Splitting what is left takes the
    support off the patient's own part, of which there is now enough.

    Raises:
        OtherSourcesTooLarge: The support is more than the row costs.
    """
    if not support:
        return amounts
    cost = amounts.thanh_tien_bv
    if support > cost:
        raise OtherSourcesTooLarge(support, cost)
    insured = EXACT.divide(EXACT.multiply(amounts.thanh_tien_bh, cost - support), cost)
    return Amounts(cost, round_amount(insured))


def split(
    amounts: Amounts,
    *,
    muc_huong: Decimal,
    other_sources: OtherSources = NO_OTHER_SOURCES,
    order: SourceOrder = SourceOrder.OWN_FIRST,
) -> Split:
    """Split a row between those who pay it.

    Raises:
        OtherSourcesTooLarge: Other sources pay more than the row costs.
    """
    fund = round_amount(percent_of(muc_huong, amounts.thanh_tien_bh))
    copayment = amounts.thanh_tien_bh - fund
    own = amounts.thanh_tien_bv - amounts.thanh_tien_bh
    if other_sources is NO_OTHER_SOURCES:
        return Split(ZERO, own, copayment, fund)
    paid = left = round_amount(other_sources.total)
    if left > amounts.thanh_tien_bv:
        raise OtherSourcesTooLarge(left, amounts.thanh_tien_bv)
    if order is SourceOrder.COPAYMENT_FIRST:
        copayment, left = _take_off(copayment, left)
    own, left = _take_off(own, left)
    copayment, left = _take_off(copayment, left)
    fund, left = _take_off(fund, left)
    return Split(paid, own, copayment, fund)


def row_percent(muc_huong: Decimal, *, nguon_ctra: str) -> Decimal:
    """Return MUC_HUONG as written: 0 for what the insurance fund did not supply (NGUON_CTRA other than 1)."""
    return muc_huong if nguon_ctra == _INSURANCE_FUND else ZERO


def cap_package(splits: Sequence[Split], ceiling: Decimal, excess: PackageExcess) -> tuple[Split, ...]:
    """Keep what the fund pays for the supplies of one use of a service within its ceiling.

    The fund pays the rows in their order until the ceiling is reached; the rest is the patient's.
    """
    capped, left = [], ceiling
    for parts in splits:
        fund = min(parts.t_bhtt, left)
        left -= fund
        capped.append(parts if fund == parts.t_bhtt else _lessened(parts, fund, excess))
    return tuple(capped)


def _lessened(parts: Split, fund: Decimal, excess: PackageExcess) -> Split:
    above = parts.t_bhtt - fund
    if excess is PackageExcess.COPAYMENT:
        return replace(parts, t_bhtt=fund, t_bncct=parts.t_bncct + above)
    return replace(parts, t_bhtt=fund, t_bntt=parts.t_bntt + above)


def _take_off(part: Decimal, left: Decimal) -> tuple[Decimal, Decimal]:
    taken = min(part, left)
    return part - taken, left - taken
