"""Services: the lines of XML3, from procedures, orders, devices, supplies and charges of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Service, ServiceKind, Supply
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charging import (
    Charged,
    combine,
    find_charges,
    note_other_quantity,
    other_sources,
    share_out,
)
from claims.emr.fhir.charts import Chart, Charts, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import CodeableConcept, Concept, Period, Quantity, Reference
from claims.emr.fhir.extras import Extras, read_extras
from claims.emr.fhir.places import Places
from claims.emr.fhir.source import UNNAMED, Named, Source, many, sourced
from claims.emr.scalars import LocalTime

_ONE: Final = Decimal(1)
_KINDS: Final = {kind.value: kind for kind in ServiceKind}

Order = Item[fhir.ServiceRequest]
Reports = tuple[Item[fhir.DiagnosticReport], ...]
Measured = tuple[Item[fhir.Observation], ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """What makes one row, whatever the type of its resource.

    Attributes:
        keys: The resources that a charge may name to price this row.
        is_counted: Whether the resource says how many, be it in a way that is not read.
        order_id: What results name to join this row.
    """

    row: Item[fhir.Resource]
    code: Named
    kind: ServiceKind
    origin: tuple[str, ...]
    keys: tuple[str, ...]
    ordered: str | None = None
    performed: str | None = None
    result: str | None = None
    orderer: Named = UNNAMED
    performers: tuple[Named, ...] = ()
    quantity: Quantity | None = None
    is_counted: bool = False
    diagnosis: Named = UNNAMED
    site: str | None = None
    machine: str | None = None
    order_id: str | None = None
    charged: tuple[Charged, ...] = ()


def read_services(charts: Charts, chart: Chart, places: Places) -> tuple[Service, ...]:
    """Return the services that resources tell of: procedures, other orders, devices, supplies."""
    return tuple(one for line in _lines(charts, chart) for one in _services(charts, places, line))


def read_charged_services(charts: Charts, chart: Chart, places: Places) -> tuple[Service, ...]:
    """Return the services that only charges tell of, which is known after all other rows."""
    lines = [_of_charge(charts, item) for item in charts.own_charges(chart)]
    return tuple(one for line in lines for one in _services(charts, places, line))


def _lines(charts: Charts, chart: Chart) -> Iterator[_Line]:
    yield from (_of_procedure(charts, item) for item in chart.of(fhir.Procedure))
    yield from (_of_order(charts, item) for item in charts.orders(chart))
    yield from (_of_device(charts, item) for item in chart.of(fhir.DeviceUse))
    for item in chart.of(fhir.SupplyDelivery):
        yield from _of_supply(charts, item)


def _services(charts: Charts, places: Places, line: _Line) -> Iterator[Service]:
    """Make the rows of a line: one, or one for each price that was charged."""
    source, row = charts.source, line.row
    own = source.quantity(line.quantity, row)
    written = _ONE if own is None else own
    found = line.charged or find_charges(charts, line.keys, row, own=written)
    note_other_quantity(source, row, found, own)
    for charged in found:
        if charged.quantity is None and own is None and line.is_counted:
            # One would take the place of what was said.
            detail = "a quantity that no claim can carry, or a ratio or range of quantities"
            source.refuse(row, "not-an-amount", detail)
        service = _service(places, _as_charged(source, line, charged), charged, own=written)
        if service.kind is ServiceKind.OTHER and service.group is None and not charged.extras.text("kind"):
            detail = "no category and no code says what kind of service it is; it counts as another one"
            source.note(row.pointer, "unknown-kind", detail)
        yield service


def _service(places: Places, line: _Line, charged: Charged, *, own: Decimal) -> Service:
    extras = charged.extras
    ordered = line.ordered or line.performed or ""
    department = places.row_department(ordered)
    kind = _kind_word(extras) or line.kind
    unit = charged.unit or (line.quantity.counted_in() if line.quantity else None) or extras.text("unit")
    percent = extras.percent("service_percent")
    return Service(
        kind=kind,
        code=line.code.code,
        name=line.code.name,
        group=extras.text("group"),
        unit=unit,
        quantity=own if charged.quantity is None else charged.quantity,
        hospital_price=charged.price,
        insured_price=extras.number("insured_price"),
        ceiling=extras.number("ceiling"),
        service_percent=Decimal(100) if percent is None else percent,
        pay_percent=extras.percent("pay_percent"),
        scope=extras.text("scope") or "1",
        other_sources=other_sources(extras),
        ordered=LocalTime(ordered),
        performed=LocalTime(line.performed) if line.performed else None,
        result=LocalTime(line.result) if line.result else None,
        orderer=line.orderer.code,
        performers=tuple(one.code for one in line.performers),
        department=department.code or None,
        bed=extras.text("bed") or (places.bed_at(ordered).code or None if kind is ServiceKind.BED else None),
        diagnosis=line.diagnosis.code or None,
        anesthesia=extras.text("anesthesia"),
        site=line.site,
        machine=line.machine or extras.text("machine"),
        supply=_supply(extras) if kind is ServiceKind.SUPPLY else None,
        order_id=line.order_id,
        codings=sourced(
            code=line.code,
            orderer=line.orderer,
            department=department,
            diagnosis=line.diagnosis,
            **{f"performers/{place}": one for place, one in enumerate(line.performers)},
        ),
        origin=(*dict.fromkeys((*line.origin, *charged.origin)),),
    )


def _as_charged(source: Source, line: _Line, charged: Charged) -> _Line:
    """Fill what the resource itself does not say from the line of the bill that names it."""
    if not charged.items:
        return line
    item = charged.items[0]
    charge = item.resource
    period = charge.occurrence_period or Period()
    at = source.time(charge.occurrence_date_time or period.start, item)
    return replace(
        line,
        ordered=line.ordered or source.time(charge.entered_date, item) or at,
        performed=line.performed or at,
        result=line.result or source.time(period.end, item),
        orderer=line.orderer if line.orderer.code else _who(source, charge.enterer, item),
        performers=line.performers or tuple(_staff(source, item, (one.actor for one in charge.performer))),
        diagnosis=line.diagnosis if line.diagnosis.code else _diagnosis(source, item, charge.reason, (), ()),
        site=line.site or _site(charge.bodysite),
    )


# --- one line of each type of resource ----------------------------------------------------------


def _of_procedure(charts: Charts, item: Item[fhir.Procedure]) -> _Line:
    source, procedure = charts.source, item.resource
    order = next(source.find_all(fhir.ServiceRequest, procedure.based_on, item), None)
    code = source.code(procedure.code, source.options.national.service)
    period = procedure.performed_period or procedure.occurrence_period or Period()
    reports = _reports(charts, item, order)
    begun = source.time(procedure.performed_date_time or procedure.occurrence_date_time or period.start, item)
    ordered = source.time(order.resource.authored_on, order) if order else None
    if not code.code and order:
        code = source.code(order.resource.code, source.options.national.service)
    orderer = _who(source, order.resource.requester, order) if order else UNNAMED
    return _Line(
        row=item,
        code=code,
        kind=_kind(
            source,
            (*many(procedure.category), *_order_categories(order)),
            code,
            default=ServiceKind.PROCEDURE,
        ),
        origin=_origins(item, order, *reports),
        keys=(*_keys(item, order, *reports), *charts.keys_of(item, procedure.based_on)),
        ordered=ordered,
        performed=begun,
        result=_reported(source, reports) or source.time(period.end, item),
        orderer=orderer,
        performers=tuple(_staff(source, item, (one.actor for one in procedure.performer))),
        diagnosis=_diagnosis(
            source, item, procedure.reason_code, procedure.reason_reference, procedure.reason
        ),
        site=_site(procedure.body_site),
        machine=_machine(source, reports, ()),
        order_id=order.key if order else item.key,
    )


def _of_order(charts: Charts, item: Order) -> _Line:
    source, order = charts.source, item.resource
    code = source.code(order.code, source.options.national.service)
    reports, measured = _reports(charts, item, None), tuple(charts.measured.get(item.key, ()))
    period = order.occurrence_period or Period()
    performers = [*(one for report in reports for one in report.resource.performer)]
    kind = _kind(source, order.category, code, default=None) or _kind_of_results(source, reports, measured)
    return _Line(
        row=item,
        code=code,
        kind=kind,
        origin=_origins(item, *reports),
        keys=_keys(item, *reports, *measured),
        ordered=source.time(order.authored_on, item),
        performed=_done(source, reports, measured)
        or source.time(order.occurrence_date_time or period.start, item),
        result=_reported(source, reports) or _measured_at(source, measured),
        orderer=_who(source, order.requester, item),
        performers=tuple(_staff(source, reports[0] if reports else item, performers)),
        quantity=order.quantity_quantity,
        is_counted=_is_counted(order.quantity_quantity) or bool(order.quantity_ratio or order.quantity_range),
        diagnosis=_diagnosis(source, item, order.reason_code, order.reason_reference, order.reason),
        site=_site(order.body_site),
        machine=_machine(source, reports, measured),
        order_id=item.key,
    )


def _of_device(charts: Charts, item: Item[fhir.DeviceUse]) -> _Line:
    source, use = charts.source, item.resource
    order = next(source.find_all(fhir.ServiceRequest, use.based_on, item), None)
    at = source.time(use.timing_date_time or (use.timing_period or Period()).start or use.recorded_on, item)
    ordered = (
        source.time(order.resource.authored_on, order) if order else source.time(use.date_asserted, item)
    )
    return _Line(
        row=item,
        code=_supply_code(source, item, None, use.device),
        kind=ServiceKind.SUPPLY,
        origin=_origins(item, order),
        keys=(item.key,),
        ordered=ordered or at,
        performed=at,
        orderer=_who(source, order.resource.requester, order) if order else UNNAMED,
    )


def _of_supply(charts: Charts, item: Item[fhir.SupplyDelivery]) -> Iterator[_Line]:
    """Yield a line for each item of a delivery: R5 has several, of which a charge names one by its code."""
    source, delivery = charts.source, item.resource
    period = delivery.occurrence_period or Period()
    at = source.time(delivery.occurrence_date_time or period.start, item)
    several = many(delivery.supplied_item) or (fhir.SuppliedItem(),)
    codes = [_supply_code(source, item, one.item_codeable_concept, one.item_reference) for one in several]
    keys = [item.key] if len(several) == 1 else share_out(charts, item, codes)
    for supplied, code, key in zip(several, codes, keys, strict=True):
        yield _Line(
            row=item,
            code=code,
            kind=ServiceKind.SUPPLY,
            origin=(item.origin,),
            keys=(key,),
            performed=at,
            result=source.time(period.end, item),
            quantity=supplied.quantity,
            is_counted=_is_counted(supplied.quantity),
        )


def _of_charge(charts: Charts, item: Item[fhir.ChargeItem]) -> _Line:
    source, charge = charts.source, item.resource
    charts.priced.add(item.key)
    reports = tuple(source.find_all(fhir.DiagnosticReport, charge.service, item))
    measured = tuple(source.find_all(fhir.Observation, charge.service, item))
    ordered = _beside(charts, item)
    national = source.options.national
    code = source.code(charge.code, (*national.service, *national.supply))
    reference = charge.product_reference or next(iter(charge.product), None)
    product = _supply_code(source, item, charge.product_codeable_concept, reference)
    is_supply = bool(product.code) and not product.sources and (bool(code.sources) or not code.code)
    if is_supply:
        code = product
    elif code.sources:
        code = replace(code, sources=(*code.sources, *product.sources))
    return _Line(
        row=item,
        code=code,
        kind=ServiceKind.SUPPLY
        if is_supply
        else _kind(source, (charge.code,) if charge.code else (), code, default=None)
        or _kind_of_results(source, reports, measured),
        origin=_origins(item, *reports, *measured),
        keys=(),
        ordered=ordered.ordered if ordered else None,
        orderer=ordered.orderer if ordered else UNNAMED,
        order_id=item.key,
        charged=combine(source, (item,), item, own=_ONE),
    )


def _beside(charts: Charts, item: Item[fhir.ChargeItem]) -> _Line | None:
    """Return the line of the procedure or order that a charge names, which tells who ordered it, and when."""
    for procedure in charts.source.find_all(fhir.Procedure, item.resource.service, item):
        return _of_procedure(charts, procedure)
    for order in charts.source.find_all(fhir.ServiceRequest, item.resource.service, item):
        return _of_order(charts, order)
    return None


# --- parts of a line ---------------------------------------------------------------------------


def _is_counted(quantity: Quantity | None) -> bool:
    return quantity is not None and quantity.value is not None


def _origins(*items: Item[fhir.Resource] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.origin for item in items if item is not None))


def _keys(*items: Item[fhir.Resource] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.key for item in items if item is not None))


def _reports(charts: Charts, item: Item[fhir.Resource], order: Order | None) -> Reports:
    keys = [item.key, *((order.key,) if order else ())]
    found = {report.key: report for key in keys for report in charts.reports.get(key, ())}
    return tuple(found.values())


def _who(source: Source, reference: Reference | None, owner: Item[fhir.Resource]) -> Named:
    return source.who(reference, owner, source.options.identifiers.practitioner)


def _staff(
    source: Source, owner: Item[fhir.Resource], references: Iterable[Reference | None]
) -> Iterator[Named]:
    """Return the people among the performers; an organization performs through them."""
    for reference in references:
        found = source.find(reference, owner)
        if found is not None and isinstance(found.resource, fhir.Organization):
            continue
        if reference is not None and found is None and source.is_elsewhere(reference, "Practitioner"):
            continue
        if (named := _who(source, reference, owner)).code:
            yield named


def _order_categories(order: Order | None) -> tuple[Concept, ...]:
    return order.resource.category if order else ()


def _kind(
    source: Source, concepts: Iterable[Concept], code: Named, *, default: ServiceKind | None
) -> ServiceKind:
    """Return the kind by category, else by how a national code begins."""
    categories, listed = source.options.categories, tuple(concepts)
    for kind, codes in (
        (ServiceKind.SURGERY, categories.surgery),
        (ServiceKind.TEST, categories.laboratory),
        (ServiceKind.IMAGING, categories.imaging),
        (ServiceKind.FUNCTION, categories.function),
        (ServiceKind.EXAM, categories.exam),
        (ServiceKind.BED, categories.bed),
        (ServiceKind.TRANSPORT, categories.transport),
    ):
        if has_category(listed, codes):
            return kind
    if code.code and not code.sources:
        for prefix, kind in source.options.kinds_by_prefix.items():
            if code.code.startswith(prefix):
                return kind
    return default  # type: ignore[return-value]  # None where the caller has more to try


def _kind_of_results(source: Source, reports: Reports, measured: Measured) -> ServiceKind:
    categories = source.options.categories
    for report in reports:
        if has_category(report.resource.category, categories.imaging):
            return ServiceKind.IMAGING
        if has_category(report.resource.category, categories.function):
            return ServiceKind.FUNCTION
    listed = (*(one.resource.category for one in reports), *(one.resource.category for one in measured))
    is_test = any(has_category(concepts, categories.laboratory) for concepts in listed)
    return ServiceKind.TEST if is_test else ServiceKind.OTHER


def _kind_word(extras: Extras) -> ServiceKind | None:
    text = extras.text("kind")
    if text and text not in _KINDS:
        extras.refuse("kind", "not-in-list", f"one of {', '.join(_KINDS)}")
    return _KINDS.get(text) if text else None


def _reported(source: Source, reports: Reports) -> str | None:
    times = (source.time(one.resource.issued, one) for one in reports)
    return max((at for at in times if at), default=None)


def _done(source: Source, reports: Reports, measured: Measured) -> str | None:
    """Return when a test was done: the first time that its results are about."""
    times = [
        source.time(one.resource.effective_date_time or _start(one.resource.effective_period), one)
        for one in measured
    ]
    times += [
        source.time(one.resource.effective_date_time or _start(one.resource.effective_period), one)
        for one in reports
    ]
    return min((at for at in times if at), default=None)


def _start(period: Period | None) -> str | None:
    return period.start if period else None


def _measured_at(source: Source, measured: Measured) -> str | None:
    times = (source.time(one.resource.issued, one) for one in measured)
    return max((at for at in times if at), default=None)


def _diagnosis(
    source: Source,
    item: Item[fhir.Resource],
    codes: tuple[Concept, ...],
    references: tuple[Reference, ...],
    reasons: tuple[Concept, ...],
) -> Named:
    """Return what a service was ordered for; only a code says it, words alone do not."""
    links = (*references, *(one.reference for one in reasons if one.reference))
    conditions = (one.resource.code for one in source.find_all(fhir.Condition, links, item))
    for concept in (*codes, *reasons, *conditions):
        if concept and any(coding.code for coding in concept.all_codings()):
            return source.code(concept, source.options.national.diagnosis)
    return UNNAMED


def _site(sites: tuple[Concept, ...]) -> str | None:
    codes = (next((c.code for c in site.all_codings() if c.code), site.words()) for site in sites)
    return ";".join(code.strip() for code in codes if code and code.strip()) or None


def _machine(source: Source, reports: Reports, measured: Measured) -> str | None:
    systems = source.options.identifiers.machine
    observations = [
        *measured,
        *(o for report in reports for o in source.find_all(fhir.Observation, report.resource.result, report)),
    ]
    for item in observations:
        if device := source.find_a(fhir.Device, item.resource.device, item):
            identifiers = many(device.resource.identifier)
            if code := source.identifier(identifiers, systems) or next(
                (i.value for i in identifiers if i.value), None
            ):
                return code
    for report in reports:
        if code := read_extras(source, report, report.resource.extension).text("machine"):
            return code
    return None


def _supply_code(
    source: Source, item: Item[fhir.Resource], concept: Concept | None, reference: Reference | None
) -> Named:
    """Return what a supply is: by its own code, else by its device's or product's type or identifiers."""
    national = source.options.national.supply
    known_as: CodeableConcept | None = concept or (reference.concept if reference else None)
    if known_as and (named := source.code(known_as, national)).code:
        return named
    if device := source.find_a(fhir.Device, reference, item):
        for kind in many(device.resource.type):
            if (named := source.code(kind, national)).code:
                return named
    product = source.find_a(fhir.Medication, reference, item)
    if product and (named := source.code(product.resource.code, national)).code:
        return named
    return source.who(reference, item, national)


def _supply(extras: Extras) -> Supply | None:
    texts = {name: extras.text(f"supply_{name}") for name in ("package", "tender", "model")}
    is_reused = extras.flag("supply_reused") or False
    return Supply(**texts, reused=is_reused) if any(texts.values()) or is_reused else None
