"""Rows of XML2 and XML3 as far as the hospital determines them: everything but who pays.

Each medication and each service of the encounter makes one row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.building.copies import Copies
from claims.building.rows import joined
from claims.bundle.money import (
    HUNDRED,
    NO_OTHER_SOURCES,
    SUPPLY_GROUPS,
    ZERO,
    Amounts,
    MoneyRules,
    OtherSources,
    PriceGround,
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
BED_GROUPS: Final = frozenset({_DAY_BED, _WARD_BED, _STAY_OVER_BED})

MEDICATION: Final = Copies(
    {
        "MA_THUOC": "code",
        "TEN_THUOC": "name",
        "DON_VI_TINH": "unit",
        "HAM_LUONG": "strength",
        "DUONG_DUNG": "route",
        "DANG_BAO_CHE": "form",
        "LIEU_DUNG": "dose",
        "CACH_DUNG": "how",
        "SO_DANG_KY": "registration",
        "TT_THAU": "tender",
        "PHAM_VI": "scope",
        "MA_BAC_SI": "prescriber",
        "MA_DICH_VU": "for_service",
        "NGAY_YL": "ordered",
        "NGAY_TH_YL": "given",
        "NGUON_CTRA": "source",
    }
)
SERVICE: Final = Copies(
    {
        "DON_VI_TINH": "unit",
        "PHAM_VI": "scope",
        "MA_GIUONG": "bed",
        "MA_BAC_SI": "orderer",
        "NGAY_YL": "ordered",
        "NGAY_TH_YL": "performed",
        "NGAY_KQ": "result",
        "PP_VO_CAM": "anesthesia",
        "VI_TRI_TH_DVKT": "site",
        "MA_MAY": "machine",
    }
)
SUPPLY: Final = Copies(
    {"GOI_VTYT": "supply.package", "TT_THAU": "supply.tender", "MA_HIEU_SP": "supply.model"}
)


@dataclass(frozen=True, slots=True)
class Charge:
    """A row of XML2 or XML3 before anybody has worked out who pays it.

    Attributes:
        source: Pointer to the item that it was made from.
        ordered: The time of the order (``yyyyMMddHHmm``), else the next that is known.
        code: The medicine's, service's or supply's code.
        is_medicine: Whether it is a row of XML2.
        is_in_scope: Whether the insurance has anything to do with it (PHAM_VI other than 2).
        ma_nhom: The cost group.
        nguon_ctra: Who supplied it.
        package: GOI_VTYT of a supply; empty for everything else.
        quantity: SO_LUONG.
        other_sources: What others pay.
        amounts: What it costs.
        fields: The row's fields that are certain already.
        prices: The unit prices of a row of XML3.
    """

    source: str
    ordered: str
    code: str
    is_medicine: bool
    is_in_scope: bool
    ma_nhom: str
    nguon_ctra: str
    package: str
    quantity: Decimal
    other_sources: OtherSources
    amounts: Amounts
    fields: Mapping[str, str]
    prices: UnitPrices | None = None


def charge_medication(encounter: Encounter, index: int, department: str) -> Charge:
    """Make the XML2 row of one medication; a price or quantity that nobody knows is zero."""
    given = encounter.medications[index]
    quantity, price = given.quantity or ZERO, given.price or ZERO
    tyle_tt_bh = insured_percent(pham_vi=given.scope, tyle_tt_bh=_pay_percent(given))
    ma_nhom = given.group or _medicine_group(given)
    return Charge(
        source=f"/medications/{index}",
        ordered=_first_time(encounter, given.ordered, given.given),
        code=given.code,
        is_medicine=True,
        is_in_scope=given.scope != _OUTSIDE_SCOPE,
        ma_nhom=ma_nhom,
        nguon_ctra=given.source,
        package="",
        quantity=quantity,
        other_sources=_other_sources(given.other_sources),
        amounts=price_medicine(so_luong=quantity, don_gia=price, tyle_tt_bh=tyle_tt_bh),
        fields={
            **MEDICATION.of(given),
            "MA_NHOM": ma_nhom,
            "TYLE_TT_BH": plain(tyle_tt_bh),
            "SO_LUONG": plain(quantity),
            "DON_GIA": plain(price),
            "MA_KHOA": department,
            "MA_PTTT": encounter.encounter.payment_method,
        },
    )


def charge_service(encounter: Encounter, index: int, department: str, rules: MoneyRules) -> Charge:
    """Make the XML3 row of one service, exam, bed, transport or supply; a price that nobody knows is zero."""
    given = encounter.services[index]
    ma_nhom = given.group or _service_group(given, encounter.encounter.visit_type)
    is_supply = given.kind is ServiceKind.SUPPLY or ma_nhom in SUPPLY_GROUPS
    tyle_tt_bh = insured_percent(pham_vi=given.scope, tyle_tt_bh=_pay_percent(given))
    prices = service_prices(
        _unit_prices(given),
        ma_dich_vu="" if is_supply else given.code,
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
    return Charge(
        source=f"/services/{index}",
        ordered=_first_time(encounter, given.ordered, given.performed, given.result),
        code=given.code,
        is_medicine=False,
        is_in_scope=given.scope != _OUTSIDE_SCOPE,
        ma_nhom=ma_nhom,
        nguon_ctra=_INSURANCE_FUND,
        package=(given.supply.package or "") if is_supply and given.supply else "",
        quantity=given.quantity,
        other_sources=_other_sources(given.other_sources),
        amounts=amounts,
        prices=prices,
        fields={
            **SERVICE.of(given),
            **_naming_fields(given, is_supply=is_supply),
            "MA_NHOM": ma_nhom,
            "SO_LUONG": plain(given.quantity),
            "DON_GIA_BV": plain(prices.don_gia_bv),
            "DON_GIA_BH": plain(prices.don_gia_bh),
            "TYLE_TT_DV": plain(given.service_percent),
            "TYLE_TT_BH": plain(tyle_tt_bh),
            "T_TRANTT": "" if given.ceiling is None else plain(given.ceiling),
            **_supply_fields(given),
            "MA_KHOA": department,
            "NGUOI_THUC_HIEN": joined(given.performers),
            "MA_BENH": given.diagnosis or encounter.diagnoses.main,
            "MA_PTTT": encounter.encounter.payment_method,
        },
    )


def _first_time(encounter: Encounter, *times: str | None) -> str:
    """Return the time that says which day a row belongs to; an EMR may leave out the order's."""
    visit = encounter.encounter
    return next(filter(None, (*times, visit.admitted, visit.discharged)), "")


def _naming_fields(given: Service, *, is_supply: bool) -> dict[str, str]:
    code, name, nothing = given.code, given.name or "", ""
    if is_supply:
        return {"MA_DICH_VU": nothing, "MA_VAT_TU": code, "TEN_DICH_VU": nothing, "TEN_VAT_TU": name}
    return {"MA_DICH_VU": code, "MA_VAT_TU": nothing, "TEN_DICH_VU": name, "TEN_VAT_TU": nothing}


def _supply_fields(given: Service) -> dict[str, str]:
    if given.supply is None:
        return {}
    return {**SUPPLY.of(given), "TAI_SU_DUNG": "1" if given.supply.reused else ""}


def _unit_prices(given: Service) -> UnitPrices:
    """Return the prices as given; an unknown one is zero, which is a gap unless it has a ground."""
    at_hospital = given.hospital_price or ZERO
    is_reused = given.supply is not None and given.supply.reused  # and so has no price at the hospital
    if given.insured_price is not None and (is_reused or given.hospital_price is not None):
        return UnitPrices(at_hospital, given.insured_price)
    if given.scope == _OUTSIDE_SCOPE:
        return UnitPrices(at_hospital, ZERO, bh_ground=PriceGround.OUTSIDE_SCOPE)
    # Only a supply has its insured price from the purchase price (Decision 4750: the lower of it
    # and the ceiling).
    if given.kind is ServiceKind.SUPPLY:
        return UnitPrices(at_hospital, at_hospital, bh_ground=PriceGround.SUPPLY)
    return UnitPrices(at_hospital, ZERO)


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
    if not (given.nsnn or given.vtnn or given.vttn or given.cl):
        return NO_OTHER_SOURCES
    return OtherSources(nsnn=given.nsnn, vtnn=given.vtnn, vttn=given.vttn, cl=given.cl)
