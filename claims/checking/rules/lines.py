"""What rules ask of a billed row, of XML2 or XML3: its amounts, and who pays which part."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.money.lines import insured_percent
from claims.checking.rules.rule import Hit, in_row_order
from claims.checking.values import is_blank, read_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claims.bundle.kinds import TableKind
    from claims.checking.tables import CheckedClaim, Row

_PARTS: Final = ("T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")
_SOURCES: Final = ("T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL")
#: Percent, amount and the fund's part, and what may lessen it: other sources, ceilings, another supplier.
_OF_FUND_PART: Final = (
    *("MUC_HUONG", "THANH_TIEN_BH", "T_BHTT"),
    *("T_NGUONKHAC", "T_TRANTT", "GOI_VTYT", "NGUON_CTRA"),
)
_INSURANCE_FUND: Final = frozenset({"", "1"})
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


def rows_of_own_code(claim: CheckedClaim, kind: TableKind, field: str) -> Sequence[Row]:
    """Return the rows that are of what a code names: a supply names the service that it was used in, too."""
    return claim.rows_where(kind, is_blank, "MA_VAT_TU") if field == "MA_DICH_VU" else claim.rows(kind)


def is_of_own_code(row: Row, field: str) -> bool:
    """Whether a row is one of those, told from the row alone."""
    return field != "MA_DICH_VU" or is_blank(row["MA_VAT_TU"])


def find_wrong_split(claim: CheckedClaim, kind: TableKind) -> Iterator[Hit]:
    """Find rows of which fund, patient and other sources together pay more or less than they cost."""
    parts = [claim.numbers(kind, part) for part in _PARTS]
    wholes = claim.numbers(kind, "THANH_TIEN_BV")
    for place, (whole, fund, copayment, own, others) in enumerate(zip(wholes, *parts, strict=True)):
        if whole is None or fund is None or copayment is None or own is None or others is None:
            continue
        paid = fund + copayment + own + others
        if abs(paid - whole) > _DONG:
            row = claim.row(kind, place)
            yield Hit(row, "T_BHTT", (("given", f"{paid:f}"), ("expected", f"{whole:f}")))


def find_wrong_sources(claim: CheckedClaim, kind: TableKind) -> Iterator[Hit]:
    """Find rows whose T_NGUONKHAC is not what its four sources make."""
    sources = [claim.numbers(kind, source) for source in _SOURCES]
    for place, (whole, *parts) in enumerate(zip(claim.numbers(kind, "T_NGUONKHAC"), *sources, strict=True)):
        given = sum((part for part in parts if part is not None), Decimal(0))
        if whole is not None and None not in parts and abs(given - whole) > _DONG:
            params = (("given", f"{whole:f}"), ("expected", f"{given:f}"))
            yield Hit(claim.row(kind, place), "T_NGUONKHAC", params)


def find_wrong_fund_part(claim: CheckedClaim, kind: TableKind) -> Iterator[Hit]:
    """Find rows of which the fund pays another part than MUC_HUONG of what is within cover."""
    for row in claim.rows_where(kind, _is_wrong_fund_part, *_OF_FUND_PART):
        facts = {"given": "T_BHTT", "percent": "MUC_HUONG", "covered": "THANH_TIEN_BH"}
        yield Hit(row, "T_BHTT", tuple((name, f"{row.number_of(field):f}") for name, field in facts.items()))


@lru_cache(maxsize=1024)
def _is_wrong_fund_part(percent: str, covered: str, fund: str, others: str, *lessening: str) -> bool:
    """Whether the fund pays more than its percent, or less without a reason to."""
    share, whole, given = read_number(percent), read_number(covered), read_number(fund)
    if share is None or whole is None or given is None:
        return False
    # Before MUC_HUONG had decimals, 47.5 was written without them.
    off = Decimal(0) if share % 1 or share in {0, _HUNDRED} else Decimal("0.5")
    if given > (share + off) * whole / 100 + _DONG:
        return True
    *ceilings, supplier = lessening
    may_be_less = read_number(others) or any(ceilings) or supplier not in _INSURANCE_FUND
    return not may_be_less and given < (share - off) * whole / 100 - _DONG


def find_wrong_quantity(claim: CheckedClaim, kind: TableKind) -> Iterator[Hit]:
    """Find quantities that are nothing or finer than a thousandth."""
    return (Hit(row, "SO_LUONG") for row in claim.rows_where(kind, is_wrong_quantity, "SO_LUONG"))


@lru_cache(maxsize=1024)
def is_wrong_quantity(text: str) -> bool:
    """Whether a quantity is nothing, or finer than a thousandth."""
    quantity = read_number(text)
    if quantity is None:
        return False
    exponent = quantity.normalize().as_tuple().exponent
    return quantity <= 0 or (isinstance(exponent, int) and -exponent > _PLACES)


def find_percent_out_of_range(claim: CheckedClaim, kind: TableKind, *fields: str) -> Iterable[Hit]:
    """Find percents below 0 or above 100."""
    return in_row_order(
        [Hit(row, field) for field in fields for row in claim.rows_where(kind, is_no_percent, field)]
    )


def is_no_percent(text: str) -> bool:
    """Whether a percent is below 0 or above 100."""
    percent = read_number(text)
    return percent is not None and not 0 <= percent <= _HUNDRED
