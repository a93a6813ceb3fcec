"""The gap list names each missing thing once, the most frequent first."""

from claims.building.errors import Reason
from claims.building.gaplist import list_gaps


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


def test_what_is_no_gap_is_not_listed() -> None:
    assert list_gaps([("A", [Reason("", "nothing-to-claim", "")])]) == ()
