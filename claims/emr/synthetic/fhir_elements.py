"""The parts of synthetic FHIR bundles: resources that name each other, and their elements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from claims.emr.fhir.options import EXTENSION_PREFIX
from claims.emr.scalars import birth_time, local_day, local_time

Resource = dict[str, Any]
Link = dict[str, str]

OWN: Final = "urn:ehoso:"
"""Under this stand this project's own code and identifier systems."""

_SERVER: Final = "https://ehr.example/fhir/"
ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"


class Release(StrEnum):
    """A release of FHIR."""

    R4 = "R4"
    R5 = "R5"


class Style(StrEnum):
    """How resources name each other."""

    URN = "urn"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    SEARCH = "search"
    """Staff, facility and places by identifier alone, as servers do that keep them apart."""


@dataclass(slots=True)
class Register:
    """The resources of one bundle in the order in which they are first named."""

    key: str
    release: Release
    style: Style
    resources: list[Resource] = field(default_factory=list)
    known: dict[tuple[str, str], Link] = field(default_factory=dict)

    @property
    def is_r5(self) -> bool:
        """Whether the release is R5."""
        return self.release is Release.R5

    def address(self, resource: Resource) -> str:
        """Return the ``fullUrl`` of a resource."""
        named = f"{resource['resourceType']}/{resource['id']}"
        if self.style is Style.URN:
            return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self.key}/{named}')}"
        return _SERVER + named

    def add(self, kind: str, /, **elements: object) -> Link:
        """Add a resource and return a link to it."""
        resource = {"resourceType": kind, "id": f"{kind.lower()}-{len(self.resources)}", **present(elements)}
        self.resources.append(resource)
        if self.style in {Style.RELATIVE, Style.SEARCH}:
            return {"reference": f"{kind}/{resource['id']}"}
        return {"reference": self.address(resource)}

    def named(self, kind: str, system: str, value: str | None, **elements: object) -> Link | None:
        """Return a link to somebody or something with an identifier, which is written once."""
        if not value:
            return None
        if self.style is Style.SEARCH:
            return {"reference": f"{kind}?identifier={OWN}{system}|{value}"}
        if (kind, value) not in self.known:
            identifier = [{"system": OWN + system, "value": value}]
            self.known[kind, value] = self.add(kind, identifier=identifier, **elements)
        return self.known[kind, value]

    def person(self, code: str | None) -> Link | None:
        """Return a link to a member of staff."""
        return self.named("Practitioner", "practitioner", code)


def patient_elements(given: Mapping[str, Any]) -> Resource:
    """Write who was treated."""
    identifiers = [{"system": OWN + "patient", "value": given["id"]}]
    if given.get("national_id"):
        identifiers.append({"system": OWN + "national-id", "value": given["national_id"]})
    born = birth_time(given["birth"])
    day = "-".join(part for part in (born[:4], born[4:6], born[6:8]) if part != "00")
    address_of_time = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
    exact = [{"url": address_of_time, "valueDateTime": time_of(born)}] if born[8:] != "0000" else []
    address = given["address"]
    return {
        "identifier": identifiers,
        "name": [{"use": "official", "text": given["name"]}],
        "gender": given["sex"],
        "birthDate": day,
        "_birthDate": {"extension": exact} if exact else None,
        "telecom": [{"system": "phone", "value": given["phone"]}] if given.get("phone") else None,
        "address": [
            {"use": "home", "text": address["text"], "extension": own_extensions(address, "province", "ward")}
        ],
        "extension": own_extensions(given, "blood_group", "nationality", "ethnicity", "occupation"),
    }


def condition_elements(given: Mapping[str, Any]) -> Iterator[tuple[str, int, Resource]]:
    """Write the diagnoses, each with its use and rank: on admission, on discharge, the others."""
    category = [{"coding": [{"code": "encounter-diagnosis"}]}]
    yield (
        "AD",
        1,
        {"category": category, "code": {**concept_of(ICD_10, given["main"]), "text": given["entry_text"]}},
    )
    yield (
        "DD",
        1,
        {"category": category, "code": {**concept_of(ICD_10, given["main"]), "text": given["exit_text"]}},
    )
    rest = [*(given.get("other") or ()), *(given.get("traditional") or ())]
    for rank, code in enumerate(rest, start=2):
        yield "DD", rank, {"category": category, "code": concept_of(ICD_10, code)}


def clinical_status() -> Resource:
    """Write that a condition is active, which R5 requires to be said."""
    return concept_of("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")


def diagnosis_use(code: str) -> Resource:
    """Write what a diagnosis is used for."""
    return concept_of("http://terminology.hl7.org/CodeSystem/diagnosis-role", code)


def encounter_status(visit: Mapping[str, Any], *, is_r5: bool) -> str:
    """Say whether the encounter is over, in the words of the release."""
    if visit.get("discharged") is None:
        return "in-progress"
    return "completed" if is_r5 else "finished"


def measured_value(value: object, unit: str | None) -> Resource:
    """Write a number with its unit as a quantity when that says it exactly, else as text."""
    if value is None:
        return {}
    text = str(value)
    if unit and text.replace(".", "", 1).isdecimal() and text.isascii():
        return {"valueQuantity": {"value": Decimal(text), "unit": unit}}
    return {"valueString": text}


def quantity_of(value: object, unit: str | None) -> Resource | None:
    """Write an amount with its unit."""
    return present({"value": Decimal(str(value)), "unit": unit}) if value is not None else None


def own_concept(kind: str, code: str | None, name: str | None = None) -> Resource:
    """Write a national code under this project's own address for its list."""
    return {"coding": [present({"system": f"{OWN}{kind}", "code": code, "display": name})]} if code else {}


def concept_of(system: str, code: str | None) -> Resource:
    """Write a code of a code system; nothing when there is none."""
    return {"coding": [{"system": system, "code": code}]} if code else {}


def narrative_of(text: str) -> Resource:
    """Write a text as XHTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br/>")
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escaped}</div>'}


def own_extensions(given: Mapping[str, Any], *names: str) -> list[Resource] | None:
    """Write the fields that are given as extensions of this project."""
    found = [
        {"url": EXTENSION_PREFIX + name.replace("_", "-"), **_extension_value(given[name])}
        for name in names
        if given.get(name) not in {None, ""}
    ]
    return found or None


def _extension_value(value: object) -> Resource:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, (int, Decimal)):
        return {"valueDecimal": Decimal(value)}
    return {"valueString": value}


def time_of(text: str | None) -> str | None:
    """Write a time as FHIR does, at UTC+7; nothing when there is none."""
    if text is None:
        return None
    at = local_time(text)
    return f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:]}:00+07:00"


def day_of(text: str | None) -> str | None:
    """Write a day as FHIR does; nothing when there is none."""
    if text is None:
        return None
    day = local_day(text)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def present(elements: Mapping[str, Any]) -> Resource:
    """Leave out what is not there: FHIR has no nulls and no empty lists."""
    return {
        name: value for name, value in elements.items() if value is not None and value not in ("", [], {})
    }
