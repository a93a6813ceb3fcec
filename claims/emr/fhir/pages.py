"""Pages of a search: bundles of which each names the next, put into their order by these addresses.

Servers write one address in several ways, so hosts, the order of parameters and those for the looks of an
answer do not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

Name = TypeVar("Name")

Address = tuple[str, tuple[tuple[str, str], ...]]

_LOOKS: Final = frozenset({"_format", "_pretty"})
_BOM: Final = b"\xef\xbb\xbf"
_SELF, _NEXT = "self", "next"
_PREVIOUS: Final = ("previous", "prev")


class _Link(msgspec.Struct, gc=False):
    relation: object = None
    url: object = None


class _Bundle(msgspec.Struct, rename="camel", gc=False):
    resource_type: object = None
    link: tuple[_Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """What a bundle says of the pages around it; empty addresses where a link has none that can be read."""

    own: Address | None = None
    next: Address | None = None
    previous: Address | None = None

    @property
    def has_any(self) -> bool:
        """Whether it says anything."""
        return self != Links()


def links_of(raw: bytes | memoryview | msgspec.Raw) -> Links:
    """Return the links of a bundle; what is none, or is damaged, has none."""
    if not isinstance(raw, msgspec.Raw) and raw[: len(_BOM)] == _BOM:
        raw = memoryview(raw)[len(_BOM) :]
    try:
        bundle = msgspec.json.decode(raw, type=_Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Links()
    if bundle.resource_type != "Bundle":
        return Links()
    found = {one.relation: _address(one.url) for one in bundle.link if isinstance(one.relation, str)}
    previous = next((found[name] for name in _PREVIOUS if name in found), None)
    return Links(found.get(_SELF), found.get(_NEXT), previous)


def _address(url: object) -> Address:
    if not isinstance(url, str):
        return "", ()
    try:
        parts = urlsplit(url)
        asked = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return url, ()
    return parts.path.rstrip("/"), tuple(sorted((name, value) for name, value in asked if name not in _LOOKS))


@dataclass(frozen=True, slots=True)
class Search(Generic[Name]):
    """The pages of one search, in their order, and which of them are missing.

    Attributes:
        lacks_first: Whether there was a page before the first.
        lacks_last: Whether there is a page after the last.
    """

    pages: Sequence[Name]
    lacks_first: bool
    lacks_last: bool


def find_searches(pages: Mapping[Name, Links]) -> Iterable[Search[Name]]:
    """Put pages into searches, in the order of their first pages; a bundle without others is one, too."""
    after = _followers(pages)
    has_before = set(after.values())
    taken: set[Name] = set()
    # Pages in a ring have no first one.
    for first in (*(name for name in pages if name not in has_before), *pages):
        chain: list[Name] = []
        page: Name | None = first
        while page is not None and page not in taken:
            taken.add(page)
            chain.append(page)
            page = after.get(page)
        if chain:
            last = chain[-1]
            lacks_first = pages[first].previous is not None and first not in has_before
            lacks_last = pages[last].next is not None and after.get(last) not in chain
            yield Search(chain, lacks_first, lacks_last)


def _followers(pages: Mapping[Name, Links]) -> dict[Name, Name]:
    """Return the page after each page: the one that its next names, or that names it as the previous."""
    own = {links.own: name for name, links in pages.items() if links.own is not None}
    named = {links.previous: name for name, links in pages.items() if links.previous is not None}
    after: dict[Name, Name] = {}
    for name, links in pages.items():
        if links.next is not None:
            follower = own.get(links.next) or (named.get(links.own) if links.own is not None else None)
            if follower is not None and follower != name:
                after[name] = follower
    return after
