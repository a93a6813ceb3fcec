"""Rules of check-in documents (XML0), and of a claim beside the check-in of its episode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from claims.bundle.kinds import TableKind
from claims.checking.needs import Need
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import minutes_between
from claims.localtime import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_FIRST_COSTS: Final = (
    ("MA_DICH_VU", "TEN_DICH_VU"),
    ("MA_THUOC", "TEN_THUOC"),
    ("MA_VAT_TU", "TEN_VAT_TU"),
)
#: What a check-in says of the episode, in fields of the same name in XML1.
_SHARED: Final = ("MA_BN", "NGAY_VAO", "GIOI_TINH", "MA_CSKCB")
_EMERGENCY: Final = "2"
#: Soon after the first cost: the Decision gives no number.
_SOON_MINUTES: Final = 24 * 60


class CheckIns(Protocol):
    """The check-ins that a facility sent."""

    def find(self, facility: str, ma_lk: str) -> Mapping[str, str] | None:
        """Return the fields of the last check-in of an episode; None where there is none."""
        ...


_OF_CHECK_INS: Final = Screen((TableKind.XML0,))


@rule("XML0.FIRST_COST", _OF_CHECK_INS)
def find_other_than_one_first_cost(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A check-in names one service, medicine or supply, with its name."""
    for row in claim.rows(TableKind.XML0):
        named = [(code, name) for code, name in _FIRST_COSTS if row[code].strip()]
        if len(named) != 1:
            yield Hit(row, named[1][0] if named else _FIRST_COSTS[0][0], (("count", str(len(named))),))
        elif not row[named[0][1]].strip():
            yield Hit(row, named[0][1], (("count", "1"),))


@rule("XML0.TIMELY", _OF_CHECK_INS)
def find_late_check_ins(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A check-in is sent soon after the order of the first cost."""
    for row in claim.rows(TableKind.XML0):
        ordered = row.moment("NGAY_YL")
        received = local_time(known.received_at).strftime("%Y%m%d%H%M")
        if ordered is not None and minutes_between(ordered, received) > _SOON_MINUTES:
            yield Hit(row, "NGAY_YL", (("most", str(_SOON_MINUTES // 60)),))


@rule("XML0.EXEMPT", _OF_CHECK_INS)
def find_check_ins_of_emergencies(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An emergency needs no check-in."""
    for row in claim.rows(TableKind.XML0):
        if row["MA_DOITUONG_KCB"] == _EMERGENCY:
            yield Hit(row, "MA_DOITUONG_KCB")


@rule("XML0.MATCHES_CLAIM")
def find_other_check_ins(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A claim says of patient, card and arrival what the check-in of its episode said."""
    summary = claim.summary_row
    check_ins = cast("CheckIns", known.more[Need.CHECK_IN])
    if summary is None:
        return
    said = check_ins.find(summary["MA_CSKCB"], summary["MA_LK"])
    if said is None:
        return
    for field in _SHARED:
        if said.get(field, "").strip() != summary[field].strip():
            yield Hit(summary, field)
    card = said.get("MA_THE_BHYT", "").strip()
    if card and card not in summary.items_of("MA_THE_BHYT"):
        yield Hit(summary, "MA_THE_BHYT")
