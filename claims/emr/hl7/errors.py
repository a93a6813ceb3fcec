"""Errors of reading HL7 v2 messages.

* ClaimsError
  - UnreadableMessage
"""

from claims.errors import ClaimsError


class UnreadableMessage(ClaimsError):
    """A message cannot be read; ``detail`` repeats nothing of what it holds."""

    def __init__(self, place: str, code: str, detail: str) -> None:
        super().__init__(f"{place}: {detail}")
        self.place = place
        self.code = code
        self.detail = detail
