"""`claims schema` prints the tables of every Decision as the schemas describe them."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from claims.cli.schemas import schemas
from xsd.catalog import default_catalog, find_schema


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(schemas, name="schema")
    return CliRunner().invoke(app, ["schema", *arguments])


def run_json(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_every_decision_is_listed_with_its_days_and_tables() -> None:
    decisions = run_json("list")["decisions"]

    assert [(one["decision"], one["amendment"], one["valid_from"]) for one in decisions] == [
        ("130", None, "2023-01-18"),
        ("4750", None, "2024-07-01"),
        ("3176", None, "2025-01-01"),
        ("3176", "1931", "2026-07-01"),
    ]
    assert decisions[0]["tables"]["XML1"] == 65


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(["--on", "2024-07-01"], ["4750"], id="by-day"),
        pytest.param(["--decision", "3176"], ["3176", "1931"], id="by-number"),
        pytest.param(["--decision", "3176", "--on", "2026-07-01"], ["1931"], id="by-both"),
    ],
)
def test_the_list_can_be_narrowed(arguments: list[str], names: list[str]) -> None:
    found = run_json("list", *arguments)["decisions"]

    assert [one["amendment"] or one["decision"] for one in found] == names


def test_a_table_is_shown_with_every_field_in_order() -> None:
    shown = run_json("show", "XML13", "--date", "2024-08-01")

    assert (shown["decision"], shown["root"], shown["valid_to"]) == (
        "4750",
        "CHI_TIEU_GIAYCHUYENTUYEN",
        "2024-12-31",
    )
    assert [field["order"] for field in shown["fields"]] == list(range(1, 40))
    assert shown["fields"][5]["name"] == "MA_NOI_DI"
    assert shown["fields"][3]["label"] == {"vi": "Số giấy chuyển tuyến", "en": "Referral paper number"}


@pytest.mark.parametrize(
    ("decision", "language"), [("130", "en"), ("4750", "vi"), ("3176", "en"), ("1931", "vi")]
)
def test_any_table_is_printed_with_labels_in_both_languages(decision: str, language: str) -> None:
    (edition,) = (one for one in default_catalog().editions if one.name == decision)
    for table, schema in edition.tables.items():
        done = run("show", table.lower(), "--decision", decision, "--language", language)

        assert done.exit_code == 0
        assert all(field.name in done.stdout for field in schema.fields)
        assert schema.fields[0].label_vi in done.stdout
        assert schema.fields[0].label_en.split()[0] in done.stdout


def test_the_codes_of_a_field_are_shown_with_their_days() -> None:
    shown = run_json("show", "XML6", "--codes", "ma_xu_tri")

    assert shown["code_list"] == "ma_xu_tri"
    assert [one["valid_from"] for one in shown["codes"] if one["code"] == "6"] == ["2023-01-18", "2024-07-01"]
    assert "Viêm gan B" in run("show", "XML6", "--codes", "MA_XU_TRI").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["show", "XML16"], "no schema describes XML16", id="no-such-table"),
        pytest.param(["show", "XML13", "--on", "2023-05-01"], "no schema describes XML13", id="not-yet"),
        pytest.param(["show", "XML1", "--decision", "5000"], "under Decision 5000", id="no-such-decision"),
        pytest.param(["show", "XML1", "--codes", "MA_LK"], "MA_LK has no code list", id="no-codes"),
        pytest.param(["show", "XML1", "--codes", "MA_XX"], "no field MA_XX", id="no-field"),
        pytest.param(["list", "--on", "2020-01-01"], "no Decision answers", id="no-decision"),
        pytest.param(["show", "XML1", "--on", "1/8/2025"], "does not match", id="no-day"),
    ],
)
def test_a_question_that_has_no_answer_says_why(arguments: list[str], said: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())


def test_without_a_day_the_table_of_today_is_shown() -> None:
    latest = default_catalog().editions[-1]

    assert run_json("show", "XML2")["decision"] == latest.decision
    assert find_schema("XML2", on=latest.valid_from).amendment == latest.amendment
