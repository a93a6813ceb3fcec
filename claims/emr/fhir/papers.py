"""The papers that resources give of their own: discharge, summary, births, leaves, referral, appointment.

A composition or document of a paper's type is that paper: its identifier is the number, its date the day of
issue, its first author the doctor. What FHIR has no element for stands in extensions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart, Charts, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.extras import Extras, read_extras
from claims.emr.fhir.notes import paper_of
from claims.emr.fhir.people import birth_of, name_of, sex_of
from claims.emr.fhir.source import UNNAMED, Named, Source, many, sourced
from claims.emr.fhir.visits import birth_weights_g
from claims.emr.fhir.words import attachment_words, narrative_words, section_words
from claims.emr.papers import (
    Appointment,
    Birth,
    Discharge,
    Documents,
    Leave,
    PregnancyLeave,
    RecordSummary,
    Referral,
    SickLeave,
)
from claims.emr.scalars import Day, LocalTime

# LOINC codes of the sections that a summary or a referral is written in.
_COURSE: Final = ("8648-8", "10164-2")
_RESULTS: Final = ("30954-2", "11493-4")
_TREATMENT: Final = ("18776-5", "10183-2", "42346-7")
_SIGNS: Final = ("29545-1", "8716-3", "10210-3")
_CONDITION: Final = ("10184-0", "55109-3")
_ONWARD: Final = ("18776-5",)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A resource that is a paper, and what all papers have in common."""

    source: Source
    item: Item[fhir.Resource]
    extras: Extras
    number: str | None
    issued: Day | None
    doctor: Named

    def text(self, name: str, *codes: str) -> str | None:
        """Return a text of the paper: its extension, else its sections of these codes."""
        if given := self.extras.text(name):
            return given
        resource = self.item.resource
        if not isinstance(resource, fhir.Composition):
            return None
        sections = [one for one in resource.section if one.code and has_category((one.code,), codes)]
        return "\n".join(section_words(sections)) or None

    def whole_text(self) -> str | None:
        """Return everything that the paper says."""
        resource = self.item.resource
        if isinstance(resource, fhir.Composition):
            return "\n".join(section_words(resource.section)) or narrative_words(resource.text) or None
        if isinstance(resource, fhir.DocumentReference):
            forms = (attachment_words(self.source, one.attachment, self.item) for one in resource.content)
            return next((text for text in forms if text), None)
        return None

    def leave(self) -> Leave:
        """Return the days of rest."""
        days = self.extras.number("leave_days")
        return Leave(
            days=None if days is None else int(days),
            first=_day(self.extras.time("leave_from")),
            last=_day(self.extras.time("leave_to")),
        )


def read_papers(charts: Charts, chart: Chart) -> Documents:
    """Return the papers of an encounter; of several of a kind, the one issued last."""
    source = charts.source
    sheets = dict(sorted(_sheets(source, chart), key=lambda named: named[1].issued or ""))
    discharge, sick_leave = sheets.get("discharge"), sheets.get("sick_leave")
    summary, pregnancy_leave = sheets.get("summary") or discharge, sheets.get("pregnancy_leave")
    return Documents(
        discharge=None if discharge is None else _discharge(discharge),
        summary=None if summary is None else _summary(summary),
        births=tuple(_births(charts, chart)),
        pregnancy_leave=None if pregnancy_leave is None else _pregnancy_leave(pregnancy_leave),
        sick_leave=None if sick_leave is None else _sick_leave(sick_leave),
        referral=_referral(source, chart, sheets.get("referral")),
        appointment=_appointment(source, chart),
    )


def _sheets(source: Source, chart: Chart) -> Iterator[tuple[str, _Sheet]]:
    types = source.options.papers
    documents: list[Item[fhir.Composition] | Item[fhir.DocumentReference]] = [
        *chart.of(fhir.Composition),
        *chart.of(fhir.DocumentReference),
    ]
    for item in documents:
        if name := paper_of(types, item.resource.type):
            resource = item.resource
            author = next(iter(resource.author), None)
            yield name, _sheet(source, item, resource.date, source.who(author, item, _licences(source)))


def _sheet(source: Source, item: Item[fhir.Resource], issued: str | None, doctor: Named) -> _Sheet:
    numbers = (one.value for one in many(item.resource.identifier) if one.value)
    extras = read_extras(source, item, item.resource.extension)
    return _Sheet(source, item, extras, next(numbers, None), _day(source.time(issued, item)), doctor)


def _licences(source: Source) -> tuple[str, ...]:
    return source.options.identifiers.practitioner


def _discharge(sheet: _Sheet) -> Discharge:
    return Discharge(
        archive_no=sheet.extras.text("archive_no") or sheet.number,
        treatment=sheet.text("treatment", *_TREATMENT),
        note=sheet.text("note"),
        doctor=sheet.doctor.code or None,
        doctor_name=sheet.doctor.name,
        issued=sheet.issued,
        codings=sourced(doctor=sheet.doctor),
        origin=(sheet.item.origin,),
    )


def _summary(sheet: _Sheet) -> RecordSummary:
    return RecordSummary(
        course=sheet.text("course", *_COURSE) or sheet.whole_text(),
        results=sheet.text("results", *_RESULTS),
        treatment=sheet.text("treatment", *_TREATMENT),
        guardian=sheet.extras.text("guardian"),
        employer=sheet.extras.text("employer"),
        issued=sheet.issued,
        origin=(sheet.item.origin,),
    )


def _births(charts: Charts, chart: Chart) -> Iterator[Birth]:
    """A child has an encounter of its own, which is part of the mother's."""
    source, mother = charts.source, chart.encounter
    for one in charts.parts.get(mother.key, ()):
        child = source.find_a(fhir.Patient, one.encounter.resource.subject, one.encounter)
        person = source.find(mother.resource.subject, mother)
        if child is None or (person is not None and person.key == child.key):
            continue  # a part of the mother's own stay
        sheet = _sheet(source, child, None, UNNAMED)
        weights = list(birth_weights_g(source, one))
        yield Birth(
            name=name_of(child.resource.name) or None,
            sex=sex_of(source, child),
            weight_g=weights[-1] if weights else None,
            born=birth_of(source, child) or None,
            place=sheet.extras.text("birth_place"),
            condition=sheet.extras.text("condition"),
            number=sheet.extras.text("birth_number"),
            book=sheet.extras.text("birth_book"),
            origin=(child.origin, one.encounter.origin),
        )


def _pregnancy_leave(sheet: _Sheet) -> PregnancyLeave:
    return PregnancyLeave(
        serial=sheet.extras.text("serial"),
        number=sheet.number,
        employer=sheet.extras.text("employer"),
        leave=sheet.leave(),
        doctor=sheet.doctor.code or None,
        doctor_name=sheet.doctor.name,
        issued=sheet.issued,
        codings=sourced(doctor=sheet.doctor),
        origin=(sheet.item.origin,),
    )


def _sick_leave(sheet: _Sheet) -> SickLeave:
    return SickLeave(
        serial=sheet.extras.text("serial"),
        number=sheet.number,
        visit_no=sheet.extras.text("visit_no"),
        employer=sheet.extras.text("employer"),
        insurance_no=sheet.extras.text("insurance_no"),
        treatment=sheet.text("treatment", *_TREATMENT),
        leave=sheet.leave(),
        form=sheet.extras.text("form"),
        doctor=sheet.doctor.code or None,
        issued=sheet.issued,
        codings=sourced(doctor=sheet.doctor),
        origin=(sheet.item.origin,),
    )


def _referral(source: Source, chart: Chart, note: _Sheet | None) -> Referral | None:
    """A referral is an order to treat elsewhere, with or without a note that tells of the patient."""
    category = source.options.categories.referral
    orders = [
        item for item in chart.of(fhir.ServiceRequest) if has_category(item.resource.category, category)
    ]
    order = orders[-1] if orders else None
    if order is None and note is None:
        return None
    request = order and order.resource
    doctor = source.who(request.requester, order, _licences(source)) if request and order else UNNAMED
    target = next(iter(request.performer), None) if request else None
    facilities = source.options.identifiers.facility
    destination = source.who(target, order, facilities) if order else UNNAMED
    sheet = note or _sheet(source, order, None, doctor)  # type: ignore[arg-type]  # one of the two is there
    doctor = doctor if doctor.code else sheet.doctor
    extras = read_extras(source, order, order.resource.extension) if order else sheet.extras
    return Referral(
        number=sheet.number,
        file_no=extras.text("file_no"),
        register_no=extras.text("register_no"),
        destination=destination.code or None,
        signs=sheet.text("signs", *_SIGNS) or sheet.whole_text(),
        course=sheet.text("course", *_COURSE),
        results=sheet.text("results", *_RESULTS),
        treatment=sheet.text("treatment", *_TREATMENT),
        condition=sheet.text("condition", *_CONDITION),
        reason=extras.text("referral_reason"),
        onward_treatment=sheet.text("onward_treatment", *_ONWARD),
        transport=extras.text("transport"),
        escort_name=extras.text("escort_name"),
        escort_title=extras.text("escort_title"),
        doctor=doctor.code or None,
        codings=sourced(doctor=doctor, destination=destination),
        origin=tuple(one.origin for one in (order, note and note.item) if one),
    )


def _appointment(source: Source, chart: Chart) -> Appointment | None:
    """Of several, the first: the Decision's table takes one."""
    timed = [
        (at, item)
        for item in chart.of(fhir.Appointment)
        if (at := source.time(item.resource.start, item)) is not None
    ]
    if not timed:
        return None
    at, item = min(timed, key=lambda one: one[0])
    sheet = _sheet(source, item, None, UNNAMED)
    return Appointment(
        number=sheet.number,
        at=LocalTime(at),
        doctor=sheet.extras.text("doctor"),
        issued=_day(sheet.extras.time("issued")),
        origin=(item.origin,),
    )


def _day(at: str | None) -> Day | None:
    return Day(at[:8]) if at else None
