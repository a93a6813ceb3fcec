"""The questions that the texts leave open, or answer by date: the files called ``money.toml``, typed.

Later Decisions change a formula by naming another of the known ones from a day on; nothing here is code.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from claims.bundle.days import DayCounting
from claims.bundle.format import depends_on_format, format_files
from claims.bundle.money.dated import Dated
from claims.bundle.money.errors import MalformedMoneySettings

T = TypeVar("T")


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


class SalaryDay(StrEnum):
    """Which day of a stay says the base salary that limits it."""

    ADMITTED = "admitted"
    DISCHARGED = "discharged"


class PackageExcess(StrEnum):
    """Who pays what the supplies of one use of a service cost above the ceiling of the fund."""

    COPAYMENT = "copayment"  # T_BNCCT
    OWN = "own"  # T_BNTT


class Support(StrEnum):
    """Whom other sources help, which says what they are taken off first."""

    PATIENT = "patient"  # own part, then co-payment, then the fund's part
    FACILITY = "facility"  # the cost, before it is split


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise TypeError(f"{value!r} is no number")
    return Decimal(value)


def _number_of_days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of days")
    return value


def _codes(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise TypeError(f"{value!r} is no list of codes")
    return frozenset(value)


def _list_of_percents(value: object) -> tuple[Decimal, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError(f"{value!r} is no list of percents")
    return tuple(_decimal(percent) for percent in value)


def _percents(value: object) -> Mapping[str, Decimal]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no table of percents")
    return MappingProxyType({code: _decimal(percent) for code, percent in value.items()})


def _steps(name: str, read: Callable[[Any], T]) -> Callable[[], Dated[T]]:
    """Make the reader of one setting, which takes the file's steps when a `MoneySettings` is made."""

    def make() -> Dated[T]:
        return Dated(tuple((day, _read(found, name, read)) for day, found in sorted(_found()[name].items())))

    return make


@dataclass(frozen=True, slots=True, eq=False)
class MoneySettings:
    """Every dated answer; what each means and rests on is written in ``money.toml``."""

    service_amount: Dated[ServiceAmount] = field(default_factory=_steps("service_amount", ServiceAmount))
    day_counting: Dated[DayCounting] = field(default_factory=_steps("day_counting", DayCounting))
    salary_day: Dated[SalaryDay] = field(default_factory=_steps("salary_day", SalaryDay))
    cheap_visit_percent: Dated[Decimal] = field(default_factory=_steps("cheap_visit_percent", _decimal))
    cheap_visit_off_route: Dated[CheapVisitOffRoute] = field(
        default_factory=_steps("cheap_visit_off_route", CheapVisitOffRoute)
    )
    copayment_limit_salaries: Dated[Decimal] = field(
        default_factory=_steps("copayment_limit_salaries", _decimal)
    )
    exam_percents: Dated[tuple[Decimal, ...]] = field(
        default_factory=_steps("exam_percents", _list_of_percents)
    )
    exams_percent: Dated[Decimal] = field(default_factory=_steps("exams_percent", _decimal))
    later_surgery_percent_same_team: Dated[Decimal] = field(
        default_factory=_steps("later_surgery_percent_same_team", _decimal)
    )
    later_surgery_percent_other_team: Dated[Decimal] = field(
        default_factory=_steps("later_surgery_percent_other_team", _decimal)
    )
    bed_percents: Dated[tuple[Decimal, ...]] = field(
        default_factory=_steps("bed_percents", _list_of_percents)
    )
    digits_without_package_ceiling: Dated[frozenset[str]] = field(
        default_factory=_steps("digits_without_package_ceiling", _codes)
    )
    package_ceiling_salaries: Dated[Decimal] = field(
        default_factory=_steps("package_ceiling_salaries", _decimal)
    )
    package_excess: Dated[PackageExcess] = field(default_factory=_steps("package_excess", PackageExcess))
    fund_total: Dated[FundTotal] = field(default_factory=_steps("fund_total", FundTotal))
    support: Dated[Support] = field(default_factory=_steps("support", Support))
    copayment_supported_medicines: Dated[frozenset[str]] = field(
        default_factory=_steps("copayment_supported_medicines", _codes)
    )
    grace_days_after_card: Dated[int] = field(
        default_factory=_steps("grace_days_after_card", _number_of_days)
    )
    whole_cases: Dated[frozenset[str]] = field(default_factory=_steps("whole_cases", _codes))
    outpatient_factors: Dated[Mapping[str, Decimal]] = field(
        default_factory=_steps("outpatient_factors", _percents)
    )
    open_factors: Dated[Mapping[str, Decimal]] = field(default_factory=_steps("open_factors", _percents))
    card_group_percents: Dated[Mapping[str, Decimal]] = field(
        default_factory=_steps("card_group_percents", _percents)
    )
    cards_without_gdv: Dated[frozenset[str]] = field(default_factory=_steps("cards_without_gdv", _codes))


@dataclass(frozen=True, slots=True)
class _Step:
    file: str
    value: object


@depends_on_format
@cache
def default_settings() -> MoneySettings:
    """Return the answers of the files, made once.

    Raises:
        MalformedMoneySettings: A file names an unknown setting, or a value that the setting does not take.
    """
    return MoneySettings()


@depends_on_format
@cache
def _found() -> Mapping[str, Mapping[date, _Step]]:
    """Collect the steps of every file by setting and day; a later file wins on the same day."""
    known = {setting.name for setting in fields(MoneySettings)}
    found: dict[str, dict[date, _Step]] = {name: {} for name in known}
    for path in format_files("money.toml"):
        for name, steps in _parse(str(path), path.read_text(encoding="utf-8")):
            if name not in known:
                raise MalformedMoneySettings(str(path), name, "there is no such setting")
            found[name].update({day: _Step(str(path), value) for day, value in steps})
    return found


def _parse(file: str, text: str) -> Iterator[tuple[str, list[tuple[date, object]]]]:
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise MalformedMoneySettings(file, "-", str(error)) from error
    for name, steps in document.items():
        if not isinstance(steps, list):
            raise MalformedMoneySettings(file, name, "a list of steps is needed")
        yield name, [_day_and_value(file, name, step) for step in steps]


def _day_and_value(file: str, name: str, step: object) -> tuple[date, object]:
    if not isinstance(step, dict) or "value" not in step or type(step.get("from")) is not date:
        raise MalformedMoneySettings(file, name, "each step needs a day (from) and a value")
    return step["from"], step["value"]


def _read(found: _Step, name: str, read: Callable[[Any], T]) -> T:
    try:
        return read(found.value)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise MalformedMoneySettings(found.file, name, str(error)) from error
