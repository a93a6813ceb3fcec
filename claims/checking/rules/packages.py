"""Packages of supplies (GOI_VTYT), and the ceiling of what the fund pays for one use of a service."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.rules import find_rules
from claims.bundle.money.totals import SUPPLY_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claims.checking.tables import CheckedClaim, Row


def packages_of(claim: CheckedClaim) -> Iterable[Sequence[Row]]:
    """Return the supply rows of each package."""
    packages: defaultdict[str, list[Row]] = defaultdict(list)
    for row in claim.rows_where(TableKind.XML3, bool, "GOI_VTYT"):
        if row["MA_NHOM"] in SUPPLY_GROUPS:
            packages[row["GOI_VTYT"]].append(row)
    return packages.values()


def paid_by_fund(package: Iterable[Row]) -> Decimal:
    """Add up what the fund pays for a package."""
    return sum((row.number_of("T_BHTT") or Decimal(0) for row in package), Decimal(0))


def ceiling_of_packages(claim: CheckedClaim) -> Decimal | None:
    """Return what the fund pays for a package at most; None where there is no ceiling or none is known."""
    summary = claim.summary_row
    try:
        rules = find_rules(claim.on)
    except NoMoneyRules:
        return None
    cards = () if summary is None else summary.items_of("MA_THE_BHYT")
    return rules.package_ceiling if all(map(rules.has_package_ceiling, cards)) else None


def is_a_package_full(claim: CheckedClaim) -> bool:
    """Whether the fund pays a package up to its ceiling: what it costs above may be in the co-payment."""
    packages = packages_of(claim)
    if not packages or (ceiling := ceiling_of_packages(claim)) is None:
        return False
    return any(abs(paid_by_fund(package) - ceiling) < 1 for package in packages)
