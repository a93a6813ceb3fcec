"""A claim is built under a later Decision that came as data alone."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from claims.building.build import Built, build_bundle
from claims.bundle.envelope import read_bundle
from claims.bundle.format import forget_format_folders, use_format_folder
from claims.bundle.kinds import TableKind
from claims.bundle.money.settings import ServiceAmount, default_settings
from claims.emr.encounter import read_encounter
from tests.later_decision import FIRST_DAY, write_later_decision
from tests.unit.emr.documents import Document, a_document, a_service


@pytest.fixture(autouse=True)
def later_decision(tmp_path: Path) -> Iterator[None]:
    use_format_folder(write_later_decision(tmp_path))
    yield
    forget_format_folders()


def a_visit(day: str, price: str = "400000", **changes: object) -> Document:
    visit = {
        "admitted": f"{day}T07:30",
        "discharged": f"{day}T09:45",
        "paid": None,
        "record_no": "HS1",
    }
    service = a_service(ordered=f"{day}T07:40", hospital_price=price, insured_price=price)
    return a_document(visit=visit, card={"to": "2035-12-31"}, services=[service], **changes)


def build(document: Document) -> Built:
    return build_bundle([read_encounter(document)], made_on=date(2030, 2, 1))


def test_a_field_that_it_adds_is_passed_through_and_written() -> None:
    built = build(a_visit("2030-01-02", extra={"xml1": {"MA_SO_MOI": "A"}}))

    (claim,) = read_bundle(etree.fromstring(built.bundle)).claims
    summary = claim.find_table(TableKind.XML1)
    assert summary is not None
    assert summary.root.findtext("MA_SO_MOI") == "A"


@pytest.mark.parametrize(
    ("day", "percent"),
    [
        pytest.param("2029-12-31", "80", id="above-15-percent-of-2530000"),
        pytest.param("2030-01-01", "100", id="below-15-percent-of-3000000"),
    ],
)
def test_its_base_salary_counts_from_its_day(day: str, percent: str) -> None:
    (claim,) = build(a_visit(day)).claims

    assert claim.tables[TableKind.XML3][0].fields["MUC_HUONG"] == percent


def test_its_formulas_count_from_its_day() -> None:
    day_before = date(2029, 12, 31)

    amounts = default_settings().service_amount

    assert (amounts.on(day_before), amounts.on(FIRST_DAY)) == (ServiceAmount.WITH_RATE, ServiceAmount.PLAIN)
