"""Explaining a tree that libxml2 refused: which field of which row breaks which facet, what is misplaced.

The xmlschema package knows why, but is 50 times slower than libxml2, which takes time by the square of
the number of faults among siblings. So rows are tried one by one, each as a table of its own, and
only those that fail are explained, some at a time, up to `MOST_FAULTS`: no row decides on the
validity of another.
"""

from __future__ import annotations

import copy
from itertools import islice
from typing import TYPE_CHECKING, Final

from lxml import etree
from lxml.etree import _Element as Element

from xsd.faults import Fault, FaultKind
from xsd.scan import count_elements, find_misplaced, local_name, records_of
from xsd.validators import FieldOrder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xsd.model import Field, Node, TableModel
    from xsd.validators import Complaint, Validators

MOST_FAULTS: Final = 200  # a table with more is broken as a whole; nobody reads a longer list
MOST_IN_ROW: Final = 1000  # elements; the widest table of the Decisions has 47 fields
_PART: Final = 100  # rows tried together first
_BATCH: Final = 25  # rows explained at a time: more would be wasted once there are enough faults

# The xmlschema package's facets, by the name of their class, so that nothing here imports the package.
_FACETS: Final = {
    "XsdMinLengthFacet": FaultKind.REQUIRED,
    "XsdMaxLengthFacet": FaultKind.LENGTH,
    "XsdPatternFacets": FaultKind.FORMAT,
}


class Explainer:
    """Explains trees of one table."""

    def __init__(self, model: TableModel, validators: Validators, fields: Mapping[str, Field]) -> None:
        self._model = model
        self._validators = validators
        self._fields = fields

    def explain(self, root: Element) -> list[Fault]:
        """Find what is wrong with a tree, up to `MOST_FAULTS`, by row and line.

        Fields out of order or unknown to the Decision are not faults here; there are none of the latter.
        """
        record = self._model.record
        if record is None:
            found = self._explain_tree(root, {})
        elif self._model.row_element is None:
            found = self._explain_only_row(root)
        else:
            found = self._explain_rows(root, record)
        return sorted(islice(found, MOST_FAULTS), key=lambda fault: (fault.row or 0, fault.line or 0))

    def _explain_only_row(self, root: Element) -> Iterator[Fault]:
        if count_elements(root) > MOST_IN_ROW:
            yield _crowd(root, None)
        else:
            yield from self._explain_tree(root, {})

    def _explain_rows(self, root: Element, record: Node) -> Iterator[Fault]:
        numbers = {row: number for number, row in enumerate(records_of(root, record), start=1)}
        yield from (fault for _, fault in find_misplaced(root, self._model.root, None))
        if root.tag != self._model.root.name:
            return
        yield from self._explain_surroundings(root)
        yield from (_crowd(row, number) for row, number in numbers.items() if _is_crowd(row))
        failing = self._failing_rows([row for row in numbers if not _is_crowd(row)])
        while batch := list(islice(failing, _BATCH)):
            tree = self._table_of(batch)
            copies = zip(records_of(tree, record), batch, strict=True)
            yield from self._explain_tree(tree, {one: numbers[row] for one, row in copies})

    def _failing_rows(self, rows: list[Element]) -> Iterator[Element]:
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            if not self._is_valid(part):
                yield from (row for row in part if not self._is_valid([row]))

    def _is_valid(self, rows: list[Element]) -> bool:
        return self._validators.accepts(self._table_of(rows), order=FieldOrder.ANY)

    def _table_of(self, rows: list[Element]) -> Element:
        """Return a table of copies of these rows; they still know their lines."""
        root = etree.Element(self._model.root.name)
        for child in self._model.root.children:
            inner = etree.SubElement(root, child.name)
            if child.name == self._model.list_element:
                inner.extend(copy.deepcopy(row) for row in rows)
                for one in inner:
                    one.tail = None
        return root

    def _explain_surroundings(self, root: Element) -> Iterator[Fault]:
        """Explain what stands around the list of rows: in XML0, the signature."""
        if all(child.name == self._model.list_element for child in self._model.root.children):
            return
        tree = etree.Element(self._model.root.name)
        for child in root.iterchildren("*"):
            is_list = child.tag == self._model.list_element
            tree.append(etree.Element(child.tag) if is_list else copy.deepcopy(child))
        for fault in self._explain_tree(tree, {}):
            if ("what", "content") in fault.facts:  # the rest was found where it stands
                yield fault

    def _explain_tree(self, tree: Element, numbers: dict[Element, int]) -> Iterator[Fault]:
        misplaced = list(islice(find_misplaced(tree, self._model.root, numbers), MOST_FAULTS))
        explained = {element for element, _ in misplaced}
        # One fault for one field: a value of a derived type fails its inherited facet twice.
        faults = dict.fromkeys(fault for _, fault in misplaced)
        for complaint in self._validators.complaints(tree, order=FieldOrder.ANY):
            fault = self._understand(complaint, explained, numbers)
            if fault is not None:
                faults[fault] = None
        yield from faults

    def _understand(
        self, complaint: Complaint, explained: set[Element], numbers: dict[Element, int]
    ) -> Fault | None:
        element = complaint.elem
        if element is None:
            return None  # about an xsi:type, which is found to be misplaced already
        kind = _FACETS.get(type(complaint.validator).__name__)
        if kind is None and element in explained:
            return None
        holders = (element, *element.iterancestors())
        row = next((numbers[holder] for holder in holders if holder in numbers), None)
        name = local_name(str(element.tag))
        facts = self._facts(kind, name, element)
        return Fault(kind or FaultKind.UNEXPECTED, name, row, element.sourceline, facts)

    def _facts(self, kind: FaultKind | None, name: str, element: Element) -> tuple[tuple[str, str], ...]:
        if kind is None:
            return (("what", "content"),)
        known = self._fields.get(name)
        if known is not None and kind is FaultKind.LENGTH:
            return (("max", str(known.max_length)), ("length", str(len(element.text or ""))))
        if known is not None and kind is FaultKind.FORMAT:
            return (("kind", known.kind),)
        return ()


def _is_crowd(row: Element) -> bool:
    return count_elements(row) > MOST_IN_ROW


def _crowd(row: Element, number: int | None) -> Fault:
    name = local_name(str(row.tag))
    return Fault(FaultKind.UNEXPECTED, name, number, row.sourceline, (("what", "crowd"),))
