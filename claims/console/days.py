"""Days as date fields send them."""

from datetime import date, datetime, time, timedelta

from claims.localtime import VIETNAM


def begin_of(text: str, *, days_later: int = 0) -> datetime | None:
    """Return when a day (ISO) begins in Vietnam; None when it is none."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days_later)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(), VIETNAM)
