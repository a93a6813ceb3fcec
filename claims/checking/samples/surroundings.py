"""What is known beside the samples: their facility's lists, and what others answer."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from claims.catalogues.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claims.checking.rules.rule import Need


@cache
def sample_catalogue() -> Catalogue:
    """Return the lists of the samples' facility."""
    return Catalogue(facility="79024")


@cache
def sample_more() -> Mapping[Need, object]:
    """Return what else is known beside the samples."""
    return MappingProxyType({})
