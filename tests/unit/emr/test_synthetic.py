"""Synthetic encounters are the same for the same seed, and as varied as asked for."""

import json
from datetime import date
from itertools import islice

from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import Mix, generate_encounters

ON = date(2026, 11, 20)
FACILITIES = ("79001", "01002", "48010")


def generated(seed: int = 7, count: int = 60, mix: Mix | None = None) -> list[str]:
    documents = generate_encounters(seed=seed, count=count, facilities=FACILITIES, on=ON, mix=mix or Mix())
    return [json.dumps(document, ensure_ascii=False) for document in documents]


def test_the_same_seed_makes_the_same_encounters() -> None:
    assert generated(seed=1) == generated(seed=1)


def test_another_seed_makes_other_encounters() -> None:
    assert not set(generated(seed=1)) & set(generated(seed=2))


def test_a_longer_run_begins_with_a_shorter_one() -> None:
    longer = generate_encounters(seed=7, count=10**9, facilities=FACILITIES, on=ON)

    assert [json.dumps(each, ensure_ascii=False) for each in islice(longer, 5)] == generated(count=5)


def test_every_document_is_well_formed_and_has_its_own_link_id() -> None:
    encounters = [parse_encounter(text) for text in generated(count=200)]

    assert len({each.encounter.link_id for each in encounters}) == 200
    assert {each.facility for each in encounters} == set(FACILITIES)


def test_children_emergencies_operations_and_off_route_visits_occur() -> None:
    encounters = [parse_encounter(text) for text in generated(count=400)]

    assert any(each.coverage[0].card.startswith("TE1") for each in encounters)
    assert any(each.encounter.case == "2" for each in encounters)
    assert any(service.kind == "surgery" for each in encounters for service in each.services)
    assert any(each.encounter.case == "1.14" for each in encounters)
    assert {"01", "03", "04"} <= {each.encounter.visit_type for each in encounters}


def test_a_long_stay_has_hundreds_of_rows() -> None:
    mix = Mix(outpatient=0, outpatient_with_tests=0, day=0, inpatient=0, long_stay=1)
    (text,) = generated(count=1, mix=mix)

    encounter = parse_encounter(text)

    assert len(encounter.medications) + len(encounter.services) > 400


def test_orders_results_and_notes_lie_within_the_stay() -> None:
    for encounter in map(parse_encounter, generated(count=150)):
        begun, ended = encounter.encounter.admitted, str(encounter.encounter.discharged)
        times: list[str] = [
            *(row.ordered for row in encounter.medications),
            *(row.ordered for row in encounter.services),
            *(str(row.result) for row in encounter.services),
            *(note.at for note in encounter.notes),
        ]

        assert all(begun <= at <= ended for at in times)
