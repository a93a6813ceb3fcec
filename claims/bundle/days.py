"""How many days of treatment a visit counts (SO_NGAY_DTRI), and how many bed days it may charge.

Times are the digits of a claim (``yyyyMMddHHmm``). Which formula a form of care has is data: the
column ``days_of_treatment`` of its code list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from claims.bundle.codes import load_codes
from claims.bundle.format import depends_on_format

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


@dataclass(frozen=True, slots=True)
class Stay:
    """What the days of a visit are counted from, in the words of XML1."""

    ma_loai_kcb: str
    ngay_vao: str
    ngay_ra: str
    ma_loai_rv: str
    ket_qua_dtri: str

    @property
    def formula(self) -> str:
        """How this form of care counts its days, on the day the visit ends."""
        return _formula(self.ma_loai_kcb, _day(self.ngay_ra))


def treatment_days(stay: Stay, *, service_times: Iterable[str], counting: DayCounting) -> int:
    """Count the days of treatment of a visit that is over; 0 where the form of care has none."""
    formula = stay.formula
    if formula == _DAYS_WITH_A_SERVICE:
        return len({time[:8] for time in service_times})
    # Where drugs are handed out for a time, NGAY_RA is the last day of that time.
    if formula not in {_BOTH_ENDS, _DAYS_OF_DRUGS}:
        return 0
    if formula == _DAYS_OF_DRUGS or counting is DayCounting.BOTH_DAYS:
        return (_day(stay.ngay_ra) - _day(stay.ngay_vao)).days + 1
    return bed_days(stay)


def bed_days(stay: Stay) -> int:
    """Count the bed days of a stay, which no quantity of beds (cost groups 14 to 16) may exceed.

    Up to four hours count nothing, up to a day counts one; after that the day of leaving counts only
    for who was transferred, escaped or died.
    """
    stayed = _moment(stay.ngay_ra) - _moment(stay.ngay_vao)
    if stayed <= _SHORT_STAY:
        return 0
    if stayed < timedelta(days=1):
        return 1
    counts_last_day = stay.ma_loai_rv in {_TRANSFERRED, _ESCAPED} or stay.ket_qua_dtri == _DIED
    return (_day(stay.ngay_ra) - _day(stay.ngay_vao)).days + int(counts_last_day)


@depends_on_format
@lru_cache(maxsize=1024)
def _formula(ma_loai_kcb: str, on: date) -> str:
    day = on.isoformat()
    for row in reversed(load_codes("ma_loai_kcb")):
        if row["code"] == ma_loai_kcb and row["valid_from"] <= day <= (row["valid_to"] or _FOREVER):
            return row["days_of_treatment"]
    return ""


def _day(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def _moment(digits: str) -> datetime:
    return datetime.fromisoformat(f"{digits[:8]}T{digits[8:12]}+07:00")
