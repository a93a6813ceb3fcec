"""Rounding and co-payment arithmetic, the one place for the builder and for the rules.

Everything here is a pure function over decimals. What depends on a day (base salary, case
factors, open questions) comes in as `MoneyRules`, which `find_rules` makes from the code lists
and from ``money.toml``. Reading fields, texts and rows is left to the callers.
"""

from claims.bundle.money.benefit import (
    Benefit,
    Granted,
    Ground,
    grant,
    is_cheap_visit,
    muc_huong,
    remaining_copayment,
)
from claims.bundle.money.dated import Dated, always
from claims.bundle.money.errors import MalformedMoneySettings, NoMoneyRules, OtherSourcesTooLarge
from claims.bundle.money.lines import (
    Amounts,
    PriceGround,
    UnitPrices,
    insured_percent,
    price_medicine,
    price_service,
    service_prices,
)
from claims.bundle.money.rounding import HUNDRED, ZERO, round_amount
from claims.bundle.money.rules import MoneyRules, find_rules
from claims.bundle.money.settings import (
    CheapVisitOffRoute,
    FundTotal,
    MoneySettings,
    PackageExcess,
    SalaryDay,
    ServiceAmount,
    Support,
    default_settings,
)
from claims.bundle.money.shares import (
    NO_OTHER_SOURCES,
    OtherSources,
    SourceOrder,
    Split,
    cap_package,
    insured_after_support,
    row_percent,
    split,
)
from claims.bundle.money.totals import SUPPLY_GROUPS, BilledRow, Totals, add_up, copayments_by_year

__all__ = [
    "HUNDRED",
    "NO_OTHER_SOURCES",
    "SUPPLY_GROUPS",
    "ZERO",
    "Amounts",
    "Benefit",
    "BilledRow",
    "CheapVisitOffRoute",
    "Dated",
    "FundTotal",
    "Granted",
    "Ground",
    "MalformedMoneySettings",
    "MoneyRules",
    "MoneySettings",
    "NoMoneyRules",
    "OtherSources",
    "OtherSourcesTooLarge",
    "PackageExcess",
    "PriceGround",
    "SalaryDay",
    "ServiceAmount",
    "SourceOrder",
    "Split",
    "Support",
    "Totals",
    "UnitPrices",
    "add_up",
    "always",
    "cap_package",
    "copayments_by_year",
    "default_settings",
    "find_rules",
    "grant",
    "insured_after_support",
    "insured_percent",
    "is_cheap_visit",
    "muc_huong",
    "price_medicine",
    "price_service",
    "remaining_copayment",
    "round_amount",
    "row_percent",
    "service_prices",
    "split",
]
