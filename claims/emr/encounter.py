"""What a hospital knows about one visit or stay, as one frozen value, and the document it is read from.

Every input (this document, FHIR, HL7 v2) becomes the same `Encounter`. What a claim needs
beyond it (rows, amounts, totals) is worked out in `claims.building`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails

from claims.emr.errors import MOST_PROBLEMS, MalformedEncounter, Problem
from claims.emr.items import STRICT, Coding, Codings, Origin, Sex
from claims.emr.papers import Documents
from claims.emr.reading import DUPLICATE, SEVERAL, clean, pointer_of, read_json
from claims.emr.scalars import (
    Amount,
    BirthField,
    Code,
    DayField,
    DayOrTimeField,
    FacilityCode,
    Flag,
    OptionalText,
    Percent,
    Rate,
    Text,
    TextOrNumber,
    TimeField,
)

__all__ = [
    "Address",
    "Coding",
    "Codings",
    "Coverage",
    "Diagnoses",
    "Documents",
    "Encounter",
    "Extra",
    "Medication",
    "Note",
    "Origin",
    "OtherSources",
    "Patient",
    "Result",
    "Service",
    "ServiceKind",
    "Sex",
    "Supply",
    "Visit",
    "parse_encounter",
    "read_encounter",
]

_ONE: Final = Decimal(1)
_FULL: Final = Decimal(100)


class ServiceKind(StrEnum):
    """What a service line charges."""

    EXAM = "exam"
    TEST = "test"
    IMAGING = "imaging"
    FUNCTION = "function"
    PROCEDURE = "procedure"
    SURGERY = "surgery"
    BED = "bed"
    SUPPLY = "supply"
    TRANSPORT = "transport"
    OTHER = "other"


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The visit or stay itself: when, why, where, and how it ended."""

    link_id: Code | None = None
    record_no: Text
    visit_type: Code
    case: Code | None = None
    admitted: TimeField
    inpatient_from: TimeField | None = None
    discharged: TimeField | None = None
    paid: TimeField | None = None
    departments: Annotated[tuple[Code, ...], Field(min_length=1)]
    reason: Text
    inpatient_reason: OptionalText = None
    inpatient_reason_code: OptionalText = None
    outcome: Code
    discharge_type: Code
    treatment: OptionalText = None
    from_facility: FacilityCode | None = None
    to_facility: FacilityCode | None = None
    transfer_paper: OptionalText = None
    accident: OptionalText = None
    weight_kg: Amount | None = None
    newborn_weights_g: tuple[Amount, ...] = ()
    follow_up: tuple[DayField, ...] = ()
    note: OptionalText = None
    head_of_facility: OptionalText = None
    emergency: Flag = False
    low_cost_exempt: Flag | None = None
    payment_method: Code = "1"
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a patient lives."""

    text: Text
    province: Code
    ward: Code


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who was treated."""

    id: Text
    name: Text
    national_id: OptionalText = None
    birth: BirthField
    sex: Sex
    blood_group: OptionalText = None
    nationality: Code = "000"
    ethnicity: Code
    occupation: Code
    address: Address
    phone: OptionalText = None
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One insurance card, with what the card look-up answered."""

    card: Code
    registered_at: FacilityCode
    valid_from: Annotated[DayField, Field(alias="from")]
    valid_to: Annotated[DayField | None, Field(alias="to")] = None
    percent: Percent | None = None
    area: OptionalText = None
    five_years_from: DayField | None = None
    copay_exempt_from: DayOrTimeField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnoses:
    """What the patient was found to have, in words and in codes."""

    entry_text: Text
    exit_text: Text
    main: Code
    other: tuple[Code, ...] = ()
    traditional: tuple[Code, ...] = ()
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSources:
    """What others than patient and insurance fund pay for a line."""

    nsnn: Amount = Decimal(0)
    vtnn: Amount = Decimal(0)
    vttn: Amount = Decimal(0)
    cl: Amount = Decimal(0)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Medication:
    """One medicine or blood line; what is not given comes from the facility's drug list."""

    code: Code
    code_system: OptionalText = None
    name: OptionalText = None
    group: Code | None = None
    unit: OptionalText = None
    strength: OptionalText = None
    form: OptionalText = None
    route: OptionalText = None
    dose: OptionalText = None
    how: OptionalText = None
    registration: OptionalText = None
    tender: OptionalText = None
    quantity: Rate | None = None
    price: Rate | None = None
    pay_percent: Percent | None = None
    scope: Code = "1"
    source: Code = "1"
    other_sources: OtherSources = field(default_factory=OtherSources)
    ordered: TimeField
    given: TimeField | None = None
    prescriber: Text
    department: Code | None = None
    for_service: OptionalText = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What only a supply line has."""

    package: OptionalText = None
    tender: OptionalText = None
    model: OptionalText = None
    reused: Flag = False


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service, exam, bed, transport or supply line; what is not given comes from the facility's lists."""

    kind: ServiceKind
    code: Code
    code_system: OptionalText = None
    name: OptionalText = None
    group: Code | None = None
    unit: OptionalText = None
    quantity: Rate = _ONE
    hospital_price: Rate | None = None
    insured_price: Rate | None = None
    ceiling: Rate | None = None
    service_percent: Percent = _FULL
    pay_percent: Percent | None = None
    scope: Code = "1"
    other_sources: OtherSources = field(default_factory=OtherSources)
    ordered: TimeField
    performed: TimeField | None = None
    result: TimeField | None = None
    orderer: Text
    performers: tuple[Text, ...] = ()
    department: Code | None = None
    bed: OptionalText = None
    diagnosis: OptionalText = None
    anesthesia: OptionalText = None
    site: OptionalText = None
    machine: OptionalText = None
    supply: Supply | None = None
    order_id: OptionalText = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured index, or one report of imaging or function tests."""

    order_id: OptionalText = None
    service: Code | None = None
    code_system: OptionalText = None
    index: OptionalText = None
    name: OptionalText = None
    value: TextOrNumber | None = None
    unit: OptionalText = None
    description: OptionalText = None
    conclusion: OptionalText = None
    at: TimeField | None = None
    reader: OptionalText = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note on the clinical course."""

    at: TimeField
    text: Text
    stage: OptionalText = None
    consult: OptionalText = None
    operation: OptionalText = None
    author: Text
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


Fields = Mapping[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], TextOrNumber]
"""Elements of a table under their own names."""

NumberedFields = Mapping[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}$")], Fields]
"""Such elements by the number of the item they belong to, counted from 1 in input order."""


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Elements of the tables that the rest of the document has no word for."""

    xml1: Fields = field(default_factory=dict)
    xml2: NumberedFields = field(default_factory=dict)
    xml3: NumberedFields = field(default_factory=dict)
    xml4: NumberedFields = field(default_factory=dict)
    xml5: NumberedFields = field(default_factory=dict)
    xml6: NumberedFields = field(default_factory=dict)
    xml7: Fields = field(default_factory=dict)
    xml8: Fields = field(default_factory=dict)
    xml9: NumberedFields = field(default_factory=dict)
    xml10: Fields = field(default_factory=dict)
    xml11: Fields = field(default_factory=dict)
    xml13: Fields = field(default_factory=dict)
    xml14: Fields = field(default_factory=dict)
    xml15: NumberedFields = field(default_factory=dict)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """Everything that a hospital hands over for one claim."""

    schema: Literal["encounter/1"]
    facility: FacilityCode
    encounter: Visit
    patient: Patient
    coverage: tuple[Coverage, ...] = ()
    diagnoses: Diagnoses
    medications: tuple[Medication, ...] = ()
    services: tuple[Service, ...] = ()
    results: tuple[Result, ...] = ()
    notes: tuple[Note, ...] = ()
    documents: Documents = field(default_factory=Documents)
    extra: Extra = field(default_factory=Extra)


_ENCOUNTER: Final = TypeAdapter(Encounter)

_UNKNOWN_KEYS: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_PROBLEM_CODES: Final = {
    "extra_forbidden": ("unknown-key", "this key is not part of the encounter document"),
    "unexpected_keyword_argument": ("unknown-key", "this key is not part of the encounter document"),
    "missing": ("missing-key", "this key is needed"),
    "string_type": ("not-text", "a text is needed"),
    "string_too_short": ("empty", "a text that says something is needed"),
    "string_pattern_mismatch": ("not-a-code", "the text does not have the form that is needed here"),
    "tuple_type": ("not-a-list", "a list is needed"),
    "too_short": ("empty", "at least one item is needed"),
    "bool_type": ("not-a-flag", "true or false is needed"),
    "dataclass_type": ("not-an-object", "an object is needed"),
    "mapping_type": ("not-an-object", "an object is needed"),
}
_NOT_IN_LIST: Final = frozenset({"enum", "literal_error"})
_ONE_OF: Final = "one of these is needed"
_EXPECTED: Final = re.compile(r"'([^']*)'")


def parse_encounter(data: bytes | str) -> Encounter:
    """Read an encounter document.

    Raises:
        MalformedEncounter: It is not JSON in UTF-8, or does not follow the schema; up to a thousand of its
            problems are listed.
    """
    return _validate(read_json(data))


def read_encounter(document: Mapping[str, object]) -> Encounter:
    """Read an encounter document that is already a mapping (numbers as int or Decimal, never float).

    Raises:
        MalformedEncounter: It does not follow the schema; all problems are listed.
    """
    return _validate(clean(document))


def _validate(document: object) -> Encounter:
    try:
        return _ENCOUNTER.validate_python(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
    # A null says the same as an absent key, but only few documents hold one where a default stands.
    if _drop_nulls(document, found):
        return _validate(document)
    problems = sorted({_problem(document, detail) for detail in found[:MOST_PROBLEMS]})
    if len(found) > MOST_PROBLEMS:
        problems.append(Problem("", "more-problems", f"{len(found) - MOST_PROBLEMS} more problems"))
    raise MalformedEncounter(tuple(problems)) from None


def _drop_nulls(document: object, found: list[ErrorDetails]) -> bool:
    """Drop the nulls that validation stumbled over; say whether there was one."""
    dropped = False
    for detail in found:
        if detail["input"] is not None or detail["type"] in _UNKNOWN_KEYS:
            continue
        *path, key = _place(document, detail) or ("",)
        parent = document
        for step in path:
            parent = parent[step]  # type: ignore[index]  # validation walked these very steps
        if isinstance(parent, dict) and key in parent:
            del parent[key]
            dropped = True
    return dropped


def _problem(document: object, detail: ErrorDetails) -> Problem:
    pointer = pointer_of(_place(document, detail))
    if detail["input"] is DUPLICATE:
        return Problem(pointer, "duplicate-key", "this key is there twice")
    if detail["type"] in _NOT_IN_LIST:
        possible = _EXPECTED.findall(str(detail["ctx"]["expected"]))
        return Problem(pointer, "not-in-list", f"{_ONE_OF}: {', '.join(possible)}")
    if document is detail["input"] and isinstance(document, list) and document:
        return Problem(pointer, "several-documents", SEVERAL)
    code, sentence = _PROBLEM_CODES.get(detail["type"], (detail["type"], detail["msg"]))
    return Problem(pointer, code, sentence)


def _place(document: object, detail: ErrorDetails) -> tuple[str | int, ...]:
    """Return the steps to a problem as the document has them: an object in place of a list has no number."""
    steps: list[str | int] = []
    parent: Any = document
    for step in detail["loc"]:
        if step == "[key]" or (isinstance(step, int) and isinstance(parent, dict)):
            continue
        steps.append(step)
        is_there = step in parent if isinstance(parent, dict) else isinstance(parent, list)
        parent = parent[step] if is_there else None
    return tuple(steps)
