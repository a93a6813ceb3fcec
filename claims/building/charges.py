"""Rows of XML2 and XML3 as far as the hospital determines them: everything but who pays.

Each medication and each service of the encounter makes one row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.building.rows import joined
from claims.bundle.money import (
    HUNDRED,
    ZERO,
    Amounts,
    MoneyRules,
    OtherSources,
    UnitPrices,
    insured_percent,
    price_medicine,
    price_service,
    service_prices,
)
from claims.emr.encounter import Encounter, Medication, Service, ServiceKind
from claims.emr.encounter import OtherSources as GivenSources
from claims.emr.scalars import plain

_INSURANCE_FUND = "1"
_OUTSIDE_SCOPE = "2"
_MEDICINE_IN_LIST = "4"
_MEDICINE_BY_RATE = "6"
_SERVICE_BY_RATE = "9"
_SUPPLY_IN_LIST = "10"
_SUPPLY_BY_RATE = "11"
_SUPPLY_GROUPS: Final = frozenset({_SUPPLY_IN_LIST, _SUPPLY_BY_RATE})

_GROUPS: Final[Mapping[ServiceKind, str]] = {
    ServiceKind.TEST: "1",
    ServiceKind.IMAGING: "2",
    ServiceKind.FUNCTION: "3",
    ServiceKind.SURGERY: "8",
    ServiceKind.TRANSPORT: "12",
    ServiceKind.EXAM: "13",
    ServiceKind.PROCEDURE: "18",
    ServiceKind.OTHER: "19",
}
_PAID_BY_RATE: Final = frozenset(
    {
        ServiceKind.TEST,
        ServiceKind.IMAGING,
        ServiceKind.FUNCTION,
        ServiceKind.SURGERY,
        ServiceKind.PROCEDURE,
        ServiceKind.OTHER,
    }
)
_DAY_BED, _WARD_BED, _STAY_OVER_BED = "14", "15", "16"
_BEDS: Final = {"04": _DAY_BED, "06": _STAY_OVER_BED}


@dataclass(frozen=True, slots=True)
class Charge:
    """A row of XML2 or XML3 before anybody has worked out who pays it."""

    source: str
    ordered: str
    is_medicine: bool
    ma_nhom: str
    nguon_ctra: str
    other_sources: OtherSources
    amounts: Amounts
    fields: Mapping[str, str]


def charge_medication(encounter: Encounter, index: int, department: str) -> Charge:
    """Make the XML2 row of one medication."""
    given = encounter.medications[index]
    tyle_tt_bh = insured_percent(pham_vi=given.scope, tyle_tt_bh=_pay_percent(given))
    amounts = price_medicine(so_luong=given.quantity or ZERO, don_gia=given.price or ZERO, tyle_tt_bh=tyle_tt_bh)
    ma_nhom = given.group or _medicine_group(given)
    other_sources = _other_sources(given.other_sources)
    return Charge(
        source=f"/medications/{index}",
        ordered=given.ordered,
        is_medicine=True,
        ma_nhom=ma_nhom,
        nguon_ctra=given.source,
        other_sources=other_sources,
        amounts=amounts,
        fields={
            "MA_THUOC": given.code,
            "MA_NHOM": ma_nhom,
            "TEN_THUOC": given.name or "",
            "DON_VI_TINH": given.unit or "",
            "HAM_LUONG": given.strength or "",
            "DUONG_DUNG": given.route or "",
            "DANG_BAO_CHE": given.form or "",
            "LIEU_DUNG": given.dose or "",
            "CACH_DUNG": given.how or "",
            "SO_DANG_KY": given.registration or "",
            "TT_THAU": given.tender or "",
            "PHAM_VI": given.scope,
            "TYLE_TT_BH": plain(tyle_tt_bh),
            "SO_LUONG": plain(given.quantity or ZERO),
            "DON_GIA": plain(given.price or ZERO),
            **_amount_fields(amounts, other_sources),
            "MA_KHOA": department,
            "MA_BAC_SI": given.prescriber,
            "MA_DICH_VU": given.for_service or "",
            "NGAY_YL": given.ordered,
            "NGAY_TH_YL": given.given or "",
            "MA_PTTT": encounter.encounter.payment_method,
            "NGUON_CTRA": given.source,
        },
    )


def charge_service(encounter: Encounter, index: int, department: str, rules: MoneyRules) -> Charge:
    """Make the XML3 row of one service, exam, bed, transport or supply."""
    given = encounter.services[index]
    ma_nhom = given.group or _service_group(given, encounter.encounter.visit_type)
    is_supply = given.kind is ServiceKind.SUPPLY or ma_nhom in _SUPPLY_GROUPS
    tyle_tt_bh = insured_percent(pham_vi=given.scope, tyle_tt_bh=_pay_percent(given))
    prices = service_prices(
        UnitPrices(given.hospital_price or ZERO, _insured_price(given)),
        code=given.code,
        t_trantt=given.ceiling,
        is_reused=given.supply is not None and given.supply.reused,
    )
    amounts = price_service(
        prices,
        so_luong=given.quantity,
        tyle_tt_dv=given.service_percent,
        tyle_tt_bh=tyle_tt_bh,
        amount=rules.service_amount,
    )
    other_sources = _other_sources(given.other_sources)
    return Charge(
        source=f"/services/{index}",
        ordered=given.ordered,
        is_medicine=False,
        ma_nhom=ma_nhom,
        nguon_ctra=_INSURANCE_FUND,
        other_sources=other_sources,
        amounts=amounts,
        fields={
            "MA_DICH_VU": "" if is_supply else given.code,
            "MA_VAT_TU": given.code if is_supply else "",
            "MA_NHOM": ma_nhom,
            "TEN_VAT_TU": (given.name or "") if is_supply else "",
            "TEN_DICH_VU": "" if is_supply else given.name or "",
            "DON_VI_TINH": given.unit or "",
            "PHAM_VI": given.scope,
            "SO_LUONG": plain(given.quantity),
            "DON_GIA_BV": plain(prices.don_gia_bv),
            "DON_GIA_BH": plain(prices.don_gia_bh),
            "TYLE_TT_DV": plain(given.service_percent),
            "TYLE_TT_BH": plain(tyle_tt_bh),
            "T_TRANTT": "" if given.ceiling is None else plain(given.ceiling),
            **_amount_fields(amounts, other_sources),
            **_supply_fields(given),
            "MA_KHOA": department,
            "MA_GIUONG": given.bed or "",
            "MA_BAC_SI": given.orderer,
            "NGUOI_THUC_HIEN": joined(given.performers),
            "MA_BENH": given.diagnosis or encounter.diagnoses.main,
            "NGAY_YL": given.ordered,
            "NGAY_TH_YL": given.performed or "",
            "NGAY_KQ": given.result or "",
            "MA_PTTT": encounter.encounter.payment_method,
            "PP_VO_CAM": given.anesthesia or "",
            "VI_TRI_TH_DVKT": given.site or "",
            "MA_MAY": given.machine or "",
        },
    )


def _supply_fields(given: Service) -> dict[str, str]:
    if given.supply is None:
        return {}
    return {
        "GOI_VTYT": given.supply.package or "",
        "TT_THAU": given.supply.tender or "",
        "MA_HIEU_SP": given.supply.model or "",
        "TAI_SU_DUNG": "1" if given.supply.reused else "",
    }


def _amount_fields(amounts: Amounts, other_sources: OtherSources) -> dict[str, str]:
    return {
        "THANH_TIEN_BV": plain(amounts.thanh_tien_bv),
        "THANH_TIEN_BH": plain(amounts.thanh_tien_bh),
        "T_NGUONKHAC_NSNN": plain(other_sources.nsnn),
        "T_NGUONKHAC_VTNN": plain(other_sources.vtnn),
        "T_NGUONKHAC_VTTN": plain(other_sources.vttn),
        "T_NGUONKHAC_CL": plain(other_sources.cl),
    }


def _insured_price(given: Service) -> Decimal:
    if given.insured_price is not None:
        return given.insured_price
    # Only a supply has its insured price from the purchase price (Decision 4750: the lower of
    # it and the ceiling); `refusals` has seen to it that no other insured line comes here.
    return ZERO if given.scope == _OUTSIDE_SCOPE else given.hospital_price or ZERO


def _medicine_group(given: Medication) -> str:
    return _MEDICINE_IN_LIST if _is_paid_whole(given) else _MEDICINE_BY_RATE


def _service_group(given: Service, visit_type: str) -> str:
    match given.kind:
        case ServiceKind.SUPPLY:
            return _SUPPLY_IN_LIST if _is_paid_whole(given) else _SUPPLY_BY_RATE
        case ServiceKind.BED:
            return _BEDS.get(visit_type, _WARD_BED)
        case kind if kind in _PAID_BY_RATE and not _is_paid_whole(given):
            return _SERVICE_BY_RATE
        case kind:
            return _GROUPS[kind]


def _is_paid_whole(given: Medication | Service) -> bool:
    return _pay_percent(given) == HUNDRED or given.scope == _OUTSIDE_SCOPE


def _pay_percent(given: Medication | Service) -> Decimal:
    return HUNDRED if given.pay_percent is None else given.pay_percent


def _other_sources(given: GivenSources) -> OtherSources:
    return OtherSources(nsnn=given.nsnn, vtnn=given.vtnn, vttn=given.vttn, cl=given.cl)
