"""Rules of the amounts: XML1 sums up the rows of XML2 and XML3, and its parts make the whole.

Where several amounts are wrong for one cause, the cause is named, unless it would only warn: what the law
says of a whole is never left unsaid because a part differs from its rows.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.kinds import TableKind
from claims.bundle.money.totals import SUPPLY_GROUPS
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_BILLED: Final = (TableKind.XML2, TableKind.XML3)
_PARTS: Final = ("T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")
# Cards of the army, the police and cipher staff, whose rows no fund of theirs pays per service.
_OUTSIDE_GDV: Final = ("QN", "CA", "CY")
_FEE_FOR_SERVICE: Final = "1"
_ONE_DONG: Final = Decimal(1)
_ZERO: Final = Decimal(0)
#: Which field of the rows each total adds up, and how far off it may be.
_TOTALS: Final[Mapping[str, tuple[str, Decimal]]] = MappingProxyType(
    {
        "T_TONGCHI_BV": ("THANH_TIEN_BV", _ZERO),
        "T_TONGCHI_BH": ("THANH_TIEN_BH", _ZERO),
        "T_BNTT": ("T_BNTT", _ZERO),
        "T_BNCCT": ("T_BNCCT", _ZERO),
        "T_NGUONKHAC": ("T_NGUONKHAC", _ZERO),
        "T_BHTT": ("T_BHTT", _ONE_DONG),
    }
)


@rule("SUM.T_THUOC")
def find_wrong_drug_total(claim: CheckedClaim, known: Known) -> Iterable[Hit]:
    """T_THUOC is what the medicine rows cost."""
    wrong = _wrong_totals(claim).get("T_THUOC", ())
    return () if wrong and any(find_drugs_without_table(claim, known)) else wrong


@rule("SUM.T_VTYT")
def find_wrong_supply_total(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_VTYT is what the supply rows cost."""
    return _wrong_totals(claim).get("T_VTYT", ())


@rule("SUM.T_TONGCHI_BV")
def find_wrong_total(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_TONGCHI_BV is what all rows cost."""
    return _wrong_totals(claim).get("T_TONGCHI_BV", ())


@rule("SUM.T_TONGCHI_BH")
def find_wrong_covered_total(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_TONGCHI_BH is what all rows cost within cover."""
    return _wrong_totals(claim).get("T_TONGCHI_BH", ())


@rule("SUM.T_BNTT")
def find_wrong_own_payment(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_BNTT is what the patient pays of all rows."""
    return _wrong_totals(claim).get("T_BNTT", ())


@rule("SUM.T_BNCCT")
def find_wrong_copayment(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_BNCCT is the co-payment of all rows."""
    return _wrong_totals(claim).get("T_BNCCT", ())


@rule("SUM.T_NGUONKHAC")
def find_wrong_other_sources(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_NGUONKHAC is what other sources pay of all rows."""
    return _wrong_totals(claim).get("T_NGUONKHAC", ())


@rule("SUM.T_BHTT_ROWS")
def find_wrong_fund_total(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_BHTT is what the fund pays of all rows, but for a đồng of rounding."""
    return _wrong_totals(claim).get("T_BHTT", ())


@rule("SUM.T_BHTT_GDV")
def find_wrong_gdv_total(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
    """T_BHTT_GDV is what the fund pays of the rows that are paid per service."""
    wrong = _wrong_totals(claim).get("T_BHTT_GDV", ())
    cards = () if claim.summary_row is None else claim.summary_row.items_of("MA_THE_BHYT")
    return () if wrong and any(card.startswith(_OUTSIDE_GDV) for card in cards) else wrong


@rule("SUM.BALANCE")
def find_imbalance(claim: CheckedClaim, known: Known) -> Iterable[Hit]:
    """The total, unless it is wrong itself, is what fund, patient and other sources pay together."""
    if find_wrong_total(claim, known):
        return ()
    return _differs(claim, "T_TONGCHI_BV", _sum([_declared(claim, part) for part in _PARTS]), _ONE_DONG)


@rule("SUM.MONTHLY_REPORT")
def find_off_monthly_report(claim: CheckedClaim, known: Known) -> Iterable[Hit]:
    """Form 01/BH adds up: within cover are the fund's part and the co-payment."""
    fund, copayment = _declared(claim, "T_BHTT"), _declared(claim, "T_BNCCT")
    if fund is None or copayment is None or _declared(claim, "T_NGUONKHAC"):
        return ()
    wrong = _differs(claim, "T_TONGCHI_BH", fund + copayment, _ONE_DONG)
    return () if wrong and (find_wrong_total(claim, known) or find_imbalance(claim, known)) else wrong


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
    yield from _lacks_rows(claim, "T_TONGCHI_BV", _BILLED)


@rule("SUM.DRUG_TABLE_MISSING")
def find_drugs_without_table(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim with a drug total has XML2, and the other way round."""
    yield from _lacks_rows(claim, "T_THUOC", (TableKind.XML2,))


def _wrong_totals(claim: CheckedClaim) -> Mapping[str, Sequence[Hit]]:
    """Return the totals of XML1 that are not what the rows make, by field; worked out once."""
    return claim.once("wrong totals", lambda: _compare_totals(claim))


def _compare_totals(claim: CheckedClaim) -> Mapping[str, Sequence[Hit]]:
    groups, costs = claim.column(TableKind.XML3, "MA_NHOM"), claim.numbers(TableKind.XML3, "THANH_TIEN_BV")
    supplies = [cost for group, cost in zip(groups, costs, strict=True) if group in SUPPLY_GROUPS]
    per_service = [
        amount
        for kind in _BILLED
        for way, amount in zip(claim.column(kind, "MA_PTTT"), claim.numbers(kind, "T_BHTT"), strict=True)
        if way == _FEE_FOR_SERVICE
    ]
    found = {
        "T_THUOC": _differs(claim, "T_THUOC", _sum(claim.numbers(TableKind.XML2, "THANH_TIEN_BV"))),
        "T_VTYT": _differs(claim, "T_VTYT", _sum(supplies)),
        "T_BHTT_GDV": _differs(claim, "T_BHTT_GDV", _sum(per_service), _ONE_DONG),
    }
    for field, (of_rows, tolerance) in _TOTALS.items():
        amounts = chain(*(claim.numbers(kind, of_rows) for kind in _BILLED))
        found[field] = _differs(claim, field, _sum(amounts), tolerance)
    return found


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Add up amounts; None if one is not there: then nothing can be compared."""
    try:
        return sum(cast("Iterable[Decimal]", amounts), _ZERO)
    except TypeError:  # there is a None among them
        return None


def _declared(claim: CheckedClaim, field: str) -> Decimal | None:
    summary = claim.summary_row
    amount = None if summary is None else summary.number_of(field)
    return None if amount is None or amount < 0 else amount  # less than nothing, the schema refuses


def _differs(
    claim: CheckedClaim, field: str, computed: Decimal | None, tolerance: Decimal = _ZERO
) -> Sequence[Hit]:
    summary = claim.summary_row
    declared = _declared(claim, field)
    if declared is None or computed is None or declared == computed:
        return ()
    # A claim without any row is the business of SUM.ZERO_TOTAL, and is said once.
    if abs(declared - computed) <= tolerance or not any(map(claim.count, _BILLED)):
        return ()
    return (Hit(summary, field, (("declared", f"{declared:f}"), ("computed", f"{computed:f}"))),)


def _lacks_rows(claim: CheckedClaim, field: str, kinds: tuple[TableKind, ...]) -> Iterator[Hit]:
    """Find a total without any row, or rows that cost something without a total."""
    total, rows = _declared(claim, field), sum(map(claim.count, kinds))
    if total is None:
        return
    has_costs = any(any(claim.numbers(kind, "THANH_TIEN_BV")) for kind in kinds) if not total else bool(rows)
    if bool(total) != has_costs:
        yield Hit(claim.summary_row, field, (("declared", str(total)), ("rows", str(rows))))


def _larger(claim: CheckedClaim, kind: TableKind, field: str, limit: str) -> Iterator[Hit]:
    if claim.column(kind, field) == claim.column(kind, limit):
        return  # as in nearly every claim
    for place, (amount, most) in enumerate(
        zip(claim.numbers(kind, field), claim.numbers(kind, limit), strict=True)
    ):
        if amount is not None and most is not None and amount > most:
            yield Hit(claim.row(kind, place), field, (("limit", limit),))
