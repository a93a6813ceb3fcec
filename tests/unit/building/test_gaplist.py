"""The gap list names each missing thing once, the most frequent first."""

import pytest

from claims.building.errors import CannotBuild, Reason
from claims.building.gaplist import list_gaps
from claims.building.reasons import told_of_building
from tests.unit.building.built import built
from tests.unit.emr.documents import Document, a_document


def a_gap(pointer: str, code: str, /, **facts: str) -> Reason:
    return Reason(pointer, code, "", is_gap=True, params=tuple(facts.items()))


def test_a_code_is_listed_once_with_its_count() -> None:
    doctor = {"code": "BS1", "file": "staff.csv"}
    reasons = [
        a_gap("/encounter/weight_kg", "value-missing"),
        a_gap("/services/0/orderer", "code-not-mapped", **doctor),
        a_gap("/services/0/performers/0", "code-not-mapped", **doctor),
    ]

    listed = list_gaps([("A", reasons), ("B", reasons[:1])])

    assert [(one.count, one.file, one.item, one.field) for one in listed] == [
        (2, "", "", "encounter.weight_kg"),
        (2, "staff.csv", "BS1", "services.orderer"),
    ]
    assert listed[1].example == "A/services/0/orderer"


def test_what_the_list_will_give_waits_for_the_code() -> None:
    reasons = [
        a_gap("/medications/0/code", "code-not-mapped", code="X", file="drugs.csv"),
        a_gap("/medications/0/price", "no-price", code="X", file="drugs.csv"),
        a_gap("/medications/1/price", "no-price", code="40.30", file="drugs.csv"),
        a_gap("/medications/0/dose", "value-missing"),
    ]

    assert {(one.code, one.item) for one in list_gaps([("A", reasons)])} == {
        ("code-not-mapped", "X"),
        ("no-price", "40.30"),
        ("value-missing", ""),
    }


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param(a_document(coverage=[]), "MA_THE_BHYT", id="no-card"),
        pytest.param(a_document(visit={"low_cost_exempt": False}), "MUC_HUONG", id="exemption"),
    ],
)
def test_a_reason_about_no_row_names_its_field(document: Document, field: str) -> None:
    with pytest.raises(CannotBuild) as caught:
        built(document)

    said = [told_of_building(reason).said["vi"] for reason in caught.value.reasons]

    assert [one.partition(":")[0].partition(" ")[0] for one in said] == [field]


def test_what_is_no_gap_is_not_listed() -> None:
    assert list_gaps([("A", [Reason("", "nothing-to-claim", "")])]) == ()
