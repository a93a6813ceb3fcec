"""Rules about days and hours: here, that a day exists. Form and ranges are the schema's."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Severity
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.tables import CheckedClaim
    from xsd.catalog import TableSchema

_DAY_LENGTH: Final = 8
_CODES: Final = MappingProxyType({"datetime": "ALL.DT12", "date": "ALL.D8"})


def find_impossible_dates(claim: CheckedClaim) -> Iterator[Finding]:
    """ALL.DT12 and ALL.D8: every day exists in its month; 31 February does not."""
    for table in claim.tables.values():
        names = _date_fields(table.schema)
        for row in table.rows:
            values = row.values
            for name, code, is_list in names:
                value = values.get(name)
                if not value:
                    continue
                days = value.split(";") if is_list else (value,)
                if any(_is_impossible(day) for day in days):
                    yield Finding(code, Severity.ERROR, claim.locate(table, row, name))


@lru_cache(maxsize=256)
def _date_fields(schema: TableSchema) -> tuple[tuple[str, str, bool], ...]:
    """List the fields of a table that hold days: name, code of the finding, whether several."""
    return tuple(
        (field.name, _CODES[field.item_type], field.type == "list")
        for field in schema.fields
        if field.item_type in _CODES
    )


def _is_impossible(value: str) -> bool:
    # Most days need no calendar: the schema has seen to 01-31, and every month has 28 days. Unknown parts
    # of a birth date are zeros.
    day = value[6:_DAY_LENGTH]
    return day > "28" and value[:_DAY_LENGTH].isdigit() and day <= "31" and parse_day(value) is None
