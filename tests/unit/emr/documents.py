"""Encounter documents for tests, of which a test shows only what matters."""

import copy
import json
from typing import Any

_MEDICINE = {
    "code": "40.30", "name": "Thuốc thử", "unit": "Viên", "strength": "500mg", "route": "1.01",
    "dose": "2 viên/ngày", "registration": "VD-00000-00", "tender": "000/QĐ;G1;N1;2026",
    "quantity": "20", "price": "4000", "ordered": "2026-11-02T08:10", "prescriber": "0000000001",
}  # fmt: skip
_SERVICE = {
    "kind": "exam", "code": "02.1897", "name": "Khám Nội", "unit": "Lần", "quantity": "1",
    "hospital_price": "50600", "insured_price": "50600", "ordered": "2026-11-02T07:40",
    "orderer": "0000000001",
}  # fmt: skip
_DOCUMENT = {
    "schema": "encounter/1",
    "facility": "79999",
    "encounter": {
        "link_id": "79999.2611.00001", "record_no": "HS0000001", "visit_type": "01", "case": "1.1",
        "admitted": "2026-11-02T07:30", "discharged": "2026-11-02T09:45", "paid": "2026-11-02T09:50",
        "departments": ["K01"], "reason": "đau đầu", "outcome": "2", "discharge_type": "1", "weight_kg": "60",
    },
    "patient": {
        "id": "BN0000001", "name": "NGUYỄN VĂN THỬ", "national_id": "000080000000", "birth": "1980-01-01",
        "sex": "male", "ethnicity": "01", "occupation": "00000",
        "address": {"text": "Số 0 đường Thử", "province": "79", "ward": "00000"},
    },
    "coverage": [
        {"card": "DN4790000000000", "registered_at": "79999", "from": "2026-01-01", "to": "2026-12-31"},
    ],
    "diagnoses": {"entry_text": "Tăng huyết áp", "exit_text": "Tăng huyết áp", "main": "I10",
    "other": ["E11.9"]},
    "medications": [],
    "services": [],
}  # fmt: skip

Document = dict[str, Any]


def a_medicine(**changes: object) -> Document:
    return {**copy.deepcopy(_MEDICINE), **changes}


def a_service(**changes: object) -> Document:
    return {**copy.deepcopy(_SERVICE), **changes}


def a_document(*, visit: Document | None = None, card: Document | None = None, **changes: object) -> Document:
    """Make a visit with one examination, unless `changes` say what else was done."""
    document: Document = copy.deepcopy(_DOCUMENT)
    document["encounter"].update(visit or {})
    document["coverage"][0].update(card or {})
    if not {"medications", "services"} & changes.keys():
        document["services"] = [a_service()]
    document.update(changes)
    return document


def the_worked_example(
    *,
    with_medicines: bool = True,
    visit: Document | None = None,
    card: Document | None = None,
    extra: Document | None = None,
) -> Document:
    """Make the visit whose amounts the money facts work out by hand."""
    services = [
        a_service(),
        a_service(
            kind="test", code="23.0075.1494", name="Glucose", hospital_price="22400", insured_price="22400"
        ),
        a_service(
            kind="imaging", code="18.0015.0001", name="Siêu âm", hospital_price="58600", insured_price="58600"
        ),
        a_service(
            kind="test", code="22.0120.1370", name="Máu", hospital_price="108000", insured_price="108000"
        ),
    ]
    medications = [
        a_medicine(quantity="100", price="4000"),
        a_medicine(code="40.31", quantity="20", price="5000", pay_percent=50),
    ]
    lines = {"services": services, "medications": medications if with_medicines else []}
    return a_document(visit=visit, card=card, extra=extra or {}, **lines)


def as_json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
