"""Errors of the authorities.

* ClaimsError
  - AuthorityUnreachable
  - UnusableAddress
  - UnusableCredentials
"""

from pathlib import Path

from claims.errors import ClaimsError


class AuthorityUnreachable(ClaimsError):
    """No usable answer came from an authority; later may help.

    Attributes:
        url: Whom we asked.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url


class UnusableAddress(ClaimsError):
    """Nothing is sent to this address.

    Attributes:
        url: The address.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url


class UnusableCredentials(ClaimsError):
    """A file does not hold the account that it should.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
