"""What has the usual form, and what has not, though some of it is valid all the same."""

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from xsd.catalog import UsualRows, find_schema
from xsd.schema import SchemaFile

SCHEMA: Final = find_schema("XML15", on=date(2026, 1, 1))
_VALUES: Final = {"text": "A", "list": "A00", "integer": "1", "quantity": "2.5", "date": "20260101"}


def _table(old: str = "", new: str = "", rows: int = 2) -> bytes:
    row = "".join(
        f"<{field.name}>{_VALUES.get(field.kind, '202601010000')}</{field.name}>" for field in SCHEMA.fields
    )
    lines = f"<{SCHEMA.row_element}>{row}</{SCHEMA.row_element}>\n" * rows
    text = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<{SCHEMA.root}>\n<{SCHEMA.list_element}>\n{lines}'
        f"</{SCHEMA.list_element}>\n</{SCHEMA.root}>\n"
    )
    assert old in text
    return text.replace(old, new, 1).encode()


def test_a_table_is_read_with_its_lines() -> None:
    rows = SCHEMA.read_usual(_table())

    assert rows is not None
    assert rows.lines == [4, 5]
    assert len(rows.texts) == 2 * len(SCHEMA.fields)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("<MA_LK>A</MA_LK>", "<MA_LK>&lt;A&gt;</MA_LK>", "<A>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>Đặng µg 37°C</MA_LK>", "Đặng µg 37°C"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>\ue000</MA_LK>", "\ue000"),
        ("utf-8", "UTF-8", "A"),
        ("</MA_LK>", "</MA_LK>", "A"),
    ],
)
def test_what_a_value_says(old: str, new: str, value: str) -> None:
    rows = SCHEMA.read_usual(_table(old, new))

    assert rows is not None
    assert rows.texts[0] == value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Not well-formed, or not valid.
        ("<MA_LK>A</MA_LK>", "<MA_LK></MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK/>"),
        ("<MA_LK>A</MA_LK>", f"<MA_LK>{'A' * 101}</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A]]></MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A & B</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>\x01</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>\ufffe</MA_LK>"),
        ("<STT>1</STT>", "<STT>-1</STT>"),
        ("<STT>1</STT>", "<STT>\u0661</STT>"),
        ("<STT>1</STT>", f"<STT>{'1' * 11}</STT>"),
        ("20260101<", "20261301<"),
        ("</MA_LK>", "</MA_LK>x"),
        ("</STT>", "</STT></STT>"),
        (f"</{SCHEMA.root}>\n", f"</{SCHEMA.root}>\n<a/>"),
        (f"</{SCHEMA.root}>\n", ""),
        # Valid, or nearly, and written otherwise.
        ("<MA_LK>A</MA_LK>", "<MA_LK>&#65;</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A &amp; B</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>&lt;\ue000</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK><![CDATA[A]]></MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A<!-- --></MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A\r\n</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>A\tB</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK>a\u0301</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "<MA_LK >A</MA_LK>"),
        ("<MA_LK>A</MA_LK>", '<MA_LK id="1">A</MA_LK>'),
        ("<MA_LK>A</MA_LK><STT>1</STT>", "<STT>1</STT><MA_LK>A</MA_LK>"),
        ("<MA_LK>A</MA_LK>", "\n  <MA_LK>A</MA_LK>"),
        ("utf-8", "windows-1258"),
        ("<?xml", "\ufeff<?xml"),
        ("<?xml", " <?xml"),
    ],
)
def test_what_has_another_form_is_left_to_the_parser(old: str, new: str) -> None:
    assert SCHEMA.read_usual(_table(old, new)) is None


def test_a_list_without_end_is_left_to_the_parser() -> None:
    summary = find_schema("XML1", on=date(2026, 1, 1))
    values = {"text": "A", "list": "A", "integer": "1", "year": "2026"}
    values |= {"amount": "1", "percent": "1", "weight": "5", "month": "9", "date": "20260101"}
    values["date_list"] = "20260101"
    values |= dict.fromkeys(("datetime", "datetime_list", "birth_time", "exemption_time"), "202601010000")

    def read_with(cards: str) -> UsualRows | None:
        texts = [cards if field.name == "GT_THE_TU" else values[field.kind] for field in summary.fields]
        row = "".join(
            f"<{name}>{text}</{name}>" for name, text in zip(summary.field_by_name, texts, strict=True)
        )
        prolog = '<?xml version="1.0" encoding="utf-8"?>'
        return summary.read_usual(f"{prolog}<{summary.root}>{row}</{summary.root}>".encode())

    assert read_with("20260101;" * 100) is not None
    assert read_with(";" * 1001) is None


def test_bytes_that_are_no_text_are_left_to_the_parser() -> None:
    assert SCHEMA.read_usual(_table().replace(b">A<", b">\xff<")) is None


def test_a_table_without_rows_is_left_to_the_parser() -> None:
    assert SCHEMA.read_usual(_table(rows=0)) is None


def test_a_large_table_is_left_to_the_parser() -> None:
    size = len(_table(rows=2)) - len(_table(rows=1))

    assert SCHEMA.read_usual(_table(rows=1_900_000 // size)) is not None
    assert SCHEMA.read_usual(_table(rows=2_010_000 // size)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<xs:maxLength value="100"/>', '<xs:maxLength value="100"/><xs:enumeration value="A"/>'),
        ('<xs:element name="STT"', '<xs:element name="STT" fixed="1"'),
        ('<xs:element name="STT"', '<xs:element name="STT" nillable="true"'),
        ('<xs:element name="STT"', '<xs:element name="STT" maxOccurs="2"'),
        ('base="integer"><xs:minLength', r'base="integer"><xs:pattern value="\d+"/><xs:minLength'),
        ('base="text"><xs:minLength', r'base="text"><xs:pattern value="\p{L}+"/><xs:minLength'),
        ('elementFormDefault="unqualified">', 'elementFormDefault="unqualified" targetNamespace="urn:a">'),
    ],
)
def test_a_schema_that_says_more_has_no_usual_form(old: str, new: str, tmp_path: Path) -> None:
    text = SCHEMA.path.read_text("utf-8")
    assert old in text
    file = tmp_path / "decision" / SCHEMA.path.name
    file.parent.mkdir()
    (tmp_path / "types.xsd").write_bytes((SCHEMA.path.parent.parent / "types.xsd").read_bytes())
    file.write_text(text.replace(old, new, 1), "utf-8")

    assert SCHEMA.file.usual is not None
    assert SchemaFile(file).usual is None
