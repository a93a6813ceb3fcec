"""The encounter document is published as a JSON Schema, with examples that follow it and build."""

import json
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claims.building.build import CannotBuild, build_bundle
from claims.checking.check import check_bundle
from claims.emr.encounter import Encounter, parse_encounter
from claims.emr.scalars import VIETNAM
from claims.emr.schema import encounter_schema
from claims.emr.schema_of_scalars import SCALARS
from tests.unit.emr.documents import a_document

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = {
    path.stem.removeprefix("encounter-"): path for path in (DOCS / "examples").glob("encounter-*.json")
}
COMPLETE = sorted(EXAMPLES.keys() - {"foreign-codes"})
TABLES = {
    "outpatient": {"XML2", "XML3", "XML4", "XML11", "XML14"},
    "inpatient": {"XML2", "XML3", "XML4", "XML5", "XML7", "XML8"},
    "birth": {"XML3", "XML5", "XML7", "XML8", "XML9"},
    "referral": {"XML2", "XML3", "XML5", "XML7", "XML8", "XML13"},
    "hiv": {"XML2", "XML3", "XML6"},
    "tuberculosis": {"XML2", "XML3", "XML15"},
}
MADE_ON = date(2026, 11, 6)


def faults(document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(encounter_schema()).iter_errors(document)]


def test_it_is_a_schema_of_draft_2020_12_with_an_id() -> None:
    schema = encounter_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"]


def test_every_object_is_closed_and_described() -> None:
    for name, schema in encounter_schema()["$defs"].items():
        assert schema["description"], name
        assert schema.get("type") != "object" or schema["additionalProperties"] is False, name


def test_no_scalar_is_called_like_a_part_of_the_document() -> None:
    scalars = [str((scalar.json_schema or {})["title"]) for scalar in SCALARS]
    definitions = encounter_schema()["$defs"]

    assert len(set(scalars)) == len(scalars)
    assert all("properties" not in definitions[name] for name in scalars)


def test_every_key_of_the_document_is_in_it() -> None:
    assert set(encounter_schema()["properties"]) == {field.name for field in fields(Encounter)}


def test_the_published_file_is_current() -> None:
    published = (DOCS / "reference" / "encounter.schema.json").read_text("utf-8")

    assert json.loads(published) == encounter_schema()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_follows_the_schema_and_is_read(name: str) -> None:
    text = EXAMPLES[name].read_text("utf-8")

    assert faults(json.loads(text)) == []
    parse_encounter(text)


@pytest.mark.parametrize("name", COMPLETE)
def test_an_example_builds_the_tables_that_its_name_promises(name: str) -> None:
    encounter = parse_encounter(EXAMPLES[name].read_bytes())

    made = build_bundle([encounter], made_on=MADE_ON)

    assert set(made.claims[0].tables) == {"XML1", *TABLES[name]}
    assert made.findings == ()
    assert check_bundle(made.bundle, at=datetime(2026, 11, 6, tzinfo=VIETNAM)).findings == ()


def test_the_example_with_codes_of_other_systems_needs_a_catalogue_or_a_draft() -> None:
    encounter = parse_encounter(EXAMPLES["foreign-codes"].read_bytes())

    with pytest.raises(CannotBuild) as refused:
        build_bundle([encounter], made_on=MADE_ON)

    assert all(reason.is_gap for reason in refused.value.reasons)
    assert build_bundle([encounter], made_on=MADE_ON, draft=True).claims


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"tpyo": 1}, id="unknown-key"),
        pytest.param({"schema": "encounter/2"}, id="other-version"),
        pytest.param({"facility": "7999"}, id="short-facility"),
        pytest.param({"coverage": [{"card": "A B"}]}, id="blank-in-code"),
        pytest.param({"extra": {"xml2": {"0": {}}}}, id="item-zero"),
        pytest.param({"documents": {"births": {}}}, id="no-list"),
    ],
)
def test_what_the_reader_refuses_does_not_follow_it(change: dict[str, Any]) -> None:
    assert faults(a_document(**change))
