"""FHIR bundles for tests, of which a test shows only what matters."""

import json
from typing import Any

from claims.emr.encounter import Encounter
from claims.emr.fhir.options import FhirOptions
from claims.emr.fhir.reading import read_fhir
from claims.emr.inputs import ReadEncounters

Resource = dict[str, Any]

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
REPORT_CATEGORY = "http://terminology.hl7.org/CodeSystem/v2-0074"


def concept(system: str, code: str, display: str | None = None) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display or code}]}


def ref(text: str) -> Resource:
    return {"reference": text}


def a_patient(**changes: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-02", "gender": "female", **changes}


def an_encounter(known: str = "e1", **changes: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": known,
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": ref("Patient/p1"),
        "period": {"start": "2026-11-02T07:30:00+07:00", "end": "2026-11-02T09:45:00+07:00"},
        **changes,
    }


def a(kind: str, known: str, **elements: Any) -> Resource:
    """Make a resource of the encounter ``e1``, completed, unless said otherwise."""
    return {
        "resourceType": kind,
        "id": known,
        "status": "completed",
        "encounter": ref("Encounter/e1"),
        **elements,
    }


def a_request(known: str = "m1", **changes: Any) -> Resource:
    drug = concept(RXNORM, "313782", "Acetaminophen 325 MG")
    return a("MedicationRequest", known, **{"intent": "order", "medicationCodeableConcept": drug, **changes})


def a_dispense(known: str = "d1", *, of: str | None = None, **changes: Any) -> Resource:
    prescription = {"authorizingPrescription": [ref(of)]} if of else {}
    drug = {"medicationCodeableConcept": concept(RXNORM, "313782")}
    return {
        "resourceType": "MedicationDispense",
        "id": known,
        "status": "completed",
        **drug,
        "context": ref("Encounter/e1"),
        **prescription,
        **changes,
    }


def an_administration(known: str = "a1", *, of: str | None = None, **changes: Any) -> Resource:
    request = {"request": ref(of)} if of else {}
    return {
        "resourceType": "MedicationAdministration",
        "id": known,
        "status": "completed",
        "medicationCodeableConcept": concept(RXNORM, "313782"),
        "context": ref("Encounter/e1"),
        **request,
        **changes,
    }


def an_order(known: str = "s1", **changes: Any) -> Resource:
    return a(
        "ServiceRequest", known, **{"intent": "order", "code": concept(LOINC, "2339-0", "Glucose"), **changes}
    )


def a_procedure(known: str = "pr1", **changes: Any) -> Resource:
    return a("Procedure", known, **{"code": concept(SNOMED, "430193006"), **changes})


def an_observation(known: str = "o1", *, category: str | None = "laboratory", **changes: Any) -> Resource:
    categories = {"category": [concept(OBSERVATION_CATEGORY, category)]} if category else {}
    elements = {"status": "final", "code": concept(LOINC, "2339-0", "Glucose"), **categories, **changes}
    return a("Observation", known, **elements)


def a_report(known: str = "r1", *, category: str = "LAB", **changes: Any) -> Resource:
    elements = {"status": "final", "category": [concept(REPORT_CATEGORY, category)], **changes}
    return a("DiagnosticReport", known, **elements)


def a_charge(known: str = "c1", *, of: str | None = None, **changes: Any) -> Resource:
    service = {"service": [ref(of)]} if of else {}
    return {
        "resourceType": "ChargeItem",
        "id": known,
        "status": "billable",
        "code": concept("urn:hospital", "EXAM"),
        "context": ref("Encounter/e1"),
        **service,
        **changes,
    }


def a_bundle(*resources: Resource, bundle_type: str = "collection", full_urls: bool = True) -> Resource:
    """Put resources into a bundle, with the patient and the encounter ``e1`` unless one is among them."""
    kinds = {one["resourceType"] for one in resources}
    given = [
        *(() if "Patient" in kinds else (a_patient(),)),
        *(() if "Encounter" in kinds else (an_encounter(),)),
    ]
    entries = []
    for one in (*given, *resources):
        address = f"https://ehr.test/fhir/{one['resourceType']}/{one.get('id')}"
        entries.append({**({"fullUrl": address} if full_urls else {}), "resource": one})
    return {"resourceType": "Bundle", "type": bundle_type, "entry": entries}


def read(*resources: Resource, options: FhirOptions | None = None) -> ReadEncounters:
    return read_fhir(json.dumps(a_bundle(*resources)).encode(), options=options)


def read_one(*resources: Resource, options: FhirOptions | None = None) -> Encounter:
    """Read resources that belong to one encounter, and see that nothing was refused."""
    done = read(*resources, options=options)
    assert done.refused == ()
    (encounter,) = done.encounters
    return encounter


def codes(*resources: Resource, what: str) -> list[str | None]:
    """Return the deciding origin of each item that the resources make."""
    return [item.origin[0] for item in getattr(read_one(*resources), what)]
