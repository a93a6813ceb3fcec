"""How the pages write figures, days and moments: 12.450.000 đ, 31/10/2026 08:05, in Vietnam's time."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from claims.bundle.views import group_figure
from claims.localtime import local_time

NOTHING = "–"
_COMMON_NAME: Final = re.compile(r"(?:^|,)CN=((?:[^,\\]|\\.)+)")


def dong(amount: int | Decimal | None) -> str:
    """Write an amount of money: whole đồng, or hundredths where there are some."""
    if amount is None:
        return NOTHING
    exact = Decimal(amount)
    is_whole = exact == exact.to_integral_value()
    figure = group_figure(f"{exact:.0f}") if is_whole else group_figure(f"{exact:f}", places=2)
    return f"{figure}\N{NO-BREAK SPACE}đ"


def signed_dong(amount: int | Decimal | None) -> str:
    """Write a difference of money, with its sign."""
    return f"+{dong(amount)}" if amount is not None and amount > 0 else dong(amount)


def signed_figure(number: Decimal) -> str:
    """Write a difference of something that is no money, with its sign."""
    return f"{'+' if number > 0 else ''}{group_figure(f'{number:f}')}"


def seconds(number: float | None) -> str:
    """Write how long something took."""
    return NOTHING if number is None else f"{group_figure(f'{number:.1f}', places=1)}\N{NO-BREAK SPACE}s"


def count(number: int) -> str:
    """Write a number of things."""
    return group_figure(str(number))


def day(value: date | None) -> str:
    """Write a day."""
    return NOTHING if value is None else f"{value:%d/%m/%Y}"


def moment(value: datetime | None) -> str:
    """Write a moment to the minute."""
    return NOTHING if value is None else f"{local_time(value):%d/%m/%Y %H:%M}"


def machine_time(value: datetime) -> str:
    """Write a moment for programs (the ``datetime`` of a time element)."""
    return local_time(value).isoformat(timespec="seconds")


def holder_of(subject: str) -> str:
    """Return what people call the holder of a certificate: the common name in its subject (RFC 4514)."""
    match = _COMMON_NAME.search(subject)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else subject
