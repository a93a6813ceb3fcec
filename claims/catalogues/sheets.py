"""Files as rows of cells: CSV in UTF-8, with commas, semicolons or tabs, and XLSX workbooks."""

import csv
import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from claims.catalogues.cells import FormulaCell, NumberCell

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
    from openpyxl.worksheet.worksheet import Worksheet

ENDINGS: Final = (".csv", ".tsv", ".txt", ".xlsx")
#: What spreadsheets are saved as, too, and nothing here reads.
OTHER_SPREADSHEETS: Final = (".xls", ".xlsb", ".xlsm", ".ods", ".et", ".numbers")
_WORKBOOK: Final = ".xlsx"
_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = ",;\t|"
_MAX_BYTES: Final = 256 * 2**20
_MAX_UNPACKED_BYTES: Final = 2**30
_HEADER_WITHIN: Final = 15
# ="012" is how a text file keeps a spreadsheet from taking a text for a number.
_QUOTED_FOR_EXCEL: Final = re.compile(r'="([^"]*)"')
_ZEROS: Final = re.compile("0+")
_SHEETS: Final = "xl/worksheets/"
_BEGINS_FORMULA: Final = re.compile(rb"<(\w+:)?f[ />]")
_LONGEST_TAG: Final = 64
_PIECE_BYTES: Final = 2**20
#: The type of a formula's cell whose result is the empty text.
_EMPTY_TEXT: Final = "str"
_DAY_ONLY: Final = "%Y-%m-%d"
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

Row = tuple[int, Sequence[str]]
"""A row's number, from 1, and its cells without blanks around them; an empty cell is empty text."""


class UnreadableFile(Exception):
    """A file cannot be read as a whole: the code of the problem, its row and its facts."""

    def __init__(self, code: str, row: int | None = None, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.row = row
        self.params = tuple(sorted(params.items()))


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a file: the headers with their row, and the rows below them.

    Attributes:
        name: The sheet's name in a workbook; None in a text file.
        header: The headers; empty when no row looks like a header.
    """

    name: str | None
    header: Row
    rows: Iterable[Row]


def read_sheets(path: Path, *, knows: Callable[[str], bool]) -> Iterator[Sheet]:
    """Read the tables of a file; ``knows`` says whether a cell is one of the headers looked for.

    Raises:
        UnreadableFile: It is none of the forms that are read. Rows may raise it too, where they stop.
        OSError: It cannot be opened.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise UnreadableFile("too-large", max=str(_MAX_BYTES))
    if path.suffix.lower() == _WORKBOOK:
        yield from _workbook_sheets(path, knows)
    else:
        yield _text_sheet(path.read_bytes(), knows)


def _text_sheet(data: bytes, knows: Callable[[str], bool]) -> Sheet:
    if data.startswith(_UTF16):
        raise UnreadableFile("utf-16")
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile("not-utf-8", data.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        # Latin text in UTF-16 without a mark decodes as UTF-8 with a NUL at every other place.
        raise UnreadableFile("utf-16")
    delimiter = max(_DELIMITERS, key=lambda mark: _known_headers(_text_rows(text, mark), knows))
    return _below_header(None, _text_rows(text, delimiter), knows)


def _text_rows(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [_clean(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile("broken-quotes", line, what=str(error)) from None


def _known_headers(rows: Iterator[Row], knows: Callable[[str], bool]) -> int:
    """Count the known headers of the best of the first rows."""
    try:
        return max((sum(map(knows, cells)) for _, cells in islice(rows, _HEADER_WITHIN)), default=0)
    except UnreadableFile:
        return 0


def _below_header(name: str | None, rows: Iterator[Row], knows: Callable[[str], bool]) -> Sheet:
    """Find the header: of the first rows the one with most known headers, the upper one of equals."""
    first: list[Row] = []
    fault: UnreadableFile | None = None
    try:
        first.extend(islice(rows, _HEADER_WITHIN))
    except UnreadableFile as error:
        fault = error
    counts = [sum(map(knows, cells)) for _, cells in first]
    if not any(counts):
        if fault is not None:
            raise fault
        return Sheet(name, (1, ()), ())
    place = counts.index(max(counts))
    number, cells = first[place]
    # A header over several lines of its cell is named in one.
    header = number, [" ".join(cell.split()) for cell in cells]
    return Sheet(name, header, _chain(first[place + 1 :], rows, fault))


def _chain(first: Sequence[Row], rest: Iterator[Row], fault: UnreadableFile | None) -> Iterator[Row]:
    """Yield the rows before a fault, and only then stop because of it."""
    yield from first
    if fault is not None:
        raise fault
    yield from rest


def _clean(text: str) -> str:
    text = text.strip()
    if text.startswith('="') and (quoted := _QUOTED_FOR_EXCEL.fullmatch(text)):
        text = quoted[1].strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _workbook_sheets(path: Path, knows: Callable[[str], bool]) -> Iterator[Sheet]:
    from openpyxl import load_workbook  # noqa: PLC0415 - takes longer to load than most catalogues to read

    # It warns of styles and drop-down lists that it does not read; neither has anything to say here.
    warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
    with _as_unreadable():
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED_BYTES:
                raise UnreadableFile("too-large", max=str(_MAX_UNPACKED_BYTES))
            has_formulas = _has_formulas(archive)
        workbook = load_workbook(path, read_only=True, data_only=True)
        # The library says of a cell its result or its formula; who has both sees where there is no result.
        formulas = load_workbook(path, read_only=True) if has_formulas else None
    try:
        for place, sheet in enumerate(workbook.worksheets):
            as_written = None if formulas is None else formulas.worksheets[place]
            yield _below_header(sheet.title, _workbook_rows(sheet, as_written), knows)
    finally:
        workbook.close()
        if formulas is not None:
            formulas.close()


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    """Whether a sheet may hold a formula; where none does, every cell is spared a second look."""
    for name in archive.namelist():
        if name.startswith(_SHEETS):
            with archive.open(name) as part:
                before = b""
                while piece := part.read(_PIECE_BYTES):
                    if _BEGINS_FORMULA.search(before + piece):
                        return True
                    before = piece[-_LONGEST_TAG:]
    return False


def _workbook_rows(sheet: "Worksheet", as_written: "Worksheet | None") -> Iterator[Row]:
    number = 0
    with _as_unreadable(after=lambda: number):
        # Some programs write a wrong size of the sheet, and rows beyond it would be lost.
        for one in (sheet, as_written):
            if one is not None:
                one.reset_dimensions()  # type: ignore[attr-defined]  # read-only sheets have it
        written = repeat(()) if as_written is None else as_written.iter_rows()
        for number, (cells, formulas) in enumerate(zip(sheet.iter_rows(), written, strict=False), start=1):
            texts = [_cell_text(cell) for cell in cells]
            for place, (cell, formula) in enumerate(zip(cells, formulas, strict=False)):
                if formula.data_type == "f" and cell.value is None and cell.data_type != _EMPTY_TEXT:
                    texts[place] = FormulaCell(_formula_text(formula.value))
            yield number, texts


@contextmanager
def _as_unreadable(after: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn what a damaged workbook makes the library raise, which is about anything, into one error."""
    from openpyxl.formula.tokenizer import TokenizerError  # noqa: PLC0415 - as above

    try:
        yield
    except (*_DAMAGED, TokenizerError) as error:
        raise UnreadableFile("not-a-workbook", (after() + 1) if after() else None) from error


def _cell_text(cell: "Cell | MergedCell | ReadOnlyCell | EmptyCell") -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return _number_text(value, cell)
    if isinstance(value, datetime | date):
        return value.strftime(_DAY_ONLY)
    return str(value)


def _formula_text(formula: object) -> str:
    """Return how a formula is written; one that fills several cells is an object with its text."""
    return str(getattr(formula, "text", None) or formula)


def _number_text(value: float, cell: "Cell | MergedCell | ReadOnlyCell | EmptyCell") -> str:
    shown = str(getattr(cell, "number_format", ""))
    # A spreadsheet keeps 15 digits; those behind are of the processor that worked 50600.5 out.
    number = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    number *= 100 if "%" in shown else 1
    digits = f"{number:f}"
    text = digits.rstrip("0").rstrip(".") if "." in digits else digits
    # A format such as 00000 says how many digits the code has: that is how people see it, and no guess.
    if _ZEROS.fullmatch(shown) and len(shown) > 1 and text.isdigit():
        return text.zfill(len(shown))
    return NumberCell(text)
