"""The data types of FHIR R4 and R5, as far as a claim needs them.

Where the two releases give one name two shapes, a type here has both: R5's CodeableReference is
read by `Concept` where R4 has a CodeableConcept, and by `Reference` where R4 has a Reference.
What is not named here is skipped by the decoder.
"""

from decimal import Decimal

import msgspec


class Element(msgspec.Struct, rename="camel", gc=False):
    """A part of a resource. JSON has no cycles, so the garbage collector need not look at it."""


class Coding(Element):
    """A code of a code system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    user_selected: bool | None = None


class Period(Element):
    """A time from and to."""

    start: str | None = None
    end: str | None = None


class Identifier(Element):
    """What a system calls something."""

    use: str | None = None
    type: "CodeableConcept | None" = None
    system: str | None = None
    value: str | None = None
    period: Period | None = None


class Link(Element):
    """A reference to a resource: by its address, or by an identifier."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class CodeableConcept(Element):
    """Codes and words for one thing."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None

    def all_codings(self) -> tuple[Coding, ...]:
        """Return the codes."""
        return self.coding

    def words(self) -> str | None:
        """Return what the concept is called: its own text, else the first display."""
        return self.text or next((coding.display for coding in self.coding if coding.display), None)


class Reference(Element):
    """A reference (R4, R5), or a concept with a reference (R5 CodeableReference)."""

    reference: str | Link | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None
    concept: CodeableConcept | None = None

    def link(self) -> "Link | Reference":
        """Return the plain reference, whichever of the two this is."""
        return self.reference if isinstance(self.reference, Link) else self

    def is_link(self) -> bool:
        """Say whether it names anything."""
        link = self.link()
        return bool(link.reference or link.identifier)


class Concept(CodeableConcept):
    """A CodeableConcept; a Coding where R4 has one in its place; or a CodeableReference (R5)."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    concept: CodeableConcept | None = None
    reference: Reference | None = None

    def all_codings(self) -> tuple[Coding, ...]:
        """Return the codes, wherever this shape keeps them."""
        if self.concept is not None:
            return self.concept.coding
        return (Coding(self.system, self.code, self.display),) if self.code else self.coding

    def words(self) -> str | None:
        """Return what the concept is called, wherever this shape keeps it."""
        return (self.concept.words() if self.concept else CodeableConcept.words(self)) or self.display


class Quantity(Element):
    """A measured amount."""

    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None

    def counted_in(self) -> str | None:
        """Return the unit, in words or else by its code; UCUM's ``1`` only says that something is counted."""
        return next((one for one in (self.unit, self.code) if one and one != "1"), None)


class Range(Element):
    """Two amounts and what lies between."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element):
    """One amount for another, such as a titer."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Money(Element):
    """An amount of money."""

    value: Decimal | None = None
    currency: str | None = None


class Extension(Element):
    """An extension, with the kinds of value that a claim can use."""

    url: str | None = None
    value_string: str | None = None
    value_code: str | None = None
    value_decimal: Decimal | None = None
    value_integer: Decimal | None = None
    value_unsigned_int: Decimal | None = None
    value_positive_int: Decimal | None = None
    value_id: str | None = None
    value_markdown: str | None = None
    value_instant: str | None = None
    value_boolean: bool | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_coding: Coding | None = None
    value_codeable_concept: Concept | None = None
    value_money: Money | None = None
    value_quantity: Quantity | None = None
    value_identifier: Identifier | None = None
    extension: "tuple[Extension, ...]" = ()


class Extended(Element):
    """An element or primitive of which only the extensions are read."""

    extension: tuple[Extension, ...] = ()


class Narrative(Element):
    """Text as XHTML."""

    div: str | None = None


class Annotation(Element):
    """A remark."""

    text: str | None = None


class Attachment(Element):
    """Content in another form: here (base64), or behind an address."""

    content_type: str | None = None
    data: str | None = None
    url: str | None = None
    title: str | None = None


class HumanName(Element):
    """A name of a person."""

    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str, ...] = ()


class Address(Element):
    """Where somebody lives."""

    use: str | None = None
    text: str | None = None
    line: tuple[str, ...] = ()
    city: str | None = None
    district: str | None = None
    state: str | None = None
    extension: tuple[Extension, ...] = ()


class ContactPoint(Element):
    """A telephone number or the like."""

    use: str | None = None
    system: str | None = None
    value: str | None = None


class Repeat(Element):
    """How often a dose is taken."""

    count: Decimal | None = None
    frequency: int | None = None
    frequency_max: int | None = None
    period: Decimal | None = None
    period_max: Decimal | None = None
    period_unit: str | None = None
    bounds_duration: Quantity | None = None
    bounds_range: Range | None = None
    bounds_period: Period | None = None
    day_of_week: tuple[str, ...] = ()
    time_of_day: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    offset: Decimal | None = None


class Timing(Element):
    """When a dose is taken."""

    repeat: Repeat | None = None
    code: Concept | None = None


class DoseAndRate(Element):
    """How much is taken at a time."""

    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_quantity: Quantity | None = None
    rate_range: Range | None = None
    rate_ratio: Ratio | None = None


class Dosage(Element):
    """How a medicine is taken."""

    text: str | None = None
    patient_instruction: str | None = None
    timing: Timing | None = None
    route: Concept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: Concept | None = None
    # R5 says it in two words.
    as_needed: bool | None = None
    as_needed_for: tuple[Concept, ...] = ()
    additional_instruction: tuple[Concept, ...] = ()
    method: Concept | None = None
    site: Concept | None = None
    # One in R4, several in R5.
    max_dose_per_period: Ratio | tuple[Ratio, ...] | None = None
