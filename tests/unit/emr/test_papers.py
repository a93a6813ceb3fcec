"""Papers are read as strictly as the rest of the document, and any of their values may be absent."""

from dataclasses import fields
from typing import Any

import pytest

from claims.emr.encounter import Encounter, read_encounter
from claims.emr.errors import MalformedEncounter
from claims.emr.papers import Documents, Leave
from tests.unit.emr.documents import a_document


def read(**papers: Any) -> Encounter:
    return read_encounter(a_document(documents=papers))


def problems(**papers: Any) -> list[tuple[str, str]]:
    with pytest.raises(MalformedEncounter) as caught:
        read(**papers)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize("name", [field.name for field in fields(Documents)])
def test_any_value_of_a_paper_may_be_absent(name: str) -> None:
    paper = getattr(read(**{name: [{}] if name == "births" else {}}).documents, name)

    assert paper


@pytest.mark.parametrize("name", [field.name for field in fields(Documents)])
def test_a_misspelt_key_of_a_paper_is_an_error_at_its_place(name: str) -> None:
    is_list = name in {"births", "hiv", "tuberculosis"}

    found = problems(**{name: [{"tpyo": "1"}] if is_list else {"tpyo": "1"}})

    assert found == [(f"/documents/{name}{'/0' if is_list else ''}/tpyo", "unknown-key")]


@pytest.mark.parametrize("name", ["hiv", "tuberculosis"])
def test_a_program_takes_one_object_as_a_list_of_one(name: str) -> None:
    one, listed = read(**{name: {}}), read(**{name: [{}]})

    assert one.documents == listed.documents


def test_a_problem_of_one_object_is_named_where_it_stands() -> None:
    assert problems(hiv={"tpyo": "1"}) == [("/documents/hiv/tpyo", "unknown-key")]
    assert read(hiv={"conditions": None}).documents.hiv[0].conditions == ()


def test_null_says_the_same_as_no_paper() -> None:
    assert read(discharge=None, births=None, hiv=None).documents == Documents()


def test_days_of_leave_are_a_whole_number() -> None:
    leave = {"from": "2026-11-03", "days": "3"}

    assert read(discharge={"leave": leave}).documents.discharge.leave == Leave(days=3, first="20261103")  # type: ignore[union-attr,arg-type]  # the paper is there, and a day is text
    for wrong in ("3.5", -1, "10000", True):
        pointer = "/documents/discharge/leave/days"
        assert [found for found, _ in problems(discharge={"leave": {**leave, "days": wrong}})] == [pointer]


def test_a_paper_knows_its_source_codes_and_where_it_came_from() -> None:
    codings = {"doctor": [{"system": "urn:x", "code": "BS1"}]}

    paper = read(appointment={"doctor": "BS1", "codings": codings, "origin": ["Appointment/1"]})

    assert paper.documents.appointment is not None
    assert paper.documents.appointment.origin == ("Appointment/1",)
    assert paper.documents.appointment.codings["doctor"][0].system == "urn:x"
