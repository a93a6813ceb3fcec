"""Errors of the authorities.

* ClaimsError
  - TargetUnreachable
    - AuthorityUnreachable
  - UnusableCredentials
"""

from pathlib import Path

from claims.errors import ClaimsError
from claims.outbound.errors import TargetUnreachable


class AuthorityUnreachable(TargetUnreachable):
    """No usable answer came from an authority; later may help."""


class UnusableCredentials(ClaimsError):
    """A file does not hold the account that it should.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
