"""Rules of medicine rows that need no list."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.lines import price_medicine
from claims.checking.rules.lines import (
    find_other_amount,
    find_percent_out_of_range,
    find_wrong_fund_part,
    find_wrong_quantity,
    find_wrong_sources,
    find_wrong_split,
    is_covered_too_much,
    is_no_percent,
    is_wrong_quantity,
    percent_in_cover,
    positive_quantity,
)
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.tables import Row
from claims.checking.values import is_blank, read_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claims.bundle.money.lines import Amounts
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: What the amounts of a row are made of.
_PRICED: Final = ("SO_LUONG", "DON_GIA", "TYLE_TT_BH", "PHAM_VI")
_MEDICINES: Final = frozenset({"4", "5"})
_HERBS: Final = ("05V", "05C")
_GASES: Final = ("oxy", "ôxy", "nitric oxid", "khí no")
_MANY: Final = 100


@rule("XML2.HAM_LUONG", Screen((TableKind.XML2,), ("HAM_LUONG",), is_blank))
def find_missing_strength(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A medicine other than herbs and gases has a strength."""
    return _missing(claim, "HAM_LUONG")


@rule("XML2.SO_DANG_KY", Screen((TableKind.XML2,), ("SO_DANG_KY",), is_blank))
def find_missing_registration(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A medicine other than herbs and gases has a registration number."""
    return _missing(claim, "SO_DANG_KY")


@rule("XML2.QTY_POSITIVE", Screen((TableKind.XML2,), ("SO_LUONG",), is_wrong_quantity))
def find_wrong_quantities(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """Some of a medicine was given."""
    return find_wrong_quantity(claim, TableKind.XML2)


@rule(
    "XML2.QTY_HUGE",
    Screen((TableKind.XML2,), ("SO_LUONG",), lambda quantity: (read_number(quantity) or 0) > _MANY),
)
def find_huge_quantities(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """More than a hundred of something is worth a look."""
    for place, quantity in enumerate(claim.numbers(TableKind.XML2, "SO_LUONG")):
        if quantity is not None and quantity > _MANY:
            yield Hit(claim.row(TableKind.XML2, place), "SO_LUONG", (("given", f"{quantity:f}"),))


@rule("XML2.AMOUNT_BV")
def find_wrong_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A row costs quantity times price."""
    for row in claim.rows_where(TableKind.XML2, _is_wrong_amount, *_PRICED, "THANH_TIEN_BV"):
        yield from _wrong_amount(row, "THANH_TIEN_BV")


@rule("XML2.AMOUNT_BH")
def find_wrong_insured_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Within cover is the row's percent of what it costs; looked at where that is right."""
    for row in claim.rows_where(TableKind.XML2, _is_wrong_insured_amount, *_PRICED, "THANH_TIEN_BH"):
        if not any(_wrong_amount(row, "THANH_TIEN_BV")) and not is_covered_too_much(row):
            yield from _wrong_amount(row, "THANH_TIEN_BH")


@rule("XML2.SPLIT")
def find_wrong_splits(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Fund, patient and other sources together pay what a row costs."""
    return find_wrong_split(claim, TableKind.XML2)


@rule("XML2.FUND_PART")
def find_wrong_fund_parts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The fund pays its percent of what is within cover, or less where others pay or a ceiling ends it."""
    return find_wrong_fund_part(claim, TableKind.XML2)


@rule("XML2.OTHER_SOURCES")
def find_wrong_sums_of_sources(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What other sources pay is what the four of them pay together."""
    return find_wrong_sources(claim, TableKind.XML2)


@rule("XML2.TYLE_RANGE", Screen((TableKind.XML2,), ("TYLE_TT_BH",), is_no_percent))
def find_impossible_percents(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """A percent is between 0 and 100."""
    return find_percent_out_of_range(claim, TableKind.XML2, "TYLE_TT_BH")


def _wrong_amount(row: Row, field: str) -> Iterator[Hit]:
    """Find that an amount of a row is not what its price makes."""
    amounts = _price(row)
    if amounts is not None:
        expected = amounts.thanh_tien_bv if field == "THANH_TIEN_BV" else amounts.thanh_tien_bh
        yield from find_other_amount(row, field, [expected])


@lru_cache(maxsize=1024)
def _is_wrong_amount(*values: str) -> bool:
    row = Row(TableKind.XML2, 0, None, dict(zip((*_PRICED, "THANH_TIEN_BV"), values, strict=True)))
    return any(_wrong_amount(row, "THANH_TIEN_BV"))


@lru_cache(maxsize=1024)
def _is_wrong_insured_amount(*values: str) -> bool:
    row = Row(TableKind.XML2, 0, None, dict(zip((*_PRICED, "THANH_TIEN_BH"), values, strict=True)))
    return any(_wrong_amount(row, "THANH_TIEN_BH"))


def _price(row: Row) -> Amounts | None:
    """Price a row; None where it does not say all that goes into it."""
    quantity, percent, price = positive_quantity(row), percent_in_cover(row), row.number_of("DON_GIA")
    if quantity is None or percent is None or price is None:
        return None
    return price_medicine(so_luong=quantity, don_gia=price, tyle_tt_bh=percent)


def _missing(claim: CheckedClaim, field: str) -> Iterator[Hit]:
    for row in claim.rows_where(TableKind.XML2, is_blank, field):
        if row["MA_NHOM"] in _MEDICINES and not _has_none(row):
            yield Hit(row, field, (("group", row["MA_NHOM"]),))


def _has_none(row: Row) -> bool:
    """Whether it is an herb or a gas: they have neither."""
    return row["MA_THUOC"].startswith(_HERBS) or row["TEN_THUOC"].casefold().startswith(_GASES)
