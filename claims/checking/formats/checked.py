"""A checked file as reports show it: the report as a JSON object, and the rows that findings are about.

Only plain values, so that a file may be checked in one process and written about in another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claims.bundle.contents import read_contents
from claims.bundle.deadlines import send_by
from claims.bundle.rowmatching import name_row
from claims.bundle.views import label_of, show_value
from claims.checking.details import report_to_json
from claims.localtime import local_date, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from claims.bundle.contents import ReadClaim, ReadRow, ReadTable
    from claims.bundle.views import Cell
    from claims.checking.report import Report

#: Who it is stays off the paper: names, cards, numbers of persons, addresses.
_OF_A_PERSON: Final = re.compile(
    r"HO_?TEN.*|.*CCCD.*|MA_THE_.*|MA_BHXH.*|MA_(CHA|ME)|DIA_CHI.*|DIEN_THOAI.*|NOI_CU_TRU.*|NGUOI_GIAM_HO"
)
_HIDDEN: Final = "•••"
_LONGEST_STT: Final = 10
_MOST_ROWS: Final = 500  # of one file; a page with more is read by nobody


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field of a shown row.

    Attributes:
        meaning: What a code means; empty where it is none.
        is_found: Whether a finding is about it.
    """

    name: str
    label: str
    text: str
    meaning: str
    is_found: bool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row that findings are about: its table, place and STT, what people call it, its fields."""

    table: str
    number: int | None
    stt: str
    name: str
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One claim in the hospital's words: the patient's code there, the days of the visit, the department.

    ``send_by`` is the last day on which it is sent in time; empty where that is not known.
    """

    number: int
    ma_lk: str
    ma_bn: str
    ngay_vao: str
    ngay_ra: str
    ma_khoa: str
    send_by: str
    rows: tuple[ShownRow, ...]


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file and what its check came to.

    Attributes:
        name: What the reader knows it by.
        document: The report as a JSON object; None when the file could not be read.
        error: Why it could not.
        records: Its claims, by language, where they were asked for.
    """

    name: str
    document: Mapping[str, Any] | None
    error: str = ""
    records: tuple[Record, ...] = ()

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """The findings as JSON objects."""
        found: Sequence[Mapping[str, Any]] = () if self.document is None else self.document["findings"]
        return found

    @property
    def is_acceptable(self) -> bool:
        """Whether nothing was found that blocks."""
        return self.document is not None and bool(self.document["acceptable"])


def describe_check(name: str, data: bytes, report: Report, *, records_in: str | None = None) -> CheckedFile:
    """Describe a check of some bytes; with a language, the rows that findings are about as well."""
    document = report_to_json(report, data)
    records: tuple[Record, ...] = ()
    if records_in is not None and report.at is not None:
        records = tuple(_records(data, document["findings"], report.at, records_in))
    return CheckedFile(name, document, records=records)


def _records(data: bytes, findings: Any, at: datetime, language: str) -> Iterable[Record]:  # noqa: ANN401 - JSON
    places: dict[tuple[object, ...], set[str]] = {}
    for one in findings:
        if one["table"]:
            places.setdefault((one["claim"], one["table"], one["row"]), set()).add(one["field"] or "")
    left = _MOST_ROWS
    for claim in read_contents(data, today=local_date(at)).claims:
        shown = _ShownClaim(claim, language)
        rows = [
            shown.row(table, row, places[place])
            for table in claim.tables
            for row in table.rows
            if (place := (claim.number, table.kind, None if table.is_single else row.number)) in places
        ][:left]
        left -= len(rows)
        yield shown.record(tuple(rows))


@dataclass(frozen=True, slots=True)
class _ShownClaim:
    """A claim on its way to paper, in one language."""

    claim: ReadClaim
    language: str

    def record(self, rows: tuple[ShownRow, ...]) -> Record:
        """Return the claim in the hospital's words, with some of its rows."""
        summary = next((table for table in self.claim.tables if table.kind == "XML1" and table.rows), None)

        left = None if summary is None else parse_day(summary.rows[0]["NGAY_RA"])

        def shown(name: str) -> str:
            return "" if summary is None else self._cell(summary, summary.rows[0], name).text

        return Record(
            number=self.claim.number,
            ma_lk=self.claim.ma_lk,
            ma_bn=shown("MA_BN"),
            ngay_vao=shown("NGAY_VAO"),
            ngay_ra=shown("NGAY_RA"),
            ma_khoa=shown("MA_KHOA"),
            send_by=f"{due:%d/%m/%Y}" if left and (due := send_by(left)) else "",
            rows=rows,
        )

    def row(self, table: ReadTable, row: ReadRow, found: set[str]) -> ShownRow:
        """Return a row: the fields that have a value, and those that were found fault with."""
        known = () if table.schema is None else table.schema.field_by_name
        names = dict.fromkeys((*(name for name, _ in row.fields), *(name for name in known if name in found)))
        fields = tuple(
            self._field(table, row, name, is_found=name in found)
            for name in names
            if name in found or row[name].strip()
        )
        number = None if table.is_single else row.number
        stt = row["STT"].strip()[:_LONGEST_STT]
        return ShownRow(str(table.kind), number, stt, name_row(table.kind, row), fields)

    def _field(self, table: ReadTable, row: ReadRow, name: str, *, is_found: bool) -> ShownField:
        field = None if table.schema is None else table.schema.field_by_name.get(name)
        label = label_of(field, self.language)
        if _OF_A_PERSON.fullmatch(name):
            return ShownField(name, label, _HIDDEN if row[name].strip() else "", "", is_found)
        cell = self._cell(table, row, name)
        return ShownField(name, label, cell.text, cell.meaning, is_found)

    def _cell(self, table: ReadTable, row: ReadRow, name: str) -> Cell:
        field = None if table.schema is None else table.schema.field_by_name.get(name)
        return show_value(field, row[name], on=self.claim.on, language=self.language)
