"""Rules about codes: that a coded value is in its list on the day."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from claims.bundle.codes import find_code, is_established
from claims.bundle.findings import Finding, Severity
from claims.bundle.format import depends_on_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema


def find_unlisted_codes(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.code: each code of the value is in the field's list on the day the episode ended."""
    for table in claim.tables.values():
        found: list[tuple[int, Finding]] = []
        for name, code_list, is_several in _coded_fields(table.schema):
            column = table.column(name)
            unlisted = {
                value: code
                for value in set(column)
                if value and (code := _first_unlisted(code_list, value, claim.on, is_several=is_several))
            }
            for row in table.rows_of(name, frozenset(unlisted)) if unlisted else ():
                params = (("value", unlisted[row[name]][:20]), ("list", code_list))
                location = claim.locate(table, row, name)
                finding = Finding(f"{table.kind}.{name}.code", Severity.WARNING, location, params)
                found.append((row.number, finding))
        yield from (finding for _, finding in sorted(found, key=itemgetter(0)))


@depends_on_format
@lru_cache(maxsize=256)
def _coded_fields(schema: TableSchema) -> tuple[tuple[str, str, bool], ...]:
    """List the fields of a table whose code list is known well enough to miss a code in it.

    Each with its list, and whether it holds several codes split by a semicolon.
    """
    return tuple(
        (field.name, field.code_list, field.type == "list")
        for field in schema.fields
        if field.code_list is not None and is_established(field.code_list)
    )


@depends_on_format
@lru_cache(maxsize=8192)
def _first_unlisted(code_list: str, value: str, on: date, *, is_several: bool) -> str | None:
    """Find the first code of a value that is not in the list on the day."""
    codes = value.split(";") if is_several else [value]
    return next((code for code in codes if code and find_code(code_list, code, on) is None), None)
