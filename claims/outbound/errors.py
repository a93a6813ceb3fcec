"""Errors of requests to addresses that others chose.

* ClaimsError
  - TargetUnreachable
  - UnusableAddress
"""

from claims.errors import ClaimsError


class TargetUnreachable(ClaimsError):
    """No usable answer came; later may help.

    Attributes:
        url: Whom we asked.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url
        self.detail = detail


class UnusableAddress(ClaimsError):
    """Nothing is sent to this address.

    Attributes:
        url: The address.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url
        self.detail = detail
