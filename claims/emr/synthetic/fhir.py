"""Encounter documents as FHIR bundles: what a hospital's FHIR server would hand over, for tests.

FHIR has no element for some of what a claim needs; that stands in extensions under this project's own
addresses, which the reader knows. Left out are the papers of the visit and elements under ``extra``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from claims.emr.scalars import local_day
from claims.emr.synthetic.fhir_elements import (
    OWN,
    Link,
    Register,
    Release,
    Resource,
    Style,
    clinical_status,
    condition_elements,
    day_of,
    diagnosis_use,
    encounter_status,
    own_concept,
    own_extensions,
    patient_elements,
    present,
    time_of,
)
from claims.emr.synthetic.fhir_lines import Lines

__all__ = ["Release", "Style", "fhir_json", "to_fhir"]

_LOINC: Final = "http://loinc.org"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES: Final = {"03": "IMP", "09": "IMP", "04": "SS", "12": "HH", "14": "VR"}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def to_fhir(
    document: Mapping[str, Any],
    *,
    release: Release = Release.R4,
    bundle_type: str = "collection",
    style: Style = Style.URN,
) -> Resource:
    """Write an encounter document as a FHIR bundle."""
    register = Register(str(document["encounter"].get("link_id")), Release(release), Style(style))
    _Writer(document, register).write()
    entries = [
        {"fullUrl": register.address(one), "resource": one, **_request(one, bundle_type)}
        for one in register.resources
    ]
    return {"resourceType": "Bundle", "type": bundle_type, "entry": entries}


def fhir_json(bundle: Mapping[str, Any]) -> bytes:
    """Write a bundle as JSON, decimals as exact numbers."""
    return _ENCODER.encode(bundle)


def _request(resource: Resource, bundle_type: str) -> Resource:
    if bundle_type != "transaction":
        return {}
    return {"request": {"method": "POST", "url": resource["resourceType"]}}


@dataclass(slots=True)
class _Writer:
    """Writes one document."""

    document: Mapping[str, Any]
    register: Register

    def write(self) -> None:
        document = self.document
        patient = self.register.add("Patient", **patient_elements(document["patient"]))
        conditions = [
            (
                use,
                rank,
                self.register.add("Condition", subject=patient, clinicalStatus=clinical_status(), **elements),
            )
            for use, rank, elements in condition_elements(document["diagnoses"])
        ]
        ward = self._write_encounter(patient, conditions)
        for card in document.get("coverage") or ():
            self.register.add("Coverage", **self._card(card, patient))
        lines = Lines(self.register, patient, ward)
        for medicine in document.get("medications") or ():
            lines.write_medicine(medicine)
        results = document.get("results") or ()
        for service in document.get("services") or ():
            order_id = service.get("order_id")
            lines.write_service(
                service, [one for one in results if order_id and one.get("order_id") == order_id]
            )
        for note in document.get("notes") or ():
            lines.write_note(note)

    def _write_encounter(self, patient: Link, conditions: Sequence[tuple[str, int, Link]]) -> Link:
        visit = self.document["encounter"]
        code = (
            "EMER"
            if visit.get("emergency") and visit["visit_type"] == "01"
            else _CLASSES.get(visit["visit_type"], "AMB")
        )
        act = {"system": _ACT, "code": code}
        history = [{"class": act, "period": {"start": time_of(visit["admitted"])}}]
        if visit.get("emergency") and code != "EMER":
            history.insert(
                0,
                {"class": {"system": _ACT, "code": "EMER"}, "period": {"start": time_of(visit["admitted"])}},
            )
        period = present({"start": time_of(visit["admitted"]), "end": time_of(visit.get("discharged"))})
        departments = [
            {
                "location": self.register.named("Location", "department", one, name=one),
                "period": {"start": time_of(visit["admitted"])},
            }
            for one in visit.get("departments") or ()
        ]
        admission = present(
            {
                "origin": self.register.named("Organization", "facility", visit.get("from_facility")),
                "destination": self.register.named("Organization", "facility", visit.get("to_facility")),
                "dischargeDisposition": own_concept("discharge-type", visit["discharge_type"]),
            }
        )
        elements: Resource = {
            "identifier": [
                *([{"use": "official", "value": visit["link_id"]}] if visit.get("link_id") else ()),
                {"system": OWN + "record", "value": visit["record_no"]},
            ],
            "status": encounter_status(visit, is_r5=self.register.is_r5),
            "type": [own_concept("visit-type", visit["visit_type"])],
            "subject": patient,
            "location": departments,
            "serviceProvider": self.register.named("Organization", "facility", self.document["facility"]),
            "extension": own_extensions(
                visit,
                "case",
                "inpatient_from",
                "paid",
                "inpatient_reason",
                "inpatient_reason_code",
                "outcome",
                "treatment",
                "transfer_paper",
                "accident",
                "note",
                "head_of_facility",
                "low_cost_exempt",
                "payment_method",
            ),
        }
        if self.register.is_r5:
            elements |= {
                "class": [{"coding": [one["class"]]} for one in reversed(history)],
                "actualPeriod": period,
                "admission": admission,
                "reason": [{"value": [{"concept": {"text": visit["reason"]}}]}],
                "diagnosis": [
                    {"condition": [{"reference": link}], "use": [diagnosis_use(use)]}
                    for use, _, link in conditions
                ],
            }
        else:
            elements |= {
                "class": act,
                "classHistory": history,
                "period": period,
                "hospitalization": admission,
                "reasonCode": [{"text": visit["reason"]}],
                "diagnosis": [
                    {"condition": link, "use": diagnosis_use(use), "rank": rank}
                    for use, rank, link in conditions
                ],
            }
        encounter = self.register.add("Encounter", **elements)
        self._write_measures(visit, patient, encounter)
        return encounter

    def _write_measures(self, visit: Mapping[str, Any], patient: Link, encounter: Link) -> None:
        weights = [("29463-7", visit.get("weight_kg"), "kg")]
        weights += [("8339-4", grams, "g") for grams in visit.get("newborn_weights_g") or ()]
        category = [{"coding": [{"code": "vital-signs"}]}]
        for code, value, unit in weights:
            if value is not None:
                self.register.add(
                    "Observation",
                    status="final",
                    category=category,
                    code={"coding": [{"system": _LOINC, "code": code}]},
                    subject=patient,
                    encounter=encounter,
                    effectiveDateTime=time_of(visit["admitted"]),
                    valueQuantity={"value": Decimal(value), "unit": unit, "code": unit},
                )
        for day in visit.get("follow_up") or ():
            start = time_of(local_day(day) + "0800")
            self.register.add(
                "Appointment",
                status="booked",
                start=start,
                supportingInformation=[encounter],
                participant=[{"actor": patient, "status": "accepted"}],
            )

    def _card(self, card: Mapping[str, Any], patient: Link) -> Resource:
        kind = {"coding": [{"code": "registered-facility"}]}
        period = {"start": day_of(card["from"]), "end": day_of(card.get("to"))}
        elements = {
            "status": "active",
            "beneficiary": patient,
            "period": present(period),
            "extension": own_extensions(card, "percent", "area", "five_years_from", "copay_exempt_from"),
        }
        if self.register.is_r5:
            elements |= {"kind": "insurance", "subscriberId": [{"value": card["card"]}]}
            return elements | {"class": [{"type": kind, "value": {"value": card["registered_at"]}}]}
        elements |= {"payor": [{"display": "Bảo hiểm xã hội Việt Nam"}], "subscriberId": card["card"]}
        return elements | {"class": [{"type": kind, "value": card["registered_at"]}]}
