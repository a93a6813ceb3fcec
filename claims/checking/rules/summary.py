"""Rules of the summary: who the patient is, why he came, and how the visit ended."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import age_in_years

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_AGE_OF_CITIZEN_NUMBER: Final = 14
_MOST_KG: Final = Decimal(200)
_MONTHS: Final = 12
_YEAR: Final = 4


@rule("XML1.SO_CCCD")
def find_missing_citizen_number(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is 14 or older has a citizen number."""
    summary = claim.summary_row
    if summary is None or summary["SO_CCCD"].strip():
        return
    born, on = summary["NGAY_SINH"][:8], summary.day("NGAY_VAO")
    if on is not None and born.isdigit() and age_in_years(born, on) >= _AGE_OF_CITIZEN_NUMBER:
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
