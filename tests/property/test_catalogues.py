"""Whatever a catalogue's files hold, reading them reports; it never fails and never makes up a value."""

import tempfile
from io import BytesIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from claims.catalogues.columns import list_specs
from claims.catalogues.items import Kind
from claims.catalogues.loading import LoadedCatalogue, load_catalogue
from claims.catalogues.problems import describe_problem

STEMS = st.sampled_from(sorted(list_specs()))
HEADERS = sorted(
    {header for spec in list_specs().values() for column in spec.columns for header in column.headers}
)
CELLS = st.one_of(
    st.sampled_from(["40.30", "", "4000", "1,5", "20260101", "31/12/2026", '"', "x", "Viên", "\0", "\ufeff"]),
    st.text(max_size=8),
)


def a_workbook() -> bytes:
    workbook, buffer = Workbook(), BytesIO()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["code", "name", "price", "valid_from"])
    sheet.append(["40.30", "A", 4000.5, "20260101"])
    workbook.save(buffer)
    return buffer.getvalue()


WORKBOOK = a_workbook()


def loaded(name: str, data: bytes) -> LoadedCatalogue:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        found = load_catalogue(Path(folder))
    for problem in found.problems:
        assert describe_problem(problem, "vi")
        assert describe_problem(problem, "en")
    return found


@given(STEMS, st.binary(max_size=300))
def test_any_bytes_are_read_or_reported(stem: str, data: bytes) -> None:
    loaded(f"{stem}.csv", data)


@given(
    STEMS,
    st.lists(st.sampled_from(HEADERS), min_size=1, max_size=8),
    st.lists(st.lists(CELLS, max_size=9), max_size=5),
    st.sampled_from(",;\t"),
)
def test_any_cells_are_read_or_reported(
    stem: str, header: list[str], rows: list[list[str]], delimiter: str
) -> None:
    lines = [delimiter.join(cells) for cells in (header, *rows)]

    loaded(f"{stem}.csv", "\n".join(lines).encode("utf-8", "replace"))


@settings(max_examples=60)
@given(st.integers(0, len(WORKBOOK) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_workbook_is_read_or_reported(place: int, damage: bytes) -> None:
    loaded("drugs.xlsx", WORKBOOK[:place] + damage + WORKBOOK[place + len(damage) :])


@given(st.lists(st.integers(0, 10**9), max_size=30), st.sampled_from(",;\t|"))
def test_every_good_row_is_kept_in_order(prices: list[int], delimiter: str) -> None:
    rows = [[f"40.{number}", "A", str(price)] for number, price in enumerate(prices)]
    lines = [delimiter.join(cells) for cells in (["code", "name", "price"], *rows)]

    found = loaded("drugs.csv", "\n".join(lines).encode())

    assert [(entry.code, entry.row) for entry in found.catalogue.tables[Kind.DRUG].entries] == [
        (f"40.{number}", number + 2) for number in range(len(prices))
    ]
    assert found.problems == ()
