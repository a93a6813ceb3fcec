"""When a medicine is taken, in words.

The codes are those of FHIR (event-timing, GTSAbbreviation) and HL7 v2 (table 0335), which share most.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from claims.emr.scalars import plain

DAY: Final = "ngày"
AS_NEEDED: Final = "khi cần"
_HOURS_IN_A_DAY: Final = 24

EVENTS: Final[Mapping[str, str]] = {
    "MORN": "buổi sáng", "MORN.early": "sáng sớm", "MORN.late": "cuối buổi sáng", "NOON": "buổi trưa",
    "AFT": "buổi chiều", "AFT.early": "đầu buổi chiều", "AFT.late": "cuối buổi chiều", "EVE": "buổi tối",
    "EVE.early": "đầu buổi tối", "EVE.late": "cuối buổi tối", "NIGHT": "ban đêm", "PHS": "sau khi đã ngủ",
    "HS": "trước khi ngủ", "WAKE": "khi thức dậy",
    "CM": "trong bữa sáng", "CD": "trong bữa trưa", "CV": "trong bữa tối",
    "ACM": "trước bữa sáng", "ACD": "trước bữa trưa", "ACV": "trước bữa tối",
    "PCM": "sau bữa sáng", "PCD": "sau bữa trưa", "PCV": "sau bữa tối",
}  # fmt: skip
"""What is once a day."""

OTHER_EVENTS: Final[Mapping[str, str]] = {
    "C": "trong bữa ăn", "AC": "trước bữa ăn", "PC": "sau bữa ăn", "IMD": "ngay lập tức",
}  # fmt: skip
"""What is as often as nobody says: how many meals a patient takes is not known."""

_TIMES: Final[Mapping[str, str]] = {
    "QD": "1 lần/ngày", "BID": "2 lần/ngày", "TID": "3 lần/ngày", "QID": "4 lần/ngày", "QOD": "1 lần/2 ngày",
    "AM": "1 lần/ngày", "PM": "1 lần/ngày", "BED": "1 lần/ngày", "WK": "1 lần/tuần", "MO": "1 lần/tháng",
    "QAM": "1 lần/ngày", "QPM": "1 lần/ngày", "QHS": "1 lần/ngày", "ONCE": "1 lần",
}  # fmt: skip
_TIMES_AT: Final[Mapping[str, str]] = {
    "AM": "buổi sáng", "PM": "buổi chiều", "BED": "trước khi ngủ",
    "QAM": "buổi sáng", "QPM": "buổi tối", "QHS": "trước khi ngủ",
}  # fmt: skip
_EVERY: Final = re.compile(r"Q([1-9][0-9]?)([HDWL])", re.ASCII)
_UNITS: Final = {"H": "giờ", "D": DAY, "W": "tuần", "L": "tháng"}
_SO_MANY: Final = re.compile(r"([1-9])ID", re.ASCII)


def times_of(code: str) -> str:
    """Return how many times a code means, as ``2 lần/ngày``; empty where it says no number."""
    if known := _TIMES.get(code):
        return known
    if many := _SO_MANY.fullmatch(code):
        return f"{many[1]} lần/{DAY}"
    if every := _EVERY.fullmatch(code):
        return times_in(Decimal(1), Decimal(every[1]), _UNITS[every[2]])
    return ""


def moment_of(code: str) -> str:
    """Return when in the day a code means that says a number of times, too; empty for most."""
    return _TIMES_AT.get(code, "")


def times_in(times: Decimal, period: Decimal, unit: str) -> str:
    """Write so many times in a period, in times a day where hours make it whole."""
    if unit == _UNITS["H"] and not times * _HOURS_IN_A_DAY % period:
        return f"{plain(times * _HOURS_IN_A_DAY / period)} lần/{DAY}"
    if unit == DAY and period < 1 and not times % period:
        return f"{plain(times / period)} lần/{DAY}"
    return f"{plain(times)} lần/{unit if period == 1 else f'{plain(period)} {unit}'}"
