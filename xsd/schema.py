"""One table's schema under one Decision: what it describes, whether a tree keeps to it, and if not, why.

A tree is judged in these steps, each only when the one before it failed:

1. libxml2 with the fields in the Decision's order.
2. Fields the Decision does not know are set aside, and libxml2 tries again with the fields in any
   order. Both are oddities of exporters: reported, and no reason to refuse.
3. What is missing, repeated or misplaced is read off the content model, and the xmlschema package says
   which values break which facet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from xsd.explain import MOST_FAULTS, Explainer
from xsd.faults import Fault, FaultKind
from xsd.model import read_model
from xsd.parts import part_of, plain_rows_of, share_out
from xsd.scan import count_elements, find_oddities, records_of, without_unknown_fields
from xsd.usual import usual_form
from xsd.validators import FieldOrder, Validators

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from lxml.etree import _Element as Element

    from xsd.model import Field, TableModel
    from xsd.usual import UsualForm, UsualRows

_MOST_ELEMENTS: Final = 10_000  # some 250 rows; validated as one tree


class SchemaFile:
    """One schema file: read when it is first asked about, compiled when a tree is first judged by it."""

    def __init__(self, path: Path) -> None:
        """Take the file's path; whether it can be read is found out later."""
        self.path = path

    @cached_property
    def model(self) -> TableModel:
        """What the file says about its table.

        Raises:
            UnreadableSchema: The file is missing, or uses a construct that the reader does not know.
        """
        return read_model(self.path)

    @cached_property
    def validators(self) -> Validators:
        """The compiled forms."""
        record = self.model.record
        return Validators(self.path, None if record is None else record.name)

    @cached_property
    def usual(self) -> UsualForm | None:
        """The form that nearly every table has; None when the schema says what no expression can."""
        return usual_form(self.model)

    @cached_property
    def field_by_name(self) -> Mapping[str, Field]:
        """The table's fields by their names."""
        return {one.name: one for one in self.model.fields}


@dataclass(frozen=True, slots=True, eq=False)
class TableSchema:
    """The schema of one table under one Decision. Trees given to it hold no comments or instructions.

    Attributes:
        table: ``XML1`` … ``XML15``, ``XML0`` or ``ENVELOPE``.
        decision: The Decision's number, such as ``3176``.
        amendment: The later Decision that changed it without taking its place, such as ``1931``.
        valid_from: The first day on which an episode may end under it.
        valid_to: The last such day; None when it is still in force.
        file: The schema file, which several Decisions may share.
        most_elements: Trees with more are judged row by row.
    """

    table: str
    decision: str
    amendment: str | None
    valid_from: date
    valid_to: date | None
    file: SchemaFile
    most_elements: int = _MOST_ELEMENTS

    @property
    def model(self) -> TableModel:
        """What the schema file says."""
        return self.file.model

    @property
    def validators(self) -> Validators:
        """The compiled forms of the schema file."""
        return self.file.validators

    @property
    def path(self) -> Path:
        """The schema file's path."""
        return self.file.path

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
    def field_by_name(self) -> Mapping[str, Field]:
        """The table's fields by their names."""
        return self.file.field_by_name

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

    def accepts(self, root: Element) -> bool:
        """Whether a tree is valid to the letter, the order of its fields included."""
        # libxml2 takes time by the square of the number of faults among siblings, so a large tree that may
        # be hostile is never given to it as a whole.
        is_small = count_elements(root) <= self.most_elements
        return self._accepts(root) if is_small else self._accepts_in_parts(root)

    def _accepts(self, root: Element) -> bool:
        return self.validators.accepts(root, order=FieldOrder.DECISION)

    def _accepts_in_parts(self, root: Element) -> bool:
        """Whether a large tree is certainly valid: its rows are, some at a time, and there is nothing else.

        The rows change places among each other and end where they were.
        """
        rows = plain_rows_of(root, self.list_element, self.row_element)
        parts = None if rows is None else share_out(rows, self.most_elements)
        if parts is None:
            return False
        are_valid = True
        for part in parts:
            with part_of(root, part) as smaller:
                # After a fault the rest only changes places.
                are_valid = are_valid and self._accepts(smaller)
        return are_valid

    def read_usual(self, data: bytes) -> UsualRows | None:
        """Read a valid table of the usual form; None, which is no fault, when it may not be one."""
        usual = self.file.usual
        return None if usual is None else usual.read(data)

    def find_faults(self, root: Element) -> tuple[Fault, ...]:
        """Find every way in which a tree departs from the schema, up to `MOST_FAULTS`.

        A tree is valid when all that is found is tolerated (`Fault.is_tolerated`).
        """
        if self.accepts(root):  # (1)
            return ()
        return self.explain_faults(root)

    def explain_faults(self, root: Element) -> tuple[Fault, ...]:
        """Find the faults of a tree that is not accepted."""
        is_small = count_elements(root) <= self.most_elements
        oddities: list[Fault] = []
        record = self.model.record
        if record is not None:  # (2)
            oddities = find_oddities(records_of(root, record), self.field_by_name)
            if any(oddity.kind is FaultKind.UNKNOWN for oddity in oddities):
                root = without_unknown_fields(root, record, self.field_by_name)
                is_small = count_elements(root) <= self.most_elements
        if is_small and self.validators.accepts(root, order=FieldOrder.ANY):
            return tuple(oddities[:MOST_FAULTS])
        if record is None and not is_small:
            return (Fault(FaultKind.UNEXPECTED, self.root, facts=(("what", "crowd"),)),)
        faults = Explainer(self.model, self.validators, self.field_by_name).explain(root)  # (3)
        if is_small and not faults:
            # libxml2 said no, so something is wrong even though nothing could be named.
            faults = [Fault(FaultKind.UNEXPECTED, self.root, facts=(("what", "unexplained"),))]
        return (*faults, *oddities)[:MOST_FAULTS]
