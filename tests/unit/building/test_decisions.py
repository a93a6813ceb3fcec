"""Tables and formulas follow the Decision of the day, or the one that is asked for."""

import pytest

from claims.building.build import BuildSettings
from claims.bundle.kinds import TableKind
from tests.unit.building.built import built, codes, refusals, rows, summary
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service


def a_visit_on(day: str) -> Document:
    """Make a visit with a second examination of a day, paid at 30 %, and a medicine that was handed out."""
    visit = {"admitted": f"{day}T07:30", "discharged": f"{day}T09:45", "paid": None}
    medicine = a_medicine(ordered=f"{day}T08:00", given=f"{day}T09:00", quantity="1000")
    return a_document(
        visit=visit,
        card={"from": "2023-01-01", "to": "2027-12-31"},
        services=[a_service(ordered=f"{day}T07:40", service_percent=30)],
        medications=[medicine],
    )


@pytest.mark.parametrize(
    ("day", "decision", "amount", "has_time"),
    [
        pytest.param("2024-06-30", "130", "50600", False, id="130"),
        pytest.param("2024-07-01", "4750", "15180", True, id="4750"),
        pytest.param("2025-01-01", "3176", "15180", True, id="3176"),
        pytest.param("2026-07-01", "3176", "15180", True, id="1931"),
    ],
)
def test_the_day_the_visit_ends_decides(day: str, decision: str, amount: str, *, has_time: bool) -> None:
    (claim,) = built(a_visit_on(day)).claims

    assert claim.basis.layout.decision_in_use == decision
    assert claim.tables[TableKind.XML3][0].fields["THANH_TIEN_BV"] == amount
    assert ("NGAY_TH_YL" in claim.tables[TableKind.XML2][0].fields) is has_time


def test_another_decision_can_be_asked_for() -> None:
    document = a_visit_on("2026-11-02")
    settings = BuildSettings(decision="130")

    assert rows(document, TableKind.XML3, settings)[0]["THANH_TIEN_BV"] == "50600"
    assert "NGAY_TH_YL" not in rows(document, TableKind.XML2, settings)[0]
    assert "NHOM_MAU" not in summary(document, settings)
    assert codes(built(document, settings=settings)) == ["BUILD.decision-outside-its-time"]


def test_a_later_decision_brings_its_formulas_to_an_earlier_day() -> None:
    document, settings = a_visit_on("2024-06-30"), BuildSettings(decision="4750")

    assert rows(document, TableKind.XML3, settings)[0]["THANH_TIEN_BV"] == "15180"
    assert rows(document, TableKind.XML2, settings)[0]["NGAY_TH_YL"] == "202406300900"
    assert codes(built(document, settings=settings)) == ["BUILD.decision-outside-its-time"]


def test_the_salary_stays_that_of_the_day_under_another_decision() -> None:
    (claim,) = built(a_visit_on("2026-11-02"), settings=BuildSettings(decision="4750")).claims

    assert claim.basis.rules.base_salary == 2_530_000


def test_the_decision_in_force_may_be_named() -> None:
    document = a_visit_on("2026-11-02")

    named = built(document, settings=BuildSettings(decision="3176"))

    assert named.bundle == built(document).bundle
    assert codes(named) == []


def test_a_decision_that_does_not_exist_is_refused() -> None:
    settings = BuildSettings(decision="9999")

    assert refusals(a_document(), settings=settings) == [(0, "/encounter/discharged", "no-schema")]


def test_visits_under_two_decisions_share_no_bundle() -> None:
    later = a_visit_on("2025-01-01")
    later["encounter"]["link_id"] = "2"

    assert refusals(a_visit_on("2024-12-31"), later) == [(0, "/encounter/discharged", "decisions-differ")]


@pytest.mark.parametrize(
    ("case", "day", "visit_type", "percent"),
    [
        ("1.2", "2025-06-30", "01", "80"),
        ("1.2", "2025-07-01", "01", "100"),
        ("1.14", "2026-06-30", "01", "0"),
        ("1.14", "2026-07-01", "01", "40"),
        ("3.1", "2026-07-01", "03", "32"),
        ("3.1", "2026-07-01", "01", "0"),
        ("3.1", "2025-06-30", "03", "32"),
        ("3.3", "2025-06-30", "01", "80"),
    ],
)
def test_what_a_case_is_worth_follows_the_day(case: str, day: str, visit_type: str, percent: str) -> None:
    document = a_visit_on(day)
    document["encounter"] |= {"case": case, "visit_type": visit_type}

    assert rows(document, TableKind.XML2)[0]["MUC_HUONG"] == percent
