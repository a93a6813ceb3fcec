"""Errors of the money rules.

* ClaimsError
  - OtherSourcesTooLarge
  - NoMoneyRules
  - MalformedMoneySettings
"""

from datetime import date
from decimal import Decimal

from claims.errors import ClaimsError


class OtherSourcesTooLarge(ClaimsError):
    """Other sources pay more than the row costs, so no split of it can balance."""

    def __init__(self, other_sources: Decimal, thanh_tien_bv: Decimal) -> None:
        super().__init__(f"other sources pay {other_sources} of an amount of {thanh_tien_bv}")
        self.other_sources = other_sources
        self.thanh_tien_bv = thanh_tien_bv


class NoMoneyRules(ClaimsError):
    """No base salary is known for a day."""

    def __init__(self, on: date) -> None:
        super().__init__(f"no base salary is known for {on.isoformat()}")
        self.on = on


class MalformedMoneySettings(ClaimsError):
    """A file of dated money settings does not say what it should."""

    def __init__(self, file: str, setting: str, detail: str) -> None:
        super().__init__(f"{file}: {setting}: {detail}")
        self.file = file
        self.setting = setting
        self.detail = detail
