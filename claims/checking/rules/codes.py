"""Rules about codes: that a coded value is in its list on the day."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from claims.bundle.codes import find_code, is_established
from claims.bundle.findings import Finding, Severity
from claims.bundle.format import depends_on_format
from claims.checking.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema

#: Values of a column that are remembered together: what a stranger sends must not fill the memory.
_FEW: Final = 16


def find_unlisted_codes(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.code: each code of the value is in the field's list on the day the episode ended."""
    for table in claim.tables.values():
        found: list[tuple[int, Finding]] = []
        for name, code_list, separator in _coded_fields(table.schema):
            values = table.values(name)
            find = _unlisted_of_few if len(values) <= _FEW and table.texts is not None else _unlisted_among
            unlisted = find(values, code_list, claim.on, separator)
            for row in table.rows_of(name, frozenset(unlisted)) if unlisted else ():
                params = (("value", unlisted[row[name]][:20]), ("list", code_list))
                location = claim.locate(table, row, name)
                finding = Finding(f"{table.kind}.{name}.code", Severity.WARNING, location, params)
                found.append((row.number, finding))
        yield from (finding for _, finding in sorted(found, key=itemgetter(0)))


@depends_on_format
@lru_cache(maxsize=256)
def _coded_fields(schema: TableSchema) -> tuple[tuple[str, str, str], ...]:
    """List the fields of a table whose code list is known well enough to miss a code in it.

    Each with its list, and what splits several codes; nothing where there is one.
    """
    return tuple(
        (field.name, field.code_list, ";" if field.type == "list" else "")
        for field in schema.fields
        if field.code_list is not None and is_established(field.code_list)
    )


def _unlisted_among(values: frozenset[str], code_list: str, on: date, separator: str) -> Mapping[str, str]:
    """Return the values in which some code is not in the list on the day, with the first such code."""
    unlisted: dict[str, str] = {}
    for value in values:
        for code in value.split(separator) if separator else (value,):
            if not is_blank(code) and find_code(code_list, code, on) is None:
                unlisted.setdefault(value, code)
    return unlisted


# What stands together in one column comes again as a whole. Kept only of valid tables, whose codes are short.
_unlisted_of_few: Final = depends_on_format(lru_cache(maxsize=1024)(_unlisted_among))
