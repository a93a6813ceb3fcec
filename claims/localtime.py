"""Wall time in Vietnam, the time zone of every date and hour in a bundle."""

from datetime import MAXYEAR, date, datetime, timedelta, timezone
from functools import lru_cache

#: UTC+7 all year since 1975; a fixed offset needs no time-zone database on the machine.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def local_time(moment: datetime) -> datetime:
    """Return the wall time in Vietnam at an aware moment; the last or first that there is, if it has none."""
    try:
        return moment.astimezone(VIETNAM)
    except OverflowError:
        # RFC 5280, 4.1.2.5: a certificate without an end has the last second of the year 9999.
        if moment.year == MAXYEAR:
            return datetime.max.replace(tzinfo=VIETNAM)
        return datetime.min.replace(tzinfo=VIETNAM)


def local_date(moment: datetime) -> date:
    """Return the calendar day in Vietnam at an aware moment."""
    return local_time(moment).date()


def parse_day(text: str) -> date | None:
    """Read the yyyyMMdd at the start of a value; None when there is no such day."""
    return _day_of(text[:8])


# The rows of a claim, and the claims of a facility's day, name the same few days.
@lru_cache(maxsize=1024)
def _day_of(day: str) -> date | None:
    if len(day) < len("yyyyMMdd") or not (day.isascii() and day.isdigit()):
        return None
    try:
        return date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None


def read_minute(text: str) -> datetime:
    """Read a wall time written yyyyMMddHHmm, which it is known to be.

    strptime takes ten times as long, which shows where a claim has a hundred of them.
    """
    return datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]))  # noqa: DTZ001 - of one place


def write_day(day: date) -> str:
    """Write a day as yyyyMMdd."""
    return f"{day.year:04}{day.month:02}{day.day:02}"


@lru_cache(maxsize=16_384)
def write_minute(moment: datetime) -> str:
    """Write a wall time as yyyyMMddHHmm."""
    return f"{write_day(moment)}{moment.hour:02}{moment.minute:02}"
