"""Segments that nothing is read from are said by name, at the first of each."""

import msgspec
import pytest

from claims.emr.hl7.options import Hl7Options
from tests.unit.emr.hl7.messages import ft1, msg, obr, obx, order, pv1, read, seg

_AT = "20261102080000"


def _unread(*messages: bytes, options: Hl7Options | None = None) -> list[tuple[str, str]]:
    oddities = read(*messages, options=options).oddities
    return [(one.pointer, one.detail.partition(":")[0]) for one in oddities if one.code == "segment-not-read"]


def test_each_name_is_said_once_with_how_many_there_are() -> None:
    first = msg("ADT^A08", "A2", _AT, pv1(), seg("AL1", {1: "1"}), seg("AL1", {1: "2"}))
    second = msg("ADT^A08", "A3", _AT, pv1(), seg("AL1", {1: "1"}), seg("ZKQ", {2: "7"}))

    assert _unread(first, second) == [("ADT^A08 A2/AL1[1]", "3 × AL1"), ("ADT^A08 A3/ZKQ[1]", "1 × ZKQ")]


def test_a_segment_that_a_place_names_is_read() -> None:
    options = msgspec.structs.replace(Hl7Options(), places={"visit.outcome": ("ZKQ-2",)})

    assert _unread(msg("ADT^A08", "A2", _AT, pv1(), seg("ZKQ", {2: "7"})), options=options) == []


@pytest.mark.parametrize(
    "segment", [ft1(), seg("PR1", {9: "1"}), seg("ZBL", {1: "1"})], ids=["FT1", "PR1", "ZBL"]
)
def test_what_belongs_to_a_charge_is_read_of_charges_alone(segment: str) -> None:
    name = segment[:3]

    assert _unread(msg("DFT^P03", "D1", _AT, pv1(), ft1(), segment)) == []
    assert _unread(msg("ORM^O01", "O1", _AT, pv1(), order("OD1"), obr("OD1"), segment)) == [
        (f"ORM^O01 O1/{name}[1]", f"1 × {name}")
    ]


def test_an_observation_is_read_as_a_result_or_for_what_it_tells_of_the_visit() -> None:
    weight = obx("60", f3="29463-7^Weight^LN", f6="kg")

    assert _unread(msg("ORU^R01", "R1", _AT, pv1(), obr("OD1"), obx("5.6"), weight)) == []
    assert _unread(msg("ADT^A08", "A2", _AT, pv1(), weight, obx("5.6"))) == [("ADT^A08 A2/OBX[2]", "1 × OBX")]
