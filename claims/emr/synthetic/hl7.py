"""An encounter document as the stream of HL7 v2 messages that a hospital's systems would send about it.

For demonstrations, tests and measurements. Papers, ``extra`` and the flag for cheap visits are not carried:
HL7 has no place for them. What only a Vietnamese claim needs stands in the segments ZBH, ZIN and ZBL.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final

from claims.emr.scalars import birth_time, local_day, local_time

Document = Mapping[str, Any]

_ESCAPES: Final = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"}
)
_OURS: Final = "BYT"
_SECTIONS: Final = {"test": "LAB", "imaging": "RAD", "function": "EC"}
_STRUCTURES: Final = {"A01": "ADT_A01", "A04": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03"}
_CLASSES: Final = {"03": "I", "04": "I", "06": "I", "09": "I"}
_SEXES: Final = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_STRENGTH = re.compile(r"([0-9.]*)(.*)", re.DOTALL)
_PROGRESS_NOTE: Final = "11506-3^Progress note^LN"


def to_hl7(document: Document) -> list[bytes]:
    """Return the messages of one encounter, in the order in which they are sent."""
    return [message.encode() for message in _Stream(document).messages()]


class _Stream:
    """Writes the messages of one encounter."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._visit: Document = document["encounter"]
        self._numbers = count(1)

    def messages(self) -> Iterator[str]:
        """Yield the messages."""
        visit = self._visit
        is_ward = visit["visit_type"] in _CLASSES
        yield self._admission("A01" if is_ward else "A04", visit["admitted"], self._arrival())
        for department in visit["departments"][1:]:
            moved = [self._person()[0], self._place(department)]
            yield self._admission("A02", visit["admitted"], moved)
        for number, item in enumerate(self._document.get("medications", ()), 1):
            yield from self._prescription(f"RX{number}", item)
        for service in self._document.get("services", ()):
            if service.get("order_id"):
                yield self._order(service)
        yield from self._reports()
        for note in self._document.get("notes", ()):
            yield self._note(note)
        yield from self._charges()
        if visit.get("discharged"):
            yield self._admission("A03", visit["discharged"], self._departure())

    # --- envelope --------------------------------------------------------------------------

    def _message(self, kind: str, structure: str, at: str, segments: Sequence[str]) -> str:
        number = next(self._numbers)
        stamp = f"{local_time(at)}{number // 10000 % 60:02d}.{number % 10000:04d}"
        control = f"{self._visit['link_id']}-{number}"
        header = _segment(
            "MSH", {2: "^~\\&", 3: "HIS", 4: _text(self._document["facility"]), 5: "EHOSO", 7: stamp,
                    9: f"{kind}^{structure}", 10: _text(control), 11: "P", 12: "2.5.1", 18: "UNICODE UTF-8"},
        )  # fmt: skip
        return "\r".join([header, *segments]) + "\r"

    def _person(self) -> list[str]:
        """Return PID and PV1, which begin every message."""
        patient = self._document["patient"]
        ids = [f"{_text(patient['id'])}^^^{self._document['facility']}^MR"]
        if patient.get("national_id"):
            ids.append(f"{_text(patient['national_id'])}^^^BCA^NI")
        address = patient["address"]
        return [
            _segment("PID", {
                1: "1", 3: "~".join(ids), 5: _name(patient["name"]), 7: _birth(patient["birth"]),
                8: _SEXES[patient["sex"]],
                11: f"{_text(address['text'])}^^^{_text(address['province'])}^^^^^{_text(address['ward'])}",
                13: _text(patient.get("phone")), 22: _text(patient["ethnicity"]),
                28: _text(patient.get("nationality")),
            }),
            self._place(),
        ]  # fmt: skip

    def _place(self, department: str = "", discharged: str = "") -> str:
        visit = self._visit
        return _segment("PV1", {
            1: "1", 2: _CLASSES.get(visit["visit_type"], "O"),
            3: _location(department or visit["departments"][0]), 4: "E" if visit.get("emergency") else "",
            19: _text(visit["link_id"]), 37: _text(visit.get("to_facility")),
            44: local_time(visit["admitted"]),
            45: discharged, 50: _text(visit["record_no"]),
        })  # fmt: skip

    # --- admission and discharge -----------------------------------------------------------

    def _admission(self, event: str, at: str, segments: list[str]) -> str:
        return self._message(f"ADT^{event}", _STRUCTURES[event], at, [_event(event, at), *segments])

    def _arrival(self) -> list[str]:
        patient, visit = self._document["patient"], self._visit
        observations = [("29463-7^Body weight^LN", visit.get("weight_kg"), "kg")]
        observations += [
            ("8339-4^Birth weight^LN", weight, "g") for weight in visit.get("newborn_weights_g", ())
        ]
        observations.append(("882-1^ABO and Rh group^LN", patient.get("blood_group"), ""))
        given = [(code, _text(value), unit) for code, value, unit in observations if value]
        return [
            *self._person(),
            _segment("PV2", {3: "^" + _text(visit["reason"])}),
            *(
                _segment("OBX", {1: str(n), 2: "NM" if unit else "ST", 3: code, 5: value, 6: unit, 11: "F"})
                for n, (code, value, unit) in enumerate(given, 1)
            ),
            _segment("DG1", {1: "1", 4: _text(self._document["diagnoses"]["entry_text"]), 6: "A"}),
            *self._cards(),
        ]

    def _cards(self) -> Iterator[str]:
        for number, card in enumerate(self._document.get("coverage", ()), 1):
            valid_to = card.get("to")
            yield _segment("IN1", {
                1: str(number), 2: "BHYT", 3: "BHXH", 12: local_day(card["from"]),
                13: local_day(valid_to) if valid_to else "", 36: _text(card["card"]),
            })  # fmt: skip
            exempt = card.get("copay_exempt_from")
            five_years = card.get("five_years_from")
            yield _segment("ZIN", {
                1: _text(card["registered_at"]), 2: _text(card.get("percent")), 3: _text(card.get("area")),
                4: local_day(five_years) if five_years else "", 5: local_day(exempt) if exempt else "",
            })  # fmt: skip

    def _departure(self) -> list[str]:
        person, _ = self._person()
        moved = self._place(self._visit["departments"][-1], local_time(self._visit["discharged"]))
        return [person, moved, *self._diagnoses(), self._beyond_hl7()]

    def _diagnoses(self) -> Iterator[str]:
        diagnoses = self._document["diagnoses"]
        codes = [diagnoses["main"], *diagnoses.get("other", ()), *diagnoses.get("traditional", ())]
        for rank, code in enumerate(codes, 1):
            text = diagnoses["exit_text"] if rank == 1 else ""
            coded = f"{_text(code)}^{_text(text)}^I10"
            yield _segment("DG1", {1: str(rank), 3: coded, 6: "F", 15: str(rank)})

    def _beyond_hl7(self) -> str:
        visit, patient = self._visit, self._document["patient"]
        paid, ward = visit.get("paid"), visit.get("inpatient_from")
        return _segment("ZBH", {
            1: visit["visit_type"], 2: _text(visit.get("case")), 3: visit["outcome"],
            4: visit["discharge_type"],
            5: local_time(paid) if paid else "", 6: local_time(ward) if ward else "",
            7: _text(visit.get("inpatient_reason")), 8: _text(visit.get("inpatient_reason_code")),
            9: _text(visit.get("treatment")), 10: _text(visit.get("from_facility")),
            11: _text(visit.get("transfer_paper")), 12: _text(visit.get("accident")),
            13: "~".join(local_day(day) for day in visit.get("follow_up", ())), 14: _text(visit.get("note")),
            15: _text(visit.get("head_of_facility")), 16: _text(visit.get("payment_method")),
            17: _text(patient["occupation"]),
        })  # fmt: skip

    # --- orders ----------------------------------------------------------------------------

    def _prescription(self, number: str, item: Document) -> Iterator[str]:
        drug = f"{_text(item['code'])}^{_text(item['name'])}^{_OURS}"
        amount, unit = _STRENGTH.fullmatch(item.get("strength") or "").groups()  # type: ignore[union-attr]
        order = _segment("ORC", {
            1: "NW", 2: number, 9: local_time(item["ordered"]), 12: _staff(item["prescriber"]),
        })  # fmt: skip
        route = _segment("RXR", {1: f"{_text(item['route'])}^^{_OURS}"}) if item.get("route") else None
        encoded = _segment("RXE", {
            2: drug, 3: "1", 5: _text(item["unit"]), 6: _text(item.get("form")), 10: _text(item["quantity"]),
            11: _text(item["unit"]), 21: "^" + _text(item["how"]) if item.get("how") else "", 25: amount,
            26: _text(unit),
        })  # fmt: skip
        timing = _segment("TQ1", {1: "1", 11: _text(item.get("dose"))})
        pharmacy = [order, encoded, timing, *([route] if route else [])]
        yield self._message("RDE^O11", "RDE_O11", item["ordered"], [*self._person(), *pharmacy])
        if item.get("given"):
            given = local_time(item["given"])
            handed = _segment("RXD", {1: "1", 2: drug, 3: given, 4: _text(item["quantity"]), 7: number})
            answer = [_segment("ORC", {1: "RE", 2: number}), handed, *([route] if route else [])]
            yield self._message("RDS^O13", "RDS_O13", item["given"], [*self._person(), *answer])

    def _order(self, service: Document) -> str:
        order = _segment("ORC", {
            1: "NW", 2: _text(service["order_id"]), 9: local_time(service["ordered"]),
            12: _staff(service["orderer"]),
        })  # fmt: skip
        request = _segment("OBR", {
            1: "1", 2: _text(service["order_id"]), 4: _service(service), 16: _staff(service["orderer"]),
            24: _SECTIONS.get(service["kind"], ""),
        })  # fmt: skip
        kind, structure = ("OML^O21", "OML_O21") if service["kind"] == "test" else ("ORM^O01", "ORM_O01")
        return self._message(kind, structure, service["ordered"], [*self._person(), order, request])

    # --- results and notes -----------------------------------------------------------------

    def _reports(self) -> Iterator[str]:
        """Yield one message for the results of each order."""
        services = {s["order_id"]: s for s in self._document.get("services", ()) if s.get("order_id")}
        by_order: dict[str, list[Document]] = {}
        for result in self._document.get("results", ()):
            by_order.setdefault(result["order_id"], []).append(result)
        for number, found in by_order.items():
            service = services[number]
            at = service.get("result") or found[0]["at"]
            performed = service.get("performed")
            request = _segment("OBR", {
                1: "1", 2: _text(number), 3: f"F{_text(number)}", 4: _service(service),
                7: local_time(performed) if performed else "", 22: local_time(at),
                24: _SECTIONS.get(service["kind"], ""), 25: "F",
            })  # fmt: skip
            order = _segment("ORC", {1: "RE", 2: _text(number), 3: f"F{_text(number)}"})
            observed = [part for result in found for part in _observations(result)]
            lines = [
                _segment("OBX", {1: str(n), **part, 11: "F", 18: _text(service.get("machine"))})
                for n, part in enumerate(observed, 1)
            ]
            yield self._message("ORU^R01", "ORU_R01", at, [*self._person(), order, request, *lines])

    def _note(self, note: Document) -> str:
        parts = [(_PROGRESS_NOTE, note["text"]), ("11488-4^Consult note^LN", note.get("consult")),
                 ("11504-8^Operative note^LN", note.get("operation"))]  # fmt: skip
        request = _segment("OBR", {1: "1", 4: _PROGRESS_NOTE, 7: local_time(note["at"]), 25: "F"})
        lines = [
            _segment(
                "OBX", {1: str(n), 2: "TX", 3: code, 5: _text(text), 11: "F", 16: _staff(note["author"])}
            )
            for n, (code, text) in enumerate(((code, text) for code, text in parts if text), 1)
        ]
        return self._message("ORU^R01", "ORU_R01", note["at"], [*self._person(), request, *lines])

    # --- charges ---------------------------------------------------------------------------

    def _charges(self) -> Iterator[str]:
        medications = self._document.get("medications", ())
        items = [(f"RX{n}", "medicine", item) for n, item in enumerate(medications, 1)]
        items += [(s.get("order_id") or "", s["kind"], s) for s in self._document.get("services", ())]
        if not items:
            return
        at = self._visit.get("discharged") or self._visit["admitted"]
        lines = []
        for number, (order, kind, item) in enumerate(items, 1):
            lines += [_transaction(number, order, item), _line(kind, item)]
        yield self._message("DFT^P03", "DFT_P03", at, [_event("P03", at), *self._person(), *lines])


def _event(event: str, at: str) -> str:
    return _segment("EVN", {1: event, 2: local_time(at), 6: local_time(at)})


def _transaction(number: int, order: str, item: Document) -> str:
    performed, result = item.get("performed") or item.get("given"), item.get("result")
    times = [local_time(at) if at else "" for at in (performed, result)]
    price, quantity = item.get("hospital_price", item.get("price")), str(item.get("quantity", "1"))
    department, diagnosis, bed = item.get("department"), item.get("diagnosis"), item.get("bed")
    return _segment("FT1", {
        1: str(number), 2: str(number), 4: "^".join(times).rstrip("^"), 6: "CG", 7: _service(item),
        10: quantity, 11: "" if price is None else f"{Decimal(str(price)) * Decimal(quantity):f}",
        12: _text(price), 13: f"{_text(department)}^^{_OURS}" if department else "",
        16: f"^^{_text(bed)}" if bed else "", 19: f"{_text(diagnosis)}^^I10" if diagnosis else "",
        20: "~".join(_staff(who) for who in item.get("performers", ())),
        21: _staff(item.get("orderer") or item.get("prescriber") or ""), 23: _text(order),
    })  # fmt: skip


def _line(kind: str, item: Document) -> str:
    """Return ZBL, what a claim needs of a line beyond its charge."""
    supply, sources = item.get("supply") or {}, item.get("other_sources") or {}
    return _segment("ZBL", {
        1: _text(item.get("insured_price")), 2: _text(item.get("pay_percent")),
        3: _text(item.get("service_percent")), 4: _text(item.get("scope")), 5: _text(item.get("source")),
        6: _text(item.get("ceiling")), 7: _text(sources.get("nsnn")), 8: _text(sources.get("vtnn")),
        9: _text(sources.get("vttn")), 10: _text(sources.get("cl")), 11: _text(item.get("registration")),
        12: _text(item.get("tender") or supply.get("tender")), 13: _text(item.get("group")), 14: kind,
        15: _text(supply.get("package")), 16: _text(supply.get("model")),
        17: "Y" if supply.get("reused") else "", 18: _text(item.get("anesthesia")),
        19: _text(item.get("site")), 20: _text(item.get("for_service")), 21: local_time(item["ordered"]),
        22: _text(item.get("unit")),
    })  # fmt: skip


def _observations(result: Document) -> Iterator[dict[int, str]]:
    """Yield the OBX of one result: its value, or description and impression of a report."""
    at, reader = local_time(result["at"]), _staff(result.get("reader") or "")
    name = _text(result.get("name"))
    if result.get("value") is not None:
        value = _text(result["value"])
        kind = "NM" if re.fullmatch(r"[+-]?\d+(\.\d+)?", value) else "ST"
        index = f"{_text(result.get('index'))}^{name}^{_OURS}"
        yield {2: kind, 3: index, 5: value, 6: _text(result.get("unit")), 16: reader, 19: at}
        return
    for suffix, text in (("GDT", result.get("description")), ("IMP", result.get("conclusion"))):
        if text:
            yield {
                2: "TX",
                3: f"{_text(result.get('index'))}&{suffix}^{name}",
                5: _text(text),
                16: reader,
                19: at,
            }


def _segment(name: str, fields: Mapping[int, str]) -> str:
    """Write a segment from its fields by number; MSH-1 is the separator itself."""
    first = 2 if name == "MSH" else 1
    values = [fields.get(number, "") for number in range(first, max(fields) + 1)]
    return "|".join([name, *values]).rstrip("|")


def _text(value: object) -> str:
    return "" if value is None else str(value).translate(_ESCAPES)


def _name(name: str) -> str:
    """Split a name in the order of Viet Nam into family^given^further given names."""
    family, *rest = name.split()
    return "^".join([_text(family), _text(rest[-1]), _text(" ".join(rest[:-1]))]) if rest else _text(family)


def _birth(text: str) -> str:
    digits = birth_time(text)
    if digits[4:6] == "00":
        return digits[:4]
    return digits[:6] if digits[6:8] == "00" else digits


def _staff(code: str) -> str:
    return f"{_text(code)}^^^^^^^^{_OURS}" if code else ""


def _location(department: str) -> str:
    return f"{_text(department)}^^^^^^^^^^{_OURS}"


def _service(item: Document) -> str:
    return f"{_text(item['code'])}^{_text(item['name'])}^{_OURS}"
