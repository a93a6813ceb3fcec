"""Rules of what was prescribed: its dose beside its quantity, what was written twice."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.doses import read_dose
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

#: MA_NHOM of medicines; blood and its products have no dose of this form.
_MEDICINES: Final = frozenset({"4", "5", "6"})
#: Units that are taken whole; of a bottle or a tube the dose is a guess.
_COUNTED: Final = frozenset({"viên", "gói", "ống", "viên nén", "viên nang", "bơm tiêm", "miếng", "lần xịt"})
_TOLERANCE: Final = Decimal("0.2")
_ONE: Final = Decimal(1)


@rule("XML2.LIEU_DUNG")
def find_free_doses(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A dose is an amount at a time, times a day, days."""
    for row in _medicines(claim):
        if row["LIEU_DUNG"].strip() and read_dose(row["LIEU_DUNG"]) is None:
            yield Hit(row, "LIEU_DUNG")


@rule("XML2.DOSE_QTY")
def find_quantities_beside_the_dose(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The quantity is that of the dose, where both count what is taken whole; parts are rounded up."""
    for row in _medicines(claim):
        unit = row["DON_VI_TINH"].strip().casefold()
        dose, given = read_dose(row["LIEU_DUNG"]), row.number_of("SO_LUONG")
        if unit not in _COUNTED or dose is None or given is None or dose.unit.casefold() != unit:
            continue
        whole = dose.total.quantize(_ONE, ROUND_CEILING)
        if not dose.total * (1 - _TOLERANCE) <= given <= max(dose.total * (1 + _TOLERANCE), whole):
            yield Hit(row, "SO_LUONG", (("given", f"{given:f}"), ("dose", f"{dose.total.normalize():f}")))


@rule("XML2.DUP_SAME_DAY")
def find_medicines_ordered_twice(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """One medicine of one tender is not ordered twice in one minute."""
    seen: set[tuple[str, ...]] = set()
    for row in _medicines(claim):
        key = tuple(row[name] for name in ("MA_THUOC", "HAM_LUONG", "TT_THAU", "LIEU_DUNG", "NGAY_YL"))
        if row["MA_THUOC"] and row["NGAY_YL"] and key in seen:
            yield Hit(row, "MA_THUOC")
        seen.add(key)


def _medicines(claim: CheckedClaim) -> Iterator[Row]:
    return (row for row in claim.rows(TableKind.XML2) if row["MA_NHOM"] in _MEDICINES)
