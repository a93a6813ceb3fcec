"""From encounters to one unsigned bundle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from claims.building.claim import BuiltClaim, build_claim
from claims.building.errors import CannotBuild, Reason
from claims.building.layout import find_layout
from claims.building.link_ids import find_link_id
from claims.building.settings import BuildSettings
from claims.bundle.findings import Finding
from claims.bundle.writing import write_bundle
from claims.catalogues.catalogue import Catalogue
from claims.emr.encounter import Encounter
from claims.emr.scalars import as_date
from signing.canonical import parse
from signing.errors import Unparsable
from xsd.catalog import SchemaNotFound

__all__ = ["BuildSettings", "Built", "BuiltClaim", "CannotBuild", "Reason", "build_bundle"]


@dataclass(frozen=True, slots=True)
class Built:
    """An unsigned bundle and the claims in it."""

    bundle: bytes
    claims: tuple[BuiltClaim, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is worth knowing about the claims, in their order."""
        return tuple(finding for claim in self.claims for finding in claim.findings)


def build_bundle(
    encounters: Sequence[Encounter],
    *,
    made_on: date,
    settings: BuildSettings | None = None,
    catalogue: Catalogue | None = None,
    draft: bool = False,
) -> Built:
    """Build one bundle of the encounters of one facility; all of them, or none.

    Args:
        encounters: What the EMR has.
        made_on: The day on the bundle (NGAYLAP).
        settings: Answers to what the facts leave open, and the Decision, if not the one in force.
        catalogue: The facility's own lists and code maps.
        draft: Build in spite of gaps: codes that nobody mapped stay, prices that nobody gave are zero, texts
            that are missing are empty, and each is a finding.

    Raises:
        CannotBuild: They do not belong into one bundle, or at least one makes no claim.
    """
    settings = settings or BuildSettings()
    claims: list[BuiltClaim] = []
    reasons = [*_unfit_together(encounters), *_without_one_decision(encounters, settings, draft=draft)]
    for index, encounter in enumerate(() if reasons else encounters):
        try:
            claims.append(
                build_claim(encounter, stt=index + 1, settings=settings, catalogue=catalogue, draft=draft)
            )
        except CannotBuild as refused:
            reasons.extend(replace(reason, encounter=index) for reason in refused.reasons)
    if reasons:
        raise CannotBuild(tuple(reasons))
    bundle = write_bundle(
        on=max(claim.basis.layout.on for claim in claims),
        decision=claims[0].basis.layout.decision,
        facility=encounters[0].facility,
        made_on=made_on,
        claims=[
            {kind: [row.fields for row in rows] for kind, rows in claim.tables.items()} for claim in claims
        ],
    )
    try:
        parse(bundle)
    except Unparsable as error:
        # Whoever receives it reads no more: nor could it be signed.
        raise CannotBuild((Reason("", "too-large-for-a-bundle", error.detail),)) from error
    return Built(bundle, tuple(claims))


def _unfit_together(encounters: Sequence[Encounter]) -> Iterator[Reason]:
    if not encounters:
        yield Reason("", "no-encounter", "a bundle needs at least one encounter")
        return
    facility, seen = encounters[0].facility, set[str]()
    for index, encounter in enumerate(encounters):
        if encounter.facility != facility:
            detail = f"a bundle has one facility: {encounter.facility} is not {facility}"
            yield Reason("/facility", "facilities-differ", detail, index)
        link_id = find_link_id(encounter)
        if link_id in seen:
            detail = "another encounter has the same link id"
            yield Reason("/encounter/link_id", "link-id-twice", detail, index)
        elif link_id is not None:
            seen.add(link_id)


def _without_one_decision(
    encounters: Sequence[Encounter], settings: BuildSettings, *, draft: bool
) -> Iterator[Reason]:
    """The day on which a visit ends decides which Decision its tables follow."""
    decisions = set()
    for index, encounter in enumerate(encounters):
        if not (discharged := encounter.encounter.discharged):
            continue
        try:
            layout = find_layout(as_date(discharged), settings.decision, draft=draft)
            decisions.add(layout.decision_in_use)
        except SchemaNotFound as error:
            yield Reason("/encounter/discharged", "no-schema", str(error), index)
    if len(decisions) > 1:
        detail = f"the visits end under different Decisions: {', '.join(sorted(decisions))}"
        yield Reason("/encounter/discharged", "decisions-differ", detail)
