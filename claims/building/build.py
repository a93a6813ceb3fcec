"""From encounters to one unsigned bundle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from claims.building.claim import BuildSettings, BuiltClaim, build_claim
from claims.building.clinical import NOTE_TYPES, service_codes
from claims.building.errors import CannotBuild, Reason
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.writing import write_bundle
from claims.emr.encounter import Encounter
from claims.emr.scalars import as_date
from xsd.catalog import SchemaNotFound, find_schema

__all__ = ["BuildSettings", "Built", "BuiltClaim", "CannotBuild", "Reason", "build_bundle"]


@dataclass(frozen=True, slots=True)
class Built:
    """An unsigned bundle, with the claims in it and what is worth knowing about them."""

    bundle: bytes
    claims: tuple[BuiltClaim, ...]
    findings: tuple[Finding, ...] = ()


def build_bundle(
    encounters: Sequence[Encounter],
    *,
    made_on: date,
    settings: BuildSettings | None = None,
) -> Built:
    """Build one bundle of the encounters of one facility; all of them, or none.

    Raises:
        CannotBuild: They do not belong into one bundle, or at least one makes no claim.
    """
    settings = settings or BuildSettings()
    claims: list[BuiltClaim] = []
    reasons = [*_unfit_together(encounters), *_without_one_decision(encounters)]
    for index, encounter in enumerate(() if reasons else encounters):
        try:
            claims.append(build_claim(encounter, stt=index + 1, settings=settings))
        except CannotBuild as refused:
            reasons.extend(replace(reason, encounter=index) for reason in refused.reasons)
    if reasons:
        raise CannotBuild(tuple(reasons))
    bundle = write_bundle(
        on=max(_days_of_discharge(encounters)),
        facility=encounters[0].facility,
        made_on=made_on,
        claims=[
            {kind: [row.fields for row in rows] for kind, rows in claim.tables.items()} for claim in claims
        ],
    )
    return Built(bundle, tuple(claims), tuple(_findings(encounters)))


def _unfit_together(encounters: Sequence[Encounter]) -> Iterator[Reason]:
    if not encounters:
        yield Reason("", "no-encounter", "a bundle needs at least one encounter")
        return
    facility, seen = encounters[0].facility, set[str]()
    for index, encounter in enumerate(encounters):
        if encounter.facility != facility:
            detail = f"a bundle has one facility: {encounter.facility} is not {facility}"
            yield Reason("/facility", "facilities-differ", detail, index)
        if (link_id := encounter.encounter.link_id) in seen:
            yield Reason(
                "/encounter/link_id", "link-id-twice", "another encounter has the same link id", index
            )
        elif link_id is not None:
            seen.add(link_id)


def _without_one_decision(encounters: Sequence[Encounter]) -> Iterator[Reason]:
    """The day on which a visit ends decides which Decision its tables follow."""
    decisions = set()
    for index, encounter in enumerate(encounters):
        for day in _days_of_discharge([encounter]):
            try:
                decisions.add(find_schema(TableKind.XML1, on=day).decision)
            except SchemaNotFound as error:
                yield Reason("/encounter/discharged", "no-schema", str(error), index)
    if len(decisions) > 1:
        detail = f"the visits end under different Decisions: {', '.join(sorted(decisions))}"
        yield Reason("/encounter/discharged", "decisions-differ", detail)


def _days_of_discharge(encounters: Sequence[Encounter]) -> list[date]:
    times = (encounter.encounter.discharged for encounter in encounters)
    return [as_date(time) for time in times if time is not None]


def _findings(encounters: Sequence[Encounter]) -> Iterator[Finding]:
    for number, encounter in enumerate(encounters, start=1):
        if encounter.notes and encounter.encounter.visit_type not in NOTE_TYPES:
            params = (("notes", str(len(encounter.notes))), ("visit_type", encounter.encounter.visit_type))
            yield Finding("XML5.LEFT_OUT", Severity.INFO, Location(claim=number, table="XML5"), params)
        yield from _renamed_results(encounter, number)


def _renamed_results(encounter: Encounter, number: int) -> Iterator[Finding]:
    """A result's service is the one that was ordered, even if the result names another."""
    codes = service_codes(encounter)
    for index, result in enumerate(encounter.results):
        ordered = codes.get(result.order_id or "")
        if ordered and result.service not in {None, ordered}:
            location = Location(claim=number, table="XML4", field="MA_DICH_VU")
            params = (("source", f"/results/{index}"), ("given", result.service or ""), ("ordered", ordered))
            yield Finding("XML4.MA_DICH_VU.differs", Severity.WARNING, location, params)
