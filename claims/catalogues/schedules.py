"""When somebody is on duty: the shifts of a week, and days of leave, as a list says them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_DAYS: Final = ("T2", "T3", "T4", "T5", "T6", "T7", "CN")  # Monday is called the second day
_SHIFT: Final = re.compile(
    r"(?P<first>T[2-7]|CN)(?:\s*[-–]\s*(?P<last>T[2-7]|CN))?:?\s+(?P<spans>\d.*)", re.ASCII | re.IGNORECASE
)
_TIME: Final = r"(?:[01]?\d|2[0-3])[:h][0-5]\d"
_SPAN: Final = re.compile(rf"(?P<starts>{_TIME})\s*[-–]\s*(?P<ends>{_TIME}|24[:h]00)", re.ASCII)
# A day may have hyphens of its own (2026-09-05): those between two days stand alone, or behind a year.
_TO: Final = re.compile(r"\s+[-–]\s+|(?<=[/.]\d{4})[-–](?=\d\d[/.])", re.ASCII)
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours of one day of the week.

    Attributes:
        weekday: The day on which it starts; Monday is 0.
        starts: The first minute, ``HH:MM``.
        ends: The last one; not after ``starts``: of the next day.
    """

    weekday: int
    starts: str
    ends: str

    def covers(self, day: date, time: str) -> bool:
        """Whether a time (``HH:MM``) of a day is within the shift, both ends included."""
        if self.starts < self.ends:
            return day.weekday() == self.weekday and self.starts <= time <= self.ends
        begun_today = day.weekday() == self.weekday and time >= self.starts
        return begun_today or ((day - _ONE_DAY).weekday() == self.weekday and time <= self.ends)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from a first to a last one, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


def read_shifts(text: str) -> tuple[Shift, ...] | None:
    """Read ``T2-T6 07:00-11:30, 13:00-16:30; CN 16:30-07:00``; None if it is not written so."""
    shifts: list[Shift] = []
    for item in filter(None, map(str.strip, text.split(";"))):
        found = _SHIFT.fullmatch(item)
        if found is None:
            return None
        first = _DAYS.index(found["first"].upper())
        last = _DAYS.index((found["last"] or found["first"]).upper())
        if last < first:
            return None
        spans = [_SPAN.fullmatch(span.strip()) for span in found["spans"].split(",")]
        for span in spans:
            if span is None:
                return None
            starts, ends = (span[end].replace("h", ":").zfill(len("HH:MM")) for end in ("starts", "ends"))
            shifts += (Shift(day, starts, ends) for day in range(first, last + 1))
    return tuple(shifts) or None


def read_periods(text: str, read_day: Callable[[str], date]) -> tuple[Period, ...] | None:
    """Read ``05/09/2026; 10/09/2026 - 14/09/2026``; None if one is not written so or ends before it begins.

    ``read_day`` reads a day, and raises what it likes where it is none.
    """
    periods: list[Period] = []
    for item in filter(None, map(str.strip, text.split(";"))):
        days = [read_day(day.strip()) for day in _TO.split(item)]
        if len(days) > 2 or days[-1] < days[0]:  # noqa: PLR2004 - first and last
            return None
        periods.append(Period(days[0], days[-1]))
    return tuple(periods) or None
