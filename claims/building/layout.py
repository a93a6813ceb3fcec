"""Under which Decision a claim is built: the one in force when the visit ends, or the one asked for."""

from dataclasses import dataclass
from datetime import date

from claims.bundle.kinds import TableKind
from xsd.catalog import TableSchema, default_catalog, find_schema


@dataclass(frozen=True, slots=True)
class Layout:
    """The field sets and formulas that a claim follows.

    Attributes:
        on: The day the visit ends.
        decision: The Decision that was asked for; None when the day decides.
        formulas_on: The day whose formulas count: ``on``, moved into the time of the Decision asked for.
    """

    on: date
    decision: str | None
    formulas_on: date

    @property
    def is_outside_its_time(self) -> bool:
        """Whether the visit ends on a day on which the Decision asked for is not in force."""
        return self.formulas_on != self.on

    @property
    def decision_in_use(self) -> str:
        """The number of the Decision whose tables are written."""
        return self.find_schema(TableKind.XML1).decision

    def find_schema(self, kind: TableKind) -> TableSchema:
        """Find the schema of a table.

        Raises:
            SchemaNotFound: The Decision has no such table.
        """
        return find_schema(kind, on=self.on, decision=self.decision)


def find_layout(on: date, decision: str | None, *, draft: bool = False) -> Layout:
    """Find the layout of a visit that ends on a day; a draft of one before all Decisions follows the first.

    Raises:
        SchemaNotFound: No Decision is in force on that day, or there is none of that number.
    """
    first = default_catalog().editions[0]
    if draft and decision is None and on < first.valid_from:
        decision = first.decision
    schema = find_schema(TableKind.XML1, on=on, decision=decision)
    formulas_on = max(on, schema.valid_from)
    if schema.valid_to is not None:
        formulas_on = min(formulas_on, schema.valid_to)
    return Layout(on, decision, formulas_on)
