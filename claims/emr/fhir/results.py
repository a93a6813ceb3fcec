"""Results: the lines of XML4, from laboratory observations and from reports of images and functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Result
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart, Charts
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Quantity, Reference
from claims.emr.fhir.extras import read_extras
from claims.emr.fhir.source import UNNAMED, Named, Source, sourced
from claims.emr.fhir.words import attachment_words, narrative_words
from claims.emr.scalars import LocalTime

_MOST_DIGITS: Final = 24
_ENOUGH_MEMBERS: Final = 8
_PRELIMINARY: Final = frozenset({"preliminary", "partial"})


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a result has from the report and the order around it."""

    order: Item[fhir.Resource] | None
    report: Item[fhir.DiagnosticReport] | None
    service: Named
    reader: Named


def read_results(charts: Charts, chart: Chart) -> tuple[Result, ...]:
    """Return the results of an encounter: measured values, then reports."""
    panels = _panels(charts, chart)
    values = (one for item in charts.results(chart) for one in _values(charts, item, panels))
    return (*values, *(_report(charts, item) for item in charts.image_reports(chart)))


def _panels(charts: Charts, chart: Chart) -> dict[str, Item[fhir.Observation]]:
    """Return the panel that each member belongs to, by the member's key."""
    return {
        member.key: panel
        for panel in chart.of(fhir.Observation)
        if panel.resource.has_member
        for member in charts.source.find_all(fhir.Observation, panel.resource.has_member, panel)
    }


def _values(
    charts: Charts, item: Item[fhir.Observation], panels: Mapping[str, Item[fhir.Observation]]
) -> Iterator[Result]:
    observation = item.resource
    _note_preliminary(charts.source, item)
    frame = _frame(charts, item, panels)
    if observation.has_value() or not observation.component:
        yield _value(charts.source, item, observation, frame)
        return
    for component in observation.component:
        if component.has_value():
            yield _value(charts.source, item, component, frame)


def _note_preliminary(source: Source, item: Item[fhir.Resource]) -> None:
    if (item.resource.status or "").lower() in _PRELIMINARY:
        detail = "the result is not final; it is taken as it is"
        source.note(item.pointer, "preliminary-result", detail)


def _value(source: Source, item: Item[fhir.Observation], measured: fhir.Measurement, frame: _Frame) -> Result:
    observation, report = item.resource, frame.report
    extras = read_extras(source, item, observation.extension)
    index = source.code(measured.code, source.options.national.index)
    value, unit = _written(measured)
    if value is None:
        detail = "it has no value, or one that is no text (sampled data, an attachment, a reference)"
        source.note(item.pointer, "no-value", detail)
    issued = report.resource.issued if report else None
    period = observation.effective_period
    effective = (
        observation.effective_date_time or observation.effective_instant or (period.start if period else None)
    )
    at = source.time(observation.issued or issued or effective, item)
    return Result(
        order_id=frame.order.key if frame.order else None,
        service=frame.service.code or None,
        index=index.code or None,
        name=measured.code.words() if measured.code else None,
        value=value,
        unit=unit,
        description=extras.text("description"),
        conclusion=extras.text("conclusion"),
        at=LocalTime(at) if at else None,
        reader=frame.reader.code or None,
        codings=sourced(index=index, service=frame.service, reader=frame.reader),
        origin=tuple(dict.fromkeys(one.origin for one in (item, report, frame.order) if one)),
    )


def _report(charts: Charts, item: Item[fhir.DiagnosticReport]) -> Result:
    source, report = charts.source, item.resource
    _note_preliminary(source, item)
    order = _order(charts, item, report.based_on)
    service = source.code(report.code, source.options.national.service) if order is None else UNNAMED
    reader = _reader(source, item)
    period = report.effective_period
    at = source.time(report.issued or report.effective_date_time or (period.start if period else None), item)
    forms = (attachment_words(source, form, item) for form in report.presented_form)
    described = next((text for text in forms if text), None) or narrative_words(report.text) or None
    codes = (concept.words() for concept in report.conclusion_code)
    concluded = report.conclusion or "; ".join(words for words in codes if words)
    return Result(
        order_id=order.key if order else None,
        service=service.code or None,
        name=report.code.words() if report.code else None,
        description=described,
        conclusion=concluded.strip() or None,
        at=LocalTime(at) if at else None,
        reader=reader.code or None,
        codings=sourced(service=service, reader=reader),
        origin=(item.origin, *((order.origin,) if order else ())),
    )


def _frame(
    charts: Charts, item: Item[fhir.Observation], panels: Mapping[str, Item[fhir.Observation]]
) -> _Frame:
    """Find the report and order of a value: its own, else those of the panel that it is a member of."""
    source = charts.source
    around = _around(item, panels)
    report = next((reports[0] for one in around if (reports := charts.reports.get(one.key))), None)
    orders = (_order(charts, one, (*one.resource.based_on, *one.resource.part_of)) for one in around)
    order = next((one for one in orders if one), None)
    if order is None and report is not None:
        order = _order(charts, report, report.resource.based_on)
    # A result names the service of its order; without one, its panel is what was ordered.
    service = UNNAMED
    if order is None:
        outer = report.resource.code if report else around[-1].resource.code if len(around) > 1 else None
        service = source.code(outer, source.options.national.service)
    reader = _reader(source, report) if report else UNNAMED
    if not reader.code and item.resource.performer:
        reader = _person(source, item.resource.performer, item)
    return _Frame(order, report, service, reader)


def _around(
    item: Item[fhir.Observation], panels: Mapping[str, Item[fhir.Observation]]
) -> list[Item[fhir.Observation]]:
    """Return an observation and the panels around it; a loop of members ends it."""
    around = [item]
    while (outer := panels.get(around[-1].key)) and len(around) < _ENOUGH_MEMBERS:
        around.append(outer)
    return around


def _order(
    charts: Charts, item: Item[fhir.Resource], references: tuple[Reference, ...]
) -> Item[fhir.Resource] | None:
    """Return the order, or the procedure, that a result answers."""
    for reference in references:
        found = charts.source.find(reference, item)
        if found is not None and isinstance(found.resource, fhir.ServiceRequest):
            return found
        if found is not None and isinstance(found.resource, fhir.Procedure):
            orders = charts.source.find_all(fhir.ServiceRequest, found.resource.based_on, found)
            return next(orders, found)
    return None


def _reader(source: Source, report: Item[fhir.DiagnosticReport]) -> Named:
    return _person(source, (*report.resource.results_interpreter, *report.resource.performer), report)


def _person(source: Source, references: tuple[Reference, ...], owner: Item[fhir.Resource]) -> Named:
    for reference in references:
        found = source.find(reference, owner)
        is_person = isinstance(found.resource, (fhir.Practitioner, fhir.PractitionerRole)) if found else True
        if is_person and (found or not source.is_elsewhere(reference, "Practitioner")):
            return source.who(reference, owner, source.options.identifiers.practitioner)
    return UNNAMED


def _written(measured: fhir.Measurement) -> tuple[str | None, str | None]:
    """Return a value as text, and its unit."""
    if quantity := measured.value_quantity:
        return _number(quantity), quantity.unit or quantity.code
    if span := measured.value_range:
        return _both(span.low, " - ", span.high)
    if ratio := measured.value_ratio:
        return _both(ratio.numerator, ":", ratio.denominator)
    return _words(measured), None


def _words(measured: fhir.Measurement) -> str | None:
    """Return a value that has no unit as text."""
    concept, period = measured.value_codeable_concept, measured.value_period
    flag = {True: "true", False: "false", None: None}[measured.value_boolean]
    whole = None if measured.value_integer is None else _plain(measured.value_integer)
    return (
        (concept.words() or next((c.code for c in concept.coding if c.code), None) if concept else None)
        or flag
        or whole
        or (" - ".join(text for text in (period.start, period.end) if text) if period else None)
        or measured.value_string
        or measured.value_time
        or measured.value_date_time
    )


def _both(first: Quantity | None, between: str, second: Quantity | None) -> tuple[str | None, str | None]:
    named = [(text, one.unit or one.code) for one in (first, second) if one and (text := _number(one))]
    units = {unit: None for _, unit in named if unit}
    if len(units) > 1:
        # One unit cannot stand for both, as in 5 mg in 24 h.
        return between.join(f"{text} {unit}" for text, unit in named), None
    return between.join(text for text, _ in named) or None, next(iter(units), None)


def _number(quantity: Quantity) -> str | None:
    if quantity.value is None:
        return None
    return f"{quantity.comparator or ''}{_plain(quantity.value)}"


def _plain(value: Decimal) -> str:
    """Write a measured number as exactly as it came: in FHIR the zeros at the end say how exact it is.

    One too long to write out keeps its exponent.
    """
    return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS else str(value)
