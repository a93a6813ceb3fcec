"""What was done in an encounter as FHIR resources: medicines, services, results, notes, prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from claims.emr.synthetic.fhir_elements import (
    ICD_10,
    OWN,
    Link,
    Register,
    Resource,
    concept_of,
    measured_value,
    narrative_of,
    own_concept,
    own_extensions,
    present,
    quantity_of,
    time_of,
)

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_SNOMED: Final = "http://snomed.info/sct"
_ORDER_CATEGORIES: Final = {"test": "108252007", "imaging": "363679005", "surgery": "387713003"}
_REPORT_CATEGORIES: Final = {"test": "LAB", "imaging": "RAD", "function": "EC"}


@dataclass(slots=True)
class Lines:
    """Writes what was done in an encounter."""

    writer: Register
    patient: Link
    encounter: Link

    def _add(self, kind: str, /, **elements: object) -> Link:
        return self.writer.add(kind, subject=self.patient, encounter=self.encounter, **elements)

    # --- medicines -----------------------------------------------------------------------------

    def write_medicine(self, given: Mapping[str, Any]) -> None:
        """Write a medicine: its request, its dispense, and its price."""
        writer = self.writer
        drug = own_concept("drug", given["code"], given.get("name"))
        medication = (
            {"medication": {"concept": drug}} if writer.is_r5 else {"medicationCodeableConcept": drug}
        )
        dosage = present(
            {
                "text": given.get("dose"),
                "patientInstruction": given.get("how"),
                "route": own_concept("route", given.get("route")),
            }
        )
        request = self._add(
            "MedicationRequest",
            status="completed",
            intent="order",
            **medication,
            authoredOn=time_of(given["ordered"]),
            requester=writer.person(given.get("prescriber")),
            dosageInstruction=[dosage] if dosage else None,
        )
        within = {"encounter" if writer.is_r5 else "context": self.encounter}
        dispense = writer.add(
            "MedicationDispense",
            status="completed",
            **medication,
            subject=self.patient,
            **within,
            authorizingPrescription=[request],
            quantity=quantity_of(given.get("quantity"), given.get("unit")),
            whenHandedOver=time_of(given.get("given")),
            extension=own_extensions(
                given, "strength", "form", "registration", "tender", "source", "for_service"
            ),
        )
        self._charge(given, drug, dispense, price=given.get("price"))

    # --- services ------------------------------------------------------------------------------

    def write_service(self, given: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> None:
        """Write a service with its results and its price; an exam or bed is a charge alone."""
        kind = str(given["kind"])
        is_supply = kind == "supply"
        code = own_concept("supply" if is_supply else "service", given["code"], given.get("name"))
        link: Link | None = None
        if is_supply:
            link = self._supply(given, code)
        elif kind in {"test", "imaging", "function"} or results:
            link = self._order(given, code)
            self._report(given, code, link, results)
        elif kind in {"procedure", "surgery"}:
            link = self._procedure(given, code, self._order(given, code))
        self._charge(given, code, link, price=given.get("hospital_price"))

    def _order(self, given: Mapping[str, Any], code: Resource) -> Link:
        category = _ORDER_CATEGORIES.get(str(given["kind"]))
        return self._add(
            "ServiceRequest",
            status="completed",
            intent="order",
            authoredOn=time_of(given["ordered"]),
            code={"concept": code} if self.writer.is_r5 else code,
            category=[{"coding": [{"system": _SNOMED, "code": category}]}] if category else None,
            requester=self.writer.person(given.get("orderer")),
            occurrenceDateTime=time_of(given.get("performed")),
        )

    def _procedure(self, given: Mapping[str, Any], code: Resource, order: Link) -> Link:
        category = concept_of(_SNOMED, _ORDER_CATEGORIES.get(str(given["kind"])))
        period = present({"start": time_of(given.get("performed")), "end": time_of(given.get("result"))})
        actors = [{"actor": self.writer.person(one)} for one in given.get("performers") or ()]
        name = "occurrencePeriod" if self.writer.is_r5 else "performedPeriod"
        return self._add(
            "Procedure",
            status="completed",
            code=code,
            basedOn=[order],
            performer=actors or None,
            category=([category] if self.writer.is_r5 else category) if category else None,
            **{name: period or None},
        )

    def _supply(self, given: Mapping[str, Any], code: Resource) -> Link:
        supplied = {
            "itemCodeableConcept": code,
            "quantity": quantity_of(given.get("quantity", "1"), given.get("unit")),
        }
        period = present({"start": time_of(given.get("performed")), "end": time_of(given.get("result"))})
        # Neither release lets a delivery name its encounter; in a bundle of one encounter it need not.
        return self.writer.add(
            "SupplyDelivery",
            status="completed",
            patient=self.patient,
            occurrencePeriod=period or None,
            suppliedItem=[supplied] if self.writer.is_r5 else supplied,
        )

    def _report(
        self, given: Mapping[str, Any], code: Resource, order: Link, results: Sequence[Mapping[str, Any]]
    ) -> None:
        category = _REPORT_CATEGORIES.get(str(given["kind"]), "LAB")
        described = [one for one in results if not one.get("index") and category != "LAB"]
        measured = [self._observation(one, order, given) for one in results if one not in described]
        first = results[0] if results else {}
        of_image = described[0] if described else {}
        self._add(
            "DiagnosticReport",
            status="final",
            basedOn=[order],
            result=measured or None,
            code={"text": of_image["name"]} if of_image.get("name") else code,
            category=[
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": category}]}
            ]
            if described or category == "LAB"
            else None,
            effectiveDateTime=time_of(given.get("performed")),
            issued=time_of(first.get("at") or given.get("result")),
            performer=[link for one in given.get("performers") or () if (link := self.writer.person(one))]
            or None,
            resultsInterpreter=[link] if (link := self.writer.person(first.get("reader"))) else None,
            conclusion=of_image.get("conclusion"),
            extension=own_extensions(given, "machine"),
            text=narrative_of(of_image["description"]) if of_image.get("description") else None,
        )

    def _observation(self, one: Mapping[str, Any], order: Link, given: Mapping[str, Any]) -> Link:
        value = one.get("value")
        code = own_concept("index", one.get("index"))
        return self._add(
            "Observation",
            status="final",
            category=[concept_of(_CATEGORY, "laboratory")],
            basedOn=[order],
            code=present({**code, "text": one.get("name")}),
            effectiveDateTime=time_of(given.get("performed")),
            issued=time_of(one.get("at")),
            extension=own_extensions(one, "description", "conclusion"),
            **measured_value(value, one.get("unit")),
        )

    def _charge(
        self, given: Mapping[str, Any], code: Resource, of: Link | None, *, price: str | None
    ) -> None:
        writer = self.writer
        quantity = given.get("quantity") or "1"
        period = present({"start": time_of(given.get("performed")), "end": time_of(given.get("result"))})
        names = (
            "kind",
            "group",
            "unit",
            "insured_price",
            "ceiling",
            "service_percent",
            "pay_percent",
            "scope",
            "bed",
            "anesthesia",
            "machine",
        )
        sources = {
            f"other_source_{name}": value for name, value in (given.get("other_sources") or {}).items()
        }
        supply = {f"supply_{name}": value for name, value in (given.get("supply") or {}).items()}
        extras = own_extensions({**given, **sources, **supply}, *names, *sources, *supply)
        service = [{"reference": of}] if writer.is_r5 else [of]
        writer.add(
            "ChargeItem",
            status="billable",
            code=code,
            subject=self.patient,
            **{"encounter" if writer.is_r5 else "context": self.encounter},
            service=service if of else None,
            quantity=quantity_of(quantity, given.get("unit")),
            **self._price(price, Decimal(quantity)),
            enteredDate=time_of(given["ordered"]),
            enterer=writer.person(given.get("orderer")),
            occurrencePeriod=period or None,
            extension=extras,
            performer=[{"actor": writer.person(one)} for one in given.get("performers") or ()] or None,
            reason=self._reason(given.get("diagnosis")),
            bodysite=self._site(given.get("site")),
        )

    def _price(self, price: str | None, quantity: Decimal) -> Resource:
        if price is None:
            return {}
        if self.writer.is_r5:
            amount = {"value": Decimal(price), "currency": "VND"}
            return {"unitPriceComponent": {"type": "base", "amount": amount}}
        return {"priceOverride": {"value": Decimal(price) * quantity, "currency": "VND"}}

    def _reason(self, diagnosis: str | None) -> list[Resource] | None:
        return [concept_of(ICD_10, diagnosis)] if diagnosis else None

    def _site(self, site: str | None) -> list[Resource] | None:
        return [concept_of(OWN + "site", site)] if site else None

    # --- notes ---------------------------------------------------------------------------------

    def write_note(self, note: Mapping[str, Any]) -> None:
        """Write a note."""
        self._add(
            "ClinicalImpression",
            status="completed",
            date=time_of(note["at"]),
            description=note["text"],
            extension=own_extensions(note, "stage", "consult", "operation"),
            **{"performer" if self.writer.is_r5 else "assessor": self.writer.person(note.get("author"))},
        )
