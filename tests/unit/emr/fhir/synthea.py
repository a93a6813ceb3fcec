"""A bundle as the Synthea patient generator writes it: one patient's whole life in a transaction.

Everything is named by ``urn:uuid``; staff, places and organizations by a search on their identifiers;
medicines by RxNorm, findings by SNOMED CT, measurements by LOINC; most of the bytes are claims.
"""

import json
from base64 import b64encode
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

Resource = dict[str, Any]

_SYNTHEA: Final = "https://github.com/synthetichealth/synthea"
_NPI: Final = "http://hl7.org/fhir/sid/us-npi"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"


def synthea_bundle(*, encounters: int = 3, claims: int = 2) -> Resource:
    """Write a patient with so many encounters, each with the rows that `ROWS` says."""
    life = _Life()
    for number in range(encounters):
        life.live_through(number, claims)
    return {"resourceType": "Bundle", "type": "transaction", "entry": life.entries}


ROWS: Final = {"medications": 3, "services": 3, "results": 6, "notes": 1}
"""The rows that the rules give for each encounter of `synthea_bundle`."""


def _code(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _loinc(code: str, display: str) -> Resource:
    return _code("http://loinc.org", code, display)


def _snomed(code: str, display: str) -> Resource:
    return _code("http://snomed.info/sct", code, display)


def _practitioner() -> Resource:
    return {"reference": f"Practitioner?identifier={_NPI}|9999963199", "display": "Dr. Thử Nghiệm"}


class _Life:
    def __init__(self) -> None:
        self.entries: list[Resource] = []
        self.patient = self.add(
            "Patient",
            extension=[
                {
                    "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
                    "extension": [{"url": "text", "valueString": "Asian"}],
                },
                {
                    "url": "http://synthetichealth.github.io/synthea/disability-adjusted-life-years",
                    "valueDecimal": 0.5,
                },
            ],
            identifier=[
                {"system": _SYNTHEA, "value": "d9af6cb5"},
                {
                    "type": {
                        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]
                    },
                    "system": "http://hospital.smarthealthit.org",
                    "value": "MR-d9af6cb5",
                },
            ],
            name=[{"use": "official", "family": "Cole117", "given": ["Joanna347"], "prefix": ["Mr."]}],
            gender="male",
            birthDate="1957-03-04",
            telecom=[{"system": "phone", "value": "555-1"}],
            address=[{"line": ["1 Dietrich Way"], "city": "Weymouth", "state": "MA", "country": "US"}],
        )

    def add(self, kind: str, **elements: Any) -> Resource:
        known = str(uuid5(NAMESPACE_URL, f"{kind}{len(self.entries)}"))
        resource = {"resourceType": kind, "id": known, **elements}
        self.entries.append(
            {"fullUrl": f"urn:uuid:{known}", "resource": resource, "request": {"method": "POST", "url": kind}}
        )
        return {"reference": f"urn:uuid:{known}"}

    def live_through(self, number: int, claims: int) -> None:
        day = f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        begun, ended = f"{day}T08:00:00-05:00", f"{day}T08:45:00-05:00"
        encounter = self.add(
            "Encounter",
            status="finished",
            identifier=[{"use": "official", "system": _SYNTHEA, "value": f"enc-{number}"}],
            **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
            type=[_snomed("162673000", "General examination of patient")],
            subject=self.patient,
            participant=[{"individual": _practitioner()}],
            period={"start": begun, "end": ended},
            location=[
                {"location": {"reference": f"Location?identifier={_SYNTHEA}|loc-1", "display": "PCP1"}}
            ],
            serviceProvider={"reference": f"Organization?identifier={_SYNTHEA}|org-1", "display": "PCP1"},
        )
        here = {"subject": self.patient, "encounter": encounter}
        self.diagnose(here, day)
        self.treat(here, begun, ended)
        self.measure(here, begun)
        self.report(here, begun)
        self.bill(encounter, claims)
        # A delivery names no encounter, and so belongs to none when there are several.
        self.add("SupplyDelivery", status="completed", patient=self.patient, occurrenceDateTime=begun)

    def diagnose(self, here: Resource, day: str) -> None:
        self.add(
            "Condition",
            **here,
            category=[
                _code(
                    "http://terminology.hl7.org/CodeSystem/condition-category",
                    "encounter-diagnosis",
                    "Encounter Diagnosis",
                )
            ],
            code=_snomed("59621000", "Essential hypertension (disorder)"),
            onsetDateTime=day,
            clinicalStatus=_code(
                "http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "active"
            ),
            verificationStatus=_code(
                "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "c"
            ),
        )
        for kind in ("Immunization", "CareTeam", "CarePlan", "Goal", "ImagingStudy"):
            self.add(kind, status="active", **here)
        self.add("AllergyIntolerance", patient=self.patient)

    def treat(self, here: Resource, begun: str, ended: str) -> None:
        drug = _code("http://www.nlm.nih.gov/research/umls/rxnorm", "314076", "lisinopril 10 MG Oral Tablet")
        order: Resource = {
            "intent": "order",
            "medicationCodeableConcept": drug,
            **here,
            "authoredOn": begun,
            "requester": _practitioner(),
            "dosageInstruction": [
                {
                    "sequence": 1,
                    "asNeededBoolean": False,
                    "timing": {"repeat": {"frequency": 1, "period": 1.0, "periodUnit": "d"}},
                    "doseAndRate": [{"doseQuantity": {"value": 1.0}}],
                }
            ],
        }
        self.add("MedicationRequest", status="active", **order)
        asked = self.add("MedicationRequest", status="stopped", **order)
        context = {"subject": self.patient, "context": here["encounter"], "medicationCodeableConcept": drug}
        # One of a counted request, which is no row; one of its own.
        self.add(
            "MedicationAdministration", status="completed", request=asked, effectiveDateTime=begun, **context
        )
        self.add("MedicationAdministration", status="completed", effectiveDateTime=begun, **context)
        for _ in range(2):
            self.add(
                "Procedure",
                status="completed",
                **here,
                code=_snomed("430193006", "Medication Reconciliation"),
                performedPeriod={"start": begun, "end": ended},
            )
        device = self.add("Device", status="active", type=_snomed("337414009", "Blood glucose meter"))
        self.add(
            "DeviceUseStatement",
            status="active",
            subject=self.patient,
            device=device,
            context=here["encounter"],
        )

    def measure(self, here: Resource, at: str) -> None:
        vital = [_code(_CATEGORY, "vital-signs", "Vital signs")]
        survey = [_code(_CATEGORY, "survey", "survey")]
        laboratory = [_code(_CATEGORY, "laboratory", "Laboratory")]
        final = {"status": "final", "effectiveDateTime": at, "issued": at, **here}
        self.add(
            "Observation",
            category=vital,
            code=_loinc("29463-7", "Body Weight"),
            valueQuantity={"value": 81.4, "unit": "kg", "code": "kg"},
            **final,
        )
        parts = [
            {"code": _loinc(code, "BP"), "valueQuantity": {"value": 80, "unit": "mm[Hg]"}}
            for code in ("8462-4", "8480-6")
        ]
        self.add(
            "Observation",
            category=vital,
            code=_loinc("85354-9", "Blood pressure panel"),
            component=parts,
            **final,
        )
        pain = self.add(
            "Observation",
            category=survey,
            code=_loinc("72514-3", "Pain severity"),
            valueQuantity={"value": 2, "unit": "{score}"},
            **final,
        )
        results = [
            self.add(
                "Observation",
                category=laboratory,
                code=_loinc(f"2339-{number}", "Glucose"),
                valueQuantity={"value": 88.12, "unit": "mg/dL", "code": "mg/dL"},
                **final,
            )
            for number in range(5)
        ]
        reported = [_code("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")]
        self.add(
            "DiagnosticReport",
            category=reported,
            code=_loinc("51990-0", "Basic metabolic panel"),
            result=[*results, pain],
            **final,
        )
        imaged = [_code("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")]
        self.add("DiagnosticReport", category=imaged, code=_loinc("24627-2", "Chest CT"), **final)

    def report(self, here: Resource, at: str) -> None:
        note = b64encode(("\n# Chief Complaint\nNo complaints.\n" * 20).encode()).decode()
        form = {"contentType": "text/plain; charset=utf-8", "data": note}
        types = {"coding": [{"system": "http://loinc.org", "code": code} for code in ("34117-2", "51847-2")]}
        self.add(
            "DiagnosticReport",
            status="final",
            category=[types],
            code=types,
            presentedForm=[form],
            effectiveDateTime=at,
            **here,
        )
        self.add(
            "DocumentReference",
            status="superseded",
            type=types,
            category=[types],
            date=at,
            author=[_practitioner()],
            subject=self.patient,
            content=[{"attachment": form}],
            context={"encounter": [here["encounter"]]},
        )

    def bill(self, encounter: Resource, claims: int) -> None:
        for _ in range(claims):
            items = [
                {
                    "sequence": place,
                    "productOrService": _snomed("162673000", "General examination"),
                    "encounter": [encounter],
                    "net": {"value": 129.16, "currency": "USD"},
                }
                for place in range(3)
            ]
            claim = self.add(
                "Claim",
                status="active",
                use="claim",
                patient=self.patient,
                item=items,
                total={"value": 129.16, "currency": "USD"},
            )
            self.add(
                "ExplanationOfBenefit",
                status="active",
                patient=self.patient,
                claim=claim,
                item=items,
                contained=[
                    {
                        "resourceType": "ServiceRequest",
                        "id": "referral",
                        "status": "completed",
                        "intent": "order",
                    },
                    {"resourceType": "Coverage", "id": "coverage", "status": "active"},
                ],
            )
        self.add("Provenance", target=[encounter], recorded="2026-01-01T00:00:00Z")


def synthea_json(*, encounters: int = 3, claims: int = 2) -> bytes:
    return json.dumps(synthea_bundle(encounters=encounters, claims=claims), indent=2).encode()
