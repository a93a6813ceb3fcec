"""The papers with which a patient goes on: the referral (XML13) and the appointment (XML14)."""

from collections.abc import Iterable, Iterator

from claims.building.papers.sheet import Issue, Remark, Sheet, contradiction, remark
from claims.building.rows import joined
from claims.bundle.kinds import TableKind
from claims.emr.papers import Appointment, Referral

# TEN_DICH_VU and TEN_THUOC, which Decision 3176 dropped, take so many characters.
_MOST_CHARACTERS = 1024
_WITHOUT_CLOCK = "0000"


def referral_sheet(paper: Referral, issue: Issue) -> Sheet:
    """Fill XML13, under the names of both of its layouts."""
    source, encounter = "/documents/referral", issue.encounter
    own = {
        "SO_HOSO": paper.file_no,
        "SO_CHUYENTUYEN": paper.register_no,
        "GIAY_CHUYEN_TUYEN": paper.number,
        "MA_CSKCB_DI": joined(paper.passed_through),
        "DAU_HIEU_LS": paper.signs,
        "QT_BENHLY": paper.course,
        "TOMTAT_KQ": paper.results,
        "PP_DIEUTRI": paper.treatment,
        "TEN_DICH_VU": paper.services,
        "TEN_THUOC": paper.medicines,
        "TINH_TRANG_CT": paper.condition,
        "MA_LYDO_CT": paper.reason,
        "HUONG_DIEU_TRI": paper.onward_treatment,
        "PHUONGTIEN_VC": paper.transport,
        "HOTEN_NGUOI_HT": paper.escort_name,
        "CHUCDANH_NGUOI_HT": paper.escort_title,
        "MA_BAC_SI": paper.doctor,
        "MA_TTDV": paper.head_of_facility,
    }
    came_from, goes_to = issue.summary.get("MA_NOI_DI", ""), issue.summary.get("MA_NOI_DEN", "")
    destination = goes_to or paper.destination or ""
    derived = {
        # Decision 3176 renamed MA_NOI_DI and MA_NOI_DEN of this table.
        "MA_CSKCB_DI": came_from,
        "MA_CSKCB_DEN": destination,
        "MA_NOI_DEN": destination,
        "PP_DIEUTRI": issue.summary.get("PP_DIEU_TRI", ""),
        "TEN_DICH_VU": _names(service.name for service in encounter.services),
        "TEN_THUOC": _names(medication.name for medication in encounter.medications),
    }
    remarks = tuple(_referral_remarks(paper, source, issue))
    return Sheet(TableKind.XML13, source, own, derived, remarks=remarks)


def _names(names: Iterable[str | None]) -> str:
    """Join what was used, once each; nothing when it is too long, because a part would mislead."""
    text = "; ".join(dict.fromkeys(name for name in names if name))
    return text if len(text) <= _MOST_CHARACTERS else ""


def _referral_remarks(paper: Referral, source: str, issue: Issue) -> Iterator[Remark]:
    ended, goes_to = issue.summary["MA_LOAI_RV"], issue.summary.get("MA_NOI_DEN")
    if ended not in issue.rules.referral_endings:
        detail = f"the visit ended with MA_LOAI_RV {ended}, which is no referral"
        yield contradiction(source, detail)
    if paper.destination and goes_to and paper.destination != goes_to:
        detail = f"the paper names {paper.destination}, but the visit ended towards {goes_to}"
        yield contradiction(f"{source}/destination", detail)


def appointment_sheet(paper: Appointment, issue: Issue) -> Sheet:
    """Fill XML14; without a time of its own it is for the first day of a re-visit."""
    source = "/documents/appointment"
    first_day = issue.summary.get("NGAY_TAI_KHAM", "").partition(";")[0]
    own = {
        "SO_GIAYHEN_KL": paper.number,
        "NGAY_HEN_KL": paper.at or (f"{first_day}{_WITHOUT_CLOCK}" if first_day else None),
        "MA_BAC_SI": paper.doctor,
        "MA_TTDV": paper.head_of_facility,
        "NGAY_CT": paper.issued,
    }
    remarks = tuple(_appointment_remarks(paper, own["NGAY_HEN_KL"] or "", source, issue))
    return Sheet(TableKind.XML14, source, own, {}, remarks=remarks)


def _appointment_remarks(paper: Appointment, at: str, source: str, issue: Issue) -> Iterator[Remark]:
    day, days = at[:8], issue.summary.get("NGAY_TAI_KHAM", "")
    if day and days and day not in days.split(";"):
        yield contradiction(f"{source}/at", f"the appointment is on {day}, but the visit names {days}")
    # The portal's sheet: not before the visit ended. Another implementer wants a later day.
    if day and day < issue.last_day:
        yield contradiction(f"{source}/at", f"{day} is before the visit ended on {issue.last_day}")
    elif day == issue.last_day:
        yield remark("XML14.NGAY_HEN_KL.same_day", f"{source}/at")
    if paper.issued and paper.issued < issue.first_day:
        detail = f"the paper is of {paper.issued}, before the visit began on {issue.first_day}"
        yield contradiction(f"{source}/issued", detail)
