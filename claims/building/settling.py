"""Who pays each row of XML2 and XML3: other sources, the patient, the fund.

1. Other sources that support the facility lessen the insured amount.
2. What is inside the scope says whether the visit is a cheap one.
3. Each row is split by the percent of the day of its order.
4. Supplies of one use of a service are kept within the ceiling of the fund, if the card has one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from claims.building.benefit import CardGrant, Entitlement, fraction
from claims.building.charges import Charge
from claims.building.errors import Reason
from claims.building.rows import Row
from claims.bundle.money import (
    NO_OTHER_SOURCES,
    ZERO,
    BilledRow,
    Granted,
    Ground,
    MoneyRules,
    OtherSourcesTooLarge,
    SourceOrder,
    Split,
    Support,
    cap_package,
    insured_after_support,
    is_cheap_visit,
    row_percent,
    split,
)
from claims.emr.scalars import plain

_RATES: Final = (("TYLE_TT_DV", "service_percent"), ("TYLE_TT_BH", "pay_percent"))


@dataclass(frozen=True, slots=True)
class Settled:
    """A charge with who pays it.

    Attributes:
        charge: What it costs; supported where other sources help the facility.
        grant: The percent of benefit, its ground, and the card that gave it.
        order: What other sources were taken off first.
        before_ceiling: Who would pay it without the ceiling of its package.
        split: Who pays it.
    """

    charge: Charge
    grant: CardGrant
    order: SourceOrder
    before_ceiling: Split
    split: Split

    @property
    def is_capped(self) -> bool:
        """Whether the ceiling of its package took something from what the fund pays."""
        return self.split is not self.before_ceiling

    def row(self) -> Row:
        """Return the whole row, but for its key."""
        amounts, other, parts = self.charge.amounts, self.charge.other_sources, self.split
        return Row(
            {
                **self.charge.fields,
                "THANH_TIEN_BV": plain(amounts.thanh_tien_bv),
                "THANH_TIEN_BH": plain(amounts.thanh_tien_bh),
                "T_NGUONKHAC_NSNN": plain(other.nsnn),
                "T_NGUONKHAC_VTNN": plain(other.vtnn),
                "T_NGUONKHAC_VTTN": plain(other.vttn),
                "T_NGUONKHAC_CL": plain(other.cl),
                "T_NGUONKHAC": plain(parts.t_nguonkhac),
                "MUC_HUONG": plain(self.grant.granted.percent),
                "T_BNTT": plain(parts.t_bntt),
                "T_BNCCT": plain(parts.t_bncct),
                "T_BHTT": plain(parts.t_bhtt),
            },
            self.charge.source,
        )

    def billed(self, entitlement: Entitlement, ma_pttt: str) -> BilledRow:
        """Return what the totals need of it."""
        # Without a card of its own (not insured, no card that day) the fund pays nothing to count.
        has_gdv_card = self.grant.card is None or entitlement.rules.is_gdv_card(
            entitlement.cards[self.grant.card].card
        )
        charge = self.charge
        return BilledRow(
            charge.is_medicine, charge.ma_nhom, ma_pttt, charge.amounts, self.split, has_gdv_card=has_gdv_card
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """Every row with who pays it, in the order of the rows, and what stands against it."""

    rows: tuple[Settled, ...]
    is_cheap_visit: bool
    reasons: tuple[Reason, ...]


def settle(charges: Iterable[Charge], entitlement: Entitlement) -> Settlement:
    """Work out who pays, in the order of the rows: by time of the order, then as they came."""
    rules, reasons = entitlement.rules, list[Reason]()
    supported = [_supported(charge, rules, reasons) for charge in charges]  # (1)
    reasons.extend(reason for charge in supported for reason in _broken_rates(charge))
    supported.sort(key=lambda charge: charge.ordered)
    in_scope = sum((charge.amounts.thanh_tien_bh for charge in supported), ZERO)
    is_cheap = is_cheap_visit(in_scope, rules)  # (2)
    grants: dict[str, CardGrant] = {}
    rows = []
    for charge in supported:  # (3)
        grant = grants.get(charge.ordered)
        if grant is None:
            grant = entitlement.grant_at(charge.ordered, is_cheap_visit=is_cheap)
            grants[charge.ordered] = grant
        if grant.granted.ground is Ground.NO_CARD and charge.is_in_scope and entitlement.cards:
            detail = "no insurance card pays on the day of the order"
            reasons.append(Reason(f"{charge.source}/ordered", "no-card-on-that-day", detail, is_gap=True))
        rows.append(_split(charge, grant, rules))
    return Settlement(tuple(_within_ceilings(rows, entitlement)), is_cheap, tuple(reasons))  # (4)


def _broken_rates(charge: Charge) -> Iterator[Reason]:
    """Refuse rates with decimals: the Decision has whole numbers there."""
    for field, name in _RATES:
        if "." in (rate := charge.fields.get(field, "")):
            detail = f"{field} is a whole number, and {rate} is none"
            params = (("field", field), ("rate", rate))
            yield Reason(f"{charge.source}/{name}", "rate-not-whole", detail, params=params)
        elif rate == "1":
            yield fraction(f"{charge.source}/{name}", rate)


def _supported(charge: Charge, rules: MoneyRules, reasons: list[Reason]) -> Charge:
    other = charge.other_sources
    if other is NO_OTHER_SOURCES:
        return charge
    try:
        after = insured_after_support(charge.amounts, other.total)
    except OtherSourcesTooLarge as error:
        # What costs nothing lacks its price or its quantity, and that is a gap of its own.
        is_gap = not charge.amounts.thanh_tien_bv
        reasons.append(
            Reason(f"{charge.source}/other_sources", "other-sources-too-large", str(error), is_gap=is_gap)
        )
        return replace(charge, other_sources=NO_OTHER_SOURCES)
    helps_facility = rules.settings.support.on(rules.on) is Support.FACILITY
    return replace(charge, amounts=after) if helps_facility else charge


def _split(charge: Charge, grant: CardGrant, rules: MoneyRules) -> Settled:
    percent = row_percent(grant.granted.percent, nguon_ctra=charge.nguon_ctra)
    if percent != grant.granted.percent:
        grant = CardGrant(Granted(percent, Ground.OTHER_SUPPLIER), grant.card)
    supported_medicines = rules.settings.copayment_supported_medicines.on(rules.on)
    is_supported = charge.is_medicine and charge.code in supported_medicines
    order = SourceOrder.COPAYMENT_FIRST if is_supported else SourceOrder.OWN_FIRST
    parts = split(charge.amounts, muc_huong=percent, other_sources=charge.other_sources, order=order)
    return Settled(charge, grant, order, parts, parts)


def _within_ceilings(rows: Sequence[Settled], entitlement: Entitlement) -> Iterator[Settled]:
    rules, packages = entitlement.rules, dict[str, list[int]]()
    for place, row in enumerate(rows):
        if row.charge.package and entitlement.has_package_ceiling(row.grant):
            packages.setdefault(row.charge.package, []).append(place)
    capped: dict[int, Split] = {}
    excess = rules.settings.package_excess.on(rules.on)
    for places in packages.values():
        splits = cap_package([rows[place].split for place in places], rules.package_ceiling, excess)
        capped.update(zip(places, splits, strict=True))
    for place, row in enumerate(rows):
        parts = capped.get(place, row.split)
        yield row if parts is row.split else replace(row, split=parts)
