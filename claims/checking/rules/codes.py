"""Rules about codes: that a coded value is in its list on the day."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from claims.bundle.codes import find_code, is_established
from claims.bundle.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema


def find_unlisted_codes(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.code: the value is in the field's code list on the day the episode ended."""
    for table in claim.tables.values():
        names = _coded_fields(table.schema)
        for row in table.rows:
            values = row.values
            for name, code_list in names:
                value = values.get(name)
                if value and not _is_listed(code_list, value, claim.on):
                    params = (("value", value[:20]), ("list", code_list))
                    location = claim.locate(table, row, name)
                    yield Finding(f"{table.kind}.{name}.code", Severity.WARNING, location, params)


@lru_cache(maxsize=256)
def _coded_fields(schema: TableSchema) -> tuple[tuple[str, str], ...]:
    """List the fields of a table whose code list is known well enough to miss a code in it."""
    return tuple(
        (field.name, field.code_list)
        for field in schema.fields
        if field.code_list is not None and is_established(field.code_list)
    )


@lru_cache(maxsize=8192)
def _is_listed(code_list: str, value: str, on: date) -> bool:
    return find_code(code_list, value, on) is not None
