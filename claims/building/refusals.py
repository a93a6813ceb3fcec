"""Why an encounter makes no claim, as far as that can be said before any amount is worked out."""

from collections.abc import Iterator
from dataclasses import fields

from claims.building.benefit import case_of
from claims.building.clinical import service_codes
from claims.building.errors import Reason
from claims.bundle.money import ZERO
from claims.emr.encounter import Encounter, ServiceKind

_OUTSIDE_SCOPE = "2"


def refusals(encounter: Encounter) -> Iterator[Reason]:
    """List what keeps an encounter from becoming a claim."""
    visit = encounter.encounter
    if visit.link_id is None:
        detail = "without a link id a running number would have to be drawn, and nobody gave one"
        yield Reason("/encounter/link_id", "no-link-id", detail)
    if visit.discharged is None:
        yield Reason(
            "/encounter/discharged", "still-open", "the visit is not over: only a check-in can be sent"
        )
    elif visit.discharged < visit.admitted:
        detail = f"the visit ends at {visit.discharged}, before it begins at {visit.admitted}"
        yield Reason("/encounter/discharged", "ends-before-it-begins", detail)
    if case_of(encounter) is None:
        yield Reason("/encounter/case", "no-case", "the case (MA_DOITUONG_KCB) is not given")
    if not encounter.medications and not encounter.services:
        yield Reason("", "nothing-to-claim", "there is no row for XML2 and none for XML3")
    yield from _unmapped(encounter)
    yield from _without_department(encounter)
    yield from _unpriced(encounter)
    yield from _unordered_results(encounter)
    yield from _papers(encounter)


def department_of(encounter: Encounter, department: str | None) -> str | None:
    """Return the department of a row: its own, else the only one of the visit."""
    departments = encounter.encounter.departments
    return department or (departments[0] if len(departments) == 1 else None)


def _unmapped(encounter: Encounter) -> Iterator[Reason]:
    for name in ("medications", "services", "results"):
        for index, item in enumerate(getattr(encounter, name)):
            if item.code_system:
                detail = "the code is not a national one, and no catalogue maps its system"
                yield Reason(f"/{name}/{index}/code_system", "code-not-mapped", detail)


def _without_department(encounter: Encounter) -> Iterator[Reason]:
    if len(encounter.encounter.departments) == 1:
        return
    for name in ("medications", "services"):
        for index, item in enumerate(getattr(encounter, name)):
            if item.department is None:
                detail = "the visit has several departments, so the row must name its own"
                yield Reason(f"/{name}/{index}/department", "no-department", detail)


def _unpriced(encounter: Encounter) -> Iterator[Reason]:
    for index, service in enumerate(encounter.services):
        may_lack = service.kind is ServiceKind.SUPPLY or service.scope == _OUTSIDE_SCOPE
        if service.insured_price is None and not may_lack:
            yield Reason(
                f"/services/{index}/insured_price", "no-insured-price", "the insured price is not given"
            )
        elif (service.insured_price or ZERO) > (service.hospital_price or ZERO):
            detail = (
                f"the insured price {service.insured_price} is above the hospital's, {service.hospital_price}"
            )
            yield Reason(f"/services/{index}/insured_price", "insured-price-above-hospital", detail)


def _unordered_results(encounter: Encounter) -> Iterator[Reason]:
    codes = service_codes(encounter)
    for index, result in enumerate(encounter.results):
        ordered = codes.get(result.order_id) if result.order_id else None
        if ordered is None and result.service is None:
            yield Reason(f"/results/{index}", "no-service", "the result belongs to no service of the visit")


def _papers(encounter: Encounter) -> Iterator[Reason]:
    documents = encounter.documents
    for paper in fields(documents):
        if getattr(documents, paper.name):
            detail = (
                "the table of this paper cannot be written yet; leave it out to send the claim without it"
            )
            yield Reason(f"/documents/{paper.name}", "paper-not-supported", detail)
