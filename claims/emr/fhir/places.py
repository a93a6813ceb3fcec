"""Where the patient was, and when: departments and beds from the locations of an encounter."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Concept, Reference
from claims.emr.fhir.source import UNNAMED, Named, Source, many

_SMALL: Final = frozenset({"bd", "ro"})
# Of a location of an encounter: where the patient shall be.
_NOT_THERE: Final = frozenset({"planned", "reserved"})
_WARD: Final = "wa"
_HIGHEST_STEP: Final = 8


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one place."""

    since: str
    department: Named
    bed: Named
    is_ward: bool


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one encounter in order of time."""

    stays: tuple[Stay, ...]

    @property
    def departments(self) -> tuple[Named, ...]:
        """The departments in order of stay, each once in a row."""
        found: list[Named] = []
        for stay in self.stays:
            if stay.department.code and (not found or found[-1].code != stay.department.code):
                found.append(stay.department)
        return tuple(found)

    @property
    def first_ward(self) -> str | None:
        """When the patient came to the first ward."""
        return next((stay.since for stay in self.stays if stay.is_ward and stay.since), None)

    def row_department(self, at: str) -> Named:
        """Return the department where the patient was at a time; an only one speaks for all by itself."""
        return self._at(at, "department") if len(self.departments) > 1 else UNNAMED

    def bed_at(self, at: str) -> Named:
        """Return the bed in which the patient was at a time."""
        return self._at(at, "bed")

    def _at(self, at: str, what: str) -> Named:
        known = [stay for stay in self.stays if getattr(stay, what).code]
        if not known:
            return UNNAMED
        place = bisect_right([stay.since for stay in known], at)
        found: Named = getattr(known[max(place - 1, 0)], what)
        return found


def read_places(source: Source, chart: Chart) -> Places:
    """Read the locations of an encounter; without any, its service type names the department."""
    encounter = chart.encounter
    lines = (line for line in encounter.resource.location if line.status not in _NOT_THERE)
    stays = [_stay(source, encounter, line) for line in lines]
    if not any(stay.department.code for stay in stays):
        concept = next(iter(many(encounter.resource.service_type)), None)
        department = source.code(concept, source.options.national.department)
        stays.append(Stay("", department, UNNAMED, is_ward=False))
    return Places(tuple(sorted(stays, key=lambda stay: stay.since)))


def _stay(source: Source, encounter: Item[fhir.Encounter], line: fhir.EncounterLocation) -> Stay:
    since = source.time(line.period.start, encounter) if line.period else None
    places = list(_upwards(source, encounter, line))
    forms = [_form(place.resource.physical_type, place.resource.form) for place in places]
    if places and not forms[0]:
        forms[0] = _form(line.physical_type, line.form)
    return Stay(
        since or "",
        _department(source, encounter, line, list(zip(places, forms, strict=True))),
        _bed(source, places, forms),
        is_ward=not {*_SMALL, _WARD}.isdisjoint(forms),
    )


def _department(
    source: Source,
    encounter: Item[fhir.Encounter],
    line: fhir.EncounterLocation,
    places: list[tuple[Item[fhir.Location], str | None]],
) -> Named:
    """Return the place with a department's code, else the smallest one that is more than a room or bed."""
    systems = source.options.identifiers.department
    for place, _ in places:
        if own := source.identifier(many(place.resource.identifier), systems):
            return Named(own)
    larger = next((place for place, form in places if form not in _SMALL), None)
    if larger is None or larger is places[0][0]:
        return source.who(line.location, encounter, systems)
    return source.who(Reference(reference=larger.key), larger, systems)


def _bed(source: Source, places: list[Item[fhir.Location]], forms: list[str | None]) -> Named:
    if "bd" not in forms:
        return UNNAMED
    bed = places[forms.index("bd")].resource
    identifiers = many(bed.identifier)
    own = source.identifier(identifiers, source.options.identifiers.bed)
    others = (one.value for one in identifiers if one.value)
    return Named((own or next(others, None) or bed.name or "").strip())


def _upwards(
    source: Source, encounter: Item[fhir.Encounter], line: fhir.EncounterLocation
) -> Iterator[Item[fhir.Location]]:
    """Return a location and what it is part of; a loop of parts ends the way up."""
    place = source.find_a(fhir.Location, line.location, encounter)
    for _ in range(_HIGHEST_STEP):
        if place is None:
            return
        yield place
        place = source.find_a(fhir.Location, place.resource.part_of, place)


def _form(*concepts: Concept | None) -> str | None:
    codings = (coding for concept in concepts if concept for coding in concept.coding)
    return next((coding.code for coding in codings if coding.code), None)
