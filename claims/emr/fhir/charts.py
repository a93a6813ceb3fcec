"""Which resources become rows, and of which encounter: the row rules, apart from what a row then holds.

1. A resource whose status says that it did not happen, or not yet, does not count; nor does a request
   that is no order, that is only reported, or that says what not to do; nor one that carries out another
   or that another replaces, as long as nothing answers it.
2. A resource belongs to the encounter that it references; in a bundle with one encounter also when it
   references none, else to that of the charge that names it: some resources, such as R4's SupplyDelivery,
   have no element for an encounter. A charge that names none belongs to the only one of its account.
3. Medicines: every dispense, every request that no dispense names, every administration whose request
   does not count.
4. Services: every procedure, every order that no counted procedure names, every device and supply, and
   every charge that names nothing, or only what makes no row itself: a report without an order, something
   that the input does not hold. A charge that names a resource prices its row, one row however many it
   names; of several charges of one row, those of another code than its own make rows beside it.
5. Results: every laboratory observation, or its components; every report of images or functions.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from claims.emr.fhir.blood import tells_blood_group
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import CodeableConcept, Reference
from claims.emr.fhir.options import Categories
from claims.emr.fhir.orders import find_carried_out
from claims.emr.fhir.resources import (
    KINDS,
    Appointment,
    ChargeItem,
    ClinicalImpression,
    Composition,
    Condition,
    DeviceUse,
    DiagnosticReport,
    DocumentReference,
    Encounter,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    Observation,
    Patient,
    Procedure,
    Resource,
    ServiceRequest,
    SupplyDelivery,
)
from claims.emr.fhir.source import Source, many

Wanted = TypeVar("Wanted", bound=Resource)

_NOT_COUNTED: Final = frozenset(
    {
        "entered-in-error", "cancelled", "not-done", "draft", "declined", "abandoned", "revoked", "unknown",
        "preparation", "not-taken", "aborted", "rejected", "planned", "intended", "proposed", "noshow",
        "registered", "not-billable",
    }
)  # fmt: skip
_ORDERS: Final = frozenset({"order", "original-order", "instance-order", "filler-order", "reflex-order"})
_NOT_SUPPLIED: Final = frozenset({"cancelled", "declined"})
# What a charge may name that never makes a row of XML2 or XML3 by itself.
_MERGED_INTO: Final = "replaced-by"
_MERGED: Final = frozenset({_MERGED_INTO, "replaces"})
_WITHOUT_ROW: Final = frozenset({"DiagnosticReport", "Encounter", "Observation"})
_OF_ENCOUNTERS: Final[tuple[type[Resource], ...]] = (
    Appointment, ChargeItem, ClinicalImpression, Composition, Condition, DeviceUse, DiagnosticReport,
    DocumentReference, MedicationAdministration, MedicationDispense, MedicationRequest, Observation,
    Procedure, ServiceRequest, SupplyDelivery,
)  # fmt: skip


@dataclass(slots=True)
class Chart:
    """An encounter with the counted resources that belong to it, by type, in the order of the input."""

    encounter: Item[Encounter]
    held: dict[type[Resource], list[Item[Resource]]] = field(default_factory=lambda: defaultdict(list))

    def of(self, wanted: type[Wanted]) -> list[Item[Wanted]]:
        """Return the resources of a type."""
        return cast("list[Item[Wanted]]", self.held.get(wanted, []))


@dataclass(slots=True)
class Charts:
    """All encounters of a bundle, and what joins their resources.

    Attributes:
        all: The counted encounters in the order of the input.
        parts: Those that are part of another, by that one's key.
        dispensed: Keys of requests that a counted dispense names.
        withheld: Keys of requests of which a dispense says that nothing was handed over.
        done: Keys of orders that a counted procedure names.
        requested: Keys of the counted medication requests of each encounter, by its key.
        given: The counted administrations of a request within an encounter, by the keys of both.
        charged: The charges that name a resource, by its key.
        priced: Keys of the charges that have priced a row.
        beside: Keys of the charges that name a row which another charge prices under another code.
        reports: The counted reports on an order or procedure, or with an observation as a result, by its key.
        measured: The counted observations that answer an order or belong to a procedure, by its key.
    """

    source: Source
    all: list[Chart] = field(default_factory=list)
    parts: dict[str, list[Chart]] = field(default_factory=lambda: defaultdict(list))
    dispensed: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    requested: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    given: dict[tuple[str, str], list[Item[MedicationAdministration]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    charged: dict[str, list[Item[ChargeItem]]] = field(default_factory=lambda: defaultdict(list))
    priced: set[str] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)
    reports: dict[str, list[Item[DiagnosticReport]]] = field(default_factory=lambda: defaultdict(list))
    measured: dict[str, list[Item[Observation]]] = field(default_factory=lambda: defaultdict(list))

    def keys_of(self, item: Item[Resource], references: tuple[Reference, ...]) -> tuple[str, ...]:
        """Return the keys of what a resource names, in the input or not: what names the same is joined."""
        return tuple(key for one in references if (key := self.source.key_of(one, item)))

    # --- rows ----------------------------------------------------------------------------------

    def requests(self, chart: Chart) -> Iterator[Item[MedicationRequest]]:
        """Return the requests that make a row of their own."""
        for item in chart.of(MedicationRequest):
            if item.key not in self.dispensed:
                if item.key in self.withheld:
                    detail = "it makes a row, though its only dispense was declined or cancelled"
                    self.source.note(item.pointer, "request-not-dispensed", detail)
                yield item

    def administrations(self, chart: Chart) -> Iterator[Item[MedicationAdministration]]:
        """Return the administrations that make a row of their own."""
        own = self.requested[chart.encounter.key]
        for item in chart.of(MedicationAdministration):
            request = self.source.find(item.resource.request, item)
            if request is None or request.key not in own:
                yield item

    def given_for(
        self, chart: Chart, request: Item[MedicationRequest]
    ) -> tuple[Item[MedicationAdministration], ...]:
        """Return the administrations of a request within an encounter."""
        return tuple(self.given.get((chart.encounter.key, request.key), ()))

    def orders(self, chart: Chart) -> Iterator[Item[ServiceRequest]]:
        """Return the orders that make a row of their own; a referral is a paper and makes none."""
        referral = self.source.options.categories.referral
        for item in chart.of(ServiceRequest):
            if item.key not in self.done and not has_category(item.resource.category, referral):
                yield item

    def own_charges(self, chart: Chart) -> Iterator[Item[ChargeItem]]:
        """Return the charges that make a row of their own, after the other rows of the encounter."""
        for item in chart.of(ChargeItem):
            if item.key not in self.priced and (item.key in self.beside or not self._may_price(item)):
                if any(self._is_absent(one, item) for one in item.resource.service):
                    detail = "what it is for is not in the input; it makes a row of its own"
                    self.source.note(item.pointer, "charge-of-absent", detail)
                yield item

    def _may_price(self, item: Item[ChargeItem]) -> bool:
        """Say whether a charge names something of the input that may make a row, were it to count."""
        named = (self.source.find(one, item) for one in item.resource.service)
        return any(one is not None and one.kind not in _WITHOUT_ROW for one in named)

    def _is_absent(self, reference: Reference, item: Item[ChargeItem]) -> bool:
        """Say whether a reference names what would make a row, were it in the input."""
        is_found = self.source.find(reference, item) is not None
        return not is_found and self.source.kind_of(reference, item) in KINDS.keys() - _WITHOUT_ROW

    def note_unpaid(self) -> None:
        """Note the charges that priced no row, after all rows of all encounters."""
        charges = [item for chart in self.all for item in chart.of(ChargeItem)]
        if unpaid := sum(item.key not in self.priced for item in charges):
            detail = f"{unpaid} × ChargeItem: nothing that it names makes a row; makes no row"
            self.source.note("", "not-counted", detail)

    def results(self, chart: Chart) -> Iterator[Item[Observation]]:
        """Return the laboratory observations that make rows: all but panels that only have members."""
        categories = self.source.options.categories
        reported = self._reported(chart, categories)
        for item in chart.of(Observation):
            observation = item.resource
            is_laboratory = has_category(observation.category, categories.laboratory)
            if not is_laboratory and has_category(observation.category, categories.no_result):
                continue
            if not is_laboratory and item.key not in reported:
                continue
            is_answer = item.key in reported or observation.based_on or observation.part_of
            if tells_blood_group(observation) and not is_answer:
                continue
            is_panel = observation.has_member and not observation.has_value()
            if not (is_panel and not any(one.has_value() for one in observation.component)):
                yield item

    def _reported(self, chart: Chart, categories: Categories) -> set[str]:
        """Return the keys of what laboratory reports name as results, and of the members of such panels."""
        named: set[str] = set()
        for report in chart.of(DiagnosticReport):
            if has_category(report.resource.category, categories.laboratory):
                waiting = list(self.source.find_all(Observation, report.resource.result, report))
                while waiting:
                    item = waiting.pop()
                    if item.key not in named:
                        named.add(item.key)
                        waiting.extend(self.source.find_all(Observation, item.resource.has_member, item))
        return named

    def image_reports(self, chart: Chart) -> Iterator[Item[DiagnosticReport]]:
        """Return the reports of images and of function tests; one of no category is of its order's."""
        categories = self.source.options.categories
        for item in chart.of(DiagnosticReport):
            report = item.resource
            orders = () if report.category else self.source.find_all(ServiceRequest, report.based_on, item)
            said = (*report.category, *(one for order in orders for one in order.resource.category))
            if has_category(said, (*categories.imaging, *categories.function)):
                yield item


def open_charts(source: Source) -> Charts:
    """Sort the resources of a bundle by encounter."""
    charts, uncounted = Charts(source), Counter[tuple[str, str]]()
    for unread, count in source.contents.unread.items():
        uncounted[unread, "resources of this type are not read"] = count
    _merge_patients(source)
    everyone = source.contents.of(Encounter)
    by_key = {item.key: Chart(item) for item in everyone if _counts(item, uncounted)}
    charts.all.extend(by_key.values())
    for part in charts.all:
        if whole := source.find(part.encounter.resource.part_of, part.encounter):
            charts.parts[whole.key].append(part)
    only = everyone[0].key if len(everyone) == 1 else None
    accounted = dict(_accounted(source, everyone)) if only is None else {}
    billed = dict(_billed(source, only, accounted)) | accounted
    again = _said_again(charts, lambda one: _home_of(one, source, only or billed.get(one.key)))
    for kind in _OF_ENCOUNTERS:
        for item in source.contents.of(kind):
            if item.key in again:
                uncounted[item.kind, "it carries out another order of the input"] += 1
                continue
            if not _counts(item, uncounted):
                _keep_withheld(charts, item)
                continue
            chart = by_key.get(_home_of(item, source, only or billed.get(item.key)) or "")
            if chart is None:
                uncounted[item.kind, "it belongs to no counted encounter of the input"] += 1
                _join_charge(charts, item)
            else:
                chart.held[kind].append(item)
                _join(charts, item, chart)
    _take_replaced(charts, uncounted)
    for (kind_name, reason), count in sorted(uncounted.items()):
        source.note("", "not-counted", f"{count} × {kind_name}: {reason}; makes no row")
    return charts


def _merge_patients(source: Source) -> None:
    """Read the record that is kept where two were merged, whichever of them says so."""
    kept: dict[str, str] = {}
    for item in source.contents.of(Patient):
        for link in item.resource.link:
            other = source.find_a(Patient, link.other, item)
            if other is not None and link.type in _MERGED:
                old, new = (item, other) if link.type == _MERGED_INTO else (other, item)
                kept[old.key] = new.key
                detail = f"{old.origin} was merged into {new.origin}, which is read in its place"
                source.note(old.pointer, "patient-merged", detail)
    source.lead(kept)


def _said_again(charts: Charts, home_of: Callable[[Item[Resource]], str | None]) -> frozenset[str]:
    """Return the keys of the orders that are the same as the only one that they are based on.

    An order that several others carry out makes no row; they do.
    """
    source = charts.source
    carried_out = find_carried_out(source, lambda one: None if _why_not(one.resource) else home_of(one))
    several = {key for key, items in carried_out.items() if len(items) > 1}
    charts.done |= several
    charts.dispensed |= several
    return source.lead({items[0].key: key for key, items in carried_out.items() if len(items) == 1})


def _take_replaced(charts: Charts, uncounted: Counter[tuple[str, str]]) -> None:
    """Take out the requests that another of the same encounter replaces and that nothing answers."""
    answers = (charts.charged, charts.reports, charts.measured, charts.done, charts.dispensed)
    for chart in charts.all:
        replaced = set(_replaced(charts, chart))
        if not replaced:
            continue
        given = {request for encounter, request in charts.given if encounter == chart.encounter.key}
        for kind in (ServiceRequest, MedicationRequest):
            for item in list(chart.held.get(kind, ())):
                if item.key in replaced and not any(item.key in known for known in (*answers, given)):
                    chart.held[kind].remove(item)
                    uncounted[item.kind, "another order of the encounter replaces it"] += 1


def _replaced(charts: Charts, chart: Chart) -> Iterator[str]:
    """Yield the keys of the requests that other requests of an encounter say that they replace."""
    for order in chart.of(ServiceRequest):
        yield from (key for key in charts.keys_of(order, order.resource.replaces) if key != order.key)
    for request in chart.of(MedicationRequest):
        prior = charts.keys_of(request, many(request.resource.prior_prescription))
        yield from (key for key in prior if key != request.key)


def _counts(item: Item[Resource], uncounted: Counter[tuple[str, str]]) -> bool:
    reason = _why_not(item.resource)
    if reason is not None:
        uncounted[item.kind, reason] += 1
    return reason is None


def _keep_withheld(charts: Charts, item: Item[Resource]) -> None:
    """Keep the requests of a dispense that came to nothing."""
    dispense = item.resource
    if isinstance(dispense, MedicationDispense) and (dispense.status or "").lower() in _NOT_SUPPLIED:
        charts.withheld.update(charts.keys_of(item, dispense.authorizing_prescription))


def has_category(concepts: Iterable[CodeableConcept], codes: tuple[str, ...]) -> bool:
    """Say whether one of the concepts has one of the codes, of whatever system."""
    for concept in concepts:
        for coding in concept.all_codings():
            if coding.code in codes:
                return True
    return False


def _why_not(resource: Resource) -> str | None:
    """Say why a resource does not count, if it does not."""
    status = resource.status
    if status and status.lower() in _NOT_COUNTED:
        return f"status {status.lower()}"
    if isinstance(resource, (MedicationRequest, ServiceRequest)):
        if resource.do_not_perform:
            return "it says what not to do"
        if isinstance(resource, MedicationRequest) and _is_reported(resource):
            return "it reports what was ordered elsewhere"
        if (resource.intent or "").lower() not in _ORDERS:
            return "its intent is no order"
    return None


def _is_reported(request: MedicationRequest) -> bool:
    """Say whether a request is another's word, as that of the patient about medicines taken at home."""
    by_whom = request.reported_reference
    return bool(request.reported_boolean or request.reported or (by_whom and by_whom.is_link()))


def _accounted(source: Source, everyone: Iterable[Item[Encounter]]) -> Iterator[tuple[str, str]]:
    """Yield the keys of charges, each with that of the only encounter that names their account."""
    homes: dict[str, set[str]] = defaultdict(set)
    for encounter in everyone:
        for reference in encounter.resource.account:
            if key := source.key_of(reference, encounter):
                homes[key].add(encounter.key)
    for item in source.contents.of(ChargeItem) if homes else ():
        found = [homes[key] for one in item.resource.account if (key := source.key_of(one, item)) in homes]
        if (known := set().union(*found)) and len(known) == 1:
            yield item.key, known.pop()


def _billed(source: Source, only: str | None, accounted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the keys of what charges name, each with that of the charge's encounter."""
    for item in source.contents.of(ChargeItem):
        otherwise = only or accounted.get(item.key)
        if _why_not(item.resource) is None and (home := _home_of(item, source, otherwise)):
            for reference in item.resource.service:
                if found := source.find(reference, item):
                    yield found.key, home


def _home_of(item: Item[Resource], source: Source, otherwise: str | None) -> str | None:
    """Return the key of the encounter that a resource belongs to; ``otherwise``, when it names none."""
    named = False
    for reference in _encounter_references(item.resource):
        found = source.find(reference, item)
        if found is not None and isinstance(found.resource, Encounter):
            return found.key
        named = named or (found is None and not source.is_elsewhere(reference, "Encounter"))
    return None if named else otherwise


def _encounter_references(resource: Resource) -> Iterator[Reference]:
    if resource.encounter is not None and resource.encounter.is_link():
        yield resource.encounter
    for context in many(resource.context):
        yield from (one for one in (context, *context.encounter) if one.is_link())
    if isinstance(resource, Appointment):
        yield from (one for one in resource.supporting_information if one.is_link())


def _join(charts: Charts, item: Item[Resource], chart: Chart) -> None:
    """Note what a resource joins: orders with what was done, measured, given and charged for them."""
    match item.resource:
        case MedicationDispense() as dispense:
            charts.dispensed.update(charts.keys_of(item, dispense.authorizing_prescription))
        case MedicationRequest():
            charts.requested[chart.encounter.key].add(item.key)
        case MedicationAdministration() as administration:
            if request := charts.source.find(administration.request, item):
                given = cast("Item[MedicationAdministration]", item)
                charts.given[chart.encounter.key, request.key].append(given)
        case Procedure() as procedure:
            charts.done.update(charts.keys_of(item, procedure.based_on))
        case Observation() as observation:
            for key in charts.keys_of(item, (*observation.based_on, *observation.part_of)):
                charts.measured[key].append(cast("Item[Observation]", item))
        case DiagnosticReport() as report:
            for key in charts.keys_of(item, (*report.based_on, *report.result)):
                charts.reports[key].append(cast("Item[DiagnosticReport]", item))
        case _:
            _join_charge(charts, item)


def _join_charge(charts: Charts, item: Item[Resource]) -> None:
    """Note what a charge prices, whether or not the charge itself says which encounter it belongs to."""
    if isinstance(item.resource, ChargeItem):
        if any(one.is_link() for one in item.resource.part_of):
            detail = "it is part of another charge (partOf), and both count: the same may be charged twice"
            charts.source.note(item.pointer, "part-of-a-charge", detail)
        for key in charts.keys_of(item, item.resource.service):
            charts.charged[key].append(cast("Item[ChargeItem]", item))
