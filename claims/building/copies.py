"""Fields that are copied from an item as they are: one list for who writes them and who traces them."""

from collections.abc import Mapping
from operator import attrgetter


class Copies:
    """Text fields of a table by the attribute of an item that they are copied from.

    Attributes:
        paths: The attribute, dotted where it lies deeper, by the field's name.
    """

    __slots__ = ("_get", "_names", "paths")

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.paths = paths
        self._names = tuple(paths)
        self._get = attrgetter(*paths.values())

    def of(self, item: object) -> dict[str, str]:
        """Copy them from one item; what it does not have is empty."""
        return {name: value or "" for name, value in zip(self._names, self._get(item), strict=True)}
