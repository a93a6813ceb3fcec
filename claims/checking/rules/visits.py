"""What rules ask of a visit: its kind, when it was, how long it took."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Screen
from claims.checking.values import read_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claims.checking.tables import CheckedClaim, Row

#: MA_LOAI_KCB of those who stay: in-patients, day patients, in-patients of less than four hours.
STAYING: Final = frozenset({"03", "04", "09"})
#: Of those, the ones who stay for long enough to have notes and a bed.
WITH_NOTES: Final = frozenset({"03", "04"})
SHORT_STAY_MINUTES: Final = 240
_STAY: Final = "stay"

#: The screens of rules about these.
OF_STAYING: Final = Screen((TableKind.XML1,), ("MA_LOAI_KCB",), STAYING.__contains__)
OF_NOTED: Final = Screen((TableKind.XML1,), ("MA_LOAI_KCB",), WITH_NOTES.__contains__)


def kind_of_visit(claim: CheckedClaim) -> str:
    """Return MA_LOAI_KCB; empty where XML1 does not say."""
    summary = claim.summary_row
    return "" if summary is None else summary["MA_LOAI_KCB"]


def diagnoses_of(claim: CheckedClaim) -> tuple[str, ...]:
    """Return the codes of the main diagnosis and of the further ones; empty where XML1 cannot be read."""
    summary = claim.summary_row
    return () if summary is None else (*summary.items_of("MA_BENH_CHINH"), *summary.items_of("MA_BENH_KT"))


def stay_of(claim: CheckedClaim) -> tuple[str, str] | None:
    """Return the times of arrival and leaving; None where they make no stay, which a rule of its own says."""
    return claim.once(_STAY, lambda: _read_stay(claim))


def _read_stay(claim: CheckedClaim) -> tuple[str, str] | None:
    summary = claim.summary_row
    if summary is None:
        return None
    arrived, left = summary.moment("NGAY_VAO"), summary.moment("NGAY_RA")
    return None if arrived is None or left is None or arrived >= left else (arrived, left)


def is_within_stay(claim: CheckedClaim, value: str) -> bool:
    """Whether a time (or a day) lies within the stay, or cannot be compared with it."""
    stay = stay_of(claim)
    if stay is None or read_day(value) is None:
        return True
    arrived, left = stay
    length = len(value)
    return arrived[:length] <= value <= left[:length]


def rows_outside_stay(claim: CheckedClaim, kind: TableKind, field: str) -> Sequence[Row]:
    """Return the rows of which a time (or a day) does not lie within the stay."""
    stay, values = stay_of(claim), {value for value in claim.column(kind, field) if value}
    # As texts, times within the stay are between its ends, and so are days but for the first.
    if stay is None or not values or (stay[0] <= min(values) and max(values) <= stay[1]):
        return ()
    return claim.rows_where(kind, lambda value: not is_within_stay(claim, value), field)


def minutes_of_stay(claim: CheckedClaim) -> int | None:
    """Return how long the stay was."""
    stay = stay_of(claim)
    return None if stay is None else minutes_between(*stay)


def minutes_between(start: str, end: str) -> int:
    """Return the minutes between two real times ``yyyyMMddHHmm``."""
    return _minute(end) - _minute(start)


def days_between(start: str, end: str) -> int:
    """Return the days between two real days ``yyyyMMdd``."""
    return (_day(end) - _day(start)).days


def born_on(row: Row) -> str:
    """Return NGAY_SINH as eight digits, of which unknown ones are zeros; empty where it is no such day."""
    born = row["NGAY_SINH"][:8]
    return born if len(born) == len("yyyyMMdd") and born.isascii() and born.isdigit() else ""


def age_in_years(born: str, on: str) -> int:
    """Return somebody's age; unknown parts of a birth date (zeros) count as the latest they can be."""
    year, month, day = int(born[:4]), int(born[4:6]) or 12, int(born[6:8]) or 31
    return int(on[:4]) - year - ((int(on[4:6]), int(on[6:8])) < (month, day))


def _minute(digits: str) -> int:
    """Return the number of a minute; both ends are local time of one place."""
    return _minutes_before(digits[:8]) + int(digits[8:10]) * 60 + int(digits[10:12])


@lru_cache(maxsize=1024)
def _minutes_before(day: str) -> int:
    return _day(day).toordinal() * 24 * 60


def _day(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
