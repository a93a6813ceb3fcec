"""Errors of requests to addresses that others chose.

* ClaimsError
  - TargetUnreachable
  - UnusableAddress
"""

from contextlib import suppress
from urllib.parse import urlsplit

from claims.errors import ClaimsError


class TargetUnreachable(ClaimsError):
    """No usable answer came; later may help.

    Attributes:
        url: Whom we asked, without credentials.
        detail: What came instead.
        why: The same in Vietnamese; what others said, as they did.
    """

    def __init__(self, url: str, detail: str, why: str | None = None) -> None:
        self.url = without_credentials(url)
        super().__init__(f"{self.url}: {detail}")
        self.detail = detail
        self.why = why or detail


class UnusableAddress(ClaimsError):
    """Nothing is sent to this address.

    Attributes:
        url: The address, without credentials.
        detail: Why.
        why: The same in Vietnamese.
    """

    def __init__(self, url: str, detail: str, why: str) -> None:
        self.url = without_credentials(url)
        super().__init__(f"{self.url}: {detail}")
        self.detail = detail
        self.why = why


def without_credentials(url: str) -> str:
    """Return an address as it may be shown: nothing is left of what may be a name and a password in it."""
    begin = url.find("://") + len("://") if "://" in url else 0
    end = len(url)
    # A slash in a password ends the host too early, and leaves no port that is a number.
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            end = begin + len(parts.netloc)
    return f"{url[:begin]}{url[begin:end].rpartition('@')[2]}{url[end:]}"
