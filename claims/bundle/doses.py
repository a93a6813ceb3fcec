"""The structured dose of LIEU_DUNG: an amount at a time, times a day, days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

_NUMBER: Final = r"([0-9]{1,6}(?:[.,][0-9]{1,6})?)(?![0-9]|[.,][0-9])"
#: A number of times in something else than a day, or of weeks, is none of the three.
_NOT_DAILY: Final = r"(?![^*/]*/\s*(?:(?!1\s*ngày|24\s*(?:h|giờ))[0-9]|giờ|tuần|tháng|năm))"
_NOT_DAYS: Final = r"(?!\s*(?:giờ|tuần|tháng|năm))"
#: ``1.5 Viên/lần * 2 lần/ngày * 10 ngày [3 Viên/ngày]``: the words are free, the numbers and stars are not.
_DOSE: Final = re.compile(
    rf"\s*{_NUMBER}\s*(?P<unit>[^*\[\]0-9/]*?)\s*(?:/[^*]*)?"
    rf"\*\s*{_NUMBER}{_NOT_DAILY}[^*]*\*\s*{_NUMBER}{_NOT_DAYS}[^*\[\]]*(?:\[.*\])?\s*",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dose:
    """What LIEU_DUNG says (Decision 130/QD-BYT, XML2).

    Attributes:
        amount: How much at a time.
        unit: Of what, as written; may be empty.
        times: How many times a day.
        days: For how many days.
    """

    amount: Decimal
    unit: str
    times: Decimal
    days: Decimal

    @property
    def total(self) -> Decimal:
        """How much altogether."""
        return self.amount * self.times * self.days


@lru_cache(maxsize=4096)
def read_dose(text: str) -> Dose | None:
    """Read a dose; None where it is not written as three numbers with stars between them."""
    found = _DOSE.fullmatch(text[:1024])
    if found is None:
        return None
    amount, times, days = (Decimal(found[place].replace(",", ".")) for place in (1, 3, 4))
    return Dose(amount, found["unit"].strip(), times, days)
