"""Tables and bundles are written in the Decision's order, and only what can be read again."""

from datetime import date

import pybase64
import pytest
from lxml import etree

from claims.bundle.envelope import read_bundle
from claims.bundle.writing import TableKind, Unwritable, write_bundle, write_table
from xsd.catalog import ENVELOPE, SchemaNotFound, TableSchema, default_catalog, find_schema

ON = date(2025, 8, 1)
SCHEMAS = [schema for schema in default_catalog().schemas if schema.table != ENVELOPE]
SUMMARY = {"MA_LK": "1", "HO_TEN": "Nguyễn Văn Ánh"}


@pytest.mark.parametrize(
    "schema", SCHEMAS, ids=lambda schema: f"{schema.amendment or schema.decision}-{schema.table}"
)
def test_every_field_is_written_in_the_decisions_order(schema: TableSchema) -> None:
    first, last = schema.fields[0].name, schema.fields[-1].name
    decision = schema.amendment or schema.decision

    data = write_table(TableKind(schema.table), [{last: "1", first: "2"}], on=ON, decision=decision)

    root = etree.fromstring(data)
    row = root if schema.row_element is None else root.find(f".//{schema.row_element}")
    assert row is not None
    assert [child.tag for child in row] == [field.name for field in schema.fields]
    assert {child.tag: child.text for child in row if child.text} == {last: "1", first: "2"}


def test_a_table_is_utf_8_with_each_row_on_its_line() -> None:
    data = write_table(TableKind.XML2, [{"STT": "1"}, {"STT": "2"}], on=ON)

    assert data.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n')
    assert [row.sourceline for row in etree.fromstring(data).iter("CHI_TIET_THUOC")] == [4, 5]


@pytest.mark.parametrize(
    "text", ["a & b", "CSST<M75_T37>", "]]>", "dòng 1\ndòng 2", "a\rb", "\tx ", "😀", "Nguyễn", "\"'"]
)
def test_text_is_read_back_as_it_was_given(text: str) -> None:
    data = write_table(TableKind.XML5, [{"DIEN_BIEN_LS": text}], on=ON)

    assert etree.fromstring(data).findtext(".//DIEN_BIEN_LS") == text


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(Unwritable, match="XML5 DIEN_BIEN_LS row 2: a character that XML cannot hold"):
        write_table(TableKind.XML5, [{}, {"DIEN_BIEN_LS": text}], on=ON)


def test_a_field_that_the_decision_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="XML2 SO_LUONGG row 1: the Decision has no such field") as caught:
        write_table(TableKind.XML2, [{"SO_LUONGG": "1"}], on=ON)

    assert isinstance(caught.value, Unwritable)
    assert (caught.value.table, caught.value.field, caught.value.row) == ("XML2", "SO_LUONGG", 1)


@pytest.mark.parametrize(("kind", "count"), [(TableKind.XML1, 2), (TableKind.XML2, 0)])
def test_a_table_takes_as_many_rows_as_it_may_hold(kind: TableKind, count: int) -> None:
    with pytest.raises(Unwritable, match=f"{kind}: {count} rows"):
        write_table(kind, [{}] * count, on=ON)


def test_a_table_that_no_decision_describes_cannot_be_written() -> None:
    with pytest.raises(SchemaNotFound):
        write_table(TableKind.XML1, [{}], on=date(2020, 1, 1))


def test_a_bundle_keeps_to_its_schema_and_holds_its_tables_in_order() -> None:
    claim = {TableKind.XML3: [{"STT": "1"}], TableKind.XML2: [], TableKind.XML1: [SUMMARY]}

    root = etree.fromstring(write_bundle(facility="79024", made_on=ON, claims=[claim, claim]))

    assert find_schema(ENVELOPE, on=ON).find_faults(root) == ()
    assert [element.text for element in root.iter("LOAIHOSO")] == ["XML1", "XML3"] * 2
    assert root.findtext("THONGTINHOSO/SOLUONGHOSO") == "2"
    assert root.findtext("THONGTINHOSO/NGAYLAP") == "20250801"


def test_a_bundle_reads_back_as_it_was_written() -> None:
    claim = {TableKind.XML1: [SUMMARY], TableKind.XML2: [{"STT": "1"}, {"STT": "2"}]}

    bundle = read_bundle(etree.fromstring(write_bundle(facility="79024", made_on=ON, claims=[claim])))

    assert (bundle.facility, bundle.made_on, bundle.findings) == ("79024", "20250801", ())
    (read,) = bundle.claims
    assert [table.kind for table in read.tables] == [TableKind.XML1, TableKind.XML2]
    assert [row.findtext("STT") for row in read.tables[1].root.iter("CHI_TIET_THUOC")] == ["1", "2"]


def test_tables_follow_the_day_the_episode_ended_and_not_the_day_of_the_bundle() -> None:
    claim = {TableKind.XML1: [SUMMARY]}

    data = write_bundle(facility="79024", made_on=ON, claims=[claim], on=date(2024, 6, 30))

    content = etree.fromstring(data).findtext(".//NOIDUNGFILE") or ""
    assert b"NHOM_MAU" not in pybase64.b64decode(content)
    with pytest.raises(SchemaNotFound, match="on 2022-12-31"):
        write_bundle(facility="79024", made_on=ON, claims=[claim], on=date(2022, 12, 31))


def test_a_bundle_is_written_under_the_decision_asked_for() -> None:
    claim = {TableKind.XML1: [SUMMARY], TableKind.XML13: [{"MA_NOI_DI": "79024"}]}

    data = write_bundle(facility="79024", made_on=ON, claims=[claim], decision="4750")

    (read,) = read_bundle(etree.fromstring(data)).claims
    referral = read.find_table(TableKind.XML13)
    assert referral is not None
    assert referral.root.findtext("MA_NOI_DI") == "79024"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        pytest.param([], "at least one claim", id="no-claim"),
        pytest.param([{TableKind.XML2: [{}]}], "XML1: a claim has a summary row", id="no-XML1"),
        pytest.param(
            [{TableKind.XML1: [SUMMARY], TableKind.XML0: [{}]}], "XML0: this table never travels", id="XML0"
        ),
        pytest.param(
            [{TableKind.XML1: [SUMMARY], TableKind.XML12: [{}]}],
            "XML12: this table never travels",
            id="XML12",
        ),
    ],
)
def test_a_bundle_that_would_be_refused_is_not_written(
    claims: list[dict[TableKind, list[dict[str, str]]]], said: str
) -> None:
    with pytest.raises(Unwritable, match=said):
        write_bundle(facility="79024", made_on=ON, claims=claims)


def test_content_is_standard_base64_without_line_ends() -> None:
    data = write_bundle(facility="79024", made_on=ON, claims=[{TableKind.XML1: [SUMMARY]}])

    content = etree.fromstring(data).findtext(".//NOIDUNGFILE") or ""
    assert pybase64.b64decode(content, validate=True).startswith(b"<?xml")


def test_tables_are_ordered_by_number_and_not_by_spelling() -> None:
    assert sorted(TableKind, key=lambda kind: kind.number)[-6] is TableKind.XML10
