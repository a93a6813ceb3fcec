"""By when a claim is sent, and corrected: working days, holidays, the end of the month.

The terms are ``deadlines.toml`` and the days off ``holidays.toml``, both of which a folder of later data may
correct. A deadline is the last day (or moment) on which something is still in time.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import MAXYEAR, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final

from claims.bundle.format import UnusableFormatFolder, depends_on_format, format_files
from claims.bundle.money import Dated

_TERMS_FILE: Final = "deadlines.toml"
_HOLIDAYS_FILE: Final = "holidays.toml"
_SATURDAY: Final = 5
_ONE_DAY: Final = timedelta(days=1)


class Clock(StrEnum):
    """What there is a deadline for."""

    SEND = "send"  # so many working days after discharge
    MONTH_END = "month-end"  # before a day of the next month
    CORRECT = "correct"  # so many working days after a refusal


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked.

    Attributes:
        off: Days off that are no Saturday or Sunday.
        worked: Saturdays and Sundays that are worked in exchange.
        years: The years of which this is known; in any other only Saturdays and Sundays are off.
    """

    off: frozenset[date]
    worked: frozenset[date]
    years: frozenset[int]

    def is_worked(self, day: date) -> bool:
        """Whether a day is a working day."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.off)

    def after(self, day: date, working_days: int) -> date:
        """Return the working day that comes so many working days after a day."""
        while working_days > 0:
            day += _ONE_DAY
            working_days -= self.is_worked(day)
        return day


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What ``deadlines.toml`` says on one day; 0 where there is no such deadline."""

    send_working_days: int
    before_day_of_next_month: int
    correct_working_days: int
    send_hours: int


_NAMES: Final = tuple(field.name for field in fields(Terms))


def deadlines_of(discharged_on: date, *, refused_on: date | None = None) -> Mapping[Clock, date]:
    """Return the deadlines of a claim, by day: what is due, and the last day for it.

    Args:
        discharged_on: The day of NGAY_RA.
        refused_on: The day on which the portal refused it, if it did.
    """
    if discharged_on.year == MAXYEAR:
        return {}  # a slip of the pen, after which no day can be counted
    terms, calendar = terms_on(discharged_on), load_calendar()
    found: dict[Clock, date] = {}
    if terms.send_working_days:
        found[Clock.SEND] = calendar.after(discharged_on, terms.send_working_days)
    if terms.before_day_of_next_month:
        next_month = (discharged_on.replace(day=1) + timedelta(days=31)).replace(day=1)
        found[Clock.MONTH_END] = next_month.replace(day=terms.before_day_of_next_month) - _ONE_DAY
    if refused_on is not None and (days := terms_on(refused_on).correct_working_days):
        found[Clock.CORRECT] = calendar.after(refused_on, days)
    return found


@depends_on_format
@lru_cache(maxsize=2048)
def send_by(discharged_on: date) -> date | None:
    """Return the last day on which a claim is sent in time; None where there is no deadline."""
    return min(deadlines_of(discharged_on).values(), default=None)


@depends_on_format
@lru_cache(maxsize=2048)
def years_without_calendar(discharged_on: date) -> tuple[int, ...]:
    """Return the years between discharge and the last day for sending of which no days off are known yet.

    Of years before the first that is known nobody need learn them: what was due then is late, or was paid.
    """
    due, known = deadlines_of(discharged_on).get(Clock.SEND, discharged_on), load_calendar().years
    years = range(max(discharged_on.year, min(known, default=0)), due.year + 1)
    return tuple(year for year in years if year not in known)


def hours_left(discharged_at: datetime, now: datetime) -> float | None:
    """Return the hours that are left where claims are due within hours, less than 0 if none; else None."""
    hours = terms_on(discharged_at.date()).send_hours
    return hours - (now - discharged_at).total_seconds() / 3600 if hours else None


@depends_on_format
@lru_cache(maxsize=2048)
def terms_on(day: date) -> Terms:
    """Return the terms in force on a day.

    Raises:
        UnusableFormatFolder: An added file names an unknown term, or has a value that is no whole number.
    """
    return Terms(**{name: dated.on(day) for name, dated in _terms().items()})


@depends_on_format
@cache
def load_calendar() -> Calendar:
    """Load the days off; a year in a later file takes the place of that year in an earlier one.

    Raises:
        UnusableFormatFolder: An added file has something else than days.
    """
    years: dict[str, Mapping[str, Any]] = {}
    for path in format_files(_HOLIDAYS_FILE):
        for year, facts in tomllib.loads(path.read_text("utf-8")).items():
            for day in (*facts.get("off", ()), *facts.get("worked", ())):
                if type(day) is not date or str(day.year) != year:
                    raise UnusableFormatFolder(path, f"{year}: {day} is no day of that year")
            years[year] = facts
    off = (day for facts in years.values() for day in facts.get("off", ()))
    worked = (day for facts in years.values() for day in facts.get("worked", ()))
    return Calendar(frozenset(off), frozenset(worked), frozenset(map(int, years)))


@depends_on_format
@cache
def _terms() -> Mapping[str, Dated[int]]:
    found: dict[str, dict[date, int]] = {name: {} for name in _NAMES}
    for path in format_files(_TERMS_FILE):
        for name, steps in tomllib.loads(path.read_text("utf-8")).items():
            if name not in found:
                raise UnusableFormatFolder(path, f"there is no term {name}")
            for step in steps:
                if type(step.get("from")) is not date or type(step.get("value")) is not int:
                    raise UnusableFormatFolder(path, f"{name} is a day (from) and a whole number (value)")
                found[name][step["from"]] = step["value"]
    return {name: Dated(tuple(sorted(steps.items()))) for name, steps in found.items()}
