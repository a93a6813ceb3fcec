"""Exact decimal arithmetic, and the one place where an amount is rounded."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

ZERO: Final = Decimal(0)
HUNDRED: Final = Decimal(100)

_CENT: Final = Decimal("0.01")
# A quantity of 10 digits times a price of 15 and two percents has 31 digits: the default
# context of 28 would round once before we do.
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)


def round_amount(amount: Decimal) -> Decimal:
    """Round to two decimals, half up: 0.005 becomes 0.01."""
    return EXACT.quantize(amount, _CENT)


def percent_of(percent: Decimal, amount: Decimal) -> Decimal:
    """Take a percent of an amount, unrounded."""
    return EXACT.scaleb(EXACT.multiply(percent, amount), -2)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up; nothing adds up to zero."""
    return sum(amounts, ZERO)
