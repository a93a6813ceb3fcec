"""What rules must know beside a claim, and which list of a facility's catalogue tells it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from claims.catalogues.items import Kind


class Need(StrEnum):
    """What a rule must know beside the claim. Without it the rule is left out, and the report says so."""

    DRUGS = "drugs"
    SERVICES = "services"
    SUPPLIES = "supplies"
    STAFF = "staff"
    DEPARTMENTS = "departments"
    BEDS = "beds"
    MACHINES = "machines"
    LAB_INDEXES = "lab_indexes"
    DIAGNOSES = "diagnoses"
    TRADITIONAL = "traditional"
    FACILITIES = "facilities"
    PROVINCES = "provinces"
    COMMUNES = "communes"
    COUNTRIES = "countries"
    PEOPLES = "peoples"
    LIMITS = "limits"  # of services and medicines: sex, age, diagnoses, quantity a day
    PAIRS = "pairs"  # of services and medicines that do not go together
    CONTRACT = "contract"
    CARDS = "cards"  # what the card look-up answered
    HISTORY = "history"  # other claims of the same person
    CHECK_IN = "check_in"  # the XML0 of the same episode
    CALENDAR = "calendar"
    REGISTRATIONS = "registrations"


#: Which list of a facility's catalogue meets a need.
CATALOGUE_KINDS: Final[Mapping[Need, Kind]] = MappingProxyType(
    {
        Need.DRUGS: Kind.DRUG,
        Need.SERVICES: Kind.SERVICE,
        Need.SUPPLIES: Kind.SUPPLY,
        Need.STAFF: Kind.STAFF,
        Need.DEPARTMENTS: Kind.DEPARTMENT,
        Need.BEDS: Kind.BED,
        Need.MACHINES: Kind.MACHINE,
        Need.LAB_INDEXES: Kind.LAB_INDEX,
        Need.DIAGNOSES: Kind.DIAGNOSIS,
        Need.TRADITIONAL: Kind.TRADITIONAL,
        Need.FACILITIES: Kind.FACILITY,
        Need.PROVINCES: Kind.PROVINCE,
        Need.COMMUNES: Kind.COMMUNE,
        Need.COUNTRIES: Kind.COUNTRY,
        Need.PEOPLES: Kind.PEOPLE,
        Need.CONTRACT: Kind.CONTRACT,
        Need.LIMITS: Kind.LIMIT,
        Need.PAIRS: Kind.PAIR,
    }
)
