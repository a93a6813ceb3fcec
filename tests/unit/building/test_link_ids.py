"""A claim without a link id gets one that a rebuild arrives at again."""

import pytest

from claims.building.link_ids import find_link_id
from claims.emr.encounter import read_encounter
from tests.unit.building.built import summary
from tests.unit.emr.documents import a_document


def link_id(**visit: object) -> str | None:
    return find_link_id(read_encounter(a_document(visit={"link_id": None, **visit})))


def test_the_hospitals_own_link_id_is_kept() -> None:
    assert link_id(link_id="X-1", origin=["Encounter/7"]) == "X-1"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param("Encounter/7", "79999.2611.7", id="resource"),
        pytest.param("http://emr.example/fhir/Encounter/abc-9", "79999.2611.abc-9", id="address"),
        pytest.param("V0001", "79999.2611.V0001", id="visit-number"),
    ],
)
def test_it_is_drawn_from_the_emrs_name_of_the_visit(origin: str, expected: str) -> None:
    assert link_id(origin=[origin, "other"]) == expected


def test_a_name_that_no_link_id_can_hold_becomes_a_number() -> None:
    drawn = link_id(origin=["urn:oid:1.2;3 4"])

    assert drawn is not None
    assert drawn.startswith("79999.2611.")
    assert drawn.removeprefix("79999.2611.").isdigit()
    assert drawn == link_id(origin=["urn:oid:1.2;3 4"])
    assert drawn != link_id(origin=["urn:oid:1.2;3 5"])


def test_one_record_that_saw_two_visits_gives_two_link_ids() -> None:
    first, second = link_id(), link_id(admitted="2026-11-02T09:00")

    assert first == "79999.2611.HS0000001-202611020730"
    assert second != first


def test_leaving_on_another_day_changes_no_link_id() -> None:
    assert link_id(discharged="2026-12-01T09:45") == link_id()


def test_every_table_has_the_drawn_link_id() -> None:
    document = a_document(visit={"link_id": None, "origin": ["Encounter/7"]})

    assert summary(document)["MA_LK"] == "79999.2611.7"
