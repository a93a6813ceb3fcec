"""The table kinds of the Decisions, XML0 to XML15, and which of them may travel in a bundle."""

from enum import StrEnum
from typing import Final


class TableKind(StrEnum):
    """The kind of a table, as LOAIHOSO spells it."""

    XML0 = "XML0"
    XML1 = "XML1"
    XML2 = "XML2"
    XML3 = "XML3"
    XML4 = "XML4"
    XML5 = "XML5"
    XML6 = "XML6"
    XML7 = "XML7"
    XML8 = "XML8"
    XML9 = "XML9"
    XML10 = "XML10"
    XML11 = "XML11"
    XML12 = "XML12"
    XML13 = "XML13"
    XML14 = "XML14"
    XML15 = "XML15"

    @property
    def travels_in_bundle(self) -> bool:
        """Whether a bundle may hold it: XML0 is a request of its own, XML12 is typed on the portal."""
        return self not in _NOT_IN_BUNDLE

    @property
    def number(self) -> int:
        """The table's number, by which tables are put in order."""
        return int(self.value.removeprefix("XML"))


_NOT_IN_BUNDLE: Final = frozenset({TableKind.XML0, TableKind.XML12})
