"""How many days of treatment a visit counts (SO_NGAY_DTRI)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from claims.bundle.codes import load_codes
from claims.bundle.money import Dated
from claims.emr.encounter import Encounter
from claims.emr.scalars import as_date

# What the list of visit types says in its column `days_of_treatment`.
_BOTH_ENDS: Final = "NGAY_RA-NGAY_VAO+1"
_DAYS_OF_DRUGS: Final = "days of drugs"
_DAYS_WITH_A_SERVICE: Final = "days with a service"
_TRANSFERRED, _ESCAPED, _DIED = "2", "3", "5"
_FOREVER: Final = "9999"
_SHORT_STAY: Final = timedelta(hours=4)


class DayCounting(StrEnum):
    """How the days of a stay are counted."""

    # Decision 4750: from the day of arrival to the day of leaving, both counted.
    BOTH_DAYS = "both-days"
    # Practice of validators: bed days; the day of leaving counts only after a transfer, an escape or a death.
    BED_DAYS = "bed-days"


DAY_COUNTING: Final = Dated(((date.min, DayCounting.BED_DAYS), (date(2024, 7, 1), DayCounting.BOTH_DAYS)))


def treatment_days(
    encounter: Encounter,
    *,
    discharged: str,
    service_times: Iterable[str],
    counting: Dated[DayCounting] = DAY_COUNTING,
) -> int:
    """Count the days of treatment of a visit that is over."""
    visit = encounter.encounter
    formula = _formula(visit.visit_type, as_date(discharged))
    if formula == _DAYS_WITH_A_SERVICE:
        return len({time[:8] for time in service_times})
    # Where drugs are handed out for a time, NGAY_RA is the last day of that time.
    if formula not in {_BOTH_ENDS, _DAYS_OF_DRUGS}:
        return 0
    if formula == _DAYS_OF_DRUGS or counting.on(as_date(discharged)) is DayCounting.BOTH_DAYS:
        return (as_date(discharged) - as_date(visit.admitted)).days + 1
    counts_last_day = visit.discharge_type in {_TRANSFERRED, _ESCAPED} or visit.outcome == _DIED
    return bed_days(visit.admitted, discharged, counts_last_day=counts_last_day)


def bed_days(admitted: str, discharged: str, *, counts_last_day: bool) -> int:
    """Count the bed days of a stay, which no quantity of beds may exceed."""
    stayed = _moment(discharged) - _moment(admitted)
    if stayed <= _SHORT_STAY:
        return 0
    if stayed < timedelta(days=1):
        return 1
    return (as_date(discharged) - as_date(admitted)).days + int(counts_last_day)


@lru_cache(maxsize=1024)
def _formula(visit_type: str, on: date) -> str:
    day = on.isoformat()
    for row in load_codes("ma_loai_kcb"):
        if row["code"] == visit_type and row["valid_from"] <= day <= (row["valid_to"] or _FOREVER):
            return row["days_of_treatment"]
    return ""


def _moment(digits: str) -> datetime:
    return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}+07:00")
