"""The tables of a claim as rules ask them: row by row, or a field of all rows at once.

What a rule asks of a field it asks of the whole column, and of equal values once: most of the 1,700 values of
a claim come again and again. Rows are made where a rule, or a finding, needs one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar, cast

from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind
from claims.checking.values import read_day, read_moment, read_number, split_items
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from xsd.catalog import TableSchema

T = TypeVar("T")

_NO_VALUES: Final = frozenset[str]()


class Row(dict[str, str]):
    """One row as written: its fields by name, its table, its place from 1, its line in the decoded table.

    A field that is not there and one without a value read alike: as the empty string. Read as something else
    than text, a value that is not of its kind is None: the schema stage has said so, rules need not.

    It is a dictionary, so that to ask it takes no call of Python. Nobody changes it after it is made.
    """

    __slots__ = ("kind", "line", "number")

    def __init__(self, kind: TableKind, number: int, line: int | None, values: Mapping[str, str]) -> None:
        """Note the fields of a row, and where it stands."""
        super().__init__(values)
        self.kind = kind
        self.number = number
        self.line = line

    def __missing__(self, field: str) -> str:
        return ""

    def number_of(self, field: str) -> Decimal | None:
        """Return an amount, a quantity or a percentage, exactly as written."""
        return read_number(self[field])

    def moment(self, field: str) -> str | None:
        """Return a time as its twelve digits ``yyyyMMddHHmm``, which compare as times do."""
        return read_moment(self[field])

    def day(self, field: str) -> str | None:
        """Return the day of a date or a time as its eight digits ``yyyyMMdd``."""
        return read_day(self[field])

    def items_of(self, field: str) -> tuple[str, ...]:
        """Return the items of a value that holds several, split by semicolons; empty ones are left out."""
        return split_items(self[field])


@dataclass(frozen=True, slots=True, eq=False)
class CheckedTable:
    """A table that was checked against a schema, with its rows.

    Attributes:
        kind: Which table it is.
        schema: The schema that it was checked against.
        envelope_line: The line of its NOIDUNGFILE in the bundle.
        lines: The line of each row.
        may_have_unseen: Whether a value may hold a character that cannot be seen.
        texts: The values of all rows, one behind the other, where each row has all fields of the schema in
            their order; None where one has not.
        uneven: The fields of each row where one has not all.
    """

    kind: TableKind
    schema: TableSchema
    envelope_line: int | None
    lines: Sequence[int | None]
    may_have_unseen: bool = False
    texts: Sequence[str] | None = None
    uneven: Sequence[Mapping[str, str]] = ()
    _rows: dict[int, Row] = field(default_factory=dict, init=False, repr=False)
    _columns: dict[str, Sequence[str]] = field(default_factory=dict, init=False, repr=False)
    _values: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False)
    _numbers: dict[str, Sequence[Decimal | None]] = field(default_factory=dict, init=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that are written in some row."""
        if self.texts is not None:
            return _names_of(self.schema)
        return tuple(dict.fromkeys(name for fields in self.uneven for name in fields))

    @property
    def rows(self) -> Sequence[Row]:
        """The rows in their order."""
        return list(map(self.row, range(len(self.lines))))

    def row(self, place: int) -> Row:
        """Return the row at a place, counted from 0."""
        row = self._rows.get(place)
        if row is None:
            row = self._rows[place] = Row(self.kind, place + 1, self.lines[place], self._fields_at(place))
        return row

    def _fields_at(self, place: int) -> Mapping[str, str]:
        if self.texts is None:
            return self.uneven[place]
        names = _names_of(self.schema)
        start = place * len(names)
        return dict(zip(names, self.texts[start : start + len(names)], strict=True))

    def column(self, field: str) -> Sequence[str]:
        """Return the values of one field, row by row."""
        if not self._columns and self.texts is not None:
            names = _names_of(self.schema)
            self._columns.update({name: self.texts[place :: len(names)] for place, name in enumerate(names)})
        column = self._columns.get(field)
        if column is None:
            rows = self.uneven or [{}] * len(self.lines)  # without uneven rows, none has such a field
            column = self._columns[field] = [fields.get(field, "") for fields in rows]
        return column

    def values(self, field: str) -> frozenset[str]:
        """Return the values of one field, each once."""
        values = self._values.get(field)
        if values is None:
            values = self._values[field] = frozenset(self.column(field))
        return values

    def numbers(self, field: str) -> Sequence[Decimal | None]:
        """Return the amounts, quantities or percents of one field, row by row."""
        numbers = self._numbers.get(field)
        if numbers is None:
            column = self.column(field)
            # Payments by others, to name one, are nothing throughout.
            if column and column.count(column[0]) == len(column):
                numbers = [read_number(column[0])] * len(column)
            else:
                numbers = list(map(read_number, column))
            self._numbers[field] = numbers
        return numbers

    def rows_of(self, field: str, values: frozenset[str]) -> Sequence[Row]:
        """Return the rows of which a field is one of some values."""
        if values.isdisjoint(self.values(field)):
            return ()
        return [self.row(place) for place, value in enumerate(self.column(field)) if value in values]

    def rows_where(self, is_so: Callable[[str], object], field: str) -> Sequence[Row]:
        """Return the rows of whose value in a field something is so; it is asked once for equal values."""
        found = {value for value in self.values(field) if is_so(value)}
        return self.rows_of(field, frozenset(found)) if found else ()

    def rows_where_all(self, is_so: Callable[..., object], *fields: str) -> Sequence[Row]:
        """Return the rows of whose values in several fields something is so; asked once for equal ones."""
        columns = list(zip(*map(self.column, fields), strict=True))
        found = {values for values in set(columns) if is_so(*values)}
        return [self.row(place) for place, values in enumerate(columns) if values in found] if found else ()


@lru_cache(maxsize=256)
def _names_of(schema: TableSchema) -> tuple[str, ...]:
    return tuple(schema.field_by_name)


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim whose tables were checked against their schemas.

    Attributes:
        number: Its place in the bundle, from 1.
        on: The day that decides on schemas and code lists: that of NGAY_RA, or else of reception.
        discharged_on: The day of NGAY_RA; None when XML1 does not say.
        tables: The tables that have a schema.
        summary_row: The row of XML1; None when it could not be read.
    """

    number: int
    on: date
    discharged_on: date | None
    tables: Mapping[TableKind, CheckedTable]
    summary_row: Row | None = field(init=False, repr=False, compare=False)
    _worked_out: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the row that nearly every rule asks for."""
        summary = self.tables.get(TableKind.XML1)
        object.__setattr__(
            self, "summary_row", summary.row(0) if summary is not None and summary.lines else None
        )

    def once(self, key: object, work_out: Callable[[], T]) -> T:
        """Work something out of the claim that several rules ask, once."""
        if key not in self._worked_out:
            self._worked_out[key] = work_out()
        return cast("T", self._worked_out[key])

    def count(self, kind: TableKind) -> int:
        """Return how many rows a table has; none where the claim does not have it."""
        table = self.tables.get(kind)
        return 0 if table is None else len(table.lines)

    def row(self, kind: TableKind, place: int) -> Row:
        """Return the row of a table that the claim has, at a place counted from 0."""
        return self.tables[kind].row(place)

    def rows(self, kind: TableKind) -> Sequence[Row]:
        """Return the rows of a table; none where the claim does not have it."""
        table = self.tables.get(kind)
        return () if table is None else table.rows

    def column(self, kind: TableKind, field: str) -> Sequence[str]:
        """Return the values of one field of a table, row by row."""
        table = self.tables.get(kind)
        return () if table is None else table.column(field)

    def values(self, kind: TableKind, field: str) -> frozenset[str]:
        """Return the values of one field of a table, each once."""
        table = self.tables.get(kind)
        return _NO_VALUES if table is None else table.values(field)

    def numbers(self, kind: TableKind, field: str) -> Sequence[Decimal | None]:
        """Return the amounts, quantities or percents of one field of a table, row by row."""
        table = self.tables.get(kind)
        return () if table is None else table.numbers(field)

    def days(self, kind: TableKind, field: str) -> Sequence[date]:
        """Return the days of one field of a table, row by row; where it says none, that of the claim."""
        return self.once(
            (kind, field, "days"), lambda: [parse_day(value) or self.on for value in self.column(kind, field)]
        )

    def rows_of(self, kind: TableKind, field: str, values: frozenset[str]) -> Sequence[Row]:
        """Return the rows of a table of which a field is one of some values."""
        table = self.tables.get(kind)
        return () if table is None else table.rows_of(field, values)

    def rows_where(self, kind: TableKind, is_so: Callable[..., object], *fields: str) -> Sequence[Row]:
        """Return the rows of a table of whose values something is so; it is asked once for equal values."""
        table = self.tables.get(kind)
        if table is None:
            return ()
        return table.rows_where(is_so, *fields) if len(fields) == 1 else table.rows_where_all(is_so, *fields)

    def place(self, row: Row | None = None, field: str | None = None) -> Location:
        """Return the location of a row or one of its fields; without a row, that of the claim."""
        if row is None:
            return Location(claim=self.number, field=field)
        return self.locate(self.tables[row.kind], row, field)

    def locate(self, table: CheckedTable, row: Row | None = None, field: str | None = None) -> Location:
        """Return the location of a table, one of its rows or a field of a row."""
        return Location(
            claim=self.number,
            table=table.kind,
            row=row.number if row is not None and table.schema.row_element is not None else None,
            field=field,
            line=None if row is None else row.line,
            envelope_line=table.envelope_line,
        )
