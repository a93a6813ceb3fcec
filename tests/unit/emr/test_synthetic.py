"""Synthetic encounters are the same for the same seed, and as varied as asked for."""

import json
from dataclasses import asdict
from datetime import date
from itertools import islice

import pytest

from claims.emr.encounter import Encounter, parse_encounter
from claims.emr.synthetic import DEFAULT_MIX, Mix, generate_encounters

ON = date(2026, 11, 20)
FACILITIES = ("79001", "01002", "48010")


def generated(seed: int = 7, count: int = 60, mix: Mix = DEFAULT_MIX, on: date = ON) -> list[str]:
    documents = generate_encounters(seed=seed, count=count, facilities=FACILITIES, on=on, mix=mix)
    return [json.dumps(document, ensure_ascii=False) for document in documents]


def only(kind: str, *, count: int, on: date = ON) -> list[Encounter]:
    mix = Mix(**{**dict.fromkeys(asdict(DEFAULT_MIX), 0.0), kind: 1.0})
    return [parse_encounter(text) for text in generated(count=count, mix=mix, on=on)]


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


def test_nobody_is_treated_by_the_day_where_one_is_only_examined() -> None:
    encounters = only("day", count=100)

    assert not any(department == "K01" for each in encounters for department in each.encounter.departments)


def test_a_long_stay_has_hundreds_of_rows() -> None:
    (encounter,) = only("long_stay", count=1)

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


@pytest.mark.parametrize(
    ("kind", "papers"),
    [
        ("day", {"discharge", "summary"}),
        ("inpatient", {"discharge", "summary"}),
        ("transfer", {"discharge", "summary", "referral"}),
        ("delivery", {"discharge", "summary", "births"}),
        ("pregnancy", {"pregnancy_leave"}),
        ("hiv", {"hiv"}),
        ("tuberculosis", {"tuberculosis"}),
    ],
)
def test_each_kind_has_the_papers_of_its_care(kind: str, papers: set[str]) -> None:
    for encounter in only(kind, count=10):
        assert all(getattr(encounter.documents, name) for name in papers)


def test_one_out_patient_in_three_is_to_come_again() -> None:
    encounters = only("outpatient", count=300)

    appointed = [each for each in encounters if each.documents.appointment]
    assert 70 <= len(appointed) <= 130
    assert all(each.encounter.follow_up for each in appointed)


def test_under_decision_130_nobody_issues_what_came_with_4750() -> None:
    on = date(2023, 9, 1)
    kinds = ("outpatient", "transfer", "hiv", "tuberculosis")
    encounters = [each for kind in kinds for each in only(kind, count=20, on=on)]

    for encounter in encounters:
        assert not encounter.documents.referral
        assert not encounter.documents.appointment
        assert not encounter.documents.tuberculosis
    assert all(care.stage is None for each in encounters for care in each.documents.hiv)


def test_two_cards_ceilings_reused_supplies_rates_and_other_sources_occur() -> None:
    encounters = only("inpatient", count=80) + only("outpatient", count=300)
    services = [service for each in encounters for service in each.services]
    medications = [medication for each in encounters for medication in each.medications]

    assert any(len(each.coverage) > 1 for each in encounters)
    assert any(service.ceiling and (service.insured_price or 0) > service.ceiling for service in services)
    assert any(service.supply and service.supply.reused for service in services)
    assert any(service.supply and service.supply.package for service in services)
    assert any(service.service_percent < 100 for service in services)
    assert any((medication.pay_percent or 100) < 100 for medication in medications)
    assert any(medication.other_sources.nsnn or medication.other_sources.vttn for medication in medications)
    assert any(card.copay_exempt_from for each in encounters for card in each.coverage)
