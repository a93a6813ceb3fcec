"""Large tables in parts: some rows at a time in a tree of their own, so that no part is large."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lxml import etree

from xsd.scan import count_elements, is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Element


def plain_rows_of(root: Element, list_element: str | None, row_element: str | None) -> list[Element] | None:
    """Return the rows of a table that is nothing but a root, a list and rows; None if it is anything else."""
    if list_element is None or row_element is None or len(root) != 1:
        return None
    (holder,) = root
    is_plain = holder.tag == list_element and not root.attrib and not holder.attrib
    if not is_plain or not all(map(is_blank, (root.text, holder.text, holder.tail))):
        return None
    rows = list(holder)
    return rows if all(row.tag == row_element for row in rows) else None


def share_out(rows: Sequence[Element], most_elements: int) -> list[list[Element]] | None:
    """Share out rows so that no part has more elements than that; None if a single row has."""
    parts: list[list[Element]] = [[]]
    size = 0
    for row in rows:
        own = count_elements(row) + 1
        if own > most_elements:
            return None
        if size + own > most_elements:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += own
    return parts


@contextmanager
def part_of(root: Element, rows: Sequence[Element]) -> Iterator[Element]:
    """Lend a tree like the root's that holds these rows alone; afterwards they stand at the end of theirs."""
    (holder,) = root
    smaller = etree.Element(root.tag, nsmap=root.nsmap)
    lent = etree.SubElement(smaller, holder.tag)
    lent.extend(rows)
    try:
        yield smaller
    finally:
        holder.extend(rows)
