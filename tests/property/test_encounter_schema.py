"""The published schema and the reader agree on what an encounter document is."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from claims.emr.encounter import read_encounter
from claims.emr.errors import MalformedEncounter
from claims.emr.schema import encounter_schema

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "examples"
DOCUMENTS: Final = [
    json.loads(path.read_text("utf-8"), parse_float=Decimal)
    for path in sorted(EXAMPLES.glob("encounter-*.json"))
]
#: What a schema cannot say: the calendar, how many decimals or digits a number has, characters.
BEYOND_A_SCHEMA: Final = {
    "not-a-time", "not-a-date", "not-a-number", "too-many-decimals", "negative", "control-character",
}  # fmt: skip
JUNK: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**17),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-5, max_value=200, places=2),
    st.sampled_from(
        [
            "", " ", "\t", "K01", " K01 ", "a b", "a;b", "male", "79001", "79001 ", "7900", "encounter/1",
            "2026-11-02", "20261102", " 2026-11-02T07:30 ", "2026-11-02 07:30:59.123Z", "202611020730",
            "2026-11-02T07:30+0700", "2026-11-02T07:30-07:00", "2026-11-02T24:00", "2026-13-01", "2026-02-30",
            "2026-11-02T99:99", "1980", "1980-01", "1980-00-00", "198000000000", "19800100", "198001001234",
            "1", "1.0", "01.500", "100", "100.00", "101", "1e3", "1,5", "-1", "9999", "10000", "0.001",
            "1.0000", "1.0005", "9" * 15, "9" * 16, "１", "Ａ", "ế", "\u00a0",
            "\u00a0K01", "\u2003", "\u200b",
        ]
    ),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just(["79001", "1"]),
    st.just({"code": [{"code": "1"}]}),
    st.just({"A": 1, "B_2": "x"}),
    st.just({"1": {"A": 1}}),
    st.just({"a": 1}),
)  # fmt: skip


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(encounter_schema())


def places(node: Any, *, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        yield from places(inner, path=(*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Change one to three places of a good document: another value, no value, one key more."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        *steps, key = draw(st.sampled_from(list(places(document))))
        parent: Any = document
        for step in steps:
            parent = parent[step]
        match draw(st.sampled_from(("replace", "replace", "replace", "delete", "add"))):
            case "replace":
                parent[key] = copy.deepcopy(draw(JUNK))
            case "delete":
                del parent[key]
            case _ if isinstance(parent, dict):
                parent[draw(st.sampled_from(("tpyo", "note", "codings", "origin", "A")))] = copy.deepcopy(
                    draw(JUNK)
                )
    return document


def problems(document: dict[str, Any]) -> set[str]:
    try:
        read_encounter(copy.deepcopy(document))
    except MalformedEncounter as error:
        return {problem.code for problem in error.problems}
    return set()


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(mutated())
def test_what_is_read_follows_the_schema_and_what_it_can_say_is_refused(document: dict[str, Any]) -> None:
    found, faults = problems(document), list(validator().iter_errors(document))

    if not found:
        assert faults == []
    if found - BEYOND_A_SCHEMA:
        assert faults


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_null_is_the_same_as_an_absent_key_for_both(document: dict[str, Any], data: st.DataObject) -> None:
    changed = copy.deepcopy(document)
    *steps, key = data.draw(st.sampled_from(list(places(changed))))
    parent: Any = changed
    for step in steps:
        parent = parent[step]
    if not isinstance(parent, dict):
        return
    parent[key] = None

    assert bool(problems(changed)) == bool(list(validator().iter_errors(changed)))
