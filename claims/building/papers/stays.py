"""The papers of a stay: discharge (XML7), summary of the record (XML8), birth certificates (XML9)."""

from collections.abc import Iterator
from typing import Final

from claims.building.papers.leave import NO_LOSS, complete_leave, loss_remarks
from claims.building.papers.sheet import Issue, Remark, Sheet, contradiction, digits, incomplete
from claims.building.summary import SEX_CODES
from claims.bundle.kinds import TableKind
from claims.emr.papers import Birth, Carer, DeadChildren, Discharge, Leave, Parent, RecordSummary
from claims.emr.scalars import plain

_NOBODY: Final = Parent()
_NONE_DEAD: Final = DeadChildren()
# What XML1 says of the patient, and a birth certificate of the carer under the same names.
_ABOUT_CARER: Final = frozenset({"MA_QUOCTICH", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU"})
_COMPLETE_DAY: Final = 8


def discharge_sheet(paper: Discharge, issue: Issue) -> Sheet:
    """Fill XML7."""
    source = "/documents/discharge"
    leave = complete_leave(paper.leave or Leave(), f"{source}/leave", TableKind.XML7)
    loss = paper.pregnancy_loss or NO_LOSS
    father, mother = paper.father or _NOBODY, paper.mother or _NOBODY
    own = {
        "SO_LUU_TRU": paper.archive_no,
        "MA_KHOA_RV": paper.department,
        "NGUYENNHAN_DINHCHI": loss.cause,
        "THOIGIAN_DINHCHI": loss.at,
        "TUOI_THAI": digits(loss.weeks),
        "CHAN_DOAN_RV": paper.diagnosis,
        "PP_DIEUTRI": paper.treatment,
        "GHI_CHU": paper.note,
        "MA_TTDV": paper.head_of_facility,
        "MA_BS": paper.doctor,
        "TEN_BS": paper.doctor_name,
        "NGAY_CT": paper.issued,
        "MA_CHA": father.insurance_no,
        "MA_ME": mother.insurance_no,
        "MA_THE_TAM": paper.temporary_card,
        "HO_TEN_CHA": father.name,
        "HO_TEN_ME": mother.name,
        "SO_NGAY_NGHI": leave.days,
        "NGOAITRU_TUNGAY": leave.first,
        "NGOAITRU_DENNGAY": leave.last,
    }
    derived = {
        "MA_YTE": issue.summary["MA_BN"],
        "MA_KHOA_RV": issue.summary["MA_KHOA"].rpartition(";")[2],
        "MA_DINH_CHI_THAI": "0" if paper.pregnancy_loss is None else "1",
        "PP_DIEUTRI": issue.summary.get("PP_DIEU_TRI", ""),
        "NGAY_CT": issue.last_day,
    }
    remarks = (*leave.remarks, *_discharge_remarks(paper, leave.first, source, issue))
    return Sheet(TableKind.XML7, source, own, derived, remarks=remarks)


def _discharge_remarks(paper: Discharge, first: str | None, source: str, issue: Issue) -> Iterator[Remark]:
    if paper.issued and paper.issued != issue.last_day:
        detail = f"the paper is of {paper.issued}, but the patient left on {issue.last_day}"
        yield contradiction(f"{source}/issued", detail)
    if first and first < issue.last_day:
        detail = f"the rest begins on {first}, before the patient left on {issue.last_day}"
        yield contradiction(f"{source}/leave/from", detail)
    if paper.pregnancy_loss is not None:
        loss, pointer = paper.pregnancy_loss, f"{source}/pregnancy_loss"
        yield from loss_remarks(loss, pointer, TableKind.XML7)
        if not loss.at:
            yield incomplete(
                f"{pointer}/at", "a lost pregnancy has a time", TableKind.XML7, "THOIGIAN_DINHCHI"
            )
        elif not issue.summary["NGAY_VAO"] <= loss.at <= issue.summary["NGAY_RA"]:
            yield contradiction(f"{pointer}/at", f"{loss.at} is not within the stay")


def record_summary_sheet(paper: RecordSummary, issue: Issue) -> Sheet:
    """Fill XML8."""
    source, dead = "/documents/summary", paper.dead_children or _NONE_DEAD
    own = {
        "HO_TEN_CHA": paper.father_name,
        "HO_TEN_ME": paper.mother_name,
        "NGUOI_GIAM_HO": paper.guardian,
        "DON_VI": paper.employer,
        "QT_BENHLY": paper.course,
        "TOMTAT_KQ": paper.results,
        "PP_DIEUTRI": paper.treatment,
        "NGAY_SINHCON": dead.born,
        "NGAY_CONCHET": dead.died,
        "SO_CONCHET": digits(dead.count),
        "GHI_CHU": paper.note,
        "MA_TTDV": paper.head_of_facility,
        "NGAY_CT": paper.issued,
        "MA_THE_TAM": paper.temporary_card,
    }
    derived = {"PP_DIEUTRI": issue.summary.get("PP_DIEU_TRI", "")}
    return Sheet(TableKind.XML8, source, own, derived, remarks=tuple(_summary_remarks(paper, source)))


def _summary_remarks(paper: RecordSummary, source: str) -> Iterator[Remark]:
    dead, pointer = paper.dead_children, f"{source}/dead_children"
    if dead is None:
        return
    for key, name in (("born", "NGAY_SINHCON"), ("died", "NGAY_CONCHET"), ("count", "SO_CONCHET")):
        if getattr(dead, key) in {None, ""}:
            yield incomplete(f"{pointer}/{key}", "the three values go together", TableKind.XML8, name)
    if dead.born and dead.died and dead.died < dead.born:
        yield contradiction(f"{pointer}/died", f"{dead.died} is before the birth on {dead.born}")
    if dead.count == 0:
        yield contradiction(f"{pointer}/count", "it is about children who died, and counts none")


def birth_sheet(paper: Birth, index: int, issue: Issue) -> Sheet:
    """Fill a row of XML9; the carer is the patient unless another name is given."""
    source, carer = f"/documents/births/{index}", paper.carer
    own = {
        **_carer_fields(carer),
        "HO_TEN_CHA": paper.father_name,
        "MA_THE_TAM": paper.temporary_card,
        "HO_TEN_CON": paper.name,
        "GIOI_TINH_CON": paper.sex and SEX_CODES[paper.sex],
        "SO_CON": digits(paper.children_born),
        "LAN_SINH": digits(paper.deliveries),
        "SO_CON_SONG": digits(paper.children_living),
        "CAN_NANG_CON": None if paper.weight_g is None else plain(paper.weight_g),
        "NGAY_SINH_CON": paper.born,
        "NOI_SINH_CON": paper.place,
        "TINH_TRANG_CON": paper.condition,
        "SINHCON_PHAUTHUAT": "1" if paper.by_surgery else "0",
        "SINHCON_DUOI32TUAN": "1" if paper.before_32_weeks else "0",
        "NGUOI_DO_DE": paper.attendant,
        "NGUOI_GHI_PHIEU": paper.recorder,
        "NGAY_CT": paper.issued,
        "SO": paper.number,
        "QUYEN_SO": paper.book,
        "MA_TTDV": paper.head_of_facility,
    }
    note = issue.rules.birth_note(by_surgery=paper.by_surgery, before_32_weeks=paper.before_32_weeks)
    is_patient = carer.name in {None, "", issue.summary["HO_TEN"]}
    derived = {"GHI_CHU": note, **(_patient_as_carer(issue) if is_patient else {})}
    not_copied = frozenset() if is_patient else _ABOUT_CARER
    remarks = tuple(_birth_remarks(paper, index, source, issue))
    return Sheet(TableKind.XML9, source, own, derived, not_copied, remarks)


def _carer_fields(carer: Carer) -> dict[str, str | None]:
    return {
        "MA_BHXH_NND": carer.insurance_no,
        "MA_THE_NND": carer.card,
        "HO_TEN_NND": carer.name,
        "NGAYSINH_NND": carer.birth,
        "MA_DANTOC_NND": carer.ethnicity,
        "SO_CCCD_NND": carer.national_id,
        "NGAYCAP_CCCD_NND": carer.national_id_issued,
        "NOICAP_CCCD_NND": carer.national_id_issuer,
        "NOI_CU_TRU_NND": carer.address,
        "MA_QUOCTICH": carer.nationality,
        "MATINH_CU_TRU": carer.province,
        "MAHUYEN_CU_TRU": carer.district,
        "MAXA_CU_TRU": carer.ward,
    }


def _patient_as_carer(issue: Issue) -> dict[str, str]:
    summary = issue.summary
    day, card = summary["NGAY_SINH"][:_COMPLETE_DAY], summary["MA_THE_BHYT"]
    return {
        # Of several cards nobody knows which one is meant, and XML9 has no unknown days.
        "MA_THE_NND": "" if ";" in card else card,
        "HO_TEN_NND": summary["HO_TEN"],
        "NGAYSINH_NND": "" if "00" in {day[4:6], day[6:8]} else day,
        "MA_DANTOC_NND": summary["MA_DANTOC"],
        "SO_CCCD_NND": summary["SO_CCCD"],
        "NOI_CU_TRU_NND": summary["DIA_CHI"],
    }


def _birth_remarks(paper: Birth, index: int, source: str, issue: Issue) -> Iterator[Remark]:
    births = issue.encounter.documents.births
    if paper.children_born is not None and paper.children_born < len(births):
        detail = f"{paper.children_born} children were born, but there are {len(births)} certificates"
        yield contradiction(f"{source}/children_born", detail)
    if index == 0 and (given := issue.encounter.encounter.newborn_weights_g):
        weights = sorted(each.weight_g for each in births if each.weight_g is not None)
        if len(weights) == len(births) and weights != sorted(given):
            detail = "the weights of the newborns are not those of the birth certificates"
            yield contradiction("/encounter/newborn_weights_g", detail)
