"""Rules of what a stay on a ward brings with it: beds, oxygen, transport."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.money.rules import find_rules
from claims.catalogues.items import DepartmentItem, Kind
from claims.checking.practice import practice_on
from claims.checking.rules.beds import BEDS
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import days_between, minutes_of_stay, stay_of
from claims.checking.values import read_number
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.checking.known import Known
    from claims.checking.practice import Practice
    from claims.checking.tables import CheckedClaim, Row

_OF_STAYS: Final = frozenset({"15", "16"})
_TRANSPORT: Final = frozenset({"12"})
#: How long something was given for.
_MEASURED: Final = ("DON_VI_TINH", "TEN_DICH_VU", "SO_LUONG")
_MINUTES_OF_AN_HOUR: Final = 60
_OF_BEDS: Final = Screen((TableKind.XML3,), ("MA_NHOM",), BEDS.__contains__)
_OF_TRANSPORT: Final = Screen((TableKind.XML3,), ("MA_NHOM",), _TRANSPORT.__contains__)


@rule("XML3.BED_ONE_PER_DAY", _OF_BEDS)
def find_days_with_more_than_one_bed(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The bed rows of a day together are one bed day at most. One hit a day.

    The first night's bed is often ordered after midnight: two on a day are borne while there are no more bed
    days than days since arrival.
    """
    stay = stay_of(claim)
    sums: dict[str, Decimal] = {}
    for row in sorted(_beds(claim), key=lambda row: row["NGAY_YL"]):
        day, quantity = row.day("NGAY_YL"), row.number_of("SO_LUONG")
        if stay is None or day is None or quantity is None:
            continue
        before = sums.get(day)
        sums[day] = (before or Decimal(0)) + quantity
        is_second = before is not None and before <= 1 < sums[day]
        if is_second and sum(sums.values()) > days_between(stay[0][:8], day) + 1:
            yield Hit(row, "NGAY_YL", (("given", f"{sums[day]:f}"),))


@rule("XML3.BED_DEPARTMENT", _OF_BEDS)
def find_beds_of_other_departments(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A bed service is one of those that the list has for the department."""
    for row in _beds(claim):
        code, day = row["MA_DICH_VU"], parse_day(row["NGAY_YL"]) or claim.on
        listed = known.catalogue.find_items(Kind.DEPARTMENT, row["MA_KHOA"], day) if known.catalogue else ()
        beds = tuple(one for item in listed if isinstance(item, DepartmentItem) for one in item.bed_services)
        if code and beds and not code.startswith(beds):
            yield Hit(row, "MA_DICH_VU", (("code", code[:50]), ("department", row["MA_KHOA"][:20])))


@rule("XML3.BED_SHARED_RATE", _OF_BEDS)
def find_other_bed_rates(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A bed is paid whole, or by how many share it; a rate of nothing is not asked for."""
    rows = [row for row in _beds(claim) if row["MA_NHOM"] in _OF_STAYS]
    try:
        rates = find_rules(claim.on).settings.bed_percents.on(claim.on) if rows else ()
    except NoMoneyRules:
        return
    for row in rows:
        rate = row.number_of("TYLE_TT_DV")
        if rate and rate not in rates:
            known_rates = ", ".join(f"{one:f}" for one in rates)
            yield Hit(row, "TYLE_TT_DV", (("given", f"{rate:f}"), ("rates", known_rates)))


@rule("XML3.OXYGEN_TIME")
def find_more_oxygen_than_stay(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Oxygen that is counted in minutes or hours is not given for longer than the stay."""
    practice, stay = practice_on(claim.on), minutes_of_stay(claim)
    units = {unit.strip().casefold() for unit in claim.values(TableKind.XML3, "DON_VI_TINH")}
    if stay is None or units.isdisjoint(practice.hour_units | practice.minute_units):
        return
    minutes_of = partial(_minutes_of_oxygen, practice)
    rows = claim.rows_where(TableKind.XML3, minutes_of, *_MEASURED)
    minutes = (minutes_of(*(row[field] for field in _MEASURED)) for row in rows)
    given = sum(filter(None, minutes), Decimal(0))
    if given > stay:
        yield Hit(rows[0], "SO_LUONG", (("given", f"{given.normalize():f}"), ("most", str(stay))))


@rule("XML3.TRANSPORT", _OF_TRANSPORT)
def find_doubtful_transport(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Transport at the fund's expense is for the entitled groups, and names its fuel."""
    summary = claim.summary_row
    rows = claim.rows_of(TableKind.XML3, "MA_NHOM", _TRANSPORT)
    groups = practice_on(claim.on).transport_card_groups
    cards = () if summary is None else summary.items_of("MA_THE_BHYT")
    for row in rows:
        if row["PHAM_VI"] == PATIENT_PAYS:
            continue
        if not row["MA_XANG_DAU"].strip():
            yield Hit(row, "MA_XANG_DAU")
        elif cards and not any(card[:2] in groups for card in cards):
            yield Hit(row, "MA_DICH_VU")


def _beds(claim: CheckedClaim) -> Sequence[Row]:
    return claim.rows_of(TableKind.XML3, "MA_NHOM", BEDS)


@lru_cache(maxsize=1024)
def _minutes_of_oxygen(practice: Practice, unit: str, service: str, quantity: str) -> Decimal | None:
    unit = unit.strip().casefold()
    if unit in practice.hour_units:
        length = _MINUTES_OF_AN_HOUR
    elif unit in practice.minute_units:
        length = 1
    else:
        return None
    name, given = service.casefold(), read_number(quantity)
    is_oxygen = any(word in name for word in practice.oxygen_words)
    return given * length if is_oxygen and given else None
