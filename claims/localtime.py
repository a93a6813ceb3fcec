"""Wall time in Vietnam, the time zone of every date and hour in a bundle."""

from datetime import date, datetime, timedelta, timezone

#: UTC+7 all year since 1975; a fixed offset needs no time-zone database on the machine.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def local_date(moment: datetime) -> date:
    """Return the calendar day in Vietnam at an aware moment."""
    return moment.astimezone(VIETNAM).date()


def parse_day(text: str) -> date | None:
    """Read the yyyyMMdd at the start of a value; None when there is no such day."""
    day = text[:8]
    if len(day) < len("yyyyMMdd") or not (day.isascii() and day.isdigit()):
        return None
    try:
        return date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None
