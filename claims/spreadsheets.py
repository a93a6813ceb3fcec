"""Tables for spreadsheets: lines of CSV and workbooks, in which no cell is ever a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from xlsxwriter import Workbook

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE: Final = "text/csv"
WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Spreadsheets take a file of CSV for UTF-8 when it begins with this.
BYTE_ORDER_MARK: Final = "\ufeff"
#: What a spreadsheet takes for the beginning of a formula, also after the blanks that it ignores.
_FORMULA: Final = re.compile(r" *[=+\-@\t\r]")
_IMPOSSIBLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_CELL: Final = 32_000
_MOST_ROWS: Final = 1_048_575  # of a sheet, beside its heading
_PIECE_BYTES: Final = 2**16
_WIDTH: Final = 24


def csv_line(cells: Iterable[object]) -> str:
    """Return one line; text that would be a formula gets an apostrophe in front."""
    out = io.StringIO()
    csv.writer(out).writerow([_neutral(cell) for cell in cells])
    return out.getvalue()


def csv_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Return a file for a spreadsheet, line by line as its rows come."""
    yield BYTE_ORDER_MARK + csv_line(head)
    yield from map(csv_line, rows)


def workbook_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Return a workbook in pieces; rows go to the disk as they come, and a full sheet is followed by another.

    A workbook is an archive, of which the first byte is known when the last row is.
    """
    with TemporaryDirectory(prefix="ehoso-export-") as folder:
        path = Path(folder) / "export.xlsx"
        _write(path, head, rows, folder)
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]], folder: str) -> None:
    options = {
        "constant_memory": True,
        "tmpdir": folder,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet = None
        for number, row in enumerate(rows):
            if sheet is None or number % _MOST_ROWS == 0:
                sheet = _begin_sheet(book, head, bold)
            for column, cell in enumerate(row):
                sheet.write(1 + number % _MOST_ROWS, column, _for_sheet(cell))
        if sheet is None:
            _begin_sheet(book, head, bold)


def _begin_sheet(book: Workbook, head: Sequence[str], bold: object) -> "Worksheet":
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(head) - 1, _WIDTH)
    sheet.write_row(0, 0, head, bold)
    return sheet


def _for_sheet(cell: object) -> object:
    if cell is None or isinstance(cell, int):
        return cell
    # As text it is no formula here; the apostrophe keeps it from becoming one when it is saved as CSV.
    return _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", str(_neutral(str(cell))))[:_LONGEST_CELL]


def _neutral(cell: object) -> object:
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) is not None
    return f"'{cell}" if is_formula else cell
