"""The certificates of leave: rest during a pregnancy (XML10) and sick leave (XML11)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from claims.building.papers.sheet import (
    Issue,
    Remark,
    Sheet,
    contradiction,
    digits,
    incomplete,
    remark,
)
from claims.bundle.kinds import TableKind
from claims.emr.papers import Leave, PregnancyLeave, PregnancyLoss, SickLeave
from claims.emr.scalars import as_date

NO_LOSS: Final = PregnancyLoss()
_LONGEST_PREGNANCY_WEEKS: Final = 42
_FIELDS: Final = {
    TableKind.XML7: ("SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY"),
    TableKind.XML10: ("SO_NGAY", "TU_NGAY", "DEN_NGAY"),
    TableKind.XML11: ("SO_NGAY_NGHI", "TU_NGAY", "DEN_NGAY"),
}


@dataclass(frozen=True, slots=True)
class CompleteLeave:
    """Days of leave as digits, with the third value worked out from the other two."""

    days: str | None
    first: str | None
    last: str | None
    remarks: tuple[Remark, ...] = ()


def complete_leave(leave: Leave, pointer: str, kind: TableKind) -> CompleteLeave:
    """Work out the value of a leave that is not given; both its first and its last day count."""
    days, first, last = leave.days, leave.first or None, leave.last or None
    if first and last:
        counted = (as_date(last) - as_date(first)).days + 1
        if counted < 1:
            detail = f"the leave ends on {last}, before it begins on {first}"
            return CompleteLeave(digits(days), first, last, (contradiction(f"{pointer}/to", detail),))
        if days not in {None, counted}:
            detail = f"{days} days are given, but from {first} to {last} there are {counted}"
            return CompleteLeave(str(days), first, last, (contradiction(f"{pointer}/days", detail),))
        return CompleteLeave(str(counted), first, last)
    if days and first:
        return CompleteLeave(str(days), first, f"{as_date(first) + timedelta(days=days - 1):%Y%m%d}")
    if days and last:
        return CompleteLeave(str(days), f"{as_date(last) - timedelta(days=days - 1):%Y%m%d}", last)
    return CompleteLeave(digits(days), first, last, tuple(_incomplete_leave(leave, pointer, kind)))


def _incomplete_leave(leave: Leave, pointer: str, kind: TableKind) -> Iterator[Remark]:
    if leave == Leave() and kind is TableKind.XML7:
        return  # most patients leave without days of rest
    values = ((leave.days, "days"), (leave.first, "from"), (leave.last, "to"))
    for (value, key), field in zip(values, _FIELDS[kind], strict=True):
        if not value:
            yield incomplete(f"{pointer}/{key}", "two of days, from and to are needed", kind, field)


def loss_remarks(loss: PregnancyLoss, pointer: str, kind: TableKind) -> Iterator[Remark]:
    """Say what is missing or impossible about a lost pregnancy; XML7 also has its time."""
    if not loss.cause:
        yield incomplete(f"{pointer}/cause", "a lost pregnancy has a cause", kind, "NGUYENNHAN_DINHCHI")
    if loss.weeks is None:
        yield incomplete(f"{pointer}/weeks", "a lost pregnancy has an age in weeks", kind, "TUOI_THAI")
    elif not 1 <= loss.weeks <= _LONGEST_PREGNANCY_WEEKS:
        yield contradiction(f"{pointer}/weeks", f"a pregnancy of {loss.weeks} weeks is not possible")


def pregnancy_leave_sheet(paper: PregnancyLeave, issue: Issue) -> Sheet:
    """Fill XML10."""
    source = "/documents/pregnancy_leave"
    leave = complete_leave(paper.leave, f"{source}/leave", TableKind.XML10)
    own = {
        "SO_SERI": paper.serial,
        "SO_CT": paper.number,
        "SO_NGAY": leave.days,
        "DON_VI": paper.employer,
        "CHAN_DOAN_RV": paper.diagnosis,
        "TU_NGAY": leave.first,
        "DEN_NGAY": leave.last,
        "MA_TTDV": paper.head_of_facility,
        "TEN_BS": paper.doctor_name,
        "MA_BS": paper.doctor,
        "NGAY_CT": paper.issued,
    }
    remarks = (*leave.remarks, *_pregnancy_leave_remarks(paper, leave, source, issue))
    return Sheet(TableKind.XML10, source, own, {}, remarks=remarks)


def _pregnancy_leave_remarks(
    paper: PregnancyLeave, leave: CompleteLeave, source: str, issue: Issue
) -> Iterator[Remark]:
    words = issue.rules.pregnancy_leave_words
    if words not in (paper.diagnosis or issue.summary["CHAN_DOAN_RV"]).casefold():
        yield remark("XML10.CHAN_DOAN_RV.wording", f"{source}/diagnosis", ("words", words))
    yield from _unusual_leave(leave, TableKind.XML10, source, issue, issue.rules.most_pregnancy_leave_days)


def sick_leave_sheet(paper: SickLeave, issue: Issue) -> Sheet:
    """Fill XML11."""
    source = "/documents/sick_leave"
    leave = complete_leave(paper.leave, f"{source}/leave", TableKind.XML11)
    loss = paper.pregnancy_loss or NO_LOSS
    own = {
        "SO_CT": paper.number,
        "SO_SERI": paper.serial,
        "SO_KCB": paper.visit_no,
        "DON_VI": paper.employer,
        "MA_BHXH": paper.insurance_no,
        "CHAN_DOAN_RV": paper.diagnosis,
        "PP_DIEUTRI": paper.treatment,
        "NGUYENNHAN_DINHCHI": loss.cause,
        "TUOI_THAI": digits(loss.weeks),
        "SO_NGAY_NGHI": leave.days,
        "TU_NGAY": leave.first,
        "DEN_NGAY": leave.last,
        "HO_TEN_CHA": paper.father_name,
        "HO_TEN_ME": paper.mother_name,
        "MA_TTDV": paper.head_of_facility,
        "MA_BS": paper.doctor,
        "NGAY_CT": paper.issued,
        "MA_THE_TAM": paper.temporary_card,
        "MAU_SO": paper.form,
    }
    derived = {
        "PP_DIEUTRI": issue.summary.get("PP_DIEU_TRI", ""),
        "MA_DINH_CHI_THAI": "0" if paper.pregnancy_loss is None else "1",
        "NGAY_CT": issue.last_day,
    }
    remarks = (*leave.remarks, *_sick_leave_remarks(paper, leave, source, issue))
    return Sheet(TableKind.XML11, source, own, derived, remarks=remarks)


def _sick_leave_remarks(
    paper: SickLeave, leave: CompleteLeave, source: str, issue: Issue
) -> Iterator[Remark]:
    if paper.pregnancy_loss is not None:
        yield from loss_remarks(paper.pregnancy_loss, f"{source}/pregnancy_loss", TableKind.XML11)
    if leave.first and leave.first > issue.last_day:
        detail = f"the leave begins on {leave.first}, after the visit ended on {issue.last_day}"
        yield contradiction(f"{source}/leave/from", detail)
    if paper.issued and paper.issued != issue.last_day:
        yield remark("XML11.NGAY_CT.other_day", f"{source}/issued", ("day", issue.last_day))
    yield from _unusual_leave(leave, TableKind.XML11, source, issue, _most_days(paper, issue))


def _most_days(paper: SickLeave, issue: Issue) -> int:
    rules, loss = issue.rules, paper.pregnancy_loss
    if loss is not None and (loss.weeks or 0) >= rules.pregnancy_loss_from_week:
        return rules.most_pregnancy_loss_leave_days
    diseases = (issue.summary["MA_BENH_CHINH"], *issue.summary["MA_BENH_KT"].split(";"))
    if any(disease[:3] in rules.tuberculosis_categories for disease in diseases):
        return rules.most_tuberculosis_leave_days
    return rules.most_leave_days


def _unusual_leave(
    leave: CompleteLeave, kind: TableKind, source: str, issue: Issue, most_days: int
) -> Iterator[Remark]:
    days_field, first_field, _ = _FIELDS[kind]
    if leave.first and leave.first not in {issue.first_day, issue.last_day}:
        yield remark(f"{kind}.{first_field}.other_day", f"{source}/leave/from", ("day", issue.first_day))
    if leave.days and int(leave.days) > most_days:
        most = ("most", str(most_days))
        yield remark(f"{kind}.{days_field}.many_days", f"{source}/leave/days", ("days", leave.days), most)
