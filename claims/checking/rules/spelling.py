"""Rules about how a value is spelled where its form allows more than its meaning does."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Severity
from claims.bundle.format import depends_on_format
from claims.bundle.notation import name_character

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema

# Codes that are digits of one length. A spreadsheet that takes them for numbers drops the zeros in front;
# under Decision 130 some were numbers indeed, which their schema says.
_DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "MA_LOAI_KCB": 2,
        "MA_DANTOC": 2,
        "MA_QUOCTICH": 3,
        "MATINH_CU_TRU": 2,
        "MAHUYEN_CU_TRU": 3,
        "MAXA_CU_TRU": 5,
        "MA_DKBD": 5,
        "MA_CSKCB": 5,
        "MA_NOI_DI": 5,
        "MA_NOI_DEN": 5,
        "MA_CSKCB_DI": 5,
        "MA_CSKCB_DEN": 5,
    }
)


# What cannot be seen, by what it is.
_UNSEEN: Final = re.compile(
    "(?P<blank>[\xa0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])"
    "|(?P<no_width>[\u034f\u200b-\u200d\u2060-\u2065\ufe00-\ufe0f])"
    "|(?P<direction>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f])"
    "|(?P<hyphen>\xad)|(?P<byte_order>\ufeff)|(?P<line_end>[\t\r\n])|(?P<edge>\\A | \\Z)"
)
#: What programs write where a database or a script of theirs has no value.
_NOTHING: Final = frozenset(("NULL", "Null", "null", "(null)", "DBNull", "undefined", "NaN", "#N/A"))
_TEXT_KINDS: Final = frozenset({"text", "list"})
#: Of texts without a largest length only these are compared; the rest is told to people.
_IDENTIFYING: Final = ("MA_", "SO_")


def find_lost_zeros(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.leading_zero: a code of digits has all of them."""
    for table in claim.tables.values():
        found: list[tuple[int, Finding]] = []
        for name, width in _fields_of_digits(table.schema):
            shorter = frozenset(value for value in table.values(name) if _is_shorter(width, value))
            for row in table.rows_of(name, shorter) if shorter else ():
                location = claim.locate(table, row, name)
                code = f"{table.kind}.{name}.leading_zero"
                found.append((row.number, Finding(code, Severity.ERROR, location, (("width", str(width)),))))
        yield from (finding for _, finding in sorted(found, key=itemgetter(0)))


def find_unseen_characters(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.unseen: no value that is compared has a character that cannot be seen. Once a field."""
    for table in claim.tables.values():
        for name in _compared_fields(table.schema) if table.may_have_unseen else ():
            rows = table.rows_where(_UNSEEN.search, name)
            found = _UNSEEN.search(rows[0][name]) if rows else None
            if found is not None:
                params = (
                    ("character", name_character(found[0])),
                    ("position", str(found.end())),
                    ("unseen", found.lastgroup or ""),
                    ("rows", str(len(rows))),
                )
                location = claim.locate(table, rows[0], name)
                yield Finding(f"{table.kind}.{name}.unseen", Severity.WARNING, location, params)


def find_words_for_nothing(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.null: a field without a value is empty, and does not say NULL. Once a field."""
    for table in claim.tables.values():
        texts = table.texts
        if texts is None:
            texts = [text for fields in table.uneven for text in fields.values()]
        for name in () if _NOTHING.isdisjoint(texts) else table.names:
            if rows := table.rows_of(name, _NOTHING):
                params = (("given", rows[0][name]), ("rows", str(len(rows))))
                location = claim.locate(table, rows[0], name)
                yield Finding(f"{table.kind}.{name}.null", Severity.WARNING, location, params)


@depends_on_format
@lru_cache(maxsize=256)
def _compared_fields(schema: TableSchema) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in schema.fields
        if field.kind not in _TEXT_KINDS
        or field.max_length is not None
        or field.name.startswith(_IDENTIFYING)
    )


@lru_cache(maxsize=1024)
def _is_shorter(width: int, value: str) -> bool:
    return any(item.isdigit() and len(item) < width for item in value.split(";"))


@lru_cache(maxsize=256)
def _fields_of_digits(schema: TableSchema) -> tuple[tuple[str, int], ...]:
    return tuple(
        (field.name, _DIGITS[field.name])
        for field in schema.fields
        if field.name in _DIGITS and field.type != "integer"
    )
