"""Rules of the amounts: XML1 sums up the rows of XML2 and XML3, and its parts make the whole.

Where several amounts are wrong for one cause, the cause is named, unless it would only warn: what the law
says of a whole is never left unsaid because a part differs from its rows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.totals import SUPPLY_GROUPS
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

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
    return _differs(claim, "T_THUOC", _sum(claim.rows(TableKind.XML2), "THANH_TIEN_BV"))


@rule("SUM.T_VTYT")
def find_wrong_supply_total(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """T_VTYT is what the supply rows cost."""
    supplies = [row for row in claim.rows(TableKind.XML3) if row["MA_NHOM"] in SUPPLY_GROUPS]
    return _differs(claim, "T_VTYT", _sum(supplies, "THANH_TIEN_BV"))


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
    per_service = [row for row in _billed(claim) if row["MA_PTTT"] == _FEE_FOR_SERVICE]
    return _differs(claim, "T_BHTT_GDV", _sum(per_service, "T_BHTT"), tolerance=_ONE_DONG)


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
    rows = () if summary is None else (summary,)
    yield from _larger(rows, "T_TONGCHI_BH", "T_TONGCHI_BV")
    yield from _larger(_billed(claim), "THANH_TIEN_BH", "THANH_TIEN_BV")


@rule("SUM.ZERO_TOTAL")
def find_total_without_rows(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim that costs something has rows, and one with rows that cost something has a total."""
    total, summary = _declared(claim, "T_TONGCHI_BV"), claim.summary_row
    if total is None or summary is None:
        return
    rows = list(_billed(claim))
    if (total and not rows) or (not total and any(row.number_of("THANH_TIEN_BV") for row in rows)):
        yield Hit(summary, "T_TONGCHI_BV", (("declared", str(total)), ("rows", str(len(rows)))))


@rule("SUM.DRUG_TABLE_MISSING")
def find_drugs_without_table(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim with a drug total has XML2, and the other way round."""
    total, summary = _declared(claim, "T_THUOC"), claim.summary_row
    if total is None or summary is None:
        return
    rows = claim.rows(TableKind.XML2)
    if (total and not rows) or (not total and any(row.number_of("THANH_TIEN_BV") for row in rows)):
        yield Hit(summary, "T_THUOC", (("declared", str(total)), ("rows", str(len(rows)))))


def _billed(claim: CheckedClaim) -> Iterator[Row]:
    for kind in _BILLED:
        yield from claim.rows(kind)


def _sum_billed(claim: CheckedClaim, field: str) -> Decimal | None:
    """Add up a field of all rows, once."""
    return claim.once(("sum", field), lambda: _sum(_billed(claim), field))


def _sum(rows: Iterable[Row], field: str) -> Decimal | None:
    """Add up a field; None if a row does not say: then nothing can be compared."""
    total = _ZERO
    for row in rows:
        amount = row.number_of(field)
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
    if summary is None or declared is None or computed is None or not any(True for _ in _billed(claim)):
        return
    if abs(declared - computed) > tolerance:
        yield Hit(summary, field, (("declared", f"{declared:f}"), ("computed", f"{computed:f}")))


def _larger(rows: Iterable[Row], field: str, limit: str) -> Iterator[Hit]:
    for row in rows:
        amount, most = row.number_of(field), row.number_of(limit)
        if amount is not None and most is not None and amount > most:
            yield Hit(row, field, (("limit", limit),))
