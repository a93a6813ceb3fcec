"""The money rules in force on one day, put together from the code lists and the dated settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from claims.bundle.codes import load_codes
from claims.bundle.days import DayCounting
from claims.bundle.format import depends_on_format
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.rounding import percent_of
from claims.bundle.money.settings import MoneySettings, SalaryDay, ServiceAmount, default_settings

_CARD_CHARACTERS: Final = 15
_DIGIT: Final = slice(2, 3)  # the third character of a card number
_FOREVER: Final = "9999"


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """What the amounts of one claim rest on.

    Attributes:
        on: The day the visit ended, which decides case factors, percents and limits.
        formulas_on: The day whose formulas count: the same, unless a claim is built under another Decision.
        salary_on: The day whose base salary limits the visit.
        base_salary: That base salary (since 2024 called reference level), in đồng.
        case_factors: The percent that each case leaves of the card's.
        digit_percents: The percent that each benefit digit of a card stands for.
        settings: Every dated answer.
    """

    on: date
    formulas_on: date
    salary_on: date
    base_salary: Decimal
    case_factors: Mapping[str, Decimal]
    digit_percents: Mapping[str, Decimal]
    settings: MoneySettings

    @property
    def cheap_visit_below(self) -> Decimal:
        """The amount that T_TONGCHI_BH must stay strictly below for the exemption."""
        return percent_of(self.settings.cheap_visit_percent.on(self.on), self.base_salary)

    @property
    def package_ceiling(self) -> Decimal:
        """The most that the fund pays for the supplies of one use of a service."""
        return self.base_salary * self.settings.package_ceiling_salaries.on(self.on)

    @property
    def copayment_limit(self) -> Decimal:
        """The own co-payments of a year above which five years of insurance end them."""
        return self.base_salary * self.settings.copayment_limit_salaries.on(self.on)

    @property
    def service_amount(self) -> ServiceAmount:
        """How THANH_TIEN_BV of XML3 is made."""
        return self.settings.service_amount.on(self.formulas_on)

    @property
    def day_counting(self) -> DayCounting:
        """How SO_NGAY_DTRI is counted."""
        return self.settings.day_counting.on(self.formulas_on)

    def find_factor(self, case: str, *, is_inpatient: bool) -> Decimal | None:
        """Find the percent that a case (MA_DOITUONG_KCB) leaves of the card's; None if not established."""
        if not is_inpatient and case in (outpatient := self.settings.outpatient_factors.on(self.on)):
            return outpatient[case]
        if (factor := self.case_factors.get(case)) is not None:
            return factor
        return self.settings.open_factors.on(self.on).get(case)

    def find_card_percent(self, card: str, *, on: date | None = None) -> Decimal | None:
        """Find the percent that a card stands for; None for a number that does not say it.

        ``on`` is the day of an order: a group whose percent changes during a stay has both.
        """
        if (by_group := self.settings.card_group_percents.on(on or self.on).get(card[:3])) is not None:
            return by_group
        return self.digit_percents.get(card[_DIGIT]) if len(card) == _CARD_CHARACTERS else None

    def has_package_ceiling(self, card: str) -> bool:
        """Say whether what the fund pays for a package of supplies has a ceiling for this card."""
        return card[_DIGIT] not in self.settings.digits_without_package_ceiling.on(self.on)

    def is_gdv_card(self, card: str) -> bool:
        """Say whether rows of this card count in T_BHTT_GDV."""
        return card[:2] not in self.settings.cards_without_gdv.on(self.on)


def find_rules(
    on: date,
    settings: MoneySettings | None = None,
    *,
    admitted: date | None = None,
    formulas_on: date | None = None,
) -> MoneyRules:
    """Find the rules for a visit that ends on a day.

    Args:
        on: The day the visit ends.
        settings: Other answers than those of the files.
        admitted: The day it began; without it, the same day.
        formulas_on: A day of the Decision whose formulas count, if it is not the one in force.

    Raises:
        NoMoneyRules: No base salary is known for that day.
    """
    settings = settings or default_settings()
    by_admission = admitted is not None and settings.salary_day.on(on) is SalaryDay.ADMITTED
    return _find(on, settings, admitted if by_admission and admitted else on, formulas_on or on)


@depends_on_format
@lru_cache(maxsize=4096)
def _find(on: date, settings: MoneySettings, salary_on: date, formulas_on: date) -> MoneyRules:
    salaries = _in_force("luong_co_so", salary_on, "base_salary_vnd")
    if not salaries:
        raise NoMoneyRules(salary_on)
    return MoneyRules(
        on=on,
        formulas_on=formulas_on,
        salary_on=salary_on,
        base_salary=salaries[max(salaries)],
        case_factors=_in_force("ma_doituong_kcb", on, "benefit_ratio_percent"),
        digit_percents=_in_force("muc_quyen_loi_the", on, "base_percent"),
        settings=settings,
    )


def _in_force(code_list: str, on: date, column: str) -> Mapping[str, Decimal]:
    """Read a column by code, or by first day in a list without codes; of several rows the latest counts."""
    day = on.isoformat()
    rows = [
        row
        for row in load_codes(code_list)
        if row[column] and row["valid_from"] <= day <= (row["valid_to"] or _FOREVER)
    ]
    rows.sort(key=lambda row: row["valid_from"])
    return MappingProxyType({row.get("code", row["valid_from"]): Decimal(row[column]) for row in rows})
