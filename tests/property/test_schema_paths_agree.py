"""libxml2 and the xmlschema package give one verdict on every table, and what is explained fits it.

Each property takes 400 tables, and more under a ``--hypothesis-profile`` with more ``max_examples``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element as Element

from xsd.catalog import ENVELOPE, TableSchema, default_catalog
from xsd.scan import without_unknown_fields
from xsd.validators import FieldOrder

# One schema for each file: Decisions that left a table alone share it.
TABLES: Final = tuple(
    {schema.path: schema for schema in default_catalog().schemas if schema.table != ENVELOPE}.values()
)
EXAMPLES: Final = max(400, settings.default.max_examples if settings.default else 0)

VALID: Final[dict[str, tuple[str, ...]]] = {
    "text": ("A", "Nguyễn Văn Ánh", "a & b <c>", " 1 "),
    "list": ("K01", "K01;K02"),
    "integer": ("1", "0", "007"),
    "amount": ("0", "1500000", "47.5", "1500.00", "12.3400"),
    "unit_price": ("12.345", "0.5"),
    "quantity": ("1", "0.333"),
    "percent": ("80", "47.5", "100"),
    "weight": ("54", "3.25"),
    "year": ("2025",),
    "month": ("8", "08", "12"),
    "date": ("20250801", "20240229"),
    "datetime": ("202508012359",),
    "birth_time": ("198003150000", "198000000000", "198003000000"),
    "exemption_time": ("20250801", "202508010730"),
    "date_list": ("20250801", "20250801;20250901", "20250801;"),
    "datetime_list": ("202508010730", "202508010730;202508012359", "202508010730;"),
    "birth_date": ("19800315", "19800000", "19800300"),
}

# Whatever may tell two validators apart: blanks at the ends, digits and letters of other scripts, characters
# beyond the basic plane, and values that are nearly right.
ODD: Final = st.one_of(
    st.sampled_from([
        "", " ", "\n", "1\n", "\t1", "20250801\n", "202508012400", "20251301", "20250800", "197900000001",
        "1,5", "1.", ".5", "1e3", "-1", "+1", "1.000.000", "NaN", "INF", "0x1", "١٢", "１２", "1\u00a0",
        "1\u2028", "2025-08-01", "20250801;;", ";", "a" * 300, "é" * 256, "e\u0301" * 128, "😀" * 100,
        "😀" * 256, "\U0010ffff", "\ufffd", "\u0085", "\r", "]]>", "<b>", "&amp;",
    ]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
            max_size=20),
    st.text("0123456789", max_size=20),
    st.text("0123456789.;- \n", max_size=14),
)  # fmt: skip


def valid_table(draw: st.DrawFn, schema: TableSchema) -> Element:
    root = etree.Element(schema.root)
    rows = [root]
    if schema.list_element is not None and schema.row_element is not None:
        holder = etree.SubElement(root, schema.list_element)
        rows = [etree.SubElement(holder, schema.row_element) for _ in range(draw(st.integers(1, 3)))]
    if schema.model.root.find("CHUKYDONVI") is not None:
        etree.SubElement(root, "CHUKYDONVI")
    choice = draw(st.randoms(use_true_random=False))
    for row in rows:
        for field in schema.fields:
            way = choice.random()
            if field.required != "yes" and way < 0.1:
                continue
            element = etree.SubElement(row, field.name)
            if field.required == "yes" or way < 0.6:
                text = choice.choice(VALID[field.kind])
                element.text = text[: field.max_length].strip(" .") or "1" if field.max_length else text
    return root


def mutate(draw: st.DrawFn, root: Element) -> None:
    elements = list(root.iter("*"))
    element = draw(st.sampled_from(elements))
    draw(st.sampled_from(MUTATIONS))(draw, element)


def _set_text(draw: st.DrawFn, element: Element) -> None:
    element.text = draw(ODD)


def _set_tail(draw: st.DrawFn, element: Element) -> None:
    if element.getparent() is not None:
        element.tail = draw(st.sampled_from([" ", "\n", "x", "\u00a0"]))


def _remove(_: st.DrawFn, element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _repeat(_: st.DrawFn, element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.append(etree.fromstring(etree.tostring(element, with_tail=False)))


def _move_last(_: st.DrawFn, element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.append(element)


def _rename(draw: st.DrawFn, element: Element) -> None:
    element.tag = draw(st.sampled_from(["MA_LK", "STT", "KHONG_CO", "ma_lk", "{urn:x}MA_LK", "DU_PHONG"]))


def _nest(draw: st.DrawFn, element: Element) -> None:
    etree.SubElement(element, draw(st.sampled_from(["b", "MA_LK", "{urn:x}y"]))).text = draw(ODD)


def _add_attribute(draw: st.DrawFn, element: Element) -> None:
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}"
    name = draw(
        st.sampled_from([
            "Id", "{urn:x}y", f"{xsi}schemaLocation", f"{xsi}noNamespaceSchemaLocation", f"{xsi}nil",
            f"{xsi}type", "{http://www.w3.org/XML/1998/namespace}space",
        ])
    )  # fmt: skip
    element.set(
        name, draw(st.sampled_from(["true", "false", "text", "preserve", "urn:a http://127.0.0.1:9/a.xsd"]))
    )


MUTATIONS: Final[list[Callable[[st.DrawFn, Element], None]]] = [
    _set_text, _set_text, _set_text, _set_tail, _remove, _repeat, _move_last, _rename, _nest, _add_attribute,
]  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[TableSchema, Element]:
    schema = draw(st.sampled_from(TABLES))
    root = valid_table(draw, schema)
    for _ in range(draw(st.integers(0, 3))):
        mutate(draw, root)
    # Both validators see what a parser would hand them: adjacent texts joined, line ends normalized.
    return schema, etree.fromstring(etree.tostring(root))


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None)
@given(tables())
def test_both_validators_give_one_verdict_in_either_order_of_fields(
    case: tuple[TableSchema, Element],
) -> None:
    schema, root = case

    for order in FieldOrder:
        fast = schema.validators.accepts(root, order=order)
        explaining = next(iter(schema.validators.complaints(root, order=order)), None) is None
        assert fast is explaining, (order, etree.tostring(root, encoding="unicode"))


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None)
@given(tables())
def test_faults_are_found_exactly_where_a_table_is_not_valid(case: tuple[TableSchema, Element]) -> None:
    schema, root = case
    record = schema.model.record
    assert record is not None
    known_fields_only = without_unknown_fields(root, record, schema.field_by_name)
    is_valid = schema.validators.accepts(known_fields_only, order=FieldOrder.ANY)

    faults = schema.find_faults(root)

    assert all(fault.is_tolerated for fault in faults) is is_valid, etree.tostring(root, encoding="unicode")
    assert ("what", "unexplained") not in {fact for fault in faults for fact in fault.facts}
    if schema.validators.accepts(root, order=FieldOrder.DECISION):
        assert faults == ()


@pytest.mark.slow
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(tables())
def test_a_large_table_is_judged_in_parts_with_the_same_result(case: tuple[TableSchema, Element]) -> None:
    schema, root = case

    for most_elements in (0, 60):  # by row, and two rows or so at a time
        in_parts = replace(schema, most_elements=most_elements)
        assert in_parts.find_faults(root) == schema.find_faults(root), etree.tostring(
            root, encoding="unicode"
        )


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_generated_without_a_mutation_is_valid(data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(TABLES))

    root = data.draw(st.composite(lambda draw: valid_table(draw, schema))())

    assert schema.find_faults(root) == ()
