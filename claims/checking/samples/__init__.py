"""Sample claims that break no rule, and changes of them: what a rule's examples are written in.

A sample is a folder beside this file with a claim's tables as they stand in a bundle, ``XML1.xml`` and so on,
or with a check-in document (``XML0.xml``), of made-up people. A change is a line::

    XML1.NGAY_RA = 202609140700      the field of the first row gets a value, or none if none follows
    XML3[2].SO_LUONG = 3             of the second row; [-1] is the last
    XML3[*].MA_BENH = J18.9          of every row
    XML3 + 2                         the second row once more, at the end, under the next number
    XML3 - 2                         without the second row; the others keep their numbers
    XML5 -                           without the table
    ENVELOPE.SOLUONGHOSO = 2         an element of the envelope: MACSKCB, NGAYLAP or SOLUONGHOSO
    SAMPLE.ON = 20271229             its day: made then, by the Decision of then, checked the morning after
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.writing import write_bundle, write_table
from claims.localtime import parse_day
from signing.canonical import parse
from xsd.catalog import find_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    Rows = list[dict[str, str]]

_CHANGE: Final = re.compile(
    r"(?P<table>XML\d{1,2}|ENVELOPE|SAMPLE)"
    r"(?:(?:\[(?P<row>\*|-?\d+)\])?\.(?P<field>[A-Z0-9_]+)\s*=\s*(?P<value>.*)"
    r"|\s*\+\s*(?P<again>\d+)|\s*-\s*(?P<without>\d+)?)",
    re.ASCII,
)
_ENVELOPE: Final = ("MACSKCB", "NGAYLAP", "SOLUONGHOSO")


class UnreadableChange(ValueError):
    """A change is not written as one, or does not fit the sample."""


@dataclass(slots=True)
class Sample:
    """A claim that can be changed.

    Attributes:
        on: The day its episode ended (of a check-in: began), whose Decision its tables follow.
        tables: Its rows by table.
        envelope: What the envelope says otherwise than it should.
    """

    on: date
    tables: dict[TableKind, Rows]
    envelope: dict[str, str]

    @property
    def is_check_in(self) -> bool:
        """Whether it is a check-in and no claim."""
        return TableKind.XML0 in self.tables

    def change(self, change: str) -> None:
        """Apply one change.

        Raises:
            UnreadableChange: It is not written as one, or names what the sample does not have.
        """
        found = _CHANGE.fullmatch(change.strip())
        if found is None:
            raise UnreadableChange(f"{change!r} is not a change")
        if found["table"] == "ENVELOPE":
            if found["field"] not in _ENVELOPE:
                raise UnreadableChange(f"{change!r}: the envelope has {', '.join(_ENVELOPE)}")
            self.envelope[found["field"]] = found["value"].strip()
            return
        if found["table"] == "SAMPLE":
            day = parse_day(found["value"] or "")
            if found["field"] != "ON" or day is None:
                raise UnreadableChange(f"{change!r}: a sample has ON, a day such as 20271229")
            self.on = day
            return
        kind = TableKind(found["table"])
        rows = self.tables.get(kind)
        if rows is None:
            raise UnreadableChange(f"{change!r}: the sample has no {kind}")
        try:
            self._change_rows(kind, rows, found)
        except IndexError:
            raise UnreadableChange(f"{change!r}: {kind} has {len(rows)} rows") from None

    def write(self) -> bytes:
        """Write the claim as an unsigned bundle made on the day the episode ended, a check-in as it is."""
        if self.is_check_in:
            return write_table(TableKind.XML0, self.tables[TableKind.XML0], on=self.on)
        facility = self.tables[TableKind.XML1][0]["MA_CSKCB"]
        data = write_bundle(facility=facility, made_on=self.on, claims=[self.tables], on=self.on)
        for name, value in self.envelope.items():
            data = re.sub(rf"<{name}>[^<]*<".encode(), f"<{name}>{value}<".encode(), data, count=1)
        return data

    def _change_rows(self, kind: TableKind, rows: Rows, change: re.Match[str]) -> None:
        if field := change["field"]:
            row = change["row"] or "1"
            chosen = rows if row == "*" else [rows[_index(row)]]
            if field not in chosen[0]:
                raise UnreadableChange(f"{change[0]!r}: {kind} has no {field}")
            for one in chosen:
                one[field] = change["value"].strip()
        elif again := change["again"]:
            row = rows[_index(again)]
            rows.append({**row, "STT": str(len(rows) + 1)} if "STT" in row else dict(row))
        elif without := change["without"]:
            del rows[_index(without)]
        else:
            del self.tables[kind]


def _index(row: str) -> int:
    number = int(row)
    return number - 1 if number > 0 else number


def sample_names() -> tuple[str, ...]:
    """Return the names of all samples that are claims."""
    folder = resources.files(__package__ or "")
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / "XML1.xml").is_file()))


def load_sample(name: str, changes: Iterable[str] = ()) -> Sample:
    """Load a sample and apply changes to it, one after the other.

    Raises:
        UnreadableChange: There is no such sample, or a change does not fit it.
    """
    on, tables = _load(name)
    sample = Sample(on, {kind: [dict(row) for row in rows] for kind, rows in tables.items()}, {})
    for change in changes:
        sample.change(change)
    return sample


@cache
def _load(name: str) -> tuple[date, Mapping[TableKind, Rows]]:
    folder = resources.files(__package__ or "") / name
    if not name.isidentifier() or not folder.is_dir():
        raise UnreadableChange(f"there is no sample {name!r}")
    roots = {
        TableKind(file.name.removesuffix(".xml")): parse(file.read_bytes())
        for file in folder.iterdir()
        if file.name.endswith(".xml")
    }
    day = (
        roots[TableKind.XML0].findtext(".//NGAY_VAO")
        if TableKind.XML0 in roots
        else roots[TableKind.XML1].findtext("NGAY_RA")
    )
    on = parse_day(day or "")
    if on is None:
        raise UnreadableChange(f"the sample {name!r} does not say when it was")
    tables: dict[TableKind, Rows] = {}
    for kind in sorted(roots, key=lambda kind: kind.number):
        schema, root = find_schema(kind, on=on), roots[kind]
        found = [root] if schema.row_element is None else root.iter(schema.row_element)
        tables[kind] = [{str(field.tag): field.text or "" for field in row} for row in found]
    return on, tables
