"""Errors of the authorities.

* ClaimsError
  - AuthorityUnreachable
"""

from claims.errors import ClaimsError


class AuthorityUnreachable(ClaimsError):
    """No usable answer came from an authority; later may help.

    Attributes:
        url: Whom we asked.
    """

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url
