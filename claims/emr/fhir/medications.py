"""Medicines: the lines of XML2, from dispenses, requests and administrations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Medication, OtherSources
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charging import Charged, combine, find_charges, note_other_quantity, other_sources
from claims.emr.fhir.charts import Chart, Charts
from claims.emr.fhir.contents import Item
from claims.emr.fhir.doses import dose_words, instruction_words
from claims.emr.fhir.elements import Concept, Dosage, DoseAndRate, Period, Quantity, Reference
from claims.emr.fhir.extras import read_extras
from claims.emr.fhir.places import Places
from claims.emr.fhir.source import UNNAMED, Named, Source, sourced
from claims.emr.scalars import LocalTime

_ZERO: Final = Decimal(0)
_MEDICINE: Final = "medicine"
_MEDICATED: Final = frozenset({"MedicationAdministration", "MedicationDispense", "MedicationRequest"})

Request = Item[fhir.MedicationRequest]
Administrations = tuple[Item[fhir.MedicationAdministration], ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """What makes one row: the deciding resource, with its request and administrations.

    Attributes:
        parts: The quantities of all dispenses that share the request, and with it what it asks for.
    """

    deciding: Item[fhir.Medicated]
    request: Request | None
    administrations: Administrations
    dosages: tuple[Dosage, ...]
    handed_over: str | None = None
    quantity: Quantity | None = None
    parts: tuple[Decimal | None, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether other dispenses share the request."""
        return len(self.parts) > 1

    @property
    def supply(self) -> Quantity | None:
        """How long the medicine lasts: what was handed over, else what was asked for."""
        if isinstance(self.deciding.resource, fhir.MedicationDispense):
            return self.deciding.resource.days_supply
        asked = self.request.resource.dispense_request if self.request else None
        return asked.expected_supply_duration if asked else None

    @property
    def items(self) -> Iterator[Item[fhir.Medicated]]:
        """All resources of the line, the deciding one first, each once."""
        yield self.deciding
        if self.request is not None and self.request is not self.deciding:
            yield self.request
        yield from (one for one in self.administrations if one is not self.deciding)


def read_medications(charts: Charts, chart: Chart, places: Places) -> tuple[Medication, ...]:
    """Return the medicines that resources tell of: dispenses, other requests, other administrations."""
    return tuple(one for line in _lines(charts, chart) for one in _medications(charts, places, line))


def read_charged_medications(charts: Charts, chart: Chart, places: Places) -> tuple[Medication, ...]:
    """Return the medicines that only charges tell of, which is known after all other rows."""
    return tuple(_of_charge(charts, places, item, drug) for item, drug in _own_charges(charts, chart))


def _lines(charts: Charts, chart: Chart) -> Iterator[_Line]:
    source = charts.source
    dispenses = [
        (one, list(source.find_all(fhir.MedicationRequest, one.resource.authorizing_prescription, one)))
        for one in chart.of(fhir.MedicationDispense)
    ]
    shares: dict[str, list[Decimal | None]] = defaultdict(list)
    for dispense, requests in dispenses:
        if requests:
            quantity = dispense.resource.quantity
            shares[requests[0].key].append(quantity.value if quantity else None)
    for dispense, requests in dispenses:
        given = dispense.resource
        administrations = tuple(one for request in requests for one in charts.given_for(chart, request))
        request = requests[0] if requests else None
        ordered = request.resource.dosage_instruction if request else ()
        dosages = given.dosage_instruction or ordered
        parts = tuple(shares[request.key]) if request else ()
        yield _Line(
            dispense, request, administrations, dosages, given.when_handed_over, given.quantity, parts
        )
    for request in charts.requests(chart):
        yield _Line(request, request, charts.given_for(chart, request), request.resource.dosage_instruction)
    for administration in charts.administrations(chart):
        request_of = source.find_a(fhir.MedicationRequest, administration.resource.request, administration)
        ordered = request_of.resource.dosage_instruction if request_of else ()
        yield _Line(administration, request_of, (administration,), ordered)


def _medications(charts: Charts, places: Places, line: _Line) -> Iterator[Medication]:
    """Make the rows of a line: one, or one for each price that was charged."""
    own = _quantity(charts.source, line)
    shared = _shared(charts, line, own[0])
    keys = (*(item.key for item in line.items), *charts.keys_of(line.deciding, _requests_of(line)))
    found = (shared,) if shared else find_charges(charts, keys, line.deciding, own=own[0])
    note_other_quantity(charts.source, line.deciding, found, own[0])
    for charged in found:
        yield _medication(charts, places, line, charged, own)


def _requests_of(line: _Line) -> tuple[Reference, ...]:
    """Return what names the requests of a line, in the input or not."""
    match line.deciding.resource:
        case fhir.MedicationDispense() as dispense:
            return dispense.authorizing_prescription
        case fhir.MedicationAdministration(request=Reference() as request):
            return (request,)
        case _:
            return ()


def _shared(charts: Charts, line: _Line, own: Decimal | None) -> Charged | None:
    """Return a dispense's share of what is charged for its request, where they agree on how much that is."""
    known = [part for part in line.parts if part is not None]
    if not line.is_partial or len(known) < len(line.parts) or line.request is None:
        return None
    items = tuple(charts.charged.get(line.request.key, ()))
    if len(items) != 1 or line.deciding.key in charts.charged:
        return None
    together = sum(known, _ZERO)
    (charged,) = combine(charts.source, items, line.deciding, own=together)
    if charged.quantity not in {None, together} or other_sources(charged.extras) != OtherSources():
        return None
    charts.priced.add(items[0].key)
    return replace(charged, quantity=own)


def _medication(
    charts: Charts, places: Places, line: _Line, charged: Charged, own: tuple[Decimal | None, str | None]
) -> Medication:
    source = charts.source
    quantity, unit = own if charged.quantity is None else (charged.quantity, charged.unit or own[1])
    drug, product = _drug(source, line)
    route = _route(source, line)
    given = _given(source, line)
    ordered = _ordered(source, line) or given or ""
    row = _billed(charged, places, drug=drug, ordered=ordered, prescriber=_prescriber(source, line))
    form = product.resource.form or product.resource.dose_form if product else None
    return replace(
        row,
        unit=unit,
        form=(form.words() if form and not drug.sources else None) or row.form,
        route=route.code or None,
        dose=dose_words(line.dosages, line.supply) or _dose_in_words(line),
        how=instruction_words((*line.dosages, *_as_given(line.administrations))),
        quantity=quantity,
        given=LocalTime(given) if given else None,
        for_service=row.for_service or _procedure_code(source, line),
        codings={**row.codings, **sourced(route=route)},
        origin=(*dict.fromkeys(item.origin for item in line.items), *charged.origin),
    )


def _billed(charged: Charged, places: Places, *, drug: Named, ordered: str, prescriber: Named) -> Medication:
    """Make a row of what the bill says of a medicine."""
    extras, department = charged.extras, places.row_department(ordered)
    return Medication(
        code=drug.code,
        name=drug.name,
        group=extras.text("group"),
        unit=charged.unit,
        strength=extras.text("strength"),
        form=extras.text("form"),
        registration=extras.text("registration"),
        tender=extras.text("tender"),
        quantity=charged.quantity,
        price=charged.price,
        pay_percent=extras.percent("pay_percent"),
        scope=extras.text("scope") or "1",
        source=extras.text("source") or "1",
        other_sources=other_sources(extras),
        ordered=LocalTime(ordered),
        prescriber=prescriber.code,
        department=department.code or None,
        for_service=extras.text("for_service"),
        codings=sourced(code=drug, prescriber=prescriber, department=department),
        origin=charged.origin,
    )


def _own_charges(charts: Charts, chart: Chart) -> Iterator[tuple[Item[fhir.ChargeItem], Named]]:
    """Return the charges without another row that are for a medicine, each with the medicine."""
    source = charts.source
    for item in charts.own_charges(chart):
        drug = _drug_charged(source, item)
        kind = read_extras(source, item, item.resource.extension).text("kind")
        is_of_missing = item.key not in charts.beside and any(
            source.kind_of(one, item) in _MEDICATED for one in item.resource.service
        )
        if drug is not None or kind == _MEDICINE or (is_of_missing and kind is None):
            yield item, drug or source.code(item.resource.code, source.options.national.drug)


def _drug_charged(source: Source, item: Item[fhir.ChargeItem]) -> Named | None:
    """Return the medicine that a charge is for, if its product or a national code says that it is for one."""
    charge, national = item.resource, source.options.national
    reference = charge.product_reference or next(iter(charge.product), None)
    if product := source.find_a(fhir.Medication, reference, item):
        supply = source.code(product.resource.code, national.supply)
        is_supply = supply.code and not supply.sources
        return None if is_supply else source.code(product.resource.code, national.drug)
    concepts = (charge.product_codeable_concept, reference.concept if reference else None, charge.code)
    named = (source.code(one, national.drug) for one in concepts if one)
    return next((one for one in named if one.code and not one.sources), None)


def _of_charge(charts: Charts, places: Places, item: Item[fhir.ChargeItem], drug: Named) -> Medication:
    source, charge = charts.source, item.resource
    charts.priced.add(item.key)
    (charged,) = combine(source, (item,), item, own=None)
    at = source.time(charge.occurrence_date_time or (charge.occurrence_period or Period()).start, item)
    ordered = source.time(charge.entered_date, item) or at or ""
    prescriber = source.who(charge.enterer, item, source.options.identifiers.practitioner)
    row = _billed(charged, places, drug=drug, ordered=ordered, prescriber=prescriber)
    return replace(row, given=LocalTime(at) if at else None)


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
    if line.is_partial and line.quantity is None:
        detail = "several dispenses answer one request, and this one does not say how much of it"
        source.note(line.deciding.pointer, "part-without-quantity", detail)
        return None, None
    asked = line.request.resource.dispense_request if line.request else None
    is_administration = isinstance(line.deciding.resource, fhir.MedicationAdministration)
    written = line.quantity or (asked.quantity if asked and not is_administration else None)
    value = source.quantity(written, line.deciding)
    if value is None:
        return _administered(source, line)
    return value, written.counted_in() if written else None


def _administered(source: Source, line: _Line) -> tuple[Decimal | None, str | None]:
    """Add up the doses given; doses in different units cannot be added."""
    doses = [
        (value, dose.counted_in())
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


def _dose_in_words(line: _Line) -> str | None:
    rendered = (one.resource.rendered_dosage_instruction for one in line.items)
    administered = (one.text for one in _as_given(line.administrations))
    return next((text.strip() for text in (*rendered, *administered) if text and text.strip()), None)


def _as_given(administrations: Administrations) -> Iterator[Dosage]:
    """Yield what says of administrations how they were given."""
    for dosage in (one.resource.dosage for one in administrations):
        if dosage:
            rate = DoseAndRate(rate_quantity=dosage.rate_quantity, rate_ratio=dosage.rate_ratio)
            yield Dosage(text=dosage.text, method=dosage.method, site=dosage.site, dose_and_rate=(rate,))


def _procedure_code(source: Source, line: _Line) -> str | None:
    """Return the national code of the procedure that a medicine belongs to."""
    for item in line.items:
        for procedure in source.find_all(fhir.Procedure, item.resource.part_of, item):
            named = source.code(procedure.resource.code, source.options.national.service)
            if named.code and not named.sources:
                return named.code
    return None
