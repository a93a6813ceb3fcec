"""What rules ask of a billed row, of XML2 or XML3: its amounts, and who pays which part."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.money.lines import insured_percent
from claims.checking.rules.rule import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claims.checking.tables import Row

_PARTS: Final = ("T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")
_PENNY: Final = Decimal("0.01")
_DONG: Final = Decimal(1)
_HUNDRED: Final = Decimal(100)
_PLACES: Final = 3


def find_other_amount(row: Row, field: str, expected: Iterable[Decimal]) -> Iterator[Hit]:
    """Find an amount that is none of those that the formulas make, but for the last digit."""
    given, amount = row.number_of(field), None
    if given is None:
        return
    for amount in expected:
        if abs(given - amount) <= _PENNY:
            return
    if amount is not None:
        yield Hit(row, field, (("given", f"{given:f}"), ("expected", f"{amount:f}")))


def positive_quantity(row: Row) -> Decimal | None:
    """Return the quantity; None where there is none, which is a fault of its own."""
    quantity = row.number_of("SO_LUONG")
    return None if quantity is None or quantity <= 0 else quantity


def percent_in_cover(row: Row) -> Decimal | None:
    """Return the percent of a row that is within cover; None where it is no percent."""
    percent = row.number_of("TYLE_TT_BH")
    if percent is None or not 0 <= percent <= _HUNDRED:
        return None
    return insured_percent(pham_vi=row["PHAM_VI"], tyle_tt_bh=percent)


def is_covered_too_much(row: Row) -> bool:
    """Whether more is within cover than the row costs: SUM.BH_LE_BV says so."""
    covered, whole = row.number_of("THANH_TIEN_BH"), row.number_of("THANH_TIEN_BV")
    return covered is not None and whole is not None and covered > whole


def find_wrong_split(rows: Iterable[Row]) -> Iterator[Hit]:
    """Find rows of which fund, patient and other sources together pay more or less than they cost."""
    for row in rows:
        parts = [amount for part in _PARTS if (amount := row.number_of(part)) is not None]
        whole = row.number_of("THANH_TIEN_BV")
        if whole is None or len(parts) < len(_PARTS):
            continue
        paid = sum(parts, Decimal(0))
        if abs(paid - whole) > _DONG:
            yield Hit(row, "T_BHTT", (("given", f"{paid:f}"), ("expected", f"{whole:f}")))


def find_wrong_quantity(rows: Iterable[Row]) -> Iterator[Hit]:
    """Find quantities that are nothing or finer than a thousandth."""
    for row in rows:
        quantity = row.number_of("SO_LUONG")
        if quantity is None:
            continue
        exponent = quantity.normalize().as_tuple().exponent
        if quantity <= 0 or (isinstance(exponent, int) and -exponent > _PLACES):
            yield Hit(row, "SO_LUONG")


def find_percent_out_of_range(rows: Iterable[Row], fields: Iterable[str]) -> Iterator[Hit]:
    """Find percents below 0 or above 100."""
    for row in rows:
        for field in fields:
            percent = row.number_of(field)
            if percent is not None and not 0 <= percent <= _HUNDRED:
                yield Hit(row, field)
