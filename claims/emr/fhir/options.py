"""What one hospital's FHIR calls things: identifier and code systems, extensions, categories, papers.

There is no single Vietnamese FHIR profile; hospitals use addresses of their own, so all of them are data
here. Addresses that begin with ``urn:ehoso:`` are this project's, for hospitals that have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError, with_config

from claims.emr.encounter import ServiceKind
from claims.emr.errors import MalformedOptions
from claims.emr.items import STRICT
from claims.emr.reading import pointer_of
from claims.emr.scalars import FacilityCode

EXTENSION_PREFIX: Final = "urn:ehoso:extension:"
"""Under this prefix stands an extension for each field that FHIR has no element for: ``…:pay-percent``."""

FIELDS: Final = frozenset(
    {
        "accident", "anesthesia", "archive_no", "area", "bed", "birth_book", "birth_number",
        "birth_place", "birth_time", "blood_group", "case", "ceiling", "conclusion", "condition",
        "consult", "copay_exempt_from", "course", "description", "discharge_type", "doctor", "employer",
        "escort_name", "escort_title", "ethnicity", "file_no", "five_years_from", "for_service", "form",
        "group", "guardian", "head_of_facility", "inpatient_from", "inpatient_reason",
        "inpatient_reason_code", "insurance_no", "insured_price", "issued", "kind", "leave_days",
        "leave_from", "leave_to", "low_cost_exempt", "machine", "nationality", "note", "occupation",
        "onward_treatment", "operation", "other_source_cl", "other_source_nsnn", "other_source_vtnn",
        "other_source_vttn", "outcome", "paid", "pay_percent", "payment_method", "percent", "province",
        "referral_reason", "register_no", "registration", "results", "scope", "serial", "service_percent",
        "signs", "source", "stage", "strength", "supply_model", "supply_package", "supply_reused",
        "supply_tender", "tender", "transfer_paper", "transport", "treatment", "unit", "visit_no",
        "visit_type", "ward",
    }
)  # fmt: skip
"""Every field that an extension may stand for."""

Systems = tuple[str, ...]

_STANDARD_EXTENSIONS: Final[Mapping[str, Systems]] = {
    "birth_time": ("http://hl7.org/fhir/StructureDefinition/patient-birthTime",),
    "nationality": ("http://hl7.org/fhir/StructureDefinition/patient-nationality",),
    "ethnicity": ("http://hl7.org/fhir/StructureDefinition/patient-ethnicity",),
    "occupation": ("http://hl7.org/fhir/StructureDefinition/patient-occupation",),
}


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierSystems:
    """The systems whose identifiers mean something to a claim, by what they identify.

    Attributes:
        encounter: The episode key (MA_LK). Without any, the official or else the first identifier.
        record: The number of the medical record (MA_HSBA).
        patient: The patient's number (MA_BN). Without any, the identifier of type MR, else the first that is
            of no other authority by its type.
        national_id: The 12-digit number of a person. Without any, the identifier of type NI.
        card: The insurance card. Without any, what has the form of a card number.
        practitioner: The code of a member of staff as the insurance knows it.
        facility: The 5-character code of a facility.
        department: The national code of a department.
        bed: The code of a bed, such as ``H001``.
        machine: The code of a machine (MA_MAY).
    """

    encounter: Systems = ()
    record: Systems = ("urn:ehoso:record",)
    patient: Systems = ("urn:ehoso:patient",)
    national_id: Systems = ("urn:ehoso:national-id",)
    card: Systems = ()
    practitioner: Systems = ("urn:ehoso:practitioner",)
    facility: Systems = ("urn:ehoso:facility",)
    department: Systems = ("urn:ehoso:department",)
    bed: Systems = ("urn:ehoso:bed",)
    machine: Systems = ("urn:ehoso:machine",)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class NationalSystems:
    """The code systems whose codes are the national ones and need no map, by what they name."""

    drug: Systems = ("urn:ehoso:drug",)
    service: Systems = ("urn:ehoso:service",)
    supply: Systems = ("urn:ehoso:supply",)
    index: Systems = ("urn:ehoso:index",)
    diagnosis: Systems = ("http://hl7.org/fhir/sid/icd-10", "urn:ehoso:diagnosis")
    route: Systems = ("urn:ehoso:route",)
    department: Systems = ("urn:ehoso:department",)
    visit_type: Systems = ("urn:ehoso:visit-type",)
    discharge_type: Systems = ("urn:ehoso:discharge-type",)
    outcome: Systems = ("urn:ehoso:outcome",)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """Codes of categories, of any system, that decide what a resource is."""

    laboratory: Systems = (
        "laboratory", "LAB", "CH", "HM", "MB", "BLB", "IMM", "SR", "TX", "URN", "VR", "MYC", "PAR", "MCB",
        "CP", "GE", "CG", "BG", "108252007", "LP7819-8",
    )  # fmt: skip
    imaging: Systems = (
        "imaging", "IMG", "RAD", "RUS", "RX", "CT", "CUS", "NMR", "NMS", "OUS", "VUS", "XRC", "363679005",
        "394914008", "LP29684-5",
    )  # fmt: skip
    function: Systems = ("EC", "EN", "PF", "AU", "CTH", "LP29708-2")
    surgery: Systems = ("387713003", "surgery")
    exam: Systems = ("exam",)
    bed: Systems = ("bed",)
    transport: Systems = ("transport",)
    no_result: Systems = ("vital-signs", "social-history", "survey")
    referral: Systems = ("3457005",)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTypes:
    """LOINC (or local) types of documents that are papers of their own and so no notes."""

    discharge: Systems = ("18842-5", "28655-9", "34105-7")
    summary: Systems = ("34133-9", "60591-5")
    referral: Systems = ("57133-1",)
    sick_leave: Systems = ("sick-leave",)
    pregnancy_leave: Systems = ("pregnancy-leave",)
    consult: Systems = ("11488-4",)
    operation: Systems = ("11504-8",)


class PriceOverride(StrEnum):
    """What ``ChargeItem.priceOverride`` holds."""

    TOTAL = "total"
    UNIT = "unit"


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class FhirOptions:
    """How the bundles of one hospital are read.

    Attributes:
        facility: Whose encounters these are, when their ``serviceProvider`` does not say.
        head_of_facility: The code of the head of the facility (MA_TTDV), when the encounter does not say.
        extensions: Further addresses of extensions by field, such as ``ethnicity``.
        kinds_by_prefix: What kind of service a national code is that begins so.
        price_override: What a hospital writes there; R4 defines the total of the line.
    """

    facility: FacilityCode | None = None
    head_of_facility: str | None = None
    identifiers: IdentifierSystems = field(default_factory=IdentifierSystems)
    national: NationalSystems = field(default_factory=NationalSystems)
    categories: Categories = field(default_factory=Categories)
    papers: PaperTypes = field(default_factory=PaperTypes)
    extensions: Mapping[str, Systems] = field(default_factory=dict)
    kinds_by_prefix: Mapping[Annotated[str, Field(min_length=1)], ServiceKind] = field(
        default_factory=lambda: {
            "K": ServiceKind.BED,
            "N0": ServiceKind.SUPPLY,
            "VC.": ServiceKind.TRANSPORT,
        }
    )
    price_override: PriceOverride = PriceOverride.TOTAL

    def field_of(self, address: str) -> str | None:
        """Return the field that an extension of this address stands for."""
        if address.startswith(EXTENSION_PREFIX):
            return address[len(EXTENSION_PREFIX) :].replace("-", "_")
        known = (self.extensions, _STANDARD_EXTENSIONS)
        return next((name for names in known for name, systems in names.items() if address in systems), None)


_OPTIONS: Final = TypeAdapter(FhirOptions)


def parse_fhir_options(table: Mapping[str, object]) -> FhirOptions:
    """Read options from a mapping, such as a table of a TOML file; what is left out keeps its default.

    Raises:
        MalformedOptions: A key is unknown or a value has the wrong form; all problems are listed.
    """
    try:
        options = _OPTIONS.validate_python(dict(table))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        listed = "; ".join(f"{pointer_of(one['loc'])}: {one['msg']}" for one in found)
        raise MalformedOptions(f"fhir: {listed}") from None
    if unknown := sorted(options.extensions.keys() - FIELDS):
        raise MalformedOptions(f"fhir: /extensions: no field is called {', '.join(unknown)}")
    return options
