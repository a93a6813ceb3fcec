"""A later Decision is a folder of data: its tables are written, read and checked without new code."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from claims.bundle.codes import find_code, load_codes
from claims.bundle.format import (
    UnusableFormatFolder,
    depends_on_format,
    forget_format_folders,
    format_files,
    use_format_folder,
)
from claims.bundle.kinds import TableKind
from claims.bundle.writing import Unwritable, write_bundle, write_table
from claims.checking.check import CheckTerms, check_bundle
from tests.later_decision import FIRST_DAY, HEADING, write_later_decision
from tests.unit.checking.bundles import FACILITY, a_claim
from xsd.catalog import find_schema

AT = datetime(2030, 3, 1, 12, 0, tzinfo=UTC)
FORMAT_ALONE = CheckTerms(rules=frozenset())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield write_later_decision(tmp_path)
    forget_format_folders()


def a_claim_of_2030(**summary: str) -> dict[TableKind, list[dict[str, str]]]:
    claim = a_claim(NGAY_VAO="203001010800", NGAY_RA="203001011000", MA_HSBA="1")
    claim[TableKind.XML1][0] |= summary
    return claim


def codes_found(**summary: str) -> set[str]:
    """Write a claim of 2030 and check it; the findings about its summary row."""
    data = write_bundle(facility=FACILITY, made_on=FIRST_DAY, claims=[a_claim_of_2030(**summary)])
    report = check_bundle(data, at=AT, terms=FORMAT_ALONE)
    return {finding.code for finding in report.findings if finding.location.table == "XML1"}


def test_a_field_that_a_later_decision_adds_is_written_and_read(folder: Path) -> None:
    use_format_folder(folder)

    root = etree.fromstring(write_table(TableKind.XML1, [{"MA_SO_MOI": "A"}], on=FIRST_DAY))

    assert root.findtext("MA_SO_MOI") == "A"
    assert root[-1].tag == "MA_SO_MOI"
    with pytest.raises(Unwritable, match="the Decision has no such field"):
        write_table(TableKind.XML1, [{"MA_SO_MOI": "A"}], on=date(2029, 12, 31))


def test_a_claim_under_a_later_decision_passes_the_check_and_says_so(folder: Path) -> None:
    use_format_folder(folder)
    data = write_bundle(facility=FACILITY, made_on=FIRST_DAY, claims=[a_claim_of_2030(MA_SO_MOI="A")])

    report = check_bundle(data, at=AT, terms=FORMAT_ALONE)

    assert report.claims[0].decision == "9999"
    assert [finding.code for finding in report.findings if finding.is_blocking] == []
    assert codes_found(MA_SO_MOI="A", GIOI_TINH="4") == set()


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        pytest.param({"MA_HSBA": "1" * 11}, "XML1.MA_HSBA.length", id="another-length"),
        pytest.param({"MA_SO_MOI": "A;B"}, "XML1.MA_SO_MOI.code", id="a-list-of-its-own"),
        pytest.param({"GIOI_TINH": "5"}, "XML1.GIOI_TINH.code", id="an-extended-list"),
    ],
)
def test_a_later_decision_is_what_a_claim_is_checked_against(
    folder: Path, summary: dict[str, str], expected: str
) -> None:
    use_format_folder(folder)

    assert codes_found(**summary) == {expected}


def test_added_codes_count_from_their_day_and_end_those_they_replace(folder: Path) -> None:
    use_format_folder(folder)
    day_before = date(2029, 12, 31)

    assert find_code("gioi_tinh", "4", day_before) is None
    assert find_code("gioi_tinh", "4", FIRST_DAY) is not None
    before, after = find_code("gioi_tinh", "3", day_before), find_code("gioi_tinh", "3", FIRST_DAY)
    assert before is not None
    assert after is not None
    assert (before.label_en, before.valid_to, after.label_en) == ("undetermined", day_before, "other")
    assert [row["base_salary_vnd"] for row in load_codes("luong_co_so") if row["valid_to"] == ""] == [
        "3000000"
    ]


def test_an_added_row_of_the_same_day_takes_the_place_of_ours(folder: Path) -> None:
    (folder / "codes/gioi_tinh.csv").write_text(f"{HEADING}\n1,Nam,man,2023-01-18,,strong\n")

    use_format_folder(folder)

    assert [row["label_en"] for row in load_codes("gioi_tinh")] == ["man", "female", "undetermined"]


def test_settings_files_are_listed_in_the_order_in_which_they_were_added(folder: Path) -> None:
    own = format_files("money.toml")

    use_format_folder(folder)

    assert format_files("money.toml") == (*own, folder / "money.toml")


def test_what_was_computed_from_the_data_is_forgotten_when_a_folder_comes(folder: Path) -> None:
    cleared: list[bool] = []

    class Cache:
        def cache_clear(self) -> None:
            cleared.append(True)

    depends_on_format(Cache())
    use_format_folder(folder)

    assert cleared == [True]


def test_a_folder_can_be_taken_away_again(folder: Path) -> None:
    use_format_folder(folder)

    forget_format_folders()

    assert find_schema("XML1", on=FIRST_DAY).decision == "3176"
    assert find_code("gioi_tinh", "4", FIRST_DAY) is None


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        pytest.param("catalog.toml", 'decision = = "9999"', "at line 1", id="catalogue"),
        pytest.param("money.toml", "a = 1\nb = = 2", "at line 2", id="settings"),
        pytest.param("xml1.xsd", "<xs:schema", "line 1", id="schema-that-is-no-xml"),
        pytest.param("codes/ma_so_moi.csv", "", "line 1: the column", id="no-heading"),
        pytest.param("codes/gioi_tinh.csv", "code,label_vi\n", "line 1: the column", id="column-missing"),
        pytest.param("codes/gioi_tinh.csv", f"{HEADING},kind\n", "no column kind", id="column-unknown"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_and_nothing_is_added(
    folder: Path, file: str, content: str, said: str
) -> None:
    (folder / file).write_text(content)

    with pytest.raises(UnusableFormatFolder, match=said) as caught:
        use_format_folder(folder)

    assert caught.value.path == folder / file
    assert find_schema("XML1", on=FIRST_DAY).decision == "3176"
    assert format_files("codes/ma_so_moi.csv") == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param("9,a,b", "another number of values", id="short"),
        pytest.param("9,a,b,01/01/2030,,strong", "valid_from is not a day", id="day"),
        pytest.param("9,a,b,2030-01-02,2030-01-01,strong", "valid_to lies before", id="days"),
        pytest.param("9,a,b,2030-01-01,,sure", "confidence is neither", id="confidence"),
        pytest.param(",a,b,2030-01-01,,strong", "the code is empty", id="no-code"),
    ],
)
def test_a_code_that_makes_no_sense_is_named_with_its_line(folder: Path, row: str, said: str) -> None:
    (folder / "codes/gioi_tinh.csv").write_text(f"{HEADING}\n4,a,b,2030-01-01,,strong\n{row}\n")

    with pytest.raises(UnusableFormatFolder, match=rf"gioi_tinh\.csv: line 3: {said}"):
        use_format_folder(folder)


def test_a_code_list_that_a_schema_names_must_be_there(folder: Path) -> None:
    (folder / "codes/ma_so_moi.csv").unlink()

    with pytest.raises(UnusableFormatFolder, match=r"XML1\.MA_SO_MOI names the code list ma_so_moi"):
        use_format_folder(folder)

    assert find_schema("XML1", on=FIRST_DAY).decision == "3176"


@pytest.mark.parametrize("name", ["not-there", "empty"])
def test_a_folder_without_anything_in_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(UnusableFormatFolder, match=name):
        use_format_folder(tmp_path / name)
