"""Rules of what was prescribed: its dose beside its quantity, what was written twice."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.doses import read_dose
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.values import is_blank, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: MA_NHOM of medicines; blood and its products have no dose of this form.
_MEDICINES: Final = frozenset({"4", "5", "6"})
#: Units that are taken whole; of a bottle or a tube the dose is a guess.
_COUNTED: Final = frozenset({"viên", "gói", "ống", "viên nén", "viên nang", "bơm tiêm", "miếng", "lần xịt"})
_ORDERED: Final = ("MA_THUOC", "HAM_LUONG", "TT_THAU", "LIEU_DUNG", "NGAY_YL")
_TOLERANCE: Final = Decimal("0.2")
_ONE: Final = Decimal(1)


@lru_cache(maxsize=1024)
def _is_free(text: str) -> bool:
    return not is_blank(text) and read_dose(text) is None


@rule("XML2.LIEU_DUNG", Screen((TableKind.XML2,), ("LIEU_DUNG",), _is_free))
def find_free_doses(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A dose is an amount at a time, times a day, days."""
    for row in claim.rows_where(TableKind.XML2, _is_free, "LIEU_DUNG"):
        if row["MA_NHOM"] in _MEDICINES:
            yield Hit(row, "LIEU_DUNG")


@rule("XML2.DOSE_QTY")
def find_quantities_beside_the_dose(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The quantity is that of the dose, where both count what is taken whole; parts are rounded up."""
    for row in claim.rows_where(TableKind.XML2, _differ, "LIEU_DUNG", "DON_VI_TINH", "SO_LUONG"):
        dose, given = read_dose(row["LIEU_DUNG"]), row.number_of("SO_LUONG")
        if dose is not None and row["MA_NHOM"] in _MEDICINES:
            yield Hit(row, "SO_LUONG", (("given", f"{given:f}"), ("dose", f"{dose.total.normalize():f}")))


@rule("XML2.DUP_SAME_DAY")
def find_medicines_ordered_twice(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """One medicine of one tender is not ordered twice in one minute."""
    keys = [*zip(*(claim.column(TableKind.XML2, name) for name in _ORDERED), strict=True)]
    if len(set(keys)) == len(keys):
        return
    seen: set[tuple[str, ...]] = set()
    for row, key in zip(claim.rows(TableKind.XML2), keys, strict=True):
        if row["MA_NHOM"] in _MEDICINES:
            if row["MA_THUOC"] and row["NGAY_YL"] and key in seen:
                yield Hit(row, "MA_THUOC")
            seen.add(key)


@lru_cache(maxsize=1024)
def _differ(text: str, unit: str, quantity: str) -> bool:
    unit, dose, given = unit.strip().casefold(), read_dose(text), read_number(quantity)
    if unit not in _COUNTED or dose is None or given is None or dose.unit.casefold() != unit:
        return False
    whole = dose.total.quantize(_ONE, ROUND_CEILING)
    return not dose.total * (1 - _TOLERANCE) <= given <= max(dose.total * (1 + _TOLERANCE), whole)
