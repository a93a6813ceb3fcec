"""The percent of benefit (MUC_HUONG), and what ends the co-payment."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from claims.bundle.money.rounding import EXACT, HUNDRED, ZERO, percent_of
from claims.bundle.money.rules import MoneyRules
from claims.bundle.money.settings import CheapVisitOffRoute


class Ground(StrEnum):
    """Why a row has the percent that it has."""

    CARD_TIMES_FACTOR = "card-times-factor"
    WHOLE_CASE = "whole-case"  # the case pays in full whatever the card says
    CHEAP_VISIT = "cheap-visit"
    CHEAP_VISIT_OFF_ROUTE = "cheap-visit-off-route"
    COPAYMENT_EXEMPT = "copayment-exempt"  # five years in a row, and the limit of the year reached
    NOT_INSURED = "not-insured"
    NO_CARD = "no-card"  # no card pays on the day of the order
    OTHER_SUPPLIER = "other-supplier"  # not supplied by the insurance fund (NGUON_CTRA)


@dataclass(frozen=True, slots=True)
class Benefit:
    """What decides the percent of a row: the card, the case, and the two exemptions."""

    card_percent: Decimal
    case: str
    factor: Decimal
    is_cheap_visit: bool = False
    is_copay_exempt: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """A percent of benefit, and why."""

    percent: Decimal
    ground: Ground


def is_cheap_visit(t_tongchi_bh: Decimal, rules: MoneyRules) -> bool:
    """Say whether a visit costs so little that no co-payment is asked."""
    return ZERO < t_tongchi_bh < rules.cheap_visit_below


def grant(benefit: Benefit, rules: MoneyRules) -> Granted:
    """Work out the percent of benefit of a row, with its ground."""
    if benefit.case in rules.settings.whole_cases.on(rules.on):
        return Granted(HUNDRED, Ground.WHOLE_CASE)
    if benefit.factor == HUNDRED and benefit.is_cheap_visit:
        return Granted(HUNDRED, Ground.CHEAP_VISIT)
    if benefit.factor == HUNDRED and benefit.is_copay_exempt:
        return Granted(HUNDRED, Ground.COPAYMENT_EXEMPT)
    if ZERO < benefit.factor < HUNDRED and benefit.is_cheap_visit:
        off_route = rules.settings.cheap_visit_off_route.on(rules.on)
        if off_route is not CheapVisitOffRoute.NOTHING:
            is_whole = off_route is CheapVisitOffRoute.WHOLE
            return Granted(HUNDRED if is_whole else benefit.factor, Ground.CHEAP_VISIT_OFF_ROUTE)
    return Granted(percent_of(benefit.factor, benefit.card_percent), Ground.CARD_TIMES_FACTOR)


def muc_huong(benefit: Benefit, rules: MoneyRules) -> Decimal:
    """Work out the percent of benefit, MUC_HUONG, of a row."""
    return grant(benefit, rules).percent


def remaining_copayment(
    *, paid_before: Decimal, salary_before: Decimal, salary_now: Decimal, limit_salaries: Decimal
) -> Decimal:
    """Work out what a patient still has to co-pay in a year during which the base salary changed.

    What was paid counts in salaries of its own time: (limit − paid before / old) × new, never below zero.
    """
    # Multiplied out, so that an amount without a finite share of the old salary is not rounded twice.
    due = EXACT.subtract(EXACT.multiply(limit_salaries, salary_before), paid_before)
    return max(EXACT.divide(EXACT.multiply(due, salary_now), salary_before), ZERO)
