"""Reading faults of structure off a content model: what is missing, repeated, misplaced or unknown."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from lxml import etree
from lxml.etree import _Element as Element

from xsd.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xsd.model import Field, Node

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_WHITE_SPACE: Final = " \t\r\n"  # XML's; Python counts more characters as blank
_HINTS: Final = frozenset({f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"})

_COUNT: Final = etree.XPath("count(.//*)")

# An element whose content is at fault, and the fault.
Found: TypeAlias = "tuple[Element, Fault]"


def count_elements(element: Element) -> int:
    """Count the elements below an element, in C."""
    return int(cast("float", _COUNT(element)))


def records_of(root: Element, record: Node | None) -> list[Element]:
    """List the elements that hold fields: the rows of a table, or the root of a table of one row."""
    return [] if record is None else list(root.iter(record.name))


def find_oddities(rows: list[Element], fields: Mapping[str, Field]) -> list[Fault]:
    """Find what is tolerated: one fault for each unknown field, and one when fields are out of order."""
    unknown: dict[str, tuple[int, int | None, int]] = {}
    out_of_order: list[tuple[int, Element]] = []
    for number, row in enumerate(rows, start=1):
        reached = 0
        for child in row.iterchildren("*"):
            tag = str(child.tag)
            known = fields.get(tag)
            if known is None:
                first, line, count = unknown.get(tag, (number, child.sourceline, 0))
                unknown[tag] = (first, line, count + 1)
            elif known.order < reached:
                if not out_of_order or out_of_order[-1][0] != number:
                    out_of_order.append((number, child))
            else:
                reached = known.order
    faults = [
        Fault(FaultKind.UNKNOWN, local_name(tag), row=row, line=line, facts=(("count", str(count)),))
        for tag, (row, line, count) in unknown.items()
    ]
    if out_of_order:
        number, child = out_of_order[0]
        facts = (("rows", str(len(out_of_order))),)
        faults.append(Fault(FaultKind.ORDER, str(child.tag), row=number, line=child.sourceline, facts=facts))
    return faults


def without_unknown_fields(root: Element, record: Node, fields: Mapping[str, Field]) -> Element:
    """Return a copy of the tree without the fields the Decision does not know; it still knows its lines."""
    clean = copy.deepcopy(root)
    for row in records_of(clean, record):
        for child in list(row.iterchildren("*")):
            if str(child.tag) not in fields:
                row.remove(child)
    return clean


def find_misplaced(root: Element, model: Node, rows: Mapping[Element, int] | None) -> Iterator[Found]:
    """Find what is missing, repeated or misplaced, each with the element whose content is at fault.

    With the number of each row by its element; without (None), only what is around rows, not inside them.
    """
    if root.tag != model.name:
        facts = (("what", "root"), ("expected", model.name))
        yield root, Fault(FaultKind.UNEXPECTED, local_name(str(root.tag)), line=root.sourceline, facts=facts)
        return
    yield from _walk(root, model, rows, None)


def local_name(tag: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return tag.rpartition("}")[2]


def _walk(
    element: Element, node: Node, rows: Mapping[Element, int] | None, row: int | None
) -> Iterator[Found]:
    if node.is_foreign or (node.is_record and rows is None):
        return
    row = row if rows is None else rows.get(element, row)
    for name in element.attrib:
        if name not in _HINTS:
            yield element, _unexpected(local_name(str(name)), element, row, "attribute")
    if not node.children:
        if len(element):
            yield element, _unexpected(node.name, element, row, "element")
        return
    if _has_text(element):
        yield element, _unexpected(node.name, element, row, "text")
    yield from _walk_children(element, node, rows, row)


def _walk_children(
    element: Element, node: Node, rows: Mapping[Element, int] | None, row: int | None
) -> Iterator[Found]:
    places = {child.name: place for place, child in enumerate(node.children)}
    seen: dict[str, int] = {}
    reached = 0
    for child in element.iterchildren("*"):
        tag = str(child.tag)
        place = places.get(tag)
        if place is None:
            yield element, _unexpected(local_name(tag), child, row, "element")
            continue
        expected = node.children[place]
        seen[tag] = seen.get(tag, 0) + 1
        if expected.max_occurs is not None and seen[tag] > expected.max_occurs:
            at = row if rows is None else rows.get(child, row)
            yield element, Fault(FaultKind.DUPLICATE, local_name(tag), at, child.sourceline)
        elif place < reached and not node.is_record:
            yield element, _unexpected(local_name(tag), child, row, "order")
        reached = max(reached, place)
        yield from _walk(child, expected, rows, row)
    for expected in node.children:
        if expected.min_occurs and expected.name not in seen:
            kind = FaultKind.MISSING if expected.children or expected.is_foreign else FaultKind.REQUIRED
            yield element, Fault(kind, local_name(expected.name), row, element.sourceline)


def _unexpected(name: str, element: Element, row: int | None, what: str) -> Fault:
    return Fault(FaultKind.UNEXPECTED, name, row, element.sourceline, (("what", what),))


def _has_text(element: Element) -> bool:
    return not all(map(is_blank, (element.text, *(child.tail for child in element))))


def is_blank(text: str | None) -> bool:
    """Whether there is nothing but what XML takes for white space."""
    return not text or not text.strip(_WHITE_SPACE)
