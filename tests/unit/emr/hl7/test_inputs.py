"""Several inputs are read as one stream: what comes of it is told once, of the input that it belongs to."""

from claims.emr.hl7.inputs import read_hl7_inputs
from claims.emr.hl7.options import Hl7Options
from claims.emr.inputs import ReadEncounters
from tests.unit.emr.hl7.messages import ARRIVAL, DEPARTURE, codes, ft1, msg, obr, obx, order, pv1, seg

_AT = "20261102080000"
_CHARGE = msg("DFT^P03", "D1", _AT, pv1(), ft1())
_RESULT = msg("ORU^R01", "R1", _AT, seg("PID", {3: "BN1^^^BV^MR"}), obr("OD1"), obx("5.6"))


def _read(*inputs: bytes) -> list[ReadEncounters]:
    return list(read_hl7_inputs(inputs, options=Hl7Options()))


def _visit(number: str, *, facility: str = "79999") -> bytes:
    ordered = msg("OML^O21", "O1", _AT, pv1(), order("OD1"), obr("OD1"))
    whole = ARRIVAL + ordered + DEPARTURE
    whole = whole.replace(b"|V1|", f"|{number}|".encode()).replace(b"|79999|", f"|{facility}|".encode())
    return whole.replace(b"|A1|", f"|A1{number}|".encode()).replace(b"|A9|", f"|A9{number}|".encode())


def test_a_visit_is_of_the_first_input_that_names_it() -> None:
    first, second = _read(ARRIVAL, _CHARGE + DEPARTURE)

    assert [len(one.services) for one in first.encounters] == [1]
    assert second.encounters == ()


def test_visits_of_one_number_in_two_facilities_are_both_built_each_from_its_input() -> None:
    read = _read(_visit("V1", facility="79001"), _visit("V1", facility="79002"))

    assert [[one.facility for one in part.encounters] for part in read] == [["79001"], ["79002"]]


def test_an_input_that_does_not_know_the_facility_has_the_visit_all_the_same() -> None:
    first, second = _read(_CHARGE.replace(b"|79999|", b"||"), ARRIVAL + DEPARTURE)

    assert [one.facility for one in first.encounters] == ["79999"]
    assert second.encounters == ()


def test_what_belongs_to_visits_of_several_inputs_is_refused() -> None:
    *_, last = _read(_visit("V1"), _visit("V2"), _RESULT)

    assert [(one.encounter, one.code) for one in last.refused] == [("ORU^R01 R1", "ambiguous-visit")]


def test_what_another_input_brings_is_not_refused() -> None:
    first, second = _read(_RESULT, _visit("V1"))

    assert (first.refused, second.refused) == ((), ())
    assert [len(one.results) for one in second.encounters] == [1]


def test_a_visit_that_came_again_after_its_cancellation_is_not_refused() -> None:
    again = msg("ADT^A04", "A8", "20261102073300", pv1()) + _CHARGE + DEPARTURE

    first, second = _read(ARRIVAL + msg("ADT^A11", "A2", "20261102073200", pv1()), again)

    assert (first.refused, second.refused) == ((), ())
    assert len(first.encounters) + len(second.encounters) == 1


def test_what_is_odd_about_several_inputs_together_is_told() -> None:
    other = msg("ADT^A08", "A2", "20261102073200", seg("PID", {3: "BN2^^^BV^MR"}), pv1())

    read = _read(ARRIVAL + _CHARGE, other + DEPARTURE)

    assert "patients-differ" in {code for part in read for code in codes(part)}


def test_an_unreadable_message_is_refused_with_its_place_in_its_own_input() -> None:
    _, second = _read(ARRIVAL, _CHARGE + DEPARTURE + b"MSH|^~\\&|\rPID|" + b"\xff\r")

    assert [(one.encounter, one.code) for one in second.refused] == [("message 3", "not-in-charset")]


def test_a_visit_that_is_refused_for_what_another_input_holds_is_told() -> None:
    # By its account (PID-18) alone the charge belongs to no visit that its own input knows.
    charge = msg("DFT^P03", "D1", _AT, seg("PID", {18: "ACC1"}), ft1(), seg("ZBL", {2: "80,5"}))
    arrival = ARRIVAL.replace(b"PID|||BN1^^^BV^MR", b"PID|||BN1^^^BV^MR" + b"|" * 15 + b"ACC1")

    read = _read(charge, arrival + DEPARTURE)

    assert [one.encounters for one in read] == [(), ()]
    assert [one.code for part in read for one in part.refused] == ["not-a-number"]
