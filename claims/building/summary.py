"""The row of XML1: who, when, why and how it ended, with the totals of the other tables."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from claims.building.rows import joined
from claims.bundle.money import Totals
from claims.emr.encounter import Coverage, Encounter, Patient, Sex
from claims.emr.scalars import plain

_SEXES: Final = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.OTHER: "3", Sex.UNKNOWN: "3"}


def summary_fields(
    encounter: Encounter,
    *,
    case: str,
    discharged: str,
    days: int,
    totals: Totals,
) -> Mapping[str, str]:
    """Fill XML1 from an encounter, its computed days and its totals."""
    visit, diagnoses = encounter.encounter, encounter.diagnoses
    settled = visit.paid or discharged
    return {
        **_patient_fields(encounter.patient),
        **_coverage_fields(encounter.coverage),
        "LY_DO_VV": visit.reason,
        "LY_DO_VNT": visit.inpatient_reason or "",
        "MA_LY_DO_VNT": visit.inpatient_reason_code or "",
        "CHAN_DOAN_VAO": diagnoses.entry_text,
        "CHAN_DOAN_RV": diagnoses.exit_text,
        "MA_BENH_CHINH": diagnoses.main,
        "MA_BENH_KT": joined(diagnoses.other),
        "MA_BENH_YHCT": joined(diagnoses.traditional),
        "MA_DOITUONG_KCB": case,
        "MA_NOI_DI": visit.from_facility or "",
        "MA_NOI_DEN": visit.to_facility or "",
        "MA_TAI_NAN": visit.accident or "",
        "NGAY_VAO": visit.admitted,
        "NGAY_VAO_NOI_TRU": visit.inpatient_from or "",
        "NGAY_RA": discharged,
        "GIAY_CHUYEN_TUYEN": visit.transfer_paper or "",
        "SO_NGAY_DTRI": str(days),
        "PP_DIEU_TRI": visit.treatment or "",
        "KET_QUA_DTRI": visit.outcome,
        "MA_LOAI_RV": visit.discharge_type,
        "GHI_CHU": visit.note or "",
        "NGAY_TTOAN": visit.paid or "",
        **{total.name.upper(): plain(getattr(totals, total.name)) for total in fields(totals)},
        "NAM_QT": settled[:4],
        "THANG_QT": str(int(settled[4:6])),
        "MA_LOAI_KCB": visit.visit_type,
        "MA_KHOA": joined(visit.departments),
        "MA_CSKCB": encounter.facility,
        "CAN_NANG": "" if visit.weight_kg is None else plain(visit.weight_kg),
        "CAN_NANG_CON": joined([plain(weight) for weight in visit.newborn_weights_g]),
        "NGAY_TAI_KHAM": joined(visit.follow_up),
        "MA_HSBA": visit.record_no,
        "MA_TTDV": visit.head_of_facility or "",
    }


def _patient_fields(patient: Patient) -> dict[str, str]:
    return {
        "MA_BN": patient.id,
        "HO_TEN": patient.name,
        "SO_CCCD": patient.national_id or "",
        "NGAY_SINH": patient.birth,
        "GIOI_TINH": _SEXES[patient.sex],
        "NHOM_MAU": patient.blood_group or "",
        "MA_QUOCTICH": patient.nationality,
        "MA_DANTOC": patient.ethnicity,
        "MA_NGHE_NGHIEP": patient.occupation,
        "DIA_CHI": patient.address.text,
        "MATINH_CU_TRU": patient.address.province,
        "MAXA_CU_TRU": patient.address.ward,
        "DIEN_THOAI": patient.phone or "",
    }


def _coverage_fields(cards: tuple[Coverage, ...]) -> dict[str, str]:
    """Several cards are joined in the same order in every field."""
    return {
        "MA_THE_BHYT": joined([card.card for card in cards]),
        "MA_DKBD": joined([card.registered_at for card in cards]),
        "GT_THE_TU": joined([card.valid_from for card in cards]),
        "GT_THE_DEN": joined([card.valid_to or "" for card in cards]),
        "NGAY_MIEN_CCT": _first(card.copay_exempt_from for card in cards),
        "NAM_NAM_LIEN_TUC": _first(card.five_years_from for card in cards),
        "MA_KHUVUC": _first(card.area for card in cards),
    }


def _first(values: Iterable[str | None]) -> str:
    return next((value for value in values if value), "")
