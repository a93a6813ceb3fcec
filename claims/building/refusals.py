"""Why an encounter makes no claim, as far as that can be said before any amount is worked out."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from claims.building.benefit import case_of
from claims.building.clinical import service_codes
from claims.building.codings import is_supply
from claims.building.errors import Reason
from claims.building.link_ids import find_link_id
from claims.bundle.money import ZERO, UnitPrices, service_prices
from claims.bundle.money.lines import PATIENT_PAYS
from claims.catalogues.catalogue import file_of
from claims.catalogues.items import Kind
from claims.emr.encounter import Encounter, Service

_VISIT_TYPE: Final = re.compile(r"[0-9]{2}", re.ASCII)
_UNKNOWN: Final = "00"  # what is not said at all is missing, which is said elsewhere
_SOME: Final = UnitPrices(Decimal(1), Decimal(1))


def refusals(encounter: Encounter) -> Iterator[Reason]:
    """List what keeps an encounter from becoming a claim: hard reasons, and gaps that a draft may have."""
    visit = encounter.encounter
    if find_link_id(encounter) is None:
        detail = "neither the hospital nor its EMR names the visit, so a link id cannot be drawn for good"
        yield Reason("/encounter/link_id", "no-link-id", detail, is_gap=True)
    if not visit.discharged:
        yield Reason(
            "/encounter/discharged", "still-open", "the visit is not over: only a check-in can be sent"
        )
    elif visit.discharged < visit.admitted:
        detail = f"the visit ends at {visit.discharged}, before it begins at {visit.admitted}"
        yield Reason("/encounter/discharged", "ends-before-it-begins", detail)
    if not _VISIT_TYPE.fullmatch(visit.visit_type or _UNKNOWN):
        detail = f"a visit type (MA_LOAI_KCB) has two digits, such as 01, and {visit.visit_type} has not"
        params = (("code", visit.visit_type),)
        yield Reason("/encounter/visit_type", "not-a-visit-type", detail, is_gap=True, params=params)
    if case_of(encounter) is None:
        yield Reason("/encounter/case", "no-case", "the case (MA_DOITUONG_KCB) is not given", is_gap=True)
    if not encounter.medications and not encounter.services:
        yield Reason("", "nothing-to-claim", "there is no row for XML2 and none for XML3")
    yield from _in_small_letters(encounter)
    yield from _without_department(encounter)
    yield from _unpriced(encounter)
    yield from _unordered_results(encounter)


def department_of(encounter: Encounter, department: str | None) -> str | None:
    """Return the department of a row: its own, else the only one of the visit."""
    departments = encounter.encounter.departments
    return department or (departments[0] if len(departments) == 1 else None)


def _in_small_letters(encounter: Encounter) -> Iterator[Reason]:
    """List diagnoses that are not written as ICD-10 writes them: a receiver would look for another code."""
    diagnoses = encounter.diagnoses
    codes = (
        ("/diagnoses/main", diagnoses.main),
        *((f"/diagnoses/other/{index}", code) for index, code in enumerate(diagnoses.other)),
        *((f"/diagnoses/traditional/{index}", code) for index, code in enumerate(diagnoses.traditional)),
        *((f"/services/{index}/diagnosis", one.diagnosis) for index, one in enumerate(encounter.services)),
    )
    for pointer, code in codes:
        if code and code != code.upper():
            detail = f"an ICD-10 code is written in capitals: {code.upper()}, not {code}"
            params = (("code", code), ("capitals", code.upper()))
            yield Reason(pointer, "code-in-small-letters", detail, is_gap=True, params=params)


def _without_department(encounter: Encounter) -> Iterator[Reason]:
    if len(encounter.encounter.departments) == 1:
        return
    for name in ("medications", "services"):
        for index, item in enumerate(getattr(encounter, name)):
            if not item.department:
                detail = "the visit has several departments, so the row must name its own"
                yield Reason(f"/{name}/{index}/department", "no-department", detail, is_gap=True)


def _unpriced(encounter: Encounter) -> Iterator[Reason]:
    for index, medication in enumerate(encounter.medications):
        pointer = f"/medications/{index}"
        if medication.quantity is None:
            yield Reason(f"{pointer}/quantity", "no-quantity", "the quantity is not given", is_gap=True)
        elif not medication.quantity:
            yield _none_of_it(pointer)
        if medication.price is None:
            yield _no_price(f"{pointer}/price", medication.code, Kind.DRUG)
    for index, service in enumerate(encounter.services):
        if not service.quantity:
            yield _none_of_it(f"/services/{index}")
        yield from _unpriced_service(service, f"/services/{index}")


def _none_of_it(pointer: str) -> Reason:
    return Reason(f"{pointer}/quantity", "quantity-zero", "the quantity is 0: leave the row out", is_gap=True)


def _unpriced_service(service: Service, pointer: str) -> Iterator[Reason]:
    kind = Kind.SUPPLY if is_supply(service) else Kind.SERVICE
    # Some codes have prices of zero, whatever is given: no price is missed that would not be written.
    written = service_prices(_SOME, ma_dich_vu="" if kind is Kind.SUPPLY else service.code)
    may_lack = kind is Kind.SUPPLY or service.scope == PATIENT_PAYS or not written.don_gia_bh
    if service.hospital_price is None and written.don_gia_bv:
        yield _no_price(f"{pointer}/hospital_price", service.code, kind)
    if service.insured_price is None and not may_lack:
        detail = f"the insured price is not given: add it to {file_of(kind)}"
        params = (("code", service.code), ("file", file_of(kind)))
        yield Reason(f"{pointer}/insured_price", "no-insured-price", detail, is_gap=True, params=params)
    if None not in {service.insured_price, service.hospital_price} and (
        (service.insured_price or ZERO) > (service.hospital_price or ZERO)
    ):
        detail = (
            f"the insured price {service.insured_price} is above the hospital's, {service.hospital_price}"
        )
        yield Reason(f"{pointer}/insured_price", "insured-price-above-hospital", detail)


def _no_price(pointer: str, code: str, kind: Kind) -> Reason:
    detail = f"the price is not given: add it to {file_of(kind)}"
    return Reason(pointer, "no-price", detail, is_gap=True, params=(("code", code), ("file", file_of(kind))))


def _unordered_results(encounter: Encounter) -> Iterator[Reason]:
    codes = service_codes(encounter)
    for index, result in enumerate(encounter.results):
        ordered = codes.get(result.order_id) if result.order_id else None
        if not ordered and not result.service:
            detail = "the result belongs to no service of the visit"
            yield Reason(f"/results/{index}/service", "no-service", detail, is_gap=True)
