"""Code lists are data with dates."""

import itertools
from datetime import date
from importlib import resources

import pytest

import claims.bundle.codes
from claims.bundle.codes import Confidence, UnknownCodeList, find_code, is_established, load_codes
from xsd.catalog import default_catalog

ON = date(2025, 8, 1)
LISTS = sorted(
    path.name.removesuffix(".csv")
    for path in resources.files(claims.bundle.codes).iterdir()
    if path.name.endswith(".csv")
)


@pytest.mark.parametrize("name", sorted({
    field.code_list
    for schema in default_catalog().schemas
    for field in schema.fields
    if field.code_list is not None
}))  # fmt: skip
def test_every_list_that_a_schema_names_is_there(name: str) -> None:
    assert load_codes(name)


@pytest.mark.parametrize("name", LISTS)
def test_every_row_has_its_columns_and_readable_dates(name: str) -> None:
    for row in load_codes(name):
        assert None not in row
        for column in ("valid_from", "valid_to"):
            assert row[column] == "" or date.fromisoformat(row[column]) > date(2000, 1, 1)
        assert row["valid_from"] <= (row["valid_to"] or "9999")
        assert Confidence(row["confidence"])


@pytest.mark.parametrize("name", [name for name in LISTS if name != "luong_co_so"])
def test_a_code_means_one_thing_on_one_day(name: str) -> None:
    rows = load_codes(name)
    spans: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        spans.setdefault(row["code"], []).append((row["valid_from"], row["valid_to"] or "9999"))

    for code, several in spans.items():
        several.sort()
        for (_, end), (start, _) in itertools.pairwise(several):
            assert end < start, code


def test_a_code_is_found_on_the_days_it_is_in_force() -> None:
    found = find_code("ma_doituong_kcb", "1.13", ON)

    assert found is not None
    assert found.valid_to == date(2026, 6, 30)
    assert find_code("ma_doituong_kcb", "3.5", date(2025, 6, 30)) is not None
    assert find_code("ma_doituong_kcb", "3.5", ON) is None


def test_a_code_has_a_label_in_both_languages() -> None:
    found = find_code("gioi_tinh", "1", ON)

    assert found is not None
    assert (found.label_vi, found.label_en) == ("Nam", "male")


def test_leading_zeros_belong_to_a_code() -> None:
    assert find_code("ma_loai_kcb", "01", ON) is not None
    assert find_code("ma_loai_kcb", "1", ON) is None


@pytest.mark.parametrize("name", ["none_such", "../codes/gioi_tinh", ""])
def test_asking_for_a_list_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(UnknownCodeList):
        load_codes(name)


def test_a_list_of_weak_codes_only_is_not_established() -> None:
    assert is_established("gioi_tinh")
    assert not is_established("nhom_mau")
