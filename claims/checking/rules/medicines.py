"""Rules of medicine rows that need no list."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.lines import price_medicine
from claims.checking.rules.lines import (
    find_other_amount,
    find_percent_out_of_range,
    find_wrong_quantity,
    find_wrong_split,
    is_covered_too_much,
    percent_in_cover,
    positive_quantity,
)
from claims.checking.rules.rule import Hit, rule
from claims.checking.tables import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.bundle.money.lines import Amounts
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: What the amounts of a row are made of.
_PRICED: Final = ("SO_LUONG", "DON_GIA", "TYLE_TT_BH", "PHAM_VI")
_prices_of: Final = itemgetter(*_PRICED)
_MEDICINES: Final = frozenset({"4", "5"})
_HERBS: Final = ("05V", "05C")
_GASES: Final = ("oxy", "ôxy", "nitric oxid", "khí no")
_MANY: Final = 100


@rule("XML2.HAM_LUONG")
def find_missing_strength(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A medicine other than herbs and gases has a strength."""
    return _missing(claim, "HAM_LUONG")


@rule("XML2.SO_DANG_KY")
def find_missing_registration(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A medicine other than herbs and gases has a registration number."""
    return _missing(claim, "SO_DANG_KY")


@rule("XML2.QTY_POSITIVE")
def find_wrong_quantities(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Some of a medicine was given."""
    return find_wrong_quantity(claim.rows(TableKind.XML2))


@rule("XML2.QTY_HUGE")
def find_huge_quantities(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """More than a hundred of something is worth a look."""
    for row in claim.rows(TableKind.XML2):
        quantity = row.number_of("SO_LUONG")
        if quantity is not None and quantity > _MANY:
            yield Hit(row, "SO_LUONG", (("given", f"{quantity:f}"),))


@rule("XML2.AMOUNT_BV")
def find_wrong_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A row costs quantity times price."""
    for row in claim.rows(TableKind.XML2):
        amounts = _amounts(row)
        if amounts is not None:
            yield from find_other_amount(row, "THANH_TIEN_BV", [amounts.thanh_tien_bv])


@rule("XML2.AMOUNT_BH")
def find_wrong_insured_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Within cover is the row's percent of what it costs; looked at where that is right."""
    for row in claim.rows(TableKind.XML2):
        amounts = _amounts(row)
        if amounts is None:
            continue
        wrong = list(find_other_amount(row, "THANH_TIEN_BH", [amounts.thanh_tien_bh]))
        whole_is_wrong = any(find_other_amount(row, "THANH_TIEN_BV", [amounts.thanh_tien_bv]))
        if wrong and not whole_is_wrong and not is_covered_too_much(row):
            yield from wrong


@rule("XML2.SPLIT")
def find_wrong_splits(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Fund, patient and other sources together pay what a row costs."""
    return find_wrong_split(claim.rows(TableKind.XML2))


@rule("XML2.TYLE_RANGE")
def find_impossible_percents(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A percent is between 0 and 100."""
    return find_percent_out_of_range(claim.rows(TableKind.XML2), ("TYLE_TT_BH",))


def _amounts(row: Row) -> Amounts | None:
    return _price(_prices_of(row))


@lru_cache(maxsize=16384)
def _price(given: tuple[str, ...]) -> Amounts | None:
    """Price what stands in the fields of a row; None where it does not say all that goes into it."""
    row = Row(TableKind.XML2, 0, None, dict(zip(_PRICED, given, strict=True)))
    quantity, percent, price = positive_quantity(row), percent_in_cover(row), row.number_of("DON_GIA")
    if quantity is None or percent is None or price is None:
        return None
    return price_medicine(so_luong=quantity, don_gia=price, tyle_tt_bh=percent)


def _missing(claim: CheckedClaim, field: str) -> Iterator[Hit]:
    for row in claim.rows(TableKind.XML2):
        if row["MA_NHOM"] in _MEDICINES and not row[field].strip() and not _has_none(row):
            yield Hit(row, field, (("group", row["MA_NHOM"]),))


def _has_none(row: Row) -> bool:
    """Whether it is an herb or a gas: they have neither."""
    return row["MA_THUOC"].startswith(_HERBS) or row["TEN_THUOC"].casefold().startswith(_GASES)
