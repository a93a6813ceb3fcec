"""Messages are put to their visits whatever the order they arrive in."""

from itertools import permutations

import pytest

from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.reading import read_hl7
from tests.unit.emr.hl7.messages import (
    ARRIVAL,
    DEPARTURE,
    codes,
    encounter,
    ft1,
    msg,
    obr,
    obx,
    order,
    pv1,
    rxe,
    seg,
)

PRESCRIBED = msg("RDE^O11", "M1", "20261102081000", pv1(), order("O1"), rxe())
CANCELLED = msg("ORM^O01", "M2", "20261102082000", pv1(), order("O1", "CA"))
RESULT = msg("ORU^R01", "M3", "20261102084000", order("L1", "RE"), obr("L1"), obx("5.6"))
TESTED = msg("OML^O21", "M4", "20261102080000", pv1(), order("L1"), obr("L1"))


def test_any_order_of_arrival_gives_the_same_encounter() -> None:
    messages = (ARRIVAL, PRESCRIBED, CANCELLED, TESTED, RESULT, DEPARTURE)

    read = {repr(read_hl7(list(shuffled)).encounters) for shuffled in permutations(messages)}

    assert len(read) == 1


def test_a_message_sent_twice_counts_once() -> None:
    charged = msg("DFT^P03", "M5", "20261102090000", pv1(), ft1())
    again = msg("DFT^P03", "M5", "20261102091500", pv1(), ft1())

    assert [s.quantity for s in encounter(charged, charged, again).services] == [1]


def test_a_control_id_that_is_used_for_something_else_loses_nothing() -> None:
    other = msg("DFT^P03", "M5", "20261102090000", pv1(), ft1("02.1898"))

    found = read_hl7([ARRIVAL, msg("DFT^P03", "M5", "20261102090000", pv1(), ft1()), other])

    assert len(found.encounters[0].services) == 2
    assert "control-id-reused" in codes(found)


def test_a_result_without_a_visit_goes_where_its_order_is_known() -> None:
    assert len(encounter(TESTED, RESULT).results) == 1


def test_a_result_of_an_unknown_order_is_refused_by_its_name() -> None:
    found = read_hl7([ARRIVAL, RESULT])

    assert [(r.encounter, r.code) for r in found.refused] == [("ORU^R01 M3", "no-visit")]


def test_an_account_number_leads_to_the_visit_that_it_belongs_to() -> None:
    arrival = msg("ADT^A04", "A1", "20261102073100", seg("PID", {3: "BN1", 18: "ACC7"}), pv1())
    charged = msg("DFT^P03", "M5", "20261102090000", seg("PID", {18: "ACC7"}), ft1())

    found = read_hl7([charged, arrival])

    assert [(e.encounter.link_id, len(e.services)) for e in found.encounters] == [("V1", 1)]


def test_several_visits_in_one_input_stay_apart() -> None:
    second = [part.replace(b"|V1|", b"|V2|").replace(b"|A", b"|B") for part in (ARRIVAL, TESTED)]

    found = read_hl7([ARRIVAL, *second, PRESCRIBED])

    assert {(e.encounter.link_id, len(e.medications), len(e.services)) for e in found.encounters} == {
        ("V1", 1, 0),
        ("V2", 0, 1),
    }


def test_visits_of_two_facilities_with_one_number_stay_apart() -> None:
    other = ARRIVAL.replace(b"79999", b"79001")

    found = read_hl7([ARRIVAL, other, PRESCRIBED])

    assert [(e.facility, len(e.medications)) for e in found.encounters] == [("79999", 1), ("79001", 0)]


@pytest.mark.parametrize(("said", "facility"), [("BV1", "79001"), ("79002", "79002"), ("OTHER", "79999")])
def test_the_facility_comes_from_the_message_or_the_options(said: str, facility: str) -> None:
    options = Hl7Options(facility="79999", facilities={"BV1": "79001"})

    found = read_hl7(msg("ADT^A04", "A1", "20261102073100", pv1(), f4=said), options=options)

    assert found.encounters[0].facility == facility


def test_a_merge_is_reported_and_a_foreign_message_left_out() -> None:
    merge = msg("ADT^A40", "M8", "20261102080000", seg("PID", {3: "BN1"}), seg("MRG", {1: "BN0"}))
    schedule = msg("SIU^S12", "M9", "20261102080000", pv1())

    found = read_hl7([ARRIVAL, merge, schedule])

    assert codes(found) == {"records-merged", "message-not-read"}
    assert not found.refused


def test_a_person_update_without_a_visit_is_no_refusal() -> None:
    assert not read_hl7(msg("ADT^A31", "M8", "20261102080000", seg("PID", {3: "BN1"}))).refused


@pytest.mark.parametrize("event", ["A42", "A50"])
def test_a_visit_that_got_another_number_has_what_came_under_the_former_one(event: str) -> None:
    early = msg("OML^O21", "M7", "20261102080000", pv1(f19="V0"), order("L0"), obr("L0"))
    change = msg(f"ADT^{event}", "M8", "20261102081000", pv1(), seg("MRG", {1: "BN1", 5: "V0"}))
    late = msg("DFT^P03", "M9", "20261102090000", pv1(f19="V0"), ft1("23.0075.1494", f23="L0"))

    for shuffled in permutations((early, change, late)):
        found = read_hl7([ARRIVAL, *shuffled, DEPARTURE])

        (visit,) = found.encounters
        assert (visit.encounter.link_id, len(visit.services)) == ("V1", 1)
        assert "visit-renumbered" in codes(found)


def test_of_several_changes_of_a_number_the_last_counts() -> None:
    changes = [
        msg("ADT^A50", f"M{at}", f"2026110208{at}00", pv1(f19=now), seg("MRG", {5: former}))
        for at, former, now in ((10, "V0", "V9"), (20, "V9", "V0"), (30, "V0", "V1"))
    ]
    early = msg("OML^O21", "M7", "20261102080000", pv1(f19="V9"), order("L0"), obr("L0"))

    (visit,) = read_hl7([ARRIVAL, early, *changes, DEPARTURE]).encounters

    assert (visit.encounter.link_id, len(visit.services)) == ("V1", 1)
