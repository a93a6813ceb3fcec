"""Rules of service and supply rows that need no list, but for beds."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.lines import UnitPrices, price_service
from claims.bundle.money.rules import find_rules
from claims.bundle.money.settings import ServiceAmount
from claims.bundle.money.totals import SUPPLY_GROUPS
from claims.checking.rules.beds import BEDS
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
from claims.checking.rules.visits import OF_STAYING, STAYING, kind_of_visit, minutes_between, minutes_of_stay
from claims.checking.tables import Row
from claims.checking.values import is_blank, read_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claims.bundle.money.lines import Amounts
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_SURGERY, _CONSULTATION, _RATED_SUPPLY = frozenset({"8"}), frozenset({"13"}), frozenset({"11"})
_SHORT_SURGERY_MINUTES: Final = 15
# The rate counts in the Decisions in force; the others did without, or only in part.
_FORMULAS: Final = (ServiceAmount.WITH_RATE, ServiceAmount.PLAIN, ServiceAmount.DIFFERENCE_WAIVED)
#: What the amounts of a row are made of.
_PRICED: Final = ("SO_LUONG", "DON_GIA_BV", "DON_GIA_BH", "TYLE_TT_DV", "TYLE_TT_BH", "PHAM_VI")
_HIGH_PRICE: Final = Decimal(50_000_000)
_MANY_SERVICES: Final = 20
_SHORT_VISIT_MINUTES: Final = 120
_OF_FREE: Final = Screen((TableKind.XML3,), ("DON_GIA_BV",), lambda price: read_number(price) == 0)
_OF_DEAR: Final = Screen(
    (TableKind.XML3,), ("DON_GIA_BV",), lambda price: (read_number(price) or 0) > _HIGH_PRICE
)
_OF_OPERATIONS: Final = Screen((TableKind.XML3,), ("MA_NHOM",), _SURGERY.__contains__)


@rule("XML3.CORE_FIELDS", Screen((TableKind.XML3,), ("SO_LUONG",), is_wrong_quantity))
def find_rows_of_no_quantity(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A row is of some quantity; that its fields are filled, the schema says."""
    return find_wrong_quantity(claim, TableKind.XML3)


@rule("XML3.CODE_REQUIRED")
def find_missing_codes(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A supply has the code of a supply, and anything else that of a service."""
    for row in claim.rows_where(TableKind.XML3, _has_no_code, "MA_NHOM", "MA_VAT_TU", "MA_DICH_VU"):
        yield Hit(row, "MA_VAT_TU" if row["MA_NHOM"] in SUPPLY_GROUPS else "MA_DICH_VU")


@rule("XML3.ORDER_EXEC_RESULT")
def find_wrong_order_of_times(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What was ordered is then done, and then has its result."""
    for row in claim.rows_where(TableKind.XML3, _are_not_in_order, "NGAY_YL", "NGAY_TH_YL", "NGAY_KQ"):
        earlier = "NGAY_YL"
        for field in ("NGAY_TH_YL", "NGAY_KQ"):
            if not row.moment(field):
                continue
            if row.moment(earlier) and row[field] < row[earlier]:
                yield Hit(row, field, (("other", earlier),))
                break
            earlier = field


@rule("XML3.SURGERY_SHORT", _OF_OPERATIONS)
def find_short_surgery(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Surgery takes a quarter of an hour or more."""
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _SURGERY):
        start, end = row.moment("NGAY_TH_YL"), row.moment("NGAY_KQ")
        if start and end and start <= end:
            minutes = minutes_between(start, end)
            if minutes < _SHORT_SURGERY_MINUTES:
                yield Hit(row, "NGAY_KQ", (("minutes", str(minutes)),))


@rule("XML3.SUPPLY_OUTSIDE", Screen((TableKind.XML3,), ("MA_NHOM",), _RATED_SUPPLY.__contains__))
def find_rated_supplies(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Supplies outside the list are worth a look."""
    return (Hit(row, "MA_NHOM") for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _RATED_SUPPLY))


@rule("XML3.AMOUNT_BV")
def find_wrong_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A row costs quantity times price, with or without the rate of a service done in part."""
    rows = claim.rows_where(TableKind.XML3, _is_wrong_amount, *_PRICED, "THANH_TIEN_BV")
    return (hit for row in rows for hit in _wrong_amount(row))


@rule("XML3.AMOUNT_BH")
def find_wrong_insured_amounts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Within cover is what the formula of the day makes; looked at where the whole is right.

    Before Decision 4750 the rate counted for some services and not for others: both are right then.
    """
    try:
        formula = find_rules(claim.on).service_amount
    except NoMoneyRules:
        return
    is_wrong = partial(_is_wrong_insured_amount, formula)
    for row in claim.rows_where(TableKind.XML3, is_wrong, *_PRICED, "THANH_TIEN_BH"):
        if not row["T_TRANTT"] and not is_covered_too_much(row) and not any(_wrong_amount(row)):
            yield from _wrong_insured_amount(row, formula)


@rule("XML3.SPLIT")
def find_wrong_splits(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Fund, patient and other sources together pay what a row costs."""
    return find_wrong_split(claim, TableKind.XML3)


@rule("XML3.FUND_PART")
def find_wrong_fund_parts(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The fund pays its percent of what is within cover, or less where others pay or a ceiling ends it."""
    return find_wrong_fund_part(claim, TableKind.XML3)


@rule("XML3.OTHER_SOURCES")
def find_wrong_sums_of_sources(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What other sources pay is what the four of them pay together."""
    return find_wrong_sources(claim, TableKind.XML3)


@rule("XML3.TYLE_RANGE", Screen((TableKind.XML3,), ("TYLE_TT_BH", "TYLE_TT_DV"), is_no_percent))
def find_impossible_percents(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """A percent is between 0 and 100."""
    return find_percent_out_of_range(claim, TableKind.XML3, "TYLE_TT_BH", "TYLE_TT_DV")


@rule("XML3.CEILING", Screen((TableKind.XML3,), ("T_TRANTT",), read_number))
def find_payments_above_ceiling(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The fund pays no more than the ceiling of a supply (Decision 4750: of DON_GIA_BH) for each of it."""
    for row in claim.rows_where(TableKind.XML3, read_number, "T_TRANTT"):
        ceiling, paid = row.number_of("T_TRANTT"), row.number_of("T_BHTT")
        most = (ceiling or 0) * max(positive_quantity(row) or 1, 1)
        if most and paid is not None and paid > most:
            yield Hit(row, "T_BHTT", (("ceiling", f"{most:f}"),))


@rule("XML3.ZERO_PRICE", _OF_FREE)
def find_free_services(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What is billed has a price."""
    rows = claim.rows_where(TableKind.XML3, _OF_FREE.is_so, "DON_GIA_BV")
    return (Hit(row, "DON_GIA_BV") for row in rows)


@rule("XML3.HIGH_PRICE", _OF_DEAR)
def find_dear_services(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A very high price is worth a look."""
    rows = claim.rows_where(TableKind.XML3, _OF_DEAR.is_so, "DON_GIA_BV")
    return (Hit(row, "DON_GIA_BV") for row in rows)


@rule("XML3.DUP_SAME_TIME")
def find_services_ordered_twice(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A service is not ordered twice in one minute."""
    keys = [*zip(*(claim.column(TableKind.XML3, name) for name in ("MA_DICH_VU", "NGAY_YL")), strict=True)]
    if len(set(keys)) == len(keys):
        return
    seen: set[tuple[str, str]] = set()
    for row, key in zip(_rows(claim), keys, strict=True):
        if all(key) and row["MA_NHOM"] not in BEDS and is_blank(row["MA_VAT_TU"]):
            if key in seen:
                yield Hit(row, "MA_DICH_VU")
            seen.add(key)


@rule("XML3.EXAM_MULTI_INPATIENT", OF_STAYING)
def find_many_consultations(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An in-patient has one consultation at most."""
    if kind_of_visit(claim) not in STAYING:
        return
    found = claim.rows_of(TableKind.XML3, "MA_NHOM", _CONSULTATION)
    if len(found) > 1:
        yield Hit(found[1], "MA_NHOM", (("given", str(len(found))),))


@rule("XML3.EXAM_ONLY")
def find_lone_consultation(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A consultation with neither medicine nor service is worth a look."""
    groups = claim.column(TableKind.XML3, "MA_NHOM")
    if kind_of_visit(claim) in STAYING or not groups or claim.count(TableKind.XML2):
        return
    if _CONSULTATION.issuperset(groups):
        yield Hit(claim.row(TableKind.XML3, 0), "MA_NHOM")


@rule("XML3.VOLUME")
def find_many_services_in_a_short_visit(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """More than twenty services in less than two hours are worth a look."""
    supplies, codes = (claim.column(TableKind.XML3, name) for name in ("MA_VAT_TU", "MA_DICH_VU"))
    given = sum(bool(code) and is_blank(supply) for supply, code in zip(supplies, codes, strict=True))
    if given <= _MANY_SERVICES:
        return
    minutes = minutes_of_stay(claim)
    if minutes is not None and minutes < _SHORT_VISIT_MINUTES:
        yield Hit(claim.summary_row, "NGAY_RA", (("given", str(given)),))


@rule("STAFF.TEAM_DISTINCT", _OF_OPERATIONS)
def find_repeated_team_members(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Nobody is in one team twice."""
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _SURGERY):
        people = row.items_of("NGUOI_THUC_HIEN")
        if len(set(people)) < len(people):
            yield Hit(row, "NGUOI_THUC_HIEN")


def _has_no_code(group: str, supply: str, service: str) -> bool:
    return is_blank(supply if group in SUPPLY_GROUPS else service)


def _are_not_in_order(ordered: str, done: str, ended: str) -> bool:
    """Whether three times may be out of order; one may be missing, or be no time."""
    return not ordered <= done or bool(ended and ended < done)


def _wrong_amount(row: Row) -> Iterator[Hit]:
    costs = (amounts.thanh_tien_bv for amounts in map(partial(_price, row), _FORMULAS) if amounts is not None)
    return find_other_amount(row, "THANH_TIEN_BV", costs)


@lru_cache(maxsize=1024)
def _is_wrong_amount(*values: str) -> bool:
    row = Row(TableKind.XML3, 0, None, dict(zip((*_PRICED, "THANH_TIEN_BV"), values, strict=True)))
    return any(_wrong_amount(row))


def _wrong_insured_amount(row: Row, formula: ServiceAmount) -> Iterator[Hit]:
    priced = map(partial(_price, row), (ServiceAmount.WITH_RATE, formula))
    covered = (amounts.thanh_tien_bh for amounts in priced if amounts is not None)
    return find_other_amount(row, "THANH_TIEN_BH", covered)


@lru_cache(maxsize=1024)
def _is_wrong_insured_amount(formula: ServiceAmount, *values: str) -> bool:
    row = Row(TableKind.XML3, 0, None, dict(zip((*_PRICED, "THANH_TIEN_BH"), values, strict=True)))
    return any(_wrong_insured_amount(row, formula))


def _price(row: Row, formula: ServiceAmount) -> Amounts | None:
    """Price a row by a formula; None where it does not say all that goes into it."""
    quantity, percent = positive_quantity(row), percent_in_cover(row)
    at_hospital, insured = row.number_of("DON_GIA_BV"), row.number_of("DON_GIA_BH")
    rate = row.number_of("TYLE_TT_DV")
    if quantity is None or percent is None or at_hospital is None or insured is None or rate is None:
        return None
    return price_service(
        UnitPrices(at_hospital, insured),
        so_luong=quantity,
        tyle_tt_dv=rate,
        tyle_tt_bh=percent,
        amount=formula,
    )


def _rows(claim: CheckedClaim) -> Sequence[Row]:
    return claim.rows(TableKind.XML3)
