"""The rows of the HIV program (XML6) and of the tuberculosis program (XML15).

What one value calls for is the portal's validation sheet, which writes "= 1" where a field holds a list;
that it means "holds 1" is an inference, so whatever is missing there is a warning.
"""

from collections.abc import Iterator
from typing import Final

from claims.building.papers.sheet import Remark, Sheet, digits, remark
from claims.building.rows import joined
from claims.bundle.kinds import TableKind
from claims.emr.papers import HivCare, TuberculosisCare
from claims.emr.scalars import as_date

_YES: Final = "1"
_NO_TREATMENT: Final = "0"
_OTHER_REGIMEN: Final = "KHAC"
_PCR: Final = ("LAN_XN_PCR", "NGAY_XN_PCR", "NGAY_KQ_XN_PCR", "MA_KQ_XN_PCR")
_ARV: Final = ("NGAY_BAT_DAU_XU_TRI", "NGAY_KET_THUC_XU_TRI", "SO_NGAY_CAP_THUOC_ARV")
# The annex leaves NGAYKT_DTRI_LAO empty while the treatment goes on.
_TB: Final = ("PHACDO_DTRI_LAO", "NGAYBD_DTRI_LAO")


def hiv_sheet(paper: HivCare, index: int) -> Sheet:
    """Fill a row of XML6."""
    source = f"/documents/hiv/{index}"
    own = {**_first_care(paper), **_tests(paper), **_this_period(paper)}
    return Sheet(TableKind.XML6, source, own, {}, remarks=tuple(_hiv_remarks(paper, own, index, source)))


def _first_care(paper: HivCare) -> dict[str, str | None]:
    return {
        "NGAYKD_HIV": paper.confirmed,
        "NOI_LAY_MAU_XN": paper.sampled_at,
        "NOI_XN_KD": paper.confirmed_at,
        "NOI_BDDT_ARV": paper.arv_started_at,
        "BDDT_ARV": paper.arv_started,
        "MA_PHAC_DO_DIEU_TRI_BD": paper.first_regimen,
        "MA_BAC_PHAC_DO_BD": paper.first_regimen_line,
        "MA_LYDO_DTRI": paper.registration_reason,
        "LOAI_DTRI_LAO": paper.tb_treatment,
        "SANG_LOC_LAO": paper.tb_screening,
        "PHACDO_DTRI_LAO": paper.tb_regimen,
        "NGAYBD_DTRI_LAO": paper.tb_from,
        "NGAYKT_DTRI_LAO": paper.tb_to,
        "KQ_DTRI_LAO": paper.tb_outcome,
    }


def _tests(paper: HivCare) -> dict[str, str | None]:
    return {
        "MA_LYDO_XNTL_VR": paper.viral_load_reason,
        "NGAY_XN_TLVR": paper.viral_load_sampled,
        "KQ_XNTL_VR": paper.viral_load,
        "NGAY_KQ_XN_TLVR": paper.viral_load_resulted,
        "LAN_XN_PCR": paper.pcr_test,
        "NGAY_XN_PCR": paper.pcr_sampled,
        "NGAY_KQ_XN_PCR": paper.pcr_resulted,
        "MA_KQ_XN_PCR": paper.pcr_result,
    }


def _this_period(paper: HivCare) -> dict[str, str | None]:
    return {
        "MA_LOAI_BN": paper.patient_kind,
        "GIAI_DOAN_LAM_SANG": paper.stage,
        "NHOM_DOI_TUONG": paper.target_group,
        "MA_TINH_TRANG_DK": joined(paper.conditions),
        "NGAY_NHAN_TT_MANG_THAI": paper.pregnancy_known,
        "NGAY_BAT_DAU_DT_CTX": paper.cotrimoxazole_from,
        "MA_XU_TRI": joined(paper.management),
        "NGAY_BAT_DAU_XU_TRI": paper.arv_from,
        "NGAY_KET_THUC_XU_TRI": paper.arv_to,
        "MA_PHAC_DO_DIEU_TRI": paper.regimen,
        "MA_BAC_PHAC_DO": paper.regimen_line,
        "SO_NGAY_CAP_THUOC_ARV": digits(paper.arv_days),
        "NGAY_CHUYEN_PHAC_DO": paper.regimen_changed,
        "LY_DO_CHUYEN_PHAC_DO": paper.regimen_change_reason,
    }


def _hiv_remarks(paper: HivCare, own: dict[str, str | None], index: int, source: str) -> Iterator[Remark]:
    for because, names in _calls(paper):
        for name in names:
            if not own[name]:
                yield remark(f"XML6.{name}.called_for", source, ("because", because), row=index + 1)
    if paper.arv_from and paper.arv_to and paper.arv_days is not None:
        days = (as_date(paper.arv_to) - as_date(paper.arv_from)).days
        if paper.arv_days > days:
            params = (("days", str(paper.arv_days)), ("most", str(days)))
            yield remark("XML6.SO_NGAY_CAP_THUOC_ARV.many_days", source, *params, row=index + 1)


def _calls(paper: HivCare) -> Iterator[tuple[str, tuple[str, ...]]]:
    """List what calls for other fields, and the fields that it calls for."""
    if _YES in paper.conditions:
        yield "MA_TINH_TRANG_DK: 1", _PCR
    if _YES in paper.management:
        yield "MA_XU_TRI: 1", _ARV
    if paper.tb_treatment not in {None, "", _NO_TREATMENT}:
        yield f"LOAI_DTRI_LAO: {paper.tb_treatment}", _TB
    if (paper.first_regimen or "").upper() == _OTHER_REGIMEN:
        yield f"MA_PHAC_DO_DIEU_TRI_BD: {_OTHER_REGIMEN}", ("MA_BAC_PHAC_DO_BD",)
    if (paper.regimen or "").upper() == _OTHER_REGIMEN:
        yield f"MA_PHAC_DO_DIEU_TRI: {_OTHER_REGIMEN}", ("MA_BAC_PHAC_DO",)
    if paper.regimen_changed:
        yield "NGAY_CHUYEN_PHAC_DO", ("LY_DO_CHUYEN_PHAC_DO",)


def tuberculosis_sheet(paper: TuberculosisCare, index: int) -> Sheet:
    """Fill a row of XML15."""
    source = f"/documents/tuberculosis/{index}"
    own = {
        "PHANLOAI_LAO_VITRI": paper.site,
        "PHANLOAI_LAO_TS": paper.history,
        "PHANLOAI_LAO_HIV": paper.hiv,
        "PHANLOAI_LAO_VK": paper.bacteriology,
        "PHANLOAI_LAO_KT": paper.resistance,
        "LOAI_DTRI_LAO": paper.treatment,
        "NGAYBD_DTRI_LAO": paper.treated_from,
        "PHACDO_DTRI_LAO": paper.regimen,
        "NGAYKT_DTRI_LAO": paper.treated_to,
        "KET_QUA_DTRI_LAO": paper.outcome,
        "NGAYKD_HIV": paper.hiv_confirmed,
        "BDDT_ARV": paper.arv_started,
        "NGAY_BAT_DAU_DT_CTX": paper.cotrimoxazole_from,
    }
    remarks = tuple(_tuberculosis_remarks(paper, index, source))
    return Sheet(TableKind.XML15, source, own, {}, remarks=remarks)


def _tuberculosis_remarks(paper: TuberculosisCare, index: int, source: str) -> Iterator[Remark]:
    if paper.hiv == _YES:
        for name, value in (
            ("BDDT_ARV", paper.arv_started),
            ("NGAY_BAT_DAU_DT_CTX", paper.cotrimoxazole_from),
        ):
            if not value:
                params = (("because", "PHANLOAI_LAO_HIV: 1"),)
                yield remark(f"XML15.{name}.called_for", source, *params, row=index + 1)
