"""Rules of bed days that need no list."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import (
    OF_NOTED,
    SHORT_STAY_MINUTES,
    WITH_NOTES,
    kind_of_visit,
    minutes_of_stay,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

#: MA_NHOM of bed days: of day patients, of in-patients, of observation.
BEDS: Final = frozenset({"14", "15", "16"})
_CODE_OF_BED: Final = re.compile(r"[HTCK][0-9]{3}", re.ASCII)
_PAID: Final = frozenset({"14", "15"})
_OUTPATIENTS: Final = frozenset({"01", "02"})
_ONE_MORE: Final = frozenset({"2", "5"})  # a referral counts the day of leaving, and so does a death
_DIED: Final = "5"
_OF_BEDS: Final = Screen((TableKind.XML3,), ("MA_NHOM",), _PAID.__contains__)


@rule("XML3.BED_CODE", _OF_BEDS)
def find_beds_without_a_code(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A bed day says in which bed: its kind and three digits; several where the patient changed beds."""
    for row in _beds(claim):
        codes = row.items_of("MA_GIUONG")
        if not codes or not all(map(_CODE_OF_BED.fullmatch, codes)):
            yield Hit(row, "MA_GIUONG")


@rule("XML3.BED_OUTPATIENT", _OF_BEDS)
def find_outpatient_beds(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An out-patient has no bed day."""
    if kind_of_visit(claim) in _OUTPATIENTS:
        yield from (Hit(row, "MA_NHOM") for row in _beds(claim))


@rule("XML3.BED_QTY", _OF_BEDS)
def find_rows_of_many_bed_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A row has at most one bed day."""
    return (Hit(row, "SO_LUONG") for row in _beds(claim) if (row.number_of("SO_LUONG") or 0) > 1)


@rule("XML3.BED_UNDER_4H", _OF_BEDS)
def find_beds_of_short_stays(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Below four hours there is no bed fee."""
    minutes = minutes_of_stay(claim)
    if minutes is not None and minutes < SHORT_STAY_MINUTES and kind_of_visit(claim) not in _OUTPATIENTS:
        yield from (Hit(row, "SO_LUONG") for row in _beds(claim)[:1])


@rule("XML3.BED_OVER_DAYS", _OF_BEDS)
def find_more_bed_days_than_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """There are no more bed days than days of treatment, but for one after a referral or a death."""
    summary, beds = claim.summary_row, _beds(claim)
    days = None if summary is None else summary.number_of("SO_NGAY_DTRI")
    if summary is None or not days or not beds:
        return
    given = sum((row.number_of("SO_LUONG") or Decimal(0) for row in beds), Decimal(0))
    has_more = summary["MA_LOAI_RV"] in _ONE_MORE or summary["KET_QUA_DTRI"] == _DIED
    if given > days + has_more:
        yield Hit(beds[0], "SO_LUONG", (("given", f"{given:f}"), ("most", f"{days + has_more:f}")))


@rule("XML3.BED_MISSING", OF_NOTED)
def find_stay_without_bed(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An in-patient has a bed."""
    if kind_of_visit(claim) in WITH_NOTES and not _beds(claim):
        yield Hit(claim.summary_row, "MA_LOAI_KCB")


def _beds(claim: CheckedClaim) -> Sequence[Row]:
    return claim.rows_of(TableKind.XML3, "MA_NHOM", _PAID)
