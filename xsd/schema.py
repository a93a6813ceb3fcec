"""One table's schema under one Decision: what it describes, whether a tree keeps to it, and if not, why.

A tree is judged in these steps, each only when the one before it failed:

1. libxml2 with the fields in the Decision's order.
2. Fields the Decision does not know are set aside, and libxml2 tries again with the fields in any
   order. Both are oddities of exporters: reported, and no reason to refuse.
3. What is missing, repeated or misplaced is read off the content model, and the xmlschema package says
   which values break which facet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from xsd.faults import Fault, FaultKind
from xsd.scan import find_misplaced, find_oddities, local_name, records_of, without_unknown_fields
from xsd.validators import FieldOrder, Validators

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from lxml.etree import _Element as Element

    from xsd.model import Field, TableModel
    from xsd.validators import Complaint

MOST_FAULTS: Final = 500  # a table with more is broken as a whole; explaining each costs 0.1 ms and a page
_MOST_COMPLAINTS: Final = 20 * MOST_FAULTS

# The xmlschema package's facets, by the name of their class, so that nothing here imports the package.
_FACETS: Final = {
    "XsdMinLengthFacet": FaultKind.REQUIRED,
    "XsdMaxLengthFacet": FaultKind.LENGTH,
    "XsdPatternFacets": FaultKind.FORMAT,
}


@dataclass(frozen=True, slots=True, eq=False)
class TableSchema:
    """The schema of one table under one Decision. Trees given to it hold no comments or instructions.

    Attributes:
        table: ``XML1`` … ``XML15``, ``XML0`` or ``ENVELOPE``.
        decision: The Decision's number, such as ``3176``.
        valid_from: The first day on which an episode may end under it.
        valid_to: The last such day; None when it is still in force.
        path: The schema file.
    """

    table: str
    decision: str
    valid_from: date
    valid_to: date | None
    path: Path
    model: TableModel
    validators: Validators
    field_by_name: dict[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "field_by_name", {f.name: f for f in self.model.fields})

    @property
    def root(self) -> str:
        """The name of the root element."""
        return self.model.root.name

    @property
    def list_element(self) -> str | None:
        """The name of the element that holds the rows; None when the root itself is the row."""
        return self.model.list_element

    @property
    def row_element(self) -> str | None:
        """The name of a row's element; None when the root itself is the row."""
        return self.model.row_element

    @property
    def fields(self) -> tuple[Field, ...]:
        """The table's fields in the Decision's order."""
        return self.model.fields

    @property
    def label_vi(self) -> str:
        """What people call the table, in Vietnamese."""
        return self.model.label_vi

    @property
    def label_en(self) -> str:
        """What people call the table, in English."""
        return self.model.label_en

    def is_in_force(self, on: date) -> bool:
        """Whether an episode that ends on this day falls under it."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def find_faults(self, root: Element) -> tuple[Fault, ...]:
        """Find every way in which a tree departs from the schema, up to `MOST_FAULTS`.

        A tree is valid when all that is found is tolerated (`Fault.is_tolerated`).
        """
        if self.validators.accepts(root, order=FieldOrder.DECISION):  # (1)
            return ()
        oddities: list[Fault] = []
        if self.model.record is not None:  # (2)
            oddities = find_oddities(records_of(root, self.model.record), self.field_by_name)
            if any(oddity.kind is FaultKind.UNKNOWN for oddity in oddities):
                root = without_unknown_fields(root, self.model.record, self.field_by_name)
        if self.validators.accepts(root, order=FieldOrder.ANY):
            return tuple(oddities[:MOST_FAULTS])
        return (*self._explain(root), *oddities)[:MOST_FAULTS]  # (3)

    def _explain(self, root: Element) -> list[Fault]:
        rows = {row: number for number, row in enumerate(records_of(root, self.model.record), start=1)}
        if self.model.row_element is None:
            rows = {}  # a table of one row has no row numbers
        misplaced = list(islice(find_misplaced(root, self.model.root, rows), MOST_FAULTS))
        explained = {element for element, _ in misplaced}
        # One fault for one field of one row: a value of a derived type fails its inherited facet twice.
        faults = dict.fromkeys(fault for _, fault in misplaced)
        complaints = self.validators.complaints(root, order=FieldOrder.ANY)
        for complaint in islice(complaints, _MOST_COMPLAINTS):
            fault = self._understand(complaint, rows, explained)
            if fault is not None:
                faults[fault] = None
            if len(faults) >= MOST_FAULTS:
                break
        # libxml2 said no, so something is wrong even if nothing could be named.
        return sorted(
            faults or [Fault(FaultKind.UNEXPECTED, self.root)],
            key=lambda fault: (fault.row or 0, fault.line or 0),
        )

    def _understand(
        self, complaint: Complaint, rows: dict[Element, int], explained: set[Element]
    ) -> Fault | None:
        element = complaint.elem
        if element is None:
            return Fault(FaultKind.UNEXPECTED, self.root)
        kind = _FACETS.get(type(complaint.validator).__name__)
        if kind is None and element in explained:
            return None
        row = rows.get(element)
        for ancestor in element.iterancestors():
            row = row or rows.get(ancestor)
        name = local_name(str(element.tag))
        facts = self._facts(kind, name, element)
        return Fault(kind or FaultKind.UNEXPECTED, name, row, element.sourceline, facts)

    def _facts(self, kind: FaultKind | None, name: str, element: Element) -> tuple[tuple[str, str], ...]:
        known = self.field_by_name.get(name)
        if known is None:
            return (("what", "content"),) if kind is None else ()
        if kind is FaultKind.LENGTH:
            return (("max", str(known.max_length)), ("length", str(len(element.text or ""))))
        if kind is FaultKind.FORMAT:
            return (("kind", known.kind),)
        return ()
