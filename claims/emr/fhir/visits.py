"""The visit itself: its kind, times, places, and how it ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Visit
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Coding, Quantity
from claims.emr.fhir.extras import Extras, read_extras
from claims.emr.fhir.places import Places
from claims.emr.fhir.source import Source, in_use, many, sourced
from claims.emr.scalars import Day, LocalTime

_KINDS: Final[Mapping[str, str]] = {
    "AMB": "01", "IMP": "03", "ACUTE": "03", "NONAC": "03", "OBSENC": "03", "SS": "04", "HH": "12",
    "VR": "14",
}  # fmt: skip
_EMERGENCY: Final = "EMER"
# Statuses of somebody who is still there; an end that stands beside them is only planned.
_OPEN: Final = frozenset({"arrived", "triaged", "in-progress", "onleave", "on-hold"})
_INPATIENT: Final = "03"
_BRIEF_INPATIENT: Final = "09"
_OUTPATIENT: Final = "01"
_BRIEF: Final = timedelta(hours=4)
_DAY_ALONE: Final = len("2026-01-31")
_DISCHARGE_TYPES: Final[Mapping[str, str]] = {"home": "1", "other-hcf": "2", "aadvice": "4"}
_OUTCOMES: Final[Mapping[str, str]] = {"exp": "5"}
_BODY_WEIGHT: Final = ("29463-7",)
_BIRTH_WEIGHT: Final = ("8339-4",)
WEIGHTS: Final = (*_BODY_WEIGHT, *_BIRTH_WEIGHT)
"""The codes of the observations that a visit's weights are read from."""

_GRAMS: Final[Mapping[str, Decimal]] = {"g": Decimal(1), "kg": Decimal(1000)}


@dataclass(frozen=True, slots=True)
class _Times:
    admitted: str
    discharged: str | None

    @property
    def is_brief(self) -> bool:
        if not self.admitted or not self.discharged:
            return False
        begun, ended = (datetime.strptime(at, "%Y%m%d%H%M") for at in (self.admitted, self.discharged))  # noqa: DTZ007 (both local)
        return ended - begun < _BRIEF


def read_visit(source: Source, chart: Chart, places: Places) -> Visit:
    """Return the visit; what only the hospital can say and FHIR has no word for stays empty."""
    item, encounter = chart.encounter, chart.encounter.resource
    extras, options = read_extras(source, item, encounter.extension), source.options
    period = encounter.time()
    times = _Times(source.time(period.start, item) or "", _discharged(source, item))
    if any(text and len(text.strip()) == _DAY_ALONE for text in (period.start, period.end)):
        source.note(item.pointer, "no-clock", "the encounter says a day without a clock; 00:00 is written")
    visit_type = _visit_type(source, item, extras, times)
    admission = encounter.hospitalization or encounter.admission or fhir.Admission()
    outcome, discharge_type = _ending(source, extras, admission)
    origin, destination = (
        source.who(reference, item, options.identifiers.facility)
        for reference in (admission.origin, admission.destination)
    )
    head = extras.text("head_of_facility") or options.head_of_facility
    departments = places.departments
    return Visit(
        link_id=_link_id(source, encounter),
        record_no=source.identifier(many(encounter.identifier), options.identifiers.record) or "",
        visit_type=visit_type,
        case=extras.text("case"),
        admitted=LocalTime(times.admitted),
        inpatient_from=_optional(_inpatient_from(extras, item, places, times, visit_type)),
        discharged=_optional(times.discharged),
        paid=_optional(extras.time("paid")),
        departments=tuple(one.code for one in departments),
        reason=_reason(source, item),
        inpatient_reason=extras.text("inpatient_reason"),
        inpatient_reason_code=extras.text("inpatient_reason_code"),
        outcome=outcome,
        discharge_type=discharge_type,
        treatment=extras.text("treatment"),
        from_facility=origin.code or None,
        to_facility=destination.code or None,
        transfer_paper=extras.text("transfer_paper"),
        accident=extras.text("accident"),
        weight_kg=_weight(source, chart),
        newborn_weights_g=tuple(birth_weights_g(source, chart)),
        follow_up=_follow_up(source, chart),
        note=extras.text("note"),
        head_of_facility=head,
        emergency=_is_emergency(encounter),
        low_cost_exempt=extras.flag("low_cost_exempt"),
        payment_method=extras.text("payment_method") or "1",
        codings=sourced(
            **{f"departments/{place}": one for place, one in enumerate(departments)},
            from_facility=origin,
            to_facility=destination,
        ),
        origin=(item.origin,),
    )


def read_facility(source: Source, chart: Chart) -> str:
    """Return whose encounter it is: the provider by its code, else the configured one."""
    systems = source.options.identifiers.facility
    provider = source.who(chart.encounter.resource.service_provider, chart.encounter, systems)
    return provider.code if provider.code and not provider.sources else source.options.facility or ""


def note_part(source: Source, item: Item[fhir.Encounter]) -> None:
    """Note that an encounter is part of another of the same patient, such as a ward's part of a stay."""
    whole = source.find_a(fhir.Encounter, item.resource.part_of, item)
    if whole is None:
        return
    own, other = (source.find(one.resource.subject, one) for one in (item, whole))
    if own is None or other is None or own.key == other.key:
        detail = f"the encounter is part of {whole.origin}, and makes a claim of its own: a stay is one claim"
        source.note(item.pointer, "part-of-another", detail)


def _discharged(source: Source, item: Item[fhir.Encounter]) -> str | None:
    end, status = source.time(item.resource.time().end, item), (item.resource.status or "").lower()
    if end is not None and status in _OPEN:
        detail = f"the encounter has an end, but its status is {status}; it is not over"
        source.note(item.pointer, "not-over", detail)
        return None
    return end


def _link_id(source: Source, encounter: fhir.Encounter) -> str | None:
    identifiers = [one for one in many(encounter.identifier) if one.value and one.value.strip()]
    if systems := source.options.identifiers.encounter:
        return source.identifier(identifiers, systems)
    others = [one for one in identifiers if one.system not in source.options.identifiers.record]
    best = next(iter(in_use(others, best="official")), None)
    return str(best.value).strip() if best else None


def _visit_type(source: Source, item: Item[fhir.Encounter], extras: Extras, times: _Times) -> str:
    """Return the kind of visit that the hospital says, else what its class means."""
    systems = source.options.national.visit_type
    for concept in (*item.resource.type, *many(item.resource.class_)):
        named = source.code(concept, systems)
        if named.code and not named.sources:
            return named.code
    if own := extras.text("visit_type"):
        return own
    classes = list(_classes(item.resource))
    kind = next((_KINDS[code] for code in classes if code in _KINDS), "")
    if not kind and _EMERGENCY in classes:
        kind = _stay_that_follows(source, item) or _OUTPATIENT
    return _BRIEF_INPATIENT if kind == _INPATIENT and times.is_brief else kind


def _stay_that_follows(source: Source, item: Item[fhir.Encounter]) -> str | None:
    """An emergency visit keeps the kind of the stay that it is part of."""
    whole = source.find_a(fhir.Encounter, item.resource.part_of, item)
    return (
        next((_KINDS[code] for code in _classes(whole.resource) if code in _KINDS), None) if whole else None
    )


def _classes(encounter: fhir.Encounter) -> Iterator[str]:
    """Return the codes of the class in force, then those it had before, the latest first."""
    for concept in many(encounter.class_):
        yield from (coding.code.upper() for coding in concept.all_codings() if coding.code)
    for line in reversed(encounter.class_history):
        if line.class_ is not None:
            yield from (coding.code.upper() for coding in line.class_.all_codings() if coding.code)


def _is_emergency(encounter: fhir.Encounter) -> bool:
    return _EMERGENCY in _classes(encounter)


def _inpatient_from(
    extras: Extras, item: Item[fhir.Encounter], places: Places, times: _Times, visit_type: str
) -> str | None:
    given = extras.time("inpatient_from")
    if given or visit_type not in {_INPATIENT, _BRIEF_INPATIENT, "04"}:
        return given
    for line in item.resource.class_history:
        codes = {coding.code for coding in line.class_.all_codings()} if line.class_ else set()
        if line.period and "IMP" in codes and (since := extras.source.time(line.period.start, item)):
            return since
    return places.first_ward or times.admitted or None


def _ending(source: Source, extras: Extras, admission: fhir.Admission) -> tuple[str, str]:
    """Return the outcome and the kind of discharge, as far as the discharge disposition says them."""
    disposition = admission.discharge_disposition
    codings = disposition.coding if disposition else ()
    codes = [coding.code for coding in codings if coding.code]
    outcome = extras.text("outcome") or _national(source, codings, "outcome")
    discharge_type = extras.text("discharge_type") or _national(source, codings, "discharge_type")
    return (
        outcome or next((_OUTCOMES[code] for code in codes if code in _OUTCOMES), ""),
        discharge_type or next((_DISCHARGE_TYPES[code] for code in codes if code in _DISCHARGE_TYPES), ""),
    )


def _national(source: Source, codings: tuple[Coding, ...], what: str) -> str | None:
    systems = getattr(source.options.national, what)
    return next((coding.code for coding in codings if coding.code and coding.system in systems), None)


def _reason(source: Source, item: Item[fhir.Encounter]) -> str:
    encounter = item.resource
    concepts = [*encounter.reason_code, *(value for reason in encounter.reason for value in reason.value)]
    references = [*encounter.reason_reference, *(c.reference for c in concepts if c.reference)]
    conditions = source.find_all(fhir.Condition, references, item)
    words = [
        *(concept.words() for concept in concepts),
        *(condition.resource.code.words() for condition in conditions if condition.resource.code),
    ]
    return "; ".join(dict.fromkeys(word.strip() for word in words if word and word.strip()))


def birth_weights_g(source: Source, chart: Chart) -> Iterator[Decimal]:
    """Return the birth weights that were measured, in grams, in order of time."""
    return _weights_g(source, chart, _BIRTH_WEIGHT)


def _weight(source: Source, chart: Chart) -> Decimal | None:
    weights = list(_weights_g(source, chart, _BODY_WEIGHT))
    return round(weights[-1] / 1000, 2) if weights else None


def _weights_g(source: Source, chart: Chart, codes: tuple[str, ...]) -> Iterator[Decimal]:
    """Return the weights of a kind in grams, in order of time."""
    timed = []
    for item in chart.of(fhir.Observation):
        observation = item.resource
        if observation.code and has_category((observation.code,), codes):
            at = source.time(observation.effective_date_time or observation.issued, item) or ""
            if (grams := _grams(source, item, observation.value_quantity)) is not None:
                timed.append((at, grams))
    yield from (grams for _, grams in sorted(timed, key=lambda pair: pair[0]))


def _grams(source: Source, item: Item[fhir.Observation], quantity: Quantity | None) -> Decimal | None:
    if quantity is None or quantity.value is None or not quantity.value.is_finite() or quantity.value <= 0:
        return None
    factor = _GRAMS.get((quantity.code or quantity.unit or "").strip().lower())
    if factor is None or quantity.value.adjusted() > 4:  # noqa: PLR2004 (no weight has more digits)
        source.note(item.pointer, "not-a-weight", "a weight is neither in kg nor in g; it is left out")
        return None
    return quantity.value * factor


def _follow_up(source: Source, chart: Chart) -> tuple[Day, ...]:
    days = {at[:8] for item in chart.of(fhir.Appointment) if (at := source.time(item.resource.start, item))}
    return tuple(Day(day) for day in sorted(days))


def _optional(text: str | None) -> LocalTime | None:
    return LocalTime(text) if text else None
