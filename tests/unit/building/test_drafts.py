"""A draft is built in spite of every gap, and says each; what is a contradiction still refuses."""

from datetime import datetime

import pytest

from claims.bundle.findings import Severity
from claims.bundle.kinds import TableKind
from claims.checking.check import check_bundle
from claims.emr.scalars import VIETNAM
from tests.unit.building.built import built, codes, refusals
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service


def rows_of_draft(document: Document, kind: TableKind) -> list[dict[str, str]]:
    (claim,) = built(document, draft=True).claims
    return [dict(row.fields) for row in claim.tables.get(kind, ())]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(
            a_document(services=[a_service(code_system="LOINC", code="2345-7")]), "code-not-mapped", id="code"
        ),
        pytest.param(a_document(medications=[a_medicine(price=None)]), "no-price", id="price"),
        pytest.param(a_document(medications=[a_medicine(quantity=None)]), "no-quantity", id="quantity"),
        pytest.param(a_document(medications=[a_medicine(dose=None)]), "value-missing", id="dose"),
        pytest.param(
            a_document(services=[a_service(insured_price=None)]), "no-insured-price", id="insured-price"
        ),
        pytest.param(a_document(visit={"case": None}), "no-case", id="case"),
        pytest.param(a_document(visit={"case": "7.2"}), "factor-unknown", id="factor"),
        pytest.param(a_document(coverage=[]), "no-card", id="card"),
        pytest.param(a_document(card={"card": "7900000000"}), "percent-unknown", id="percent"),
        pytest.param(a_document(card={"to": "2026-11-01"}), "no-card-on-that-day", id="card-ended"),
        pytest.param(a_document(visit={"departments": ["K01", "K02"]}), "no-department", id="department"),
    ],
)
def test_a_gap_refuses_a_claim_and_is_a_finding_of_a_draft(document: Document, code: str) -> None:
    assert code in {reason for _, _, reason in refusals(document)}

    findings = [
        finding for finding in built(document, draft=True).findings if finding.code == f"BUILD.{code}"
    ]

    assert findings
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert all(dict(finding.params)["source"] for finding in findings)
    assert {finding.location.claim for finding in findings} == {1}


def test_a_draft_keeps_the_source_code_and_takes_missing_prices_as_zero() -> None:
    document = a_document(
        medications=[a_medicine(code="313782", code_system="RxNorm", price=None)],
        services=[a_service(code="2345-7", code_system="LOINC", hospital_price=None, insured_price=None)],
    )

    (medicine,) = rows_of_draft(document, TableKind.XML2)
    (service,) = rows_of_draft(document, TableKind.XML3)

    assert (medicine["MA_THUOC"], medicine["DON_GIA"], medicine["T_BHTT"]) == ("313782", "0", "0")
    assert (service["MA_DICH_VU"], service["DON_GIA_BV"], service["DON_GIA_BH"]) == ("2345-7", "0", "0")


def test_a_service_whose_price_nobody_gave_costs_nobody_anything() -> None:
    document = a_document(services=[a_service(hospital_price=None, insured_price="50600")])

    (row,) = rows_of_draft(document, TableKind.XML3)

    assert [row[name] for name in ("DON_GIA_BV", "DON_GIA_BH", "T_BHTT", "T_BNTT")] == ["0", "0", "0", "0"]


def test_without_a_case_the_fund_pays_nothing_of_a_draft() -> None:
    (row,) = rows_of_draft(a_document(visit={"case": None}), TableKind.XML3)

    assert (row["MUC_HUONG"], row["T_BHTT"], row["T_BNCCT"]) == ("0", "0", "50600")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(a_document(visit={"discharged": None}), "still-open", id="open"),
        pytest.param(a_document(services=[]), "nothing-to-claim", id="nothing"),
        pytest.param(a_document(visit={"discharged": "2026-11-01"}), "ends-before-it-begins", id="backwards"),
        pytest.param(
            a_document(services=[a_service(insured_price="50601")]),
            "insured-price-above-hospital",
            id="insured-more-than-asked",
        ),
        pytest.param(
            a_document(services=[a_service(other_sources={"cl": "50601"})]),
            "other-sources-too-large",
            id="other-sources",
        ),
        pytest.param(
            a_document(extra={"xml3": {"1": {"T_BHTT": "1"}}}), "differs-from-computed", id="amount"
        ),
        pytest.param(a_document(extra={"xml1": {"KHONG_CO": "1"}}), "unknown-field", id="field"),
    ],
)
def test_a_contradiction_refuses_a_draft_too(document: Document, code: str) -> None:
    assert code in {reason for _, _, reason in refusals(document, draft=True)}


def test_an_amount_that_cannot_be_worked_out_yet_contradicts_nothing() -> None:
    document = a_document(
        medications=[a_medicine(price=None, other_sources={"cl": "100"})],
        extra={"xml1": {"T_BHTT": "551680"}},
        visit={"low_cost_exempt": True},
    )

    found = codes(built(document, draft=True))

    assert {"BUILD.no-price", "BUILD.differs-from-computed", "BUILD.other-sources-too-large"} <= set(found)


def test_a_draft_without_gaps_is_the_claim_itself() -> None:
    assert built(a_document(), draft=True) == built(a_document())


def test_every_gap_is_listed_at_once() -> None:
    document = a_document(
        visit={"case": None},
        coverage=[],
        medications=[a_medicine(price=None), a_medicine(dose=None)],
    )

    found = {reason for _, _, reason in refusals(document)}

    assert {"no-case", "no-card", "no-price", "value-missing"} <= found


def test_the_check_reads_a_draft() -> None:
    document = a_document(medications=[a_medicine(code_system="RxNorm", price=None)], coverage=[])
    at = datetime(2026, 11, 3, 12, tzinfo=VIETNAM)

    report = check_bundle(built(document, draft=True).bundle, at=at)

    assert [claim.ma_lk for claim in report.claims] == ["79999.2611.00001"]


def test_a_draft_of_a_visit_before_all_decisions_follows_the_first() -> None:
    long_ago = {"admitted": "1995-03-04T07:30", "discharged": "1995-03-04T09:45"}

    bundle = built(a_document(visit=long_ago), draft=True)

    assert bundle.claims[0].basis.layout.decision_in_use == "130"
    assert {"BUILD.decision-outside-its-time", "BUILD.no-money-rules"} <= {
        one.code for one in bundle.findings
    }
    assert "no-schema" in {reason for _, _, reason in refusals(a_document(visit=long_ago))}
