"""From the rows of one file to typed values, with a report for every row that cannot be used."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from claims.catalogues.cells import BadCell, Value, doubt, empty_value, read_cell
from claims.catalogues.columns import CellType, Column, FileSpec, header_key
from claims.catalogues.items import Entry
from claims.catalogues.problems import CatalogueProblem, Weight
from claims.catalogues.sheets import Sheet, UnreadableFile, read_sheets
from claims.catalogues.systems import name_system

_HIDDEN: Final = "…"
_SHOWN: Final = 60
# Two columns that both hold "the" code are two different codes: which one is meant, only the facility knows.
_CODES: Final = frozenset({CellType.CODE, CellType.MAPPED, CellType.IDENTIFIER})
_APPROVED: Final = "approved"
_COLUMN_NUMBER: Final = re.compile(r"\(?(\d{1,2})\)?", re.ASCII)
_FEWEST_COLUMNS: Final = 3
_WITH_DECIMALS: Final = re.compile(r"\d{4,}\.\d{3}", re.ASCII)


@dataclass(slots=True)
class ReadFile:
    """What one file gave."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[CatalogueProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a sheet a column stands."""

    column: Column
    index: int
    header: str


def read_file(path: Path, name: str, spec: FileSpec, *, approved: bool) -> ReadFile:
    """Read a file; ``name`` is what messages call it, ``approved`` holds where a row does not say."""
    read = ReadFile()
    try:
        for sheet in read_sheets(path, knows=lambda cell: spec.knows(header_key(cell))):
            _SheetReader(name, spec, sheet, approved, read).run()
    except UnreadableFile as error:
        read.problems.append(
            CatalogueProblem(
                code=error.code, weight=Weight.ERROR, file=name, row=error.row, params=error.params
            )
        )
    except OSError as error:
        params = (("what", error.strerror or type(error).__name__),)
        read.problems.append(
            CatalogueProblem(code="cannot-be-opened", weight=Weight.ERROR, file=name, params=params)
        )
    return read


def _numbers_columns(cells: Sequence[str]) -> bool:
    """Whether a row below the headers numbers the columns, as forms on paper do: (1), (2), (3)."""
    numbers = [
        match and int(match[1]) for cell in cells if cell for match in (_COLUMN_NUMBER.fullmatch(cell),)
    ]
    return len(numbers) >= _FEWEST_COLUMNS and numbers == [*range(1, len(numbers) + 1)]


@dataclass(slots=True)
class _SheetReader:
    file: str
    spec: FileSpec
    sheet: Sheet
    approved: bool
    read: ReadFile
    places: list[_Place] = field(default_factory=list)
    width: int = 0
    doubts: list[CatalogueProblem] = field(default_factory=list)
    with_decimals: set[str] = field(default_factory=set)
    with_routes: set[str] = field(default_factory=set)
    is_clear: bool = True

    def run(self) -> None:
        row, header = self.sheet.header
        if not any(self.spec.has_column(header_key(cell)) for cell in header):
            # A workbook often has sheets of notes; a text file without a header is lost.
            weight = Weight.WARNING if self.sheet.name else Weight.ERROR
            wanted = ", ".join(column.name for column in self.spec.columns if column.is_required)
            self._report("no-header", weight, columns=wanted)
            return
        self.places = list(self._place(header, row))
        self.width = len(header)
        found = {place.column.name for place in self.places}
        lacking = [column for column in self.spec.columns if column.is_required and column.name not in found]
        for column in lacking:
            names = ", ".join(header.upper() for header in column.headers[1:])
            self._report("column-missing", Weight.ERROR, row=row, column=column.name, names=names)
        if not lacking and self.is_clear:
            for number, cells in self.sheet.rows:
                if number != row + 1 or not _numbers_columns(cells):
                    self._read_row(number, cells)
        self.read.problems += self._told_doubts()

    def _told_doubts(self) -> Iterator[CatalogueProblem]:
        """Yield what is odd about cells, as far as their columns do not explain it."""
        in_words = Counter[str | None]()
        for one in self.doubts:
            if one.code == "like-thousands" and one.column in self.with_decimals:
                continue
            if one.code == "not-a-route" and one.column not in self.with_routes:
                in_words[one.column] += 1
            else:
                yield one
        for column, rows in in_words.items():
            first = next(one for one in self.doubts if one.column == column)
            yield replace(first, code="routes-in-words", params=(*first.params, ("rows", str(rows))))

    def _place(self, header: Sequence[str], row: int) -> Iterator[_Place]:
        keys = [header_key(cell) for cell in header]
        used = set[int]()
        for column in self.spec.columns:
            indexes = [keys.index(name) for name in column.keys if name in keys]
            if indexes:
                yield _Place(column, indexes[0], header[indexes[0]])
                used.update(indexes)
                self._compare_names(column, [header[place] for place in indexes], row)
        for index, key in enumerate(keys):
            if key and keys.index(key) != index:
                self._report("header-twice", Weight.WARNING, row=row, column=header[index])
            elif key and index not in used and key not in self.spec.ignored:
                self._report("unknown-header", Weight.WARNING, row=row, column=header[index])

    def _compare_names(self, column: Column, names: Sequence[str], row: int) -> None:
        """Report a column that is there under several names, unless the others are known to say less."""
        others = [name for name in names[1:] if header_key(name) not in self.spec.ignored]
        if others:
            weight = Weight.ERROR if column.type in _CODES else Weight.WARNING
            self._report("column-twice", weight, row=row, column=names[0], other=", ".join(others))
            self.is_clear = self.is_clear and weight is Weight.WARNING

    def _read_row(self, number: int, cells: Sequence[str]) -> None:
        if not any(cells):
            return
        if any(cells[self.width :]):
            self._report("too-many-cells", Weight.ERROR, row=number)
            return
        values: dict[str, Value] = {}
        is_good = True
        for place in self.places:
            text = cells[place.index] if place.index < len(cells) else ""
            try:
                values[place.column.name] = self._read_cell(place, text, number)
            except BadCell as error:
                is_good = False
                self._report(
                    error.code, Weight.ERROR, row=number, column=place.header, value=self._shown(text)
                )
        if is_good:
            self._keep(values, number)

    def _read_cell(self, place: _Place, text: str, number: int) -> Value:
        column = place.column
        if not text:
            if column.is_required:
                raise BadCell("cell-empty")
            return self.approved if column.name == _APPROVED else empty_value(column.type)
        value = read_cell(column.type, text)
        if column.type is CellType.RATE and _WITH_DECIMALS.fullmatch(text):
            self.with_decimals.add(place.header)
        if column.type is CellType.ROUTE and value:
            self.with_routes.add(place.header)
        if (odd := doubt(column.type, text)) is not None:
            self.doubts.append(
                self._problem(odd, Weight.WARNING, row=number, column=place.header, value=self._shown(text))
            )
        return value

    def _keep(self, values: dict[str, Value], number: int) -> None:
        days = values.get("valid_from"), values.get("valid_to")
        if days[0] is not None and days[1] is not None and days[1] < days[0]:  # type: ignore[operator]  # both are days
            self._report("ends-before-it-begins", Weight.ERROR, row=number)
            return
        values["local_system"] = name_system(str(values.get("local_system") or ""))
        values.setdefault(_APPROVED, self.approved)
        place = f"{self.file}#{self.sheet.name}" if self.sheet.name else self.file
        self.read.entries.append(self.spec.item(**values, file=place, row=number))  # type: ignore[arg-type]  # by the columns' types

    def _shown(self, text: str) -> str:
        return _HIDDEN if self.spec.is_private else str(text)[:_SHOWN]

    def _report(
        self, code: str, weight: Weight, *, row: int | None = None, column: str | None = None, **params: str
    ) -> None:
        self.read.problems.append(self._problem(code, weight, row=row, column=column, **params))

    def _problem(
        self, code: str, weight: Weight, *, row: int | None = None, column: str | None = None, **params: str
    ) -> CatalogueProblem:
        return CatalogueProblem(
            code=code,
            weight=weight,
            file=self.file,
            sheet=self.sheet.name,
            row=row,
            column=column,
            params=tuple(sorted(params.items())),
        )
