"""Codes are found however a hospital writes them, and a code puts a claim into its classes."""

import pytest

from claims.bundle.diagnoses import diagnoses_of
from claims.exchange.access.policy import load_policy


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("B20", ["B20"], id="one"),
        pytest.param("F02.4;I10", ["F024", "I10"], id="two"),
        pytest.param("f02.4, i10 ; J18.9", ["F024", "I10", "J189"], id="small-letters-and-commas"),
        pytest.param("F024", ["F024"], id="without-its-dot"),
        pytest.param("", [], id="none"),
    ],
)
def test_codes_are_found(text: str, codes: list[str]) -> None:
    assert list(diagnoses_of([{"MA_BENH_KT": text, "GHI_CHU": "B21"}])) == codes


@pytest.mark.parametrize(
    ("tables", "diagnoses", "classes"),
    [
        pytest.param({"XML1"}, {"J189"}, set(), id="none"),
        pytest.param({"XML6"}, set(), {"hiv"}, id="table"),
        pytest.param({"XML1"}, {"F02.4"}, {"hiv", "psychiatric"}, id="two-classes"),
        pytest.param({"XML1"}, {"a540"}, {"sexual"}, id="small-letters"),
        pytest.param({"XML1"}, {"O98.6", "O99"}, set(), id="a-neighbour"),
        pytest.param({"XML1"}, {"O987"}, {"hiv"}, id="without-its-dot"),
    ],
)
def test_classes_follow_from_tables_and_diagnoses(
    tables: set[str], diagnoses: set[str], classes: set[str]
) -> None:
    assert load_policy().classes_of(tables=tables, diagnoses=diagnoses) == classes
