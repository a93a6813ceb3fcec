"""Addresses of pages: where the console is mounted, and queries with one thing changed.

A page's address says everything about what it shows, so that it can be shared and gone back to.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

#: Where the console is mounted in the application.
MOUNT = "/console"

Query = tuple[tuple[str, str], ...]


def page_url(path: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """Return the address of a page of the console."""
    text = urlencode([(name, value) for name, value in query if value])
    return f"{MOUNT}{path}?{text}" if text else f"{MOUNT}{path}"


def changed(query: Query, changes: Mapping[str, str | None]) -> Query:
    """Return a query with some parameters replaced, or taken out where the value is None."""
    kept = [(name, value) for name, value in query if name not in changes]
    return (*kept, *((name, value) for name, value in changes.items() if value is not None))


def is_own(address: str) -> bool:
    """Return whether an address is a path of this console, so that one may be sent there."""
    is_path = address.startswith(f"{MOUNT}/") and "\\" not in address
    return is_path and not any(ord(letter) < ord(" ") for letter in address)
