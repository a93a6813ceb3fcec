"""Rules of the facility's contract with the insurer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.catalogues.items import ContractItem, Kind
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import STAYING, kind_of_visit
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_EMERGENCY: Final = "2"


@rule("ELIG.OUTSIDE_CONTRACT")
def find_visits_outside_the_contract(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A visit begins while a contract holds and, unless it is an emergency or a stay, in its hours."""
    summary = claim.summary_row
    arrived = None if summary is None else summary.moment("NGAY_VAO")
    day = None if arrived is None else parse_day(arrived)
    if summary is None or arrived is None or day is None or known.catalogue is None:
        return
    contracts = known.catalogue.items_ever(Kind.CONTRACT, known.facility)
    in_force = [one for one in contracts if isinstance(one, ContractItem) and one.is_in_force(day)]
    if not in_force:
        yield Hit(summary, "NGAY_VAO", (("why", "days"),))
        return
    if summary["MA_DOITUONG_KCB"] == _EMERGENCY or kind_of_visit(claim) in STAYING:
        return
    time = f"{arrived[8:10]}:{arrived[10:12]}"
    is_open = any(not one.hours or any(shift.covers(day, time) for shift in one.hours) for one in in_force)
    if not is_open:
        yield Hit(summary, "NGAY_VAO", (("why", "hours"),))
