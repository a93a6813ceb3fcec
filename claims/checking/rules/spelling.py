"""Rules about how a value is spelled where its form allows more than its meaning does."""

from __future__ import annotations

from functools import lru_cache, partial
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Severity

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


def find_lost_zeros(claim: CheckedClaim) -> Iterator[Finding]:
    """XMLn.FIELD.leading_zero: a code of digits has all of them."""
    for table in claim.tables.values():
        found: list[tuple[int, Finding]] = []
        for name, width in _fields_of_digits(table.schema):
            for row in table.rows_where(partial(_is_shorter, width), name):
                location = claim.locate(table, row, name)
                code = f"{table.kind}.{name}.leading_zero"
                found.append((row.number, Finding(code, Severity.ERROR, location, (("width", str(width)),))))
        yield from (finding for _, finding in sorted(found, key=itemgetter(0)))


@lru_cache(maxsize=4096)
def _is_shorter(width: int, value: str) -> bool:
    return any(item.isdigit() and len(item) < width for item in value.split(";"))


@lru_cache(maxsize=256)
def _fields_of_digits(schema: TableSchema) -> tuple[tuple[str, int], ...]:
    return tuple(
        (field.name, _DIGITS[field.name])
        for field in schema.fields
        if field.name in _DIGITS and field.type != "integer"
    )
