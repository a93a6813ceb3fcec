"""Rules of the amounts: XML1 sums up the rows of XML2 and XML3, and its parts make the whole.

Where several amounts are wrong for one cause, the cause is named, unless it would only warn: what the law
says of a whole is never left unsaid because a part differs from its rows.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.totals import SUPPLY_GROUPS
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_BILLED: Final = (TableKind.XML2, TableKind.XML3)
_PARTS: Final = ("T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")
# Cards of the army, the police and cipher staff, whose rows no fund of theirs pays per service.
_OUTSIDE_GDV: Final = ("QN", "CA", "CY")
_FEE_FOR_SERVICE: Final = "1"
_ONE_DONG: Final = Decimal(1)
_ZERO: Final = Decimal(0)


@rule("SUM.T_THUOC")
def find_wrong_drug_total(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """T_THUOC is what the medicine rows cost."""
    if any(True for _ in find_drugs_without_table(claim, known)):
        return iter(())
    return _differs(claim, "T_THUOC", _sum(claim.numbers(TableKind.XML2, "THANH_TIEN_BV")))


@rule("SUM.T_VTYT")
def find_wrong_supply_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_VTYT is what the supply rows cost."""
    supplies = claim.rows_of(TableKind.XML3, "MA_NHOM", SUPPLY_GROUPS)
    return _differs(claim, "T_VTYT", _sum(row.number_of("THANH_TIEN_BV") for row in supplies))


@rule("SUM.T_TONGCHI_BV")
def find_wrong_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_TONGCHI_BV is what all rows cost."""
    return _differs(claim, "T_TONGCHI_BV", _sum_billed(claim, "THANH_TIEN_BV"))


@rule("SUM.T_TONGCHI_BH")
def find_wrong_covered_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_TONGCHI_BH is what all rows cost within cover."""
    return _differs(claim, "T_TONGCHI_BH", _sum_billed(claim, "THANH_TIEN_BH"))


@rule("SUM.T_BNTT")
def find_wrong_own_payment(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_BNTT is what the patient pays of all rows."""
    return _differs(claim, "T_BNTT", _sum_billed(claim, "T_BNTT"))


@rule("SUM.T_BNCCT")
def find_wrong_copayment(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_BNCCT is the co-payment of all rows."""
    return _differs(claim, "T_BNCCT", _sum_billed(claim, "T_BNCCT"))


@rule("SUM.T_NGUONKHAC")
def find_wrong_other_sources(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_NGUONKHAC is what other sources pay of all rows."""
    return _differs(claim, "T_NGUONKHAC", _sum_billed(claim, "T_NGUONKHAC"))


@rule("SUM.T_BHTT_ROWS")
def find_wrong_fund_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_BHTT is what the fund pays of all rows, but for a đồng of rounding."""
    return _differs(claim, "T_BHTT", _sum_billed(claim, "T_BHTT"), tolerance=_ONE_DONG)


@rule("SUM.T_BHTT_GDV")
def find_wrong_gdv_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_BHTT_GDV is what the fund pays of the rows that are paid per service."""
    summary = claim.summary_row
    if summary is None or any(card.startswith(_OUTSIDE_GDV) for card in summary.items_of("MA_THE_BHYT")):
        return iter(())
    per_service = [
        amount
        for kind in _BILLED
        for way, amount in zip(claim.column(kind, "MA_PTTT"), claim.numbers(kind, "T_BHTT"), strict=True)
        if way == _FEE_FOR_SERVICE
    ]
    return _differs(claim, "T_BHTT_GDV", _sum(per_service), tolerance=_ONE_DONG)


@rule("SUM.BALANCE")
def find_imbalance(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The total, unless it is wrong itself, is what fund, patient and other sources pay together."""
    if any(True for _ in find_wrong_total(claim, known)):
        return iter(())
    parts = [_declared(claim, part) for part in _PARTS]
    whole = None if None in parts else sum((part for part in parts if part is not None), _ZERO)
    return _differs(claim, "T_TONGCHI_BV", whole, tolerance=_ONE_DONG)


@rule("SUM.MONTHLY_REPORT")
def find_off_monthly_report(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Form 01/BH adds up: within cover are the fund's part and the co-payment."""
    if any(True for find in (find_wrong_total, find_imbalance) for _ in find(claim, known)):
        return iter(())
    fund, copayment = _declared(claim, "T_BHTT"), _declared(claim, "T_BNCCT")
    if fund is None or copayment is None or _declared(claim, "T_NGUONKHAC"):
        return iter(())
    return _differs(claim, "T_TONGCHI_BH", fund + copayment, tolerance=_ONE_DONG)


@rule("SUM.BH_LE_BV")
def find_more_covered_than_spent(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Nothing costs more within cover than it costs."""
    summary = claim.summary_row
    if summary is not None:
        yield from _larger(claim, TableKind.XML1, "T_TONGCHI_BH", "T_TONGCHI_BV")
    for kind in _BILLED:
        yield from _larger(claim, kind, "THANH_TIEN_BH", "THANH_TIEN_BV")


@rule("SUM.ZERO_TOTAL")
def find_total_without_rows(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim that costs something has rows, and one with rows that cost something has a total."""
    total, summary = _declared(claim, "T_TONGCHI_BV"), claim.summary_row
    if total is None or summary is None:
        return
    costs = [amount for kind in _BILLED for amount in claim.numbers(kind, "THANH_TIEN_BV")]
    if (total and not costs) or (not total and any(costs)):
        yield Hit(summary, "T_TONGCHI_BV", (("declared", str(total)), ("rows", str(len(costs)))))


@rule("SUM.DRUG_TABLE_MISSING")
def find_drugs_without_table(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim with a drug total has XML2, and the other way round."""
    total, summary = _declared(claim, "T_THUOC"), claim.summary_row
    if total is None or summary is None:
        return
    costs = claim.numbers(TableKind.XML2, "THANH_TIEN_BV")
    if (total and not costs) or (not total and any(costs)):
        yield Hit(summary, "T_THUOC", (("declared", str(total)), ("rows", str(len(costs)))))


def _sum_billed(claim: CheckedClaim, field: str) -> Decimal | None:
    """Add up a field of all rows, once."""
    return claim.once(
        ("sum", field), lambda: _sum(chain.from_iterable(claim.numbers(kind, field) for kind in _BILLED))
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Add up amounts; None if one is not there: then nothing can be compared."""
    total = _ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _declared(claim: CheckedClaim, field: str) -> Decimal | None:
    summary = claim.summary_row
    amount = None if summary is None else summary.number_of(field)
    return None if amount is None or amount < 0 else amount  # less than nothing, the schema refuses


def _differs(
    claim: CheckedClaim, field: str, computed: Decimal | None, *, tolerance: Decimal = _ZERO
) -> Iterator[Hit]:
    summary = claim.summary_row
    declared = _declared(claim, field)
    # A claim without any row is the business of SUM.ZERO_TOTAL, and is said once.
    if summary is None or declared is None or computed is None or not any(map(claim.rows, _BILLED)):
        return
    if abs(declared - computed) > tolerance:
        yield Hit(summary, field, (("declared", f"{declared:f}"), ("computed", f"{computed:f}")))


def _larger(claim: CheckedClaim, kind: TableKind, field: str, limit: str) -> Iterator[Hit]:
    given, limits = claim.numbers(kind, field), claim.numbers(kind, limit)
    for row, amount, most in zip(claim.rows(kind), given, limits, strict=True):
        if amount is not None and most is not None and amount > most:
            yield Hit(row, field, (("limit", limit),))
