"""Rules of the summary: who the patient is, why he came, and how the visit ended."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import age_in_years, born_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_AGE_OF_CITIZEN_NUMBER: Final = 14
# A citizen number or personal id, an identity card from before 2016, a passport.
_CITIZEN_NUMBER: Final = re.compile(r"[0-9]{12}|[0-9]{9}|[A-Z][0-9]{7}", re.ASCII)
_VIETNAM: Final = "000"
_FEWEST_LETTERS: Final = 2
_MOST_KG: Final = Decimal(200)
_MONTHS: Final = 12
_YEAR: Final = 4


@rule("XML1.LY_DO_VV")
def find_reasons_that_say_nothing(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Why the patient came is said in words; that something is said, the schema sees to."""
    summary = claim.summary_row
    reason = "" if summary is None else summary["LY_DO_VV"]
    if reason.strip() and sum(map(str.isalpha, reason)) < _FEWEST_LETTERS:
        yield Hit(summary, "LY_DO_VV")


@rule("XML1.SO_CCCD")
def find_wrong_citizen_number(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is 14 or older has a citizen number, and a citizen's has one of its forms."""
    summary = claim.summary_row
    if summary is None:
        return
    number = summary["SO_CCCD"].strip()
    if number:
        # Foreigners have whatever their own countries write; as a number (Decision 130) it lost its zeros.
        is_number = claim.tables[TableKind.XML1].schema.field_by_name["SO_CCCD"].type == "integer"
        is_citizen = summary["MA_QUOCTICH"] == _VIETNAM
        if is_citizen and not is_number and not _CITIZEN_NUMBER.fullmatch(number):
            yield Hit(summary, "SO_CCCD", (("age", str(_AGE_OF_CITIZEN_NUMBER)),))
        return
    born, on = born_on(summary), summary.day("NGAY_VAO")
    if on is not None and born and age_in_years(born, on) >= _AGE_OF_CITIZEN_NUMBER:
        yield Hit(summary, "SO_CCCD", (("age", str(_AGE_OF_CITIZEN_NUMBER)),))


@rule("XML1.CAN_NANG_FORMAT")
def find_impossible_weight(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A weight is more than 0 and at most 200 kg."""
    summary = claim.summary_row
    weight = None if summary is None else summary.number_of("CAN_NANG")
    if weight is not None and not 0 < weight <= _MOST_KG:
        yield Hit(summary, "CAN_NANG", (("most", str(_MOST_KG)),))


@rule("XML1.QT_PERIOD")
def find_wrong_settlement_period(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The month of settlement exists and is not before that of discharge."""
    summary = claim.summary_row
    if summary is None:
        return
    year, month, left = summary["NAM_QT"], summary["THANG_QT"], summary.day("NGAY_RA")
    if left is None or not (year.isdigit() and month.isdigit() and len(year) == _YEAR and len(month) <= 2):  # noqa: PLR2004 - two digits
        return
    if not 1 <= int(month) <= _MONTHS or f"{year}{int(month):02}" < left[:6]:
        yield Hit(summary, "THANG_QT", (("period", f"{month}/{year}"),))
