"""The resources of FHIR R4 and R5 that a claim is made from, with the fields that it needs.

An R5 field stands beside the R4 field that it replaced; which of them is there tells the release.
"""

from decimal import Decimal
from typing import Final

import msgspec
from msgspec import field

from claims.emr.fhir.elements import (
    Address,
    Annotation,
    Attachment,
    Concept,
    ContactPoint,
    Dosage,
    Element,
    Extended,
    Extension,
    HumanName,
    Identifier,
    Money,
    Narrative,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
)

Identifiers = Identifier | tuple[Identifier, ...]
References = Reference | tuple[Reference, ...]
Concepts = Concept | tuple[Concept, ...]


class Meta(Element):
    """When a resource was last written."""

    last_updated: str | None = None


class Context(Reference):
    """What a resource belongs to: a reference, or (R4 documents) an object with references."""

    encounter: tuple[Reference, ...] = ()


class Resource(Element):
    """What every resource may have."""

    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    identifier: Identifiers = ()
    extension: tuple[Extension, ...] = ()
    contained: tuple[msgspec.Raw, ...] = ()
    encounter: Reference | None = None
    context: Context | tuple[Context, ...] | None = None


class ClassHistory(Element):
    """The class of an encounter during a time."""

    class_: Concept | None = field(name="class", default=None)
    period: Period | None = None


class StatusHistory(Element):
    """The status of an encounter during a time."""

    status: str | None = None
    period: Period | None = None


class EncounterReason(Element):
    """Why an encounter takes place (R5)."""

    value: tuple[Concept, ...] = ()


class EncounterDiagnosis(Element):
    """A diagnosis with its use and rank."""

    condition: References | None = None
    use: Concepts = ()
    rank: int | None = None


class EncounterLocation(Element):
    """Where the patient was, and when."""

    location: Reference | None = None
    status: str | None = None
    physical_type: Concept | None = None
    form: Concept | None = None
    period: Period | None = None


class Admission(Element):
    """How the patient came and left (``hospitalization`` in R4)."""

    pre_admission_identifier: Identifier | None = None
    origin: Reference | None = None
    admit_source: Concept | None = None
    destination: Reference | None = None
    discharge_disposition: Concept | None = None


class Encounter(Resource):
    """A visit or stay."""

    class_: Concepts = field(name="class", default=())
    class_history: tuple[ClassHistory, ...] = ()
    status_history: tuple[StatusHistory, ...] = ()
    type: tuple[Concept, ...] = ()
    service_type: Concepts = ()
    priority: Concept | None = None
    subject: Reference | None = None
    period: Period | None = None
    actual_period: Period | None = None
    reason_code: tuple[Concept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    reason: tuple[EncounterReason, ...] = ()
    diagnosis: tuple[EncounterDiagnosis, ...] = ()
    account: tuple[Reference, ...] = ()
    hospitalization: Admission | None = None
    admission: Admission | None = None
    location: tuple[EncounterLocation, ...] = ()
    service_provider: Reference | None = None
    part_of: Reference | None = None

    def time(self) -> Period:
        """Return the period, R4's or R5's."""
        return self.period or self.actual_period or Period()


class PatientLink(Element):
    """Another record of the same person."""

    other: Reference | None = None
    type: str | None = None


class Patient(Resource):
    """Who is treated."""

    link: tuple[PatientLink, ...] = ()

    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    birth_date_parts: Extended | None = field(name="_birthDate", default=None)
    address: tuple[Address, ...] = ()
    general_practitioner: tuple[Reference, ...] = ()


class CoverageClass(Element):
    """A class of a card, such as the facility where it is registered."""

    type: Concept | None = None
    # A text in R4, an Identifier in R5.
    value: str | Identifier | None = None


class Coverage(Resource):
    """An insurance card."""

    subscriber_id: str | Identifiers | None = None
    beneficiary: Reference | None = None
    period: Period | None = None
    class_: tuple[CoverageClass, ...] = field(name="class", default=())


class AccountCoverage(Element):
    """A card that pays an account."""

    coverage: Reference | None = None
    priority: int | None = None


class Account(Resource):
    """What a stay is charged to."""

    coverage: tuple[AccountCoverage, ...] = ()


class Condition(Resource):
    """A diagnosis or problem."""

    code: Concept | None = None
    category: tuple[Concept, ...] = ()
    verification_status: Concept | None = None


class Medicated(Resource):
    """A resource about one medicine: given as a code, or by reference."""

    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    medication: Concept | None = None
    part_of: tuple[Reference, ...] = ()
    # R5: all dosages in words.
    rendered_dosage_instruction: str | None = None


class DispenseRequest(Element):
    """What the pharmacy is asked to hand over."""

    quantity: Quantity | None = None
    expected_supply_duration: Quantity | None = None


class MedicationRequest(Medicated):
    """A prescription line."""

    intent: str | None = None
    # R4; R5 says it in one word.
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    reported: bool | None = None
    based_on: tuple[Reference, ...] = ()
    prior_prescription: Reference | None = None
    do_not_perform: bool | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: DispenseRequest | None = None


class MedicationDispense(Medicated):
    """A medicine handed over."""

    authorizing_prescription: tuple[Reference, ...] = ()
    quantity: Quantity | None = None
    days_supply: Quantity | None = None
    when_prepared: str | None = None
    when_handed_over: str | None = None
    dosage_instruction: tuple[Dosage, ...] = ()


class AdministrationDosage(Element):
    """How much was given, and how."""

    text: str | None = None
    route: Concept | None = None
    dose: Quantity | None = None
    method: Concept | None = None
    site: Concept | None = None
    rate_quantity: Quantity | None = None
    rate_ratio: Ratio | None = None


class MedicationAdministration(Medicated):
    """A medicine given to the patient."""

    request: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    # R5 spells it so in its published definition.
    occurence_date_time: str | None = None
    occurence_period: Period | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    dosage: AdministrationDosage | None = None


class Medication(Resource):
    """A medicine as the facility keeps it."""

    code: Concept | None = None
    form: Concept | None = None
    dose_form: Concept | None = None


class ServiceRequest(Resource):
    """An order."""

    intent: str | None = None
    based_on: tuple[Reference, ...] = ()
    replaces: tuple[Reference, ...] = ()
    do_not_perform: bool | None = None
    category: tuple[Concept, ...] = ()
    code: Concept | None = None
    quantity_quantity: Quantity | None = None
    quantity_ratio: Ratio | None = None
    quantity_range: Range | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    performer: tuple[Reference, ...] = ()
    reason_code: tuple[Concept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    reason: tuple[Concept, ...] = ()
    body_site: tuple[Concept, ...] = ()
    note: tuple[Annotation, ...] = ()


class Performer(Element):
    """Who did something."""

    actor: Reference | None = None


class Procedure(Resource):
    """Something done to the patient."""

    category: Concepts = ()
    code: Concept | None = None
    based_on: tuple[Reference, ...] = ()
    recorded: str | None = None
    recorder: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    performer: tuple[Performer, ...] = ()
    reason_code: tuple[Concept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    reason: tuple[Concept, ...] = ()
    body_site: tuple[Concept, ...] = ()


class DeviceUse(Resource):
    """A device used: DeviceUseStatement in R4, DeviceUsage in R5."""

    device: Reference | None = None
    based_on: tuple[Reference, ...] = ()
    timing_date_time: str | None = None
    timing_period: Period | None = None
    recorded_on: str | None = None
    date_asserted: str | None = None
    source: Reference | None = None
    information_source: Reference | None = None


class SuppliedItem(Element):
    """What was delivered."""

    quantity: Quantity | None = None
    item_codeable_concept: Concept | None = None
    item_reference: Reference | None = None


class SupplyDelivery(Resource):
    """A supply handed over."""

    based_on: tuple[Reference, ...] = ()
    supplied_item: SuppliedItem | tuple[SuppliedItem, ...] = ()
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None


class Device(Resource):
    """A device or machine."""

    type: Concepts = ()


class PriceComponent(Element):
    """A part of a price (R5)."""

    type: str | None = None
    factor: Decimal | None = None
    amount: Money | None = None


class ChargeItem(Resource):
    """A line of the hospital's bill."""

    code: Concept | None = None
    account: tuple[Reference, ...] = ()
    service: tuple[Reference, ...] = ()
    part_of: tuple[Reference, ...] = ()
    product_codeable_concept: Concept | None = None
    product_reference: Reference | None = None
    product: tuple[Reference, ...] = ()
    quantity: Quantity | None = None
    price_override: Money | None = None
    factor_override: Decimal | None = None
    unit_price_component: PriceComponent | None = None
    total_price_component: PriceComponent | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    performer: tuple[Performer, ...] = ()
    enterer: Reference | None = None
    entered_date: str | None = None
    reason: tuple[Concept, ...] = ()
    bodysite: tuple[Concept, ...] = ()


class Measurement(Resource):
    """What was measured and what came out, of whatever kind: a whole observation, or a component of one."""

    code: Concept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: Decimal | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_sampled_data: Element | None = None
    value_time: str | None = None
    value_date_time: str | None = None
    value_period: Period | None = None
    value_attachment: Attachment | None = None
    value_reference: Reference | None = None

    def has_value(self) -> bool:
        """Say whether there is a value."""
        return any(getattr(self, name) is not None for name in _VALUES)


_VALUES: Final = tuple(name for name in Measurement.__struct_fields__ if name.startswith("value_"))


class Observation(Measurement):
    """A measurement or finding."""

    category: tuple[Concept, ...] = ()
    based_on: tuple[Reference, ...] = ()
    part_of: tuple[Reference, ...] = ()
    has_member: tuple[Reference, ...] = ()
    component: tuple[Measurement, ...] = ()
    effective_date_time: str | None = None
    effective_period: Period | None = None
    effective_instant: str | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    device: Reference | None = None


class DiagnosticReport(Resource):
    """A report of a laboratory or of an examination by images or functions."""

    category: tuple[Concept, ...] = ()
    code: Concept | None = None
    based_on: tuple[Reference, ...] = ()
    result: tuple[Reference, ...] = ()
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    results_interpreter: tuple[Reference, ...] = ()
    conclusion: str | None = None
    conclusion_code: tuple[Concept, ...] = ()
    presented_form: tuple[Attachment, ...] = ()
    text: Narrative | None = None


class ClinicalImpression(Resource):
    """A clinician's note of how the patient is."""

    date: str | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    assessor: Reference | None = None
    performer: Reference | None = None
    summary: str | None = None
    description: str | None = None
    note: tuple[Annotation, ...] = ()


class Section(Element):
    """A part of a composed document."""

    title: str | None = None
    code: Concept | None = None
    text: Narrative | None = None
    section: "tuple[Section, ...]" = ()


class Composition(Resource):
    """A composed document."""

    type: Concept | None = None
    date: str | None = None
    author: tuple[Reference, ...] = ()
    title: str | None = None
    section: tuple[Section, ...] = ()
    text: Narrative | None = None


class DocumentContent(Element):
    """One form of a document."""

    attachment: Attachment | None = None


class DocumentReference(Resource):
    """A document that is kept somewhere, often right here."""

    type: Concept | None = None
    date: str | None = None
    author: tuple[Reference, ...] = ()
    description: str | None = None
    content: tuple[DocumentContent, ...] = ()


class Appointment(Resource):
    """A visit that is planned."""

    start: str | None = None
    supporting_information: tuple[Reference, ...] = ()


class Practitioner(Resource):
    """Somebody who treats."""

    name: tuple[HumanName, ...] = ()


class PractitionerRole(Resource):
    """What somebody who treats does where."""

    practitioner: Reference | None = None
    organization: Reference | None = None
    location: tuple[Reference, ...] = ()


class Organization(Resource):
    """A facility or a department of one."""

    name: str | None = None
    type: tuple[Concept, ...] = ()
    part_of: Reference | None = None


class Location(Resource):
    """A place: a ward, a room, a bed."""

    name: str | None = None
    physical_type: Concept | None = None
    form: Concept | None = None
    part_of: Reference | None = None


class Binary(Resource):
    """Content of any kind."""

    content_type: str | None = None
    data: str | None = None


KINDS: Final[dict[str, type[Resource]]] = {
    kind.__name__: kind
    for kind in (
        Account, Appointment, Binary, ChargeItem, ClinicalImpression, Composition, Condition, Coverage,
        Device, DiagnosticReport, DocumentReference, Encounter, Location, Medication,
        MedicationAdministration, MedicationDispense, MedicationRequest, Observation, Organization,
        Patient, Practitioner, PractitionerRole, Procedure, ServiceRequest, SupplyDelivery,
    )
} | {"DeviceUseStatement": DeviceUse, "DeviceUsage": DeviceUse}  # fmt: skip
"""The types that are read, by name; every other type makes no row and is skipped unread."""
