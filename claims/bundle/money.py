"""Rounding and co-payment arithmetic, the one place for the builder and for the rules.

Everything here is a pure function over decimals. What depends on a day (base salary, case
factors, open questions) comes in as `MoneyRules`, which `find_rules` makes from the code lists.
Reading fields, texts and rows is left to the callers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from claims.bundle.codes import load_codes
from claims.errors import ClaimsError

ZERO = Decimal(0)
HUNDRED = Decimal(100)

_CENT = Decimal("0.01")
# A quantity of 10 digits times a price of 15 and two percents has 31 digits: the default
# context of 28 would round once before we do.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)

_SUPPLY_GROUPS = frozenset({"10", "11"})
_FEE_FOR_SERVICE = "1"
_INSURANCE_FUND = "1"
_PATIENT_PAYS = "2"
_NOT_PERFORMED = "_TB"
_WITHOUT_INSURED_PRICE = ".0000"
_CARD_CHARACTERS = 15
_FOREVER = "9999"

T = TypeVar("T")


class OtherSourcesTooLarge(ClaimsError):
    """Other sources pay more than the row costs, so no split of it can balance."""

    def __init__(self, other_sources: Decimal, thanh_tien_bv: Decimal) -> None:
        super().__init__(f"other sources pay {other_sources} of an amount of {thanh_tien_bv}")
        self.other_sources = other_sources
        self.thanh_tien_bv = thanh_tien_bv


class NoMoneyRules(ClaimsError):
    """No base salary is known for a day."""

    def __init__(self, on: date) -> None:
        super().__init__(f"no base salary is known for {on.isoformat()}")
        self.on = on


# --- what depends on the day ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A setting that changes on known days: steps of (first day, value), the earliest first."""

    steps: tuple[tuple[date, T], ...]

    def on(self, day: date) -> T:
        """Find the value in force on a day; before the first step, the first value counts."""
        value = self.steps[0][1]
        for first_day, later in self.steps:
            if first_day > day:
                break
            value = later
        return value


def always(value: T) -> Dated[T]:
    """Make a setting that never changed."""
    return Dated(((date.min, value),))


class CheapVisitOffRoute(StrEnum):
    """What the exemption of cheap visits does where the case factor is below 100 %."""

    NOTHING = "nothing"  # card percent times factor, as for any other visit
    FACTOR_ALONE = "factor-alone"  # the factor itself, whatever the card says
    WHOLE = "whole"  # 100 %


class FundTotal(StrEnum):
    """How XML1.T_BHTT is made; the two differ only when other sources reach the insured part."""

    SUM_OF_ROWS = "sum-of-rows"
    SCOPE_LESS_COPAYMENT = "scope-less-copayment"  # T_TONGCHI_BH - T_BNCCT


class ServiceAmount(StrEnum):
    """How THANH_TIEN_BV of XML3 is made."""

    PLAIN = "plain"  # quantity x hospital price, without TYLE_TT_DV (Decision 130 before 4750)
    WITH_RATE = "with-rate"  # x TYLE_TT_DV / 100
    # The hospital may not collect the difference to the full price from the patient.
    DIFFERENCE_WAIVED = "difference-waived"


_DECISION_4750 = date(2024, 7, 1)
_DECREE_188 = date(2025, 7, 1)
_FULL_CARD_CHANGE = date(2026, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class MoneySettings:
    """The questions that the facts leave open or that only notes answer, each by date."""

    service_amount: Dated[ServiceAmount] = Dated(
        ((date.min, ServiceAmount.PLAIN), (_DECISION_4750, ServiceAmount.WITH_RATE)),
    )
    cheap_visit_off_route: Dated[CheapVisitOffRoute] = field(
        default_factory=lambda: always(CheapVisitOffRoute.NOTHING),
    )
    fund_total: Dated[FundTotal] = field(default_factory=lambda: always(FundTotal.SUM_OF_ROWS))
    cheap_visit_percent: Dated[Decimal] = field(default_factory=lambda: always(Decimal(15)))
    package_ceiling_salaries: Dated[Decimal] = field(default_factory=lambda: always(Decimal(45)))
    grace_days_after_card: Dated[int] = field(default_factory=lambda: always(15))
    # 100 % whatever the card says.
    whole_cases: Dated[frozenset[str]] = Dated(((date.min, frozenset()), (_DECREE_188, frozenset({"1.2"}))))
    # Factors that the code list states only in a note, or leaves open.
    outpatient_factors: Dated[Mapping[str, Decimal]] = field(
        default_factory=lambda: always(MappingProxyType({"3.1": ZERO})),
    )
    # The list of Decision 824 has no factors: right-route cases and emergencies pay in full by
    # their meaning, 3.5 is noted as not paid, the others are not established.
    open_factors: Dated[Mapping[str, Decimal]] = field(
        default_factory=lambda: Dated(
            (
                (
                    date.min,
                    MappingProxyType(
                        {
                            **{f"1.{n}": HUNDRED for n in range(1, 11)},
                            "2": HUNDRED,
                            "3.5": ZERO,
                        }
                    ),
                ),
                (_DECREE_188, MappingProxyType({})),
            )
        ),
    )
    # Card groups whose percent is not the one of their digit.
    card_group_percents: Dated[Mapping[str, Decimal]] = field(
        default_factory=lambda: Dated(
            (
                (date.min, MappingProxyType({})),
                (_FULL_CARD_CHANGE, MappingProxyType({"CN3": HUNDRED, "LH4": HUNDRED})),
            )
        ),
    )
    # Their cost is settled outside capitation, so T_BHTT_GDV stays 0.
    cards_without_gdv: Dated[frozenset[str]] = field(
        default_factory=lambda: always(frozenset({"CA", "CY", "QN"})),
    )


DEFAULT_SETTINGS = MoneySettings()


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """The money rules in force on one day."""

    on: date
    base_salary: Decimal
    case_factors: Mapping[str, Decimal]
    digit_percents: Mapping[str, Decimal]
    settings: MoneySettings = DEFAULT_SETTINGS

    @property
    def cheap_visit_below(self) -> Decimal:
        """The amount that T_TONGCHI_BH must stay strictly below for the exemption."""
        return _percent_of(self.settings.cheap_visit_percent.on(self.on), self.base_salary)

    @property
    def package_ceiling(self) -> Decimal:
        """The most that the fund pays for the supplies of one use of a service."""
        return self.base_salary * self.settings.package_ceiling_salaries.on(self.on)

    @property
    def service_amount(self) -> ServiceAmount:
        """How THANH_TIEN_BV of XML3 is made on this day."""
        return self.settings.service_amount.on(self.on)

    def find_factor(self, case: str, *, is_inpatient: bool) -> Decimal | None:
        """Find the percent that a case (MA_DOITUONG_KCB) leaves of the card's; None if not established."""
        if not is_inpatient and case in (outpatient := self.settings.outpatient_factors.on(self.on)):
            return outpatient[case]
        if (factor := self.case_factors.get(case)) is not None:
            return factor
        return self.settings.open_factors.on(self.on).get(case)

    def find_card_percent(self, card: str) -> Decimal | None:
        """Find the percent that a card stands for; None for a number that does not say it."""
        if (by_group := self.settings.card_group_percents.on(self.on).get(card[:3])) is not None:
            return by_group
        return self.digit_percents.get(card[2:3]) if len(card) == _CARD_CHARACTERS else None

    def is_gdv_card(self, card: str) -> bool:
        """Say whether rows of this card count in T_BHTT_GDV."""
        return card[:2] not in self.settings.cards_without_gdv.on(self.on)


@lru_cache(maxsize=4096)
def find_rules(on: date, settings: MoneySettings = DEFAULT_SETTINGS) -> MoneyRules:
    """Find the rules in force on a day.

    Raises:
        NoMoneyRules: No base salary is known for that day.
    """
    salaries = _in_force("luong_co_so", on, "base_salary_vnd")
    if not salaries:
        raise NoMoneyRules(on)
    return MoneyRules(
        on=on,
        base_salary=next(iter(salaries.values())),
        case_factors=_in_force("ma_doituong_kcb", on, "benefit_ratio_percent"),
        digit_percents=_in_force("muc_quyen_loi_the", on, "base_percent"),
        settings=settings,
    )


def _in_force(code_list: str, on: date, column: str) -> Mapping[str, Decimal]:
    day = on.isoformat()
    return MappingProxyType(
        {
            row.get("code", row["valid_from"]): Decimal(row[column])
            for row in load_codes(code_list)
            if row[column] and row["valid_from"] <= day <= (row["valid_to"] or _FOREVER)
        }
    )


# --- amounts of a row ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a row costs at the hospital's price, and the part of it inside the insurance scope."""

    thanh_tien_bv: Decimal
    thanh_tien_bh: Decimal


def round_amount(amount: Decimal) -> Decimal:
    """Round to two decimals, half up: 0.005 becomes 0.01."""
    return _EXACT.quantize(amount, _CENT)


def insured_percent(*, pham_vi: str, tyle_tt_bh: Decimal) -> Decimal:
    """Return TYLE_TT_BH as written: a row that the patient pays (PHAM_VI 2) has 0."""
    return ZERO if pham_vi == _PATIENT_PAYS else tyle_tt_bh


def price_medicine(*, so_luong: Decimal, don_gia: Decimal, tyle_tt_bh: Decimal) -> Amounts:
    """Work out both amounts of an XML2 row."""
    cost = _EXACT.multiply(so_luong, don_gia)
    return Amounts(round_amount(cost), round_amount(_percent_of(tyle_tt_bh, cost)))


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """DON_GIA_BV and DON_GIA_BH of an XML3 row."""

    don_gia_bv: Decimal
    don_gia_bh: Decimal


def service_prices(
    prices: UnitPrices,
    *,
    code: str,
    t_trantt: Decimal | None = None,
    is_reused: bool = False,
) -> UnitPrices:
    """Return the unit prices as written: not performed, not priced, above a ceiling, or used again."""
    bv, bh = prices.don_gia_bv, prices.don_gia_bh
    if code.endswith(_NOT_PERFORMED):
        return UnitPrices(ZERO, ZERO)
    if code.endswith(_WITHOUT_INSURED_PRICE):
        bh = ZERO
    if t_trantt is not None and bv > t_trantt > ZERO:
        bh = min(bh, t_trantt)
    return UnitPrices(bh if is_reused else bv, bh)


def price_service(
    prices: UnitPrices,
    *,
    so_luong: Decimal,
    tyle_tt_dv: Decimal,
    tyle_tt_bh: Decimal,
    amount: ServiceAmount = ServiceAmount.WITH_RATE,
) -> Amounts:
    """Work out both amounts of an XML3 row."""
    at_hospital = _EXACT.multiply(so_luong, prices.don_gia_bv)
    insured = _EXACT.multiply(so_luong, prices.don_gia_bh)
    if amount is ServiceAmount.PLAIN:
        return Amounts(round_amount(at_hospital), round_amount(_percent_of(tyle_tt_bh, insured)))
    in_scope = _percent_of(tyle_tt_dv, insured)
    if amount is ServiceAmount.DIFFERENCE_WAIVED:
        cost = _EXACT.subtract(at_hospital, _EXACT.subtract(insured, in_scope))
    else:
        cost = _percent_of(tyle_tt_dv, at_hospital)
    return Amounts(round_amount(cost), round_amount(_percent_of(tyle_tt_bh, in_scope)))


# --- who pays ------------------------------------------------------------------------------


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


NO_OTHER_SOURCES = OtherSources()


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays a row: other sources, the patient alone, the patient's co-payment, the fund."""

    t_nguonkhac: Decimal
    t_bntt: Decimal
    t_bncct: Decimal
    t_bhtt: Decimal


def split(amounts: Amounts, *, muc_huong: Decimal, other_sources: OtherSources = NO_OTHER_SOURCES) -> Split:
    """Split a row; other sources take off the patient's own part first, then co-payment, then the fund's.

    Raises:
        OtherSourcesTooLarge: They pay more than the row costs.
    """
    fund = round_amount(_percent_of(muc_huong, amounts.thanh_tien_bh))
    copayment = amounts.thanh_tien_bh - fund
    alone = amounts.thanh_tien_bv - amounts.thanh_tien_bh
    total = left = round_amount(other_sources.total)
    if left:
        if left > amounts.thanh_tien_bv:
            raise OtherSourcesTooLarge(left, amounts.thanh_tien_bv)
        alone, left = _take_off(alone, left)
        copayment, left = _take_off(copayment, left)
        fund, left = _take_off(fund, left)
    return Split(total, alone, copayment, fund)


def row_percent(muc_huong: Decimal, *, nguon_ctra: str) -> Decimal:
    """Return MUC_HUONG as written: 0 for what the insurance fund did not supply (NGUON_CTRA other than 1)."""
    return muc_huong if nguon_ctra == _INSURANCE_FUND else ZERO


def is_cheap_visit(t_tongchi_bh: Decimal, rules: MoneyRules) -> bool:
    """Say whether a visit costs so little that no co-payment is asked."""
    return ZERO < t_tongchi_bh < rules.cheap_visit_below


@dataclass(frozen=True, slots=True)
class Benefit:
    """What decides the percent of a row: the card, the case, and the two exemptions."""

    card_percent: Decimal
    case: str
    factor: Decimal
    is_cheap_visit: bool = False
    is_copay_exempt: bool = False


def muc_huong(benefit: Benefit, rules: MoneyRules) -> Decimal:
    """Work out the percent of benefit, MUC_HUONG, of a row."""
    if benefit.case in rules.settings.whole_cases.on(rules.on):
        return HUNDRED
    if benefit.factor == HUNDRED and (benefit.is_cheap_visit or benefit.is_copay_exempt):
        return HUNDRED
    off_route = rules.settings.cheap_visit_off_route.on(rules.on)
    if ZERO < benefit.factor < HUNDRED and benefit.is_cheap_visit:
        if off_route is CheapVisitOffRoute.WHOLE:
            return HUNDRED
        if off_route is CheapVisitOffRoute.FACTOR_ALONE:
            return benefit.factor
    return _percent_of(benefit.factor, benefit.card_percent)


# --- totals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BilledRow:
    """What the totals need to know of an XML2 or XML3 row."""

    is_medicine: bool
    ma_nhom: str
    ma_pttt: str
    amounts: Amounts
    split: Split


@dataclass(frozen=True, slots=True)
class Totals:
    """The amounts of XML1."""

    t_thuoc: Decimal
    t_vtyt: Decimal
    t_tongchi_bv: Decimal
    t_tongchi_bh: Decimal
    t_bntt: Decimal
    t_bncct: Decimal
    t_bhtt: Decimal
    t_nguonkhac: Decimal
    t_bhtt_gdv: Decimal


def add_up(rows: Iterable[BilledRow], rules: MoneyRules, *, counts_in_gdv: bool = True) -> Totals:
    """Add up the rows of XML2 and XML3 to the amounts of XML1."""
    rows = tuple(rows)
    t_tongchi_bh = _sum(row.amounts.thanh_tien_bh for row in rows)
    t_bncct = _sum(row.split.t_bncct for row in rows)
    t_bhtt = _sum(row.split.t_bhtt for row in rows)
    if rules.settings.fund_total.on(rules.on) is FundTotal.SCOPE_LESS_COPAYMENT:
        t_bhtt = t_tongchi_bh - t_bncct
    return Totals(
        t_thuoc=_sum(row.amounts.thanh_tien_bv for row in rows if row.is_medicine),
        t_vtyt=_sum(
            row.amounts.thanh_tien_bv for row in rows if not row.is_medicine and row.ma_nhom in _SUPPLY_GROUPS
        ),
        t_tongchi_bv=_sum(row.amounts.thanh_tien_bv for row in rows),
        t_tongchi_bh=t_tongchi_bh,
        t_bntt=_sum(row.split.t_bntt for row in rows),
        t_bncct=t_bncct,
        t_bhtt=t_bhtt,
        t_nguonkhac=_sum(row.split.t_nguonkhac for row in rows),
        t_bhtt_gdv=_sum(
            row.split.t_bhtt for row in rows if counts_in_gdv and row.ma_pttt == _FEE_FOR_SERVICE
        ),
    )


def _percent_of(percent: Decimal, amount: Decimal) -> Decimal:
    return _EXACT.scaleb(_EXACT.multiply(percent, amount), -2)


def _take_off(part: Decimal, left: Decimal) -> tuple[Decimal, Decimal]:
    taken = min(part, left)
    return part - taken, left - taken


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
