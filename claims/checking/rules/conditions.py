"""Rules of what the facility's lists say of the use of single medicines and services."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

from claims.bundle.doses import read_dose
from claims.bundle.kinds import TableKind
from claims.catalogues.items import DiagnosisItem, DrugItem, FacilityItem, Kind, ServiceItem
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import STAYING, diagnoses_of, kind_of_visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.catalogues.items import Entry
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

Item = TypeVar("Item", bound="Entry")

#: MA_NHOM of imaging, and of interventions and surgery that are looked at by imaging.
_WITH_IMAGES: Final = frozenset({"2", "8", "18"})
#: Circular 26/2025: days that are prescribed at once to who does not stay, but for listed diseases.
_MOST_DAYS: Final = 30
_LONGEST_SHOWN: Final = 50


@rule("XML2.DAYS_SUPPLY")
def find_long_prescriptions(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Who does not stay gets medicines for thirty days, unless a diagnosis is listed for more."""
    if kind_of_visit(claim) in STAYING or _is_for_long(claim, known):
        return
    for row, days in _supplies(claim):
        if days > _MOST_DAYS:
            yield Hit(row, "LIEU_DUNG", (("days", f"{days.normalize():f}"), ("most", str(_MOST_DAYS))))


@rule("XML2.CONTROLLED")
def find_loose_prescriptions_of_controlled_drugs(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A drug with a limit of days (narcotics, psychotropics) keeps to it; its patient has an address."""
    if kind_of_visit(claim) in STAYING or not known.says(Kind.DRUG, "most_days"):
        return
    summary = claim.summary_row
    for row, days in _supplies(claim):
        limits = [
            one.most_days
            for one in _listed(claim, known, Kind.DRUG, row["MA_THUOC"], DrugItem)
            if one.most_days is not None
        ]
        if not limits:
            continue
        if days > max(limits):
            params = (("days", f"{days.normalize():f}"), ("most", f"{max(limits).normalize():f}"))
            yield Hit(row, "LIEU_DUNG", params)
        elif summary is not None and not summary["DIA_CHI"].strip():
            yield Hit(summary, "DIA_CHI", (("days", ""), ("most", f"{max(limits).normalize():f}")))


@rule("XML2.HOSPITAL_CLASS")
def find_medicines_of_other_hospitals(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine is for the facility's class, where both lists say so."""
    own = {
        one.hospital_class
        for one in _listed(claim, known, Kind.FACILITY, known.facility, FacilityItem)
        if one.hospital_class
    }
    if not own:
        return

    def is_for_others(code: str) -> bool:
        items = _listed(claim, known, Kind.DRUG, code, DrugItem)
        return bool(items) and all(
            one.hospital_classes and own.isdisjoint(one.hospital_classes) for one in items
        )

    for row in claim.rows_where(TableKind.XML2, is_for_others, "MA_THUOC"):
        yield Hit(row, "MA_THUOC", (("code", row["MA_THUOC"][:_LONGEST_SHOWN]), ("own", min(own))))


@rule("XML2.PURCHASED_QTY")
def find_more_than_was_purchased(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """No more of a medicine is billed than is left of what was purchased, where the list says how much."""
    if not known.says(Kind.DRUG, "left"):
        return
    given: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def is_counted(code: str) -> bool:
        return any(one.left is not None for one in _listed(claim, known, Kind.DRUG, code, DrugItem))

    for row in claim.rows_where(TableKind.XML2, is_counted, "MA_THUOC"):
        key = row["MA_THUOC"], row["TT_THAU"]
        items = [
            one
            for one in _listed(claim, known, Kind.DRUG, row["MA_THUOC"], DrugItem)
            if one.tender in {"", row["TT_THAU"]}
        ]
        left = [one.left for one in items if one.left is not None]
        if not left or len(left) < len(items):
            continue
        given[key] += row.number_of("SO_LUONG") or 0
        most = sum(left, Decimal(0))
        if given[key] > most:
            params = (("given", f"{given[key].normalize():f}"), ("most", f"{most.normalize():f}"))
            yield Hit(row, "SO_LUONG", params)


@rule("XML2.CONTRAST_NEEDS_SCAN")
def find_contrast_media_without_images(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Where a contrast medium is given, something is looked at."""
    if _WITH_IMAGES.isdisjoint(claim.values(TableKind.XML3, "MA_NHOM")):
        for row in _contrast_media(claim, known):
            yield Hit(row, "MA_THUOC", (("code", row["MA_THUOC"][:_LONGEST_SHOWN]),))


@rule("XML3.CONTRAST_CT")
def find_images_without_their_contrast_medium(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """What is done with a contrast medium has one beside it."""
    rows = _services_that(claim, known, "contrast")
    if rows and not _contrast_media(claim, known):
        yield from (Hit(row, "MA_DICH_VU", (("code", row["MA_DICH_VU"][:_LONGEST_SHOWN]),)) for row in rows)


@rule("XML3.PATHOLOGY_AFTER_BIOPSY")
def find_half_of_a_biopsy(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Tissue that is taken is looked at, and what is looked at was taken."""
    taken = _services_that(claim, known, "biopsy")
    looked_at = _services_that(claim, known, "histology")
    if bool(taken) != bool(looked_at):
        row = (taken or looked_at)[0]
        yield Hit(row, "MA_DICH_VU", (("code", row["MA_DICH_VU"][:_LONGEST_SHOWN]),))


def _supplies(claim: CheckedClaim) -> Iterator[tuple[Row, Decimal]]:
    """Return the medicines whose dose says for how many days they are."""
    for row in claim.rows(TableKind.XML2):
        dose = read_dose(row["LIEU_DUNG"])
        if dose is not None:
            yield row, dose.days


def _is_for_long(claim: CheckedClaim, known: Known) -> bool:
    return any(
        one.long_supply
        for code in diagnoses_of(claim)
        for one in _listed(claim, known, Kind.DIAGNOSIS, code, DiagnosisItem)
    )


def _contrast_media(claim: CheckedClaim, known: Known) -> Sequence[Row]:
    if not known.says(Kind.DRUG, "contrast"):
        return ()

    def is_one(code: str) -> bool:
        items = _listed(claim, known, Kind.DRUG, code, DrugItem)
        return bool(items) and all(one.contrast for one in items)

    return claim.rows_where(TableKind.XML2, is_one, "MA_THUOC")


def _services_that(claim: CheckedClaim, known: Known, name: str) -> Sequence[Row]:
    """Return the rows of services of which the list says that something is so."""
    if not known.says(Kind.SERVICE, name):
        return ()
    is_so = attrgetter(name)

    def is_one(code: str) -> bool:
        items = _listed(claim, known, Kind.SERVICE, code, ServiceItem)
        return bool(items) and all(map(is_so, items))

    return claim.rows_where(TableKind.XML3, is_one, "MA_DICH_VU")


def _listed(claim: CheckedClaim, known: Known, kind: Kind, code: str, item: type[Item]) -> tuple[Item, ...]:
    found = () if known.catalogue is None else known.catalogue.find_items(kind, code.strip(), claim.on)
    return tuple(one for one in found if isinstance(one, item))
