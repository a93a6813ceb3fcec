"""The amounts of XML1: sums over the rows of XML2 and XML3."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.bundle.money.lines import Amounts
from claims.bundle.money.rounding import total
from claims.bundle.money.rules import MoneyRules
from claims.bundle.money.settings import FundTotal
from claims.bundle.money.shares import Split

SUPPLY_GROUPS: Final = frozenset({"10", "11"})
_FEE_FOR_SERVICE: Final = "1"


@dataclass(frozen=True, slots=True)
class BilledRow:
    """What the totals need to know of an XML2 or XML3 row.

    ``has_gdv_card`` is False for a row that a card outside capitation pays (army, police, cipher staff).
    """

    is_medicine: bool
    ma_nhom: str
    ma_pttt: str
    amounts: Amounts
    split: Split
    has_gdv_card: bool = True

    @property
    def is_supply(self) -> bool:
        """Whether the row counts in T_VTYT."""
        return not self.is_medicine and self.ma_nhom in SUPPLY_GROUPS

    @property
    def counts_in_gdv(self) -> bool:
        """Whether the fund pays the row per service, so that it counts in T_BHTT_GDV."""
        return self.has_gdv_card and self.ma_pttt == _FEE_FOR_SERVICE


@dataclass(frozen=True, slots=True)
class Totals:
    """The amounts of XML1."""

    t_thuoc: Decimal
    t_vtyt: Decimal
    t_tongchi_bv: Decimal
    t_tongchi_bh: Decimal
    t_bntt: Decimal
    t_bncct: Decimal
    t_bhtt: Decimal
    t_nguonkhac: Decimal
    t_bhtt_gdv: Decimal


def add_up(rows: Iterable[BilledRow], rules: MoneyRules) -> Totals:
    """Add up the rows of XML2 and XML3 to the amounts of XML1."""
    rows = tuple(rows)
    t_tongchi_bh = total(row.amounts.thanh_tien_bh for row in rows)
    t_bncct = total(row.split.t_bncct for row in rows)
    t_bhtt = total(row.split.t_bhtt for row in rows)
    if rules.settings.fund_total.on(rules.on) is FundTotal.SCOPE_LESS_COPAYMENT:
        t_bhtt = t_tongchi_bh - t_bncct
    return Totals(
        t_thuoc=total(row.amounts.thanh_tien_bv for row in rows if row.is_medicine),
        t_vtyt=total(row.amounts.thanh_tien_bv for row in rows if row.is_supply),
        t_tongchi_bv=total(row.amounts.thanh_tien_bv for row in rows),
        t_tongchi_bh=t_tongchi_bh,
        t_bntt=total(row.split.t_bntt for row in rows),
        t_bncct=t_bncct,
        t_bhtt=t_bhtt,
        t_nguonkhac=total(row.split.t_nguonkhac for row in rows),
        t_bhtt_gdv=total(row.split.t_bhtt for row in rows if row.counts_in_gdv),
    )


def copayments_by_year(rows: Iterable[tuple[str, Split]]) -> dict[str, Decimal]:
    """Add up T_BNCCT by year of the order: a stay across 1 January counts in both years.

    ``rows`` are pairs of a time (``yyyyMMddHHmm``) and who pays.
    """
    years: dict[str, list[Decimal]] = {}
    for ordered, parts in rows:
        years.setdefault(ordered[:4], []).append(parts.t_bncct)
    return {year: total(amounts) for year, amounts in sorted(years.items())}
