"""The row of XML1: who, when, why and how it ended, with the totals of the other tables."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from claims.building.copies import Copies
from claims.building.papers.summary import destination, follow_up_days, newborn_weights
from claims.building.rows import joined
from claims.bundle.money import Totals
from claims.emr.encounter import Coverage, Encounter, Sex
from claims.emr.scalars import plain

SEX_CODES: Final = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.OTHER: "3", Sex.UNKNOWN: "3"}

SUMMARY: Final = Copies(
    {
        "MA_BN": "patient.id",
        "HO_TEN": "patient.name",
        "SO_CCCD": "patient.national_id",
        "NGAY_SINH": "patient.birth",
        "NHOM_MAU": "patient.blood_group",
        "MA_QUOCTICH": "patient.nationality",
        "MA_DANTOC": "patient.ethnicity",
        "MA_NGHE_NGHIEP": "patient.occupation",
        "DIA_CHI": "patient.address.text",
        "MATINH_CU_TRU": "patient.address.province",
        "MAXA_CU_TRU": "patient.address.ward",
        "DIEN_THOAI": "patient.phone",
        "LY_DO_VV": "encounter.reason",
        "LY_DO_VNT": "encounter.inpatient_reason",
        "MA_LY_DO_VNT": "encounter.inpatient_reason_code",
        "CHAN_DOAN_VAO": "diagnoses.entry_text",
        "CHAN_DOAN_RV": "diagnoses.exit_text",
        "MA_BENH_CHINH": "diagnoses.main",
        "MA_NOI_DI": "encounter.from_facility",
        "MA_NOI_DEN": "encounter.to_facility",
        "MA_TAI_NAN": "encounter.accident",
        "NGAY_VAO": "encounter.admitted",
        "NGAY_VAO_NOI_TRU": "encounter.inpatient_from",
        "NGAY_RA": "encounter.discharged",
        "GIAY_CHUYEN_TUYEN": "encounter.transfer_paper",
        "PP_DIEU_TRI": "encounter.treatment",
        "KET_QUA_DTRI": "encounter.outcome",
        "MA_LOAI_RV": "encounter.discharge_type",
        "GHI_CHU": "encounter.note",
        "NGAY_TTOAN": "encounter.paid",
        "MA_LOAI_KCB": "encounter.visit_type",
        "MA_CSKCB": "facility",
        "MA_HSBA": "encounter.record_no",
        "MA_TTDV": "encounter.head_of_facility",
    }
)
_TOTALS: Final = tuple((total.name.upper(), total.name) for total in fields(Totals))


def summary_fields(encounter: Encounter, *, case: str, days: int, totals: Totals) -> Mapping[str, str]:
    """Fill XML1 from an encounter that is over, its computed days and its totals."""
    visit, diagnoses = encounter.encounter, encounter.diagnoses
    settled = visit.paid or visit.discharged or ""
    return {
        **SUMMARY.of(encounter),
        **_coverage_fields(encounter.coverage),
        "GIOI_TINH": SEX_CODES[encounter.patient.sex],
        "MA_NOI_DEN": destination(encounter),
        "MA_BENH_KT": joined(diagnoses.other),
        "MA_BENH_YHCT": joined(diagnoses.traditional),
        "MA_DOITUONG_KCB": case,
        "SO_NGAY_DTRI": str(days),
        **{name: plain(getattr(totals, attribute)) for name, attribute in _TOTALS},
        "NAM_QT": settled[:4],
        "THANG_QT": settled[4:6].lstrip("0"),
        "MA_KHOA": joined(visit.departments),
        "CAN_NANG": "" if visit.weight_kg is None else plain(visit.weight_kg),
        "CAN_NANG_CON": joined([plain(weight) for weight in newborn_weights(encounter)]),
        "NGAY_TAI_KHAM": joined(follow_up_days(encounter)),
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
