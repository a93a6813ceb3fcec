"""Rules of when and by whom something was ordered, and how often."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.rules import find_rules
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import OF_STAYING, STAYING, days_between, kind_of_visit, stay_of
from claims.checking.values import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: The code of the examination department (Decision 5937/QD-BYT), with what a facility adds to it.
_EXAMINATION: Final = "K01"
#: Words of haemodialysis in TEN_DICH_VU, and how often it is done in a month: three a week, and one over.
_DIALYSIS: Final = ("thận nhân tạo", "lọc máu chu kỳ", "chạy thận")
_MOST_A_MONTH: Final = 14
_WHOLE_FACTOR: Final = 100


@lru_cache(maxsize=1024)
def _is_dialysis(name: str) -> bool:
    return any(word in name.casefold() for word in _DIALYSIS)


@rule("XML2.AFTER_DISCHARGE_DRUG", OF_STAYING)
def find_medicines_ordered_at_the_end(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What who stays is given is ordered before the day of leaving; one hit a claim, with how many.

    What is ordered after the hour of leaving is graver, and XML2.ORDER_WINDOW says so. Who came the evening
    before has no other day for orders.
    """
    stay = stay_of(claim)
    if stay is None or kind_of_visit(claim) not in STAYING or days_between(*stay) <= 1:
        return
    end = stay[1]
    late = claim.rows_where(
        TableKind.XML2, lambda ordered: end[:8] <= (read_moment(ordered) or "") <= end, "NGAY_YL"
    )
    if late:
        yield Hit(late[0], "NGAY_YL", (("rows", str(len(late))),))


@rule("XML2.MA_KHOA_REQ", OF_STAYING)
def find_orders_of_the_examination_department(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """For who stays off the route the examination department orders nothing; one hit a claim."""
    summary = claim.summary_row
    if summary is None or kind_of_visit(claim) not in STAYING:
        return
    try:
        factor = find_rules(claim.on).find_factor(summary["MA_DOITUONG_KCB"], is_inpatient=True)
    except NoMoneyRules:
        return
    if factor is None or factor >= _WHOLE_FACTOR:
        return
    ordered = [row for row in claim.rows(TableKind.XML2) if row["MA_KHOA"].startswith(_EXAMINATION)]
    if ordered:
        yield Hit(ordered[0], "MA_KHOA", (("rows", str(len(ordered))),))


@rule("XML3.YEAR_LIMIT", Screen((TableKind.XML3,), ("TEN_DICH_VU",), _is_dialysis))
def find_frequent_dialysis(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Dialysis is done so often in a month; one hit a month."""
    done: Counter[str] = Counter()
    for row in claim.rows_where(TableKind.XML3, _is_dialysis, "TEN_DICH_VU"):
        day = row.day("NGAY_YL")
        if day is not None:
            done[day[:6]] += 1
            if done[day[:6]] == _MOST_A_MONTH + 1:
                yield Hit(row, "MA_DICH_VU", (("most", str(_MOST_A_MONTH)),))
