"""Rules of how a patient came to the facility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import STAYING, kind_of_visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_FOR_OUTPATIENTS: Final = "1.14"
_FOR_INPATIENTS: Final = "1.15"
_BY_DAY: Final = frozenset({"04"})
#: Who is referred, of whom ELIG.REFERRAL_NEEDED asks for both, and who has the facility's own re-visit slip.
_WITH_OTHER_SLIPS: Final = frozenset({"1.3", "1.5"})


@rule("ELIG.REFERRAL_PAIR", Screen((TableKind.XML1,), ("MA_NOI_DI", "GIAY_CHUYEN_TUYEN")))
def find_half_a_referral(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Sending facility and number of the slip go together."""
    summary = claim.summary_row
    if summary is None or summary["MA_DOITUONG_KCB"] in _WITH_OTHER_SLIPS:
        return
    sender, slip = summary["MA_NOI_DI"].strip(), summary["GIAY_CHUYEN_TUYEN"].strip()
    if bool(sender) != bool(slip):
        yield Hit(summary, "GIAY_CHUYEN_TUYEN" if sender else "MA_NOI_DI")


@rule(
    "ELIG.CATEGORY_VISIT_TYPE",
    Screen((TableKind.XML1,), ("MA_DOITUONG_KCB",), {_FOR_OUTPATIENTS, _FOR_INPATIENTS}.__contains__),
)
def find_category_of_another_visit(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Category 1.14 is for out-patients, 1.15 for in-patients."""
    summary = claim.summary_row
    category = "" if summary is None else summary["MA_DOITUONG_KCB"]
    kind = kind_of_visit(claim)
    # Treatment by day is counted among either.
    if (category == _FOR_OUTPATIENTS and kind in STAYING - _BY_DAY) or (
        category == _FOR_INPATIENTS and kind not in STAYING
    ):
        yield Hit(summary, "MA_DOITUONG_KCB")
