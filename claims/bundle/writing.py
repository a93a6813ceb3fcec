"""Writing tables and bundles, in the Decision's order and spelling.

What a claim contains is decided by the builder. Here a field gets its place, text is escaped, and
what no reader could read (an unknown field, a control character) is refused rather than written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import pybase64

from claims.bundle.kinds import TableKind
from claims.errors import ClaimsError
from xsd.catalog import find_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from xsd.catalog import TableSchema

__all__ = ["TableKind", "Unwritable", "write_bundle", "write_table"]

_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_NAMESPACES: Final = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)
# XML 1.0, production 2: everything else cannot stand in a document, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = re.compile("[&<>\r]")
# Either of them, so that most rows are looked through once and not twice a value.
_SPECIAL: Final = re.compile("[^\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A carriage return is escaped because every XML reader turns a bare one into a line feed.
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


class Unwritable(ClaimsError, ValueError):
    """Rows were handed over that cannot be written as a table or a bundle.

    Attributes:
        table: The table in question; None when it is the bundle itself.
        field: The field in question, if it is one.
        row: Its row, from 1.
    """

    def __init__(
        self, detail: str, *, table: str | None, field: str | None = None, row: int | None = None
    ) -> None:
        where = " ".join(str(part) for part in (table, field, row and f"row {row}") if part)
        super().__init__(f"{where}: {detail}" if where else detail)
        self.table = table
        self.field = field
        self.row = row


def write_table(
    kind: TableKind, rows: Sequence[Mapping[str, str]], *, on: date, decision: str | None = None
) -> bytes:
    """Write one table as a UTF-8 document under the Decision in force on the day, or the one named.

    Every field of the Decision is written, empty where the row has no value. Each row is on a line
    of its own, so that a line number in a finding leads to it.

    Raises:
        Unwritable: A row has a field that the Decision does not know or text that XML cannot hold, or there
            are no rows, or more rows than the table takes.
        SchemaNotFound: No Decision describes this table on this day.
    """
    schema = find_schema(kind, on=on, decision=decision)
    if not rows or (schema.row_element is None and len(rows) != 1):
        raise Unwritable(f"{len(rows)} rows", table=kind)
    tags = _tags(schema)
    parts = [_DECLARATION]
    if schema.row_element is None:
        parts += _write_row(schema, rows[0], 1, tags, schema.root)
    else:
        parts.append(f"<{schema.root}>\n<{schema.list_element}>\n")
        for number, row in enumerate(rows, start=1):
            parts += _write_row(schema, row, number, tags, schema.row_element)
        parts.append(f"</{schema.list_element}>\n{_ending(schema)}</{schema.root}>\n")
    return "".join(parts).encode()


def write_bundle(
    *,
    facility: str,
    made_on: date,
    claims: Sequence[Mapping[TableKind, Sequence[Mapping[str, str]]]],
    on: date | None = None,
    decision: str | None = None,
) -> bytes:
    """Write an unsigned bundle: the envelope with each claim's tables and an empty CHUKYDONVI.

    Tables follow the Decision in force ``on`` the day their episode ended (without it, on the day the
    bundle is made), or the ``decision`` that is named. A table without rows is left out.

    Raises:
        Unwritable: A claim has no XML1 or a table that never travels in a bundle, or a row cannot be written.
        SchemaNotFound: No Decision describes a table on this day.
    """
    if not claims:
        raise Unwritable("a bundle holds at least one claim", table=None)
    parts = [
        f"{_DECLARATION}<GIAMDINHHS{_NAMESPACES}>\n",
        f"<THONGTINDONVI>\n<MACSKCB>{_escape(facility)}</MACSKCB>\n</THONGTINDONVI>\n",
        f"<THONGTINHOSO>\n<NGAYLAP>{made_on:%Y%m%d}</NGAYLAP>\n",
        f"<SOLUONGHOSO>{len(claims)}</SOLUONGHOSO>\n<DANHSACHHOSO>\n",
    ]
    for claim in claims:
        parts += _write_claim(claim, on or made_on, decision)
    parts.append("</DANHSACHHOSO>\n</THONGTINHOSO>\n<CHUKYDONVI></CHUKYDONVI>\n</GIAMDINHHS>\n")
    return "".join(parts).encode()


def _write_claim(
    claim: Mapping[TableKind, Sequence[Mapping[str, str]]], on: date, decision: str | None
) -> list[str]:
    if not claim.get(TableKind.XML1):
        raise Unwritable("a claim has a summary row", table=TableKind.XML1)
    parts = ["<HOSO>\n"]
    for kind in sorted(claim, key=lambda kind: kind.number):
        if not kind.travels_in_bundle:
            raise Unwritable("this table never travels in a bundle", table=kind)
        if claim[kind]:
            content = pybase64.b64encode_as_string(write_table(kind, claim[kind], on=on, decision=decision))
            parts.append(
                f"<FILEHOSO>\n<LOAIHOSO>{kind}</LOAIHOSO>\n<NOIDUNGFILE>{content}</NOIDUNGFILE>\n</FILEHOSO>\n"
            )
    parts.append("</HOSO>\n")
    return parts


def _write_row(
    schema: TableSchema,
    row: Mapping[str, str],
    number: int,
    tags: tuple[tuple[str, str, str, str], ...],
    element: str,
) -> list[str]:
    if not row.keys() <= schema.field_by_name.keys():
        unknown = next(name for name in row if name not in schema.field_by_name)
        raise Unwritable("the Decision has no such field", table=schema.table, field=unknown, row=number)
    is_plain = _SPECIAL.search("".join(row.values())) is None
    parts = [f"<{element}>"]
    for name, empty, start, end in tags:
        value = row.get(name)
        if not value:
            parts.append(empty)
        elif is_plain:
            parts += (start, value, end)
        elif _NOT_XML.search(value):
            raise Unwritable("a character that XML cannot hold", table=schema.table, field=name, row=number)
        else:
            parts += (start, _escape(value), end)
    parts.append(f"</{element}>\n")
    return parts


@lru_cache(maxsize=256)
def _tags(schema: TableSchema) -> tuple[tuple[str, str, str, str], ...]:
    """The marks around each field, made once per schema."""
    return tuple((f.name, f"<{f.name}/>", f"<{f.name}>", f"</{f.name}>") for f in schema.fields)


def _ending(schema: TableSchema) -> str:
    """What follows the list: XML0 travels on its own and carries the facility's signature itself."""
    has_signature = schema.model.root.find("CHUKYDONVI") is not None
    return "<CHUKYDONVI></CHUKYDONVI>\n" if has_signature else ""


def _escape(text: str) -> str:
    return _MARKUP.sub(lambda found: _ESCAPES[found[0]], text) if _MARKUP.search(text) else text
