"""Tables for spreadsheets: no cell is ever a formula, in either kind of file."""

import io

import pytest
from openpyxl import load_workbook

from claims.spreadsheets import csv_file, workbook_file

HEAD = ("a", "b")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_text(cell: str) -> None:
    text = "".join(csv_file(HEAD, [(cell, "x")]))
    book = load_workbook(io.BytesIO(b"".join(workbook_file(HEAD, [(cell, "x")]))))

    assert f"'{cell.strip()}"[:2] in text or f"'{cell}" in text
    found = book.worksheets[0]["A2"]
    assert found.data_type == "s"
    assert str(found.value).startswith("'")


def test_a_file_begins_so_that_spreadsheets_read_it_as_utf_8() -> None:
    assert "".join(csv_file(HEAD, [("Đặng", 12)])) == "\ufeffa,b\r\nĐặng,12\r\n"


def test_numbers_stay_numbers_and_nothing_is_nothing_in_a_workbook() -> None:
    book = load_workbook(io.BytesIO(b"".join(workbook_file(HEAD, [(12, None)]))))

    assert [cell.value for cell in book.worksheets[0][2]] in ([12, None], [12])
