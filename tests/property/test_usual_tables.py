"""A table that is read by the expression of its usual form reads as a parser and a validator read it."""

import random
import re
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from claims.bundle.notation import (
    compose_letters,
    find_damage,
    find_marks,
    is_plain_as_usual,
    may_have_type_hints,
    may_have_unseen_characters,
)
from tests.property.test_schema_paths_agree import EXAMPLES, ODD, TABLES, VALID
from xsd.catalog import Field, TableSchema, UsualRows

FORMS: Final = tuple(schema for schema in TABLES if schema.file.usual is not None)
VALUES: Final = {
    kind: tuple(text for text in texts if "<" not in text and text.strip() == text)
    for kind, texts in VALID.items()
}
# What may stand in a value of a usual table, and what looks like it.
LETTERS: Final = "aZ09 .,;:'\"=?!#/()%đĐăôơưýỹÁÀãêö°²µ½×–“”…≤\u00a0\u00ad\u200b\u0301\ufeff\ufffd\t\r]"
BITS: Final = (
    "<", ">", "/", "&", "&amp;", "&lt;", "&gt;", "&lt", "&#60;", "\ue000", "\ue001", "]]>",
    "<!-- -->", "<?a?>", "\n", "\r\n", "\r", " ", "\t",
    "\x00", "\x7f", "\u0085",
    "1", "0", ".", ";", "<STT>1</STT>", "</TONG_HOP>", "<MA_LK/>", "<MA_LK />", "<TONG_HOP>",
    "\u00a0", "\u2028", "\u0301", "\ufeff", "\ufffe", "\U0010ffff", "²", "Nguyeãn", " </", "> ", "xmlns='a'",
)  # fmt: skip


def read_by_tree(schema: TableSchema, data: bytes) -> UsualRows | None:
    """Read a table as it is read that has another form; None when it is not well-formed or not valid."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    if not schema.accepts(root):
        return None
    record = schema.model.record
    assert record is not None
    rows = list(root.iter(record.name))
    assert all([field.tag for field in row] == list(schema.field_by_name) for row in rows)
    lines = [row.sourceline for row in rows]
    assert None not in lines
    return UsualRows([field.text or "" for row in rows for field in row], [line or 0 for line in lines])


@st.composite
def usual_tables(draw: st.DrawFn) -> tuple[TableSchema, str]:
    """Write a table in the usual form; some of its values are odd."""
    schema = draw(st.sampled_from(FORMS))
    choice = random.Random(draw(st.integers(0, 2**32)))
    odd = draw(st.lists(ODD | st.text(LETTERS, max_size=12) | st.just("CSST&lt;M9&gt;"), max_size=2))
    end = choice.choice(["", "\n", "\r\n"])
    free = [place for place, field in enumerate(schema.fields) if field.kind == "text"]
    places = free if choice.random() < 0.7 else range(len(schema.fields))
    rows = []
    for _ in range(choice.randint(1, 3) if schema.row_element else 1):
        texts = [_value_of(field, choice) for field in schema.fields]
        for text in odd:
            texts[choice.choice(places)] = text
        rows.append(
            "".join(
                _written(*pair, choice.random()) for pair in zip(schema.field_by_name, texts, strict=True)
            )
        )
    record = schema.row_element or schema.root
    body = "".join(f"<{record}>{row}</{record}>{end}" for row in rows)
    if schema.row_element:
        body = f"<{schema.list_element}>{end}{body}</{schema.list_element}>{end}"
        body = f"<{schema.root}>{end}{body}</{schema.root}>"
    return schema, f'<?xml version="1.0" encoding="utf-8"?>{end}{body}'


def _value_of(field: Field, choice: random.Random) -> str:
    text = choice.choice(VALUES[field.kind])
    if field.max_length and len(text) > field.max_length:
        text = "1"
    return "" if field.required != "yes" and choice.random() < 0.3 else text


def _written(name: str, text: str, way: float) -> str:
    return f"<{name}>{text}</{name}>" if text or way < 0.5 else f"<{name}/>"


@settings(max_examples=EXAMPLES, deadline=None)
@given(usual_tables(), st.lists(st.sampled_from(BITS), max_size=2), st.integers(0, 2**32))
def test_what_is_read_is_what_a_parser_and_a_validator_read(
    case: tuple[TableSchema, str], bits: list[str], seed: int
) -> None:
    schema, text = case
    choice = random.Random(seed)
    for bit in bits:
        # In a value as often as anywhere.
        starts = [found.end() for found in re.finditer("<[A-Z_]+>", text)] or [0]
        start = choice.choice([choice.choice(starts), choice.randrange(len(text) + 1)])
        text = text[:start] + bit + text[start + choice.choice([0, 0, 1, 9]) :]
    data = text.encode("utf-8", "surrogatepass")

    usual = schema.read_usual(data)

    if usual is not None:
        assert usual == read_by_tree(schema, data), text


@settings(max_examples=EXAMPLES, deadline=None)
@given(usual_tables())
def test_what_counts_as_plain_has_no_oddity(case: tuple[TableSchema, str]) -> None:
    schema, text = case
    data = text.encode()
    if schema.read_usual(data) is None or not is_plain_as_usual(data):
        return
    root = etree.fromstring(data)

    assert list(find_marks(data)) == []
    assert compose_letters(root, data) is None
    assert list(find_damage(root, data)) == []
    assert not may_have_unseen_characters(data)
    assert not may_have_type_hints(data)


def test_what_a_facility_usually_writes_is_read() -> None:
    note = "Uống 50 µg, 37°C – “ổn” CSST&lt;M93&gt;"
    for schema in FORMS:
        row = "".join(
            f"<{field.name}>{note if (field.max_length or 50) >= 50 else '1'}</{field.name}>"
            if field.kind == "text"
            else f"<{field.name}>{VALID[field.kind][0]}</{field.name}>"
            for field in schema.fields
        )
        record = schema.row_element or schema.root
        body = f"<{record}>{row}</{record}>"
        if schema.row_element:
            rows = f"<{schema.list_element}>{body}\n{body}</{schema.list_element}>"
            body = f"<{schema.root}>{rows}</{schema.root}>"
        data = f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode()

        usual = schema.read_usual(data)

        assert usual is not None, schema
        assert usual == read_by_tree(schema, data)
        assert usual.lines == ([1, 2] if schema.row_element else [1])


def test_one_row_is_one_row() -> None:
    for schema in FORMS:
        if schema.row_element is None:
            row = "".join(f"<{field.name}>{VALID[field.kind][0]}</{field.name}>" for field in schema.fields)
            twice = f'<?xml version="1.0" encoding="UTF-8"?>{f"<{schema.root}>{row}</{schema.root}>" * 2}'
            assert schema.read_usual(twice.encode()) is None
