"""The doctor on what is ahead: too weak for real claims, and days off that nobody knows yet."""

from claims.bundle.deadlines import load_calendar
from claims.localtime import local_date
from claims.runtime.clock import SystemClock
from claims.runtime.doctor.findings import Fault
from claims.runtime.production import weaknesses
from claims.runtime.settings import Settings

#: Of those of an installation that does not say that it holds real claims.
_WEAKNESSES_SHOWN = 5
_LAST_MONTH = 12


def look_at_production(settings: Settings) -> str:
    """Look what is too weak for real claims."""
    found = list(weaknesses(settings))
    if settings.production and found:
        listed = "; ".join(f"{one.what} ({one.remedy})" for one in found)
        raise Fault(f"{len(found)} weakness(es) keep the service from starting", listed)
    if not found:
        return "nothing about it is too weak for real claims"
    some = ", ".join(one.what for one in found[:_WEAKNESSES_SHOWN])
    more = f" and {len(found) - _WEAKNESSES_SHOWN} more" if len(found) > _WEAKNESSES_SHOWN else ""
    return f"not asked for (CLAIMS_PRODUCTION); {len(found)} weakness(es): {some}{more}"


def look_at_calendar(settings: Settings) -> str:
    """Look whether the days off are known."""
    day = local_date(SystemClock(settings.clock_skew_s).now())
    years = load_calendar().years
    # The days off are announced each autumn for the year to come.
    needed = day.year + (day.month == _LAST_MONTH)
    if needed not in years:
        raise Fault(
            f"no days off are known for {needed}: deadlines leave out Saturdays and Sundays alone",
            "put a holidays.toml with that year into CLAIMS_FORMAT_FOLDER (docs/guides/later-decision.md)",
        )
    return f"days off are known up to {max(years)}"
