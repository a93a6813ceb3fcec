"""Large tables are judged some rows at a time, and left as they were."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from lxml import etree
from lxml.etree import _Element as Element

from claims.bundle.kinds import TableKind
from claims.checking.samples import load_sample
from signing.canonical import parse
from xsd.catalog import find_schema

SCHEMA = find_schema("XML3", on=date(2026, 9, 14))
LARGE = replace(SCHEMA, most_elements=100)  # two rows at a time


def a_table() -> Element:
    rows = load_sample("surgery").tables[TableKind.XML3]
    root = etree.Element(SCHEMA.root)
    holder = etree.SubElement(root, str(SCHEMA.list_element))
    for values in rows:
        row = etree.SubElement(holder, str(SCHEMA.row_element))
        for name, value in values.items():
            etree.SubElement(row, name).text = value
    etree.indent(root)
    return parse(etree.tostring(root))


def test_a_valid_table_is_valid_and_as_before() -> None:
    table = a_table()
    before, lines = etree.tostring(table), [element.sourceline for element in table.iter()]

    assert LARGE.find_faults(table) == SCHEMA.find_faults(table) == ()
    assert (etree.tostring(table), [element.sourceline for element in table.iter()]) == (before, lines)


def _empty_a_field(table: Element) -> None:
    table[0][20].find("SO_LUONG").text = "many"  # type: ignore[union-attr]


def _drop_a_field(table: Element) -> None:
    table[0][-1].remove(table[0][-1].find("SO_LUONG"))  # type: ignore[arg-type]


def _repeat_the_list(table: Element) -> None:
    etree.SubElement(table, str(SCHEMA.list_element))


def _write_between_rows(table: Element) -> None:
    table[0][7].tail = "and"


def _write_before_the_list(table: Element) -> None:
    table.text = "and"


def _give_the_list_an_attribute(table: Element) -> None:
    table[0].set("count", "40")


def _swell_a_row(table: Element) -> None:
    for _ in range(150):
        etree.SubElement(table[0][5], "MOI")


@pytest.mark.parametrize(
    "spoil",
    [
        _empty_a_field,
        _drop_a_field,
        _repeat_the_list,
        _write_between_rows,
        _write_before_the_list,
        _give_the_list_an_attribute,
        _swell_a_row,
    ],
)
def test_a_fault_is_found_as_in_a_small_table_and_the_table_is_as_before(
    spoil: Callable[[Element], None],
) -> None:
    table, small = a_table(), a_table()
    spoil(table)
    spoil(small)
    before = etree.tostring(table)

    found = LARGE.find_faults(table)

    assert found
    assert {(one.kind, one.element, one.row) for one in found} == {
        (one.kind, one.element, one.row) for one in SCHEMA.find_faults(small)
    }
    assert etree.tostring(table) == before
