"""What is worth knowing about a claim although it could be built: findings with codes of their own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from claims.building.charges import BED_GROUPS
from claims.building.clinical import NOTE_TYPES, service_codes
from claims.building.layout import Layout
from claims.building.settling import Settled
from claims.bundle.days import Stay, bed_days
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.money import ZERO, Ground
from claims.emr.encounter import Encounter
from claims.emr.scalars import plain

_PRICES: Final = (
    ("medications", TableKind.XML2, (("price", "DON_GIA"),)),
    ("services", TableKind.XML3, (("hospital_price", "DON_GIA_BV"), ("insured_price", "DON_GIA_BH"))),
)
_THOUSAND: Final = 1000
_ENDS_LIKE_THOUSANDS: Final = re.compile(r"\.[0-9]{2}0")


def remarks(
    encounter: Encounter, layout: Layout, stay: Stay, rows: Sequence[Settled], *, claim: int
) -> Iterator[Finding]:
    """List what a reviewer of the built claim should know; ``claim`` is its place in the bundle, from 1."""
    yield from _outside_its_time(layout, claim)
    yield from _left_out_notes(encounter, claim)
    yield from _renamed_results(encounter, claim)
    yield from _too_many_bed_days(rows, stay, claim)
    yield from _unpaid_by_supplier(rows, claim)
    yield from _capped(rows, claim)
    yield from _like_thousands(encounter, claim)


def _outside_its_time(layout: Layout, claim: int) -> Iterator[Finding]:
    if layout.is_outside_its_time:
        params = (("decision", layout.decision or ""), ("on", layout.on.isoformat()))
        yield Finding("BUILD.decision-outside-its-time", Severity.INFO, Location(claim=claim), params)


def _left_out_notes(encounter: Encounter, claim: int) -> Iterator[Finding]:
    if encounter.notes and encounter.encounter.visit_type not in NOTE_TYPES:
        params = (("notes", str(len(encounter.notes))), ("visit_type", encounter.encounter.visit_type))
        yield Finding("XML5.LEFT_OUT", Severity.INFO, Location(claim=claim, table="XML5"), params)


def _renamed_results(encounter: Encounter, claim: int) -> Iterator[Finding]:
    """A result's service is the one that was ordered, even if the result names another."""
    codes = service_codes(encounter)
    for index, result in enumerate(encounter.results):
        ordered = codes.get(result.order_id or "")
        if ordered and result.service not in {None, "", ordered}:
            location = Location(claim=claim, table="XML4", field="MA_DICH_VU")
            params = (("source", f"/results/{index}"), ("given", result.service or ""), ("ordered", ordered))
            yield Finding("XML4.MA_DICH_VU.differs", Severity.WARNING, location, params)


def _too_many_bed_days(rows: Iterable[Settled], stay: Stay, claim: int) -> Iterator[Finding]:
    quantity = sum((row.charge.quantity for row in rows if row.charge.ma_nhom in BED_GROUPS), ZERO)
    if quantity and quantity > (most := bed_days(stay)):
        location = Location(claim=claim, table="XML3", field="SO_LUONG")
        params = (("quantity", plain(quantity)), ("most", str(most)))
        yield Finding("BUILD.more-beds-than-days", Severity.WARNING, location, params)


def _unpaid_by_supplier(rows: Iterable[Settled], claim: int) -> Iterator[Finding]:
    """What another than the fund supplied costs the patient all that no other source pays."""
    for row in rows:
        left = row.split.t_bncct
        if row.grant.granted.ground is Ground.OTHER_SUPPLIER and left:
            location = Location(claim=claim, table="XML2", field="T_NGUONKHAC")
            params = (("source", row.charge.source), ("left", plain(left)))
            yield Finding("BUILD.supplier-pays-nothing", Severity.WARNING, location, params)


def _like_thousands(encounter: Encounter, claim: int) -> Iterator[Finding]:
    """36.500 is a price of thirty-six and a half here, and of thousands where a point groups digits."""
    prices = (
        (f"/{kind}/{index}/{name}", price, table, field)
        for kind, table, names in _PRICES
        for index, item in enumerate(getattr(encounter, kind))
        for name, field in names
        if (price := getattr(item, name)) is not None
    )
    for source, price, table, field in prices:
        if 1 <= price < _THOUSAND and _ENDS_LIKE_THOUSANDS.search(str(price)):
            location = Location(claim=claim, table=table, field=field)
            params = (("source", source), ("price", str(price)), ("read", plain(price)))
            yield Finding("BUILD.like-thousands", Severity.WARNING, location, params)


def _capped(rows: Iterable[Settled], claim: int) -> Iterator[Finding]:
    for row in rows:
        if row.is_capped:
            location = Location(claim=claim, table="XML3", field="T_BHTT")
            above = row.before_ceiling.t_bhtt - row.split.t_bhtt
            params = (
                ("source", row.charge.source),
                ("package", row.charge.package),
                ("above", plain(above)),
            )
            yield Finding("BUILD.package-ceiling", Severity.INFO, location, params)
