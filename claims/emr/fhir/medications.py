"""Medicines: the lines of XML2, from dispenses, requests and administrations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Medication
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charging import find_charges, other_sources
from claims.emr.fhir.charts import Chart, Charts
from claims.emr.fhir.contents import Item
from claims.emr.fhir.doses import dose_words, instruction_words
from claims.emr.fhir.elements import Concept, Dosage, Quantity
from claims.emr.fhir.places import Places
from claims.emr.fhir.source import UNNAMED, Named, Source, sourced
from claims.emr.scalars import LocalTime

_ZERO: Final = Decimal(0)

Request = Item[fhir.MedicationRequest]
Administrations = tuple[Item[fhir.MedicationAdministration], ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """What makes one row: the deciding resource, with its request and administrations."""

    deciding: Item[fhir.Medicated]
    request: Request | None
    administrations: Administrations
    dosages: tuple[Dosage, ...]
    handed_over: str | None = None
    quantity: Quantity | None = None

    @property
    def items(self) -> Iterator[Item[fhir.Medicated]]:
        """All resources of the line, the deciding one first, each once."""
        yield self.deciding
        if self.request is not None and self.request is not self.deciding:
            yield self.request
        yield from (one for one in self.administrations if one is not self.deciding)


def read_medications(charts: Charts, chart: Chart, places: Places) -> tuple[Medication, ...]:
    """Return the medicines of an encounter: dispenses, then other requests, then other administrations."""
    return tuple(_medication(charts, places, line) for line in _lines(charts, chart))


def _lines(charts: Charts, chart: Chart) -> Iterator[_Line]:
    source = charts.source
    for dispense in chart.of(fhir.MedicationDispense):
        given = dispense.resource
        requests = list(source.find_all(fhir.MedicationRequest, given.authorizing_prescription, dispense))
        administrations = tuple(one for request in requests for one in charts.given_for(chart, request))
        request = requests[0] if requests else None
        ordered = request.resource.dosage_instruction if request else ()
        dosages = given.dosage_instruction or ordered
        yield _Line(dispense, request, administrations, dosages, given.when_handed_over, given.quantity)
    for request in charts.requests(chart):
        yield _Line(request, request, charts.given_for(chart, request), request.resource.dosage_instruction)
    for administration in charts.administrations(chart):
        request_of = source.find_a(fhir.MedicationRequest, administration.resource.request, administration)
        ordered = request_of.resource.dosage_instruction if request_of else ()
        yield _Line(administration, request_of, (administration,), ordered)


def _medication(charts: Charts, places: Places, line: _Line) -> Medication:
    source, row = charts.source, line.deciding
    own, own_unit = _quantity(source, line)
    charged = find_charges(charts, (item.key for item in line.items), row, own=own)
    quantity, unit = (
        (own, own_unit) if charged.quantity is None else (charged.quantity, charged.unit or own_unit)
    )
    extras = charged.extras
    drug, product = _drug(source, line)
    route = _route(source, line)
    given = _given(source, line)
    ordered = _ordered(source, line) or given or ""
    prescriber = _prescriber(source, line)
    department = places.row_department(ordered)
    form = product.resource.form or product.resource.dose_form if product else None
    return Medication(
        code=drug.code,
        name=drug.name,
        group=extras.text("group"),
        unit=unit,
        strength=extras.text("strength"),
        form=(form.words() if form and not drug.sources else None) or extras.text("form"),
        route=route.code or None,
        dose=dose_words(line.dosages) or _administered_words(line.administrations),
        how=instruction_words(line.dosages),
        registration=extras.text("registration"),
        tender=extras.text("tender"),
        quantity=quantity,
        price=charged.price,
        pay_percent=extras.percent("pay_percent"),
        scope=extras.text("scope") or "1",
        source=extras.text("source") or "1",
        other_sources=other_sources(extras),
        ordered=LocalTime(ordered),
        given=LocalTime(given) if given else None,
        prescriber=prescriber.code,
        department=department.code or None,
        for_service=extras.text("for_service") or _procedure_code(source, line),
        codings=sourced(code=drug, route=route, prescriber=prescriber, department=department),
        origin=(*dict.fromkeys(item.origin for item in line.items), *charged.origin),
    )


def _drug(source: Source, line: _Line) -> tuple[Named, Item[fhir.Medication] | None]:
    national = source.options.national.drug
    for item in line.items:
        medicated = item.resource
        reference = medicated.medication_reference or (
            medicated.medication.reference if medicated.medication else None
        )
        if product := source.find_a(fhir.Medication, reference, item):
            named = source.code(product.resource.code, national)
            if not named.code:
                named = source.who(reference, item, national)
            return named, product
        concept = medicated.medication_codeable_concept or medicated.medication
        named = source.code(concept, national) if concept else UNNAMED
        if named.code:
            return named, None
        if reference is not None and (named := source.who(reference, item, national)).code:
            return named, None
    return UNNAMED, None


def _route(source: Source, line: _Line) -> Named:
    concepts: Iterable[Concept | None] = (
        *(one.route for one in line.dosages),
        *(one.resource.dosage.route for one in line.administrations if one.resource.dosage),
    )
    named = (source.code(concept, source.options.national.route) for concept in concepts)
    return next((one for one in named if one.code), UNNAMED)


def _ordered(source: Source, line: _Line) -> str | None:
    if line.request is not None and (at := source.time(line.request.resource.authored_on, line.request)):
        return at
    if isinstance(line.deciding.resource, fhir.MedicationDispense):
        return source.time(line.deciding.resource.when_prepared, line.deciding)
    return None


def _given(source: Source, line: _Line) -> str | None:
    if at := source.time(line.handed_over, line.deciding):
        return at
    times = (source.time(_effective(one.resource), one) for one in line.administrations)
    return min((at for at in times if at), default=None)


def _effective(administration: fhir.MedicationAdministration) -> str | None:
    periods = (
        administration.effective_period,
        administration.occurence_period,
        administration.occurrence_period,
    )
    return (
        administration.effective_date_time
        or administration.occurence_date_time
        or administration.occurrence_date_time
        or next((period.start for period in periods if period and period.start), None)
    )


def _prescriber(source: Source, line: _Line) -> Named:
    if line.request is None:
        return UNNAMED
    return source.who(line.request.resource.requester, line.request, source.options.identifiers.practitioner)


def _quantity(source: Source, line: _Line) -> tuple[Decimal | None, str | None]:
    """Return how much, and in what unit: as dispensed, requested, or administered in all."""
    asked = line.request.resource.dispense_request if line.request else None
    is_administration = isinstance(line.deciding.resource, fhir.MedicationAdministration)
    written = line.quantity or (asked.quantity if asked and not is_administration else None)
    value = source.quantity(written, line.deciding)
    if value is None:
        return _administered(source, line)
    return value, (written.unit or written.code) if written else None


def _administered(source: Source, line: _Line) -> tuple[Decimal | None, str | None]:
    """Add up the doses given; doses in different units cannot be added."""
    doses = [
        (value, (dose.unit or dose.code))
        for one in line.administrations
        if one.resource.dosage and (dose := one.resource.dosage.dose)
        if (value := source.quantity(dose, one)) is not None
    ]
    units = {unit for _, unit in doses}
    if not doses:
        return None, None
    if len(units) > 1:
        source.note(
            line.deciding.pointer, "several-units", "doses were given in several units and cannot be added up"
        )
        return None, None
    return source.amount(sum((value for value, _ in doses), _ZERO), line.deciding, "quantity"), units.pop()


def _administered_words(administrations: Administrations) -> str | None:
    texts = (one.resource.dosage.text for one in administrations if one.resource.dosage)
    return next((text.strip() for text in texts if text and text.strip()), None)


def _procedure_code(source: Source, line: _Line) -> str | None:
    """Return the national code of the procedure that a medicine belongs to."""
    for item in line.items:
        for procedure in source.find_all(fhir.Procedure, item.resource.part_of, item):
            named = source.code(procedure.resource.code, source.options.national.service)
            if named.code and not named.sources:
                return named.code
    return None
