"""The value that every table is built of: a row that remembers where it came from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its fields by name, and the JSON pointer of the item it was made from."""

    fields: Mapping[str, str]
    source: str

    def within(self, names: Collection[str]) -> "Row":
        """Return the row with these fields only."""
        return Row({name: value for name, value in self.fields.items() if name in names}, self.source)


def joined(codes: Sequence[str]) -> str:
    """Join several values of one field as the Decision does."""
    return ";".join(codes)
