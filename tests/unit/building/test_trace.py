"""A trace says of every value where it came from, down to the EMR's items."""

import json
from typing import Any

import pytest

from claims.building.build import BuildSettings, Built
from claims.building.formulas import load_formulas
from claims.building.trace import trace_to_json
from claims.bundle.money import CheapVisitOffRoute, FundTotal, MoneySettings, ServiceAmount, Support, always
from tests.unit.building.built import a_ward_stay, built
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service, the_worked_example

Row = dict[str, Any]


def trace(made: Built) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(trace_to_json(made)))
    return told


def row_of(told: dict[str, Any], table: str, stt: str = "1") -> Row:
    (claim,) = told["claims"]
    (row,) = [row for row in claim["rows"] if (row["table"], row["stt"]) == (table, stt)]
    found: Row = row
    return found


def fields_of(document: Document, table: str, settings: BuildSettings | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = row_of(trace(built(document, settings=settings, draft=True)), table)["fields"]
    return fields


def test_every_value_of_the_bundle_is_told_and_has_a_source() -> None:
    made = built(the_worked_example())

    told = trace(made)

    for row in told["claims"][0]["rows"]:
        (written,) = [
            each.fields for each in made.claims[0].tables[row["table"]] if each.fields["STT"] == row["stt"]
        ]
        assert {name: each["value"] for name, each in row["fields"].items()} == {
            name: value for name, value in written.items() if value
        }
        for each in row["fields"].values():
            assert {"source", "formula", "copied_from"} & each.keys()


def test_why_the_fund_pays_what_it_pays_leads_down_to_the_item() -> None:
    document = the_worked_example()
    document["medications"][1]["origin"] = ["MedicationRequest/7"]

    told = trace(built(document))

    total = row_of(told, "XML1")["fields"]["T_BHTT"]
    assert (total["value"], total["formula"]) == ("551680", "total.sum")
    assert {"table": "XML2", "stt": "2", "field": "T_BHTT", "value": "40000"} in total["sum_of"]
    row = row_of(told, "XML2", "2")
    assert row["sources"] == [{"pointer": "/medications/1", "origin": ["MedicationRequest/7"]}]
    assert row["fields"]["T_BHTT"]["inputs"]["THANH_TIEN_BH"] == "50000"
    assert row["fields"]["THANH_TIEN_BH"]["inputs"] == {
        "SO_LUONG": "20", "DON_GIA": "5000", "TYLE_TT_BH": "50",
    }  # fmt: skip
    assert row["fields"]["DON_GIA"] == {"value": "5000", "source": "/medications/1/price"}


def test_every_formula_that_occurs_is_explained_in_both_languages() -> None:
    formulas = trace(built(the_worked_example()))["claims"][0]["formulas"]

    assert formulas["row.T_BHTT"].keys() == {"expression", "vi", "en", "clause"}
    assert all(all(words.values()) for words in formulas.values())


def test_the_percent_names_its_card_and_its_ground() -> None:
    document = a_ward_stay()
    document["coverage"].append({"card": "HN2790000000000", "registered_at": "79999", "from": "2026-11-04"})
    document["services"] = [
        a_service(ordered=f"2026-11-0{day}T09:00", hospital_price="400000", insured_price="400000")
        for day in (3, 4)
    ]

    told = trace(built(document))

    percent = row_of(told, "XML3", "2")["fields"]["MUC_HUONG"]
    assert (percent["formula"], percent["value"]) == ("benefit.card-times-factor", "100")
    assert (percent["inputs"]["card"], percent["inputs"]["card_percent"]) == ("/coverage/1", "100")
    assert [(share["card"], share["totals"]["T_BHTT"]) for share in told["claims"][0]["shares"]] == [
        ("/coverage/0", "320000"),
        ("/coverage/1", "400000"),
    ]
    assert row_of(told, "XML1")["fields"]["GT_THE_TU"]["source"] == ["/coverage/0/from", "/coverage/1/from"]


def test_what_nobody_gave_is_marked_missing() -> None:
    fields = fields_of(a_document(medications=[a_medicine(price=None)]), "XML2")

    assert fields["DON_GIA"] == {"value": "0", "source": "/medications/0/price", "missing": True}


def test_what_the_hospital_passed_through_is_told_as_such() -> None:
    fields = fields_of(a_document(extra={"xml3": {"1": {"MA_BENH": "E11.9"}}}), "XML3")

    assert fields["MA_BENH"] == {"value": "E11.9", "source": "/extra/xml3/1/MA_BENH"}


def test_the_rules_of_the_day_are_told() -> None:
    rules = trace(built(a_document()))["claims"][0]["rules"]

    assert (rules["base_salary"], rules["cheap_visit_below"]) == ("2530000", "379500")
    assert rules["is_cheap_visit"] is True
    assert rules["settings"]["service_amount"] == "with-rate"


def test_a_result_is_traced_to_the_service_that_ordered_it() -> None:
    document = a_document(
        services=[a_service(), a_service(kind="test", code="23.0075.1494", order_id="OD1")],
        results=[{"order_id": "OD1", "index": "23.0075", "value": "5.6", "at": "2026-11-02T09:00"}],
    )

    assert fields_of(document, "XML4")["MA_DICH_VU"]["source"] == "/services/1/code"


def test_a_paper_is_copied_from_the_summary() -> None:
    document = a_ward_stay()
    document["documents"] = {"discharge": {}}

    fields = fields_of(document, "XML7")

    assert fields["NGAY_VAO"]["copied_from"] == {"table": "XML1", "field": "NGAY_VAO"}


def settings(**answers: object) -> BuildSettings:
    return BuildSettings(money=MoneySettings(**{name: always(each) for name, each in answers.items()}))  # type: ignore[arg-type] # any setting


_DEAR = {"hospital_price": "400000", "insured_price": "400000"}
_SUPPLY = {"kind": "supply", "code": "N06.01.010"}
_PACKAGE = a_service(
    **_SUPPLY, hospital_price="200000000", insured_price="200000000", supply={"package": "G1"}
)


_COMPUTED = [
    pytest.param(a_document(visit={"link_id": None}), "XML1", "MA_LK", "key.MA_LK", None, id="link-id"),
    pytest.param(a_document(), "XML3", "STT", "key.STT", None, id="number"),
    pytest.param(a_document(), "XML3", "MA_NHOM", "group.service", None, id="group"),
    pytest.param(
        a_document(medications=[a_medicine()]), "XML2", "MA_NHOM", "group.medicine", None, id="medicine"
    ),
    pytest.param(
        a_document(services=[a_service(scope="2")]),
        "XML3",
        "TYLE_TT_BH",
        "rate.outside-scope",
        None,
        id="rate-outside",
    ),
    pytest.param(a_document(), "XML3", "TYLE_TT_BH", "rate.default", None, id="rate"),
    pytest.param(
        a_document(services=[a_service(code="02.0001.0002_TB")]),
        "XML3",
        "DON_GIA_BV",
        "price.not-performed",
        None,
        id="not-performed",
    ),
    pytest.param(
        a_document(services=[a_service(code="02.0001.0000")]),
        "XML3",
        "DON_GIA_BH",
        "price.without-insured",
        None,
        id="without-insured",
    ),
    pytest.param(
        a_document(services=[a_service(scope="2", insured_price=None)]),
        "XML3",
        "DON_GIA_BH",
        "price.outside-scope",
        None,
        id="price-outside",
    ),
    pytest.param(
        a_document(services=[a_service(**_SUPPLY, insured_price=None)]),
        "XML3",
        "DON_GIA_BH",
        "price.supply",
        None,
        id="supply",
    ),
    pytest.param(
        a_document(services=[a_service(**_SUPPLY, ceiling="100")]),
        "XML3",
        "DON_GIA_BH",
        "price.ceiling",
        None,
        id="ceiling",
    ),
    pytest.param(
        a_document(services=[a_service(**_SUPPLY, supply={"reused": True})]),
        "XML3",
        "DON_GIA_BV",
        "price.reused",
        None,
        id="reused",
    ),
    pytest.param(
        the_worked_example(), "XML2", "THANH_TIEN_BV", "xml2.THANH_TIEN_BV", None, id="medicine-cost"
    ),
    pytest.param(
        the_worked_example(), "XML2", "THANH_TIEN_BH", "xml2.THANH_TIEN_BH", None, id="medicine-insured"
    ),
    *(
        pytest.param(
            a_document(),
            "XML3",
            f"THANH_TIEN_{part}",
            f"xml3.THANH_TIEN_{part}.{told}",
            settings(service_amount=way),
            id=f"{way}-{part}",
        )
        for way, part, told in (
            (ServiceAmount.PLAIN, "BV", "plain"),
            (ServiceAmount.PLAIN, "BH", "plain"),
            (ServiceAmount.WITH_RATE, "BV", "with-rate"),
            (ServiceAmount.WITH_RATE, "BH", "with-rate"),
            (ServiceAmount.DIFFERENCE_WAIVED, "BV", "difference-waived"),
            (ServiceAmount.DIFFERENCE_WAIVED, "BH", "with-rate"),
        )
    ),
    pytest.param(
        a_document(services=[a_service(other_sources={"cl": "100"})]),
        "XML3",
        "THANH_TIEN_BH",
        "support.THANH_TIEN_BH",
        settings(support=Support.FACILITY),
        id="support",
    ),
    pytest.param(a_document(), "XML3", "T_NGUONKHAC", "row.T_NGUONKHAC", None, id="others"),
    *(
        pytest.param(a_document(), "XML3", name, f"row.{name}", None, id=name)
        for name in ("T_BNTT", "T_BNCCT", "T_BHTT")
    ),
    pytest.param(
        a_document(medications=[a_medicine(other_sources={"cl": "100"})]),
        "XML2",
        "T_BNCCT",
        "row.copayment-first",
        settings(copayment_supported_medicines=frozenset({"40.30"})),
        id="copayment-first",
    ),
    pytest.param(
        a_document(services=[_PACKAGE]), "XML3", "T_BHTT", "row.package-ceiling", None, id="package"
    ),
    pytest.param(
        a_document(services=[a_service(**_DEAR)]),
        "XML3",
        "MUC_HUONG",
        "benefit.card-times-factor",
        None,
        id="card",
    ),
    pytest.param(
        a_document(visit={"case": "1.2"}), "XML3", "MUC_HUONG", "benefit.whole-case", None, id="whole"
    ),
    pytest.param(a_document(), "XML3", "MUC_HUONG", "benefit.cheap-visit", None, id="cheap"),
    pytest.param(
        a_document(visit={"case": "1.14"}),
        "XML3",
        "MUC_HUONG",
        "benefit.cheap-visit-off-route",
        settings(cheap_visit_off_route=CheapVisitOffRoute.FACTOR_ALONE),
        id="cheap-off-route",
    ),
    pytest.param(
        a_document(services=[a_service(**_DEAR)], card={"copay_exempt_from": "2026-10-01"}),
        "XML3",
        "MUC_HUONG",
        "benefit.copayment-exempt",
        None,
        id="exempt",
    ),
    pytest.param(
        a_document(visit={"case": "9"}), "XML3", "MUC_HUONG", "benefit.not-insured", None, id="not-insured"
    ),
    pytest.param(a_document(coverage=[]), "XML3", "MUC_HUONG", "benefit.no-card", None, id="no-card"),
    pytest.param(
        a_document(medications=[a_medicine(source="2")]),
        "XML2",
        "MUC_HUONG",
        "benefit.other-supplier",
        None,
        id="other-supplier",
    ),
    pytest.param(a_document(), "XML1", "T_TONGCHI_BH", "total.sum", None, id="sum"),
    pytest.param(
        a_document(),
        "XML1",
        "T_BHTT",
        "total.scope-less-copayment",
        settings(fund_total=FundTotal.SCOPE_LESS_COPAYMENT),
        id="scope-less-copayment",
    ),
    pytest.param(a_document(), "XML1", "SO_NGAY_DTRI", "visit.SO_NGAY_DTRI", None, id="days"),
    pytest.param(a_document(), "XML1", "THANG_QT", "visit.month", None, id="month"),
    pytest.param(
        a_document(visit={"case": None, "emergency": True}),
        "XML1",
        "MA_DOITUONG_KCB",
        "visit.emergency",
        None,
        id="emergency",
    ),
]


def test_every_formula_is_tried_here() -> None:
    assert {str(case.values[3]) for case in _COMPUTED} == set(load_formulas())


@pytest.mark.parametrize(("document", "table", "field", "formula", "answers"), _COMPUTED)
def test_each_computed_field_names_its_formula(
    document: Document, table: str, field: str, formula: str, answers: BuildSettings | None
) -> None:
    found = fields_of(document, table, answers)[field]

    assert found["formula"] == formula
