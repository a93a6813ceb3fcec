"""The catalogue picks a schema by table, Decision and date, and reads a table's description from it."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

import xsd
from xsd.catalog import ENVELOPE, Catalog, SchemaNotFound, default_catalog, find_schema
from xsd.model import UnreadableSchema, read_model

ON = date(2025, 8, 1)
OWN = Path(xsd.__file__).parent


@pytest.mark.parametrize(
    ("table", "root", "holder", "row", "count"),
    [
        ("XML0", "CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB", 26),
        ("XML1", "TONG_HOP", None, None, 66),
        ("XML2", "CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC", 39),
        ("XML3", "CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT", 47),
        ("XML4", "CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS", 12),
        (
            "XML5",
            "CHITIEU_CHITIET_DIENBIENLAMSANG",
            "DSACH_CHI_TIET_DIEN_BIEN_BENH",
            "CHI_TIET_DIEN_BIEN_BENH",
            9,
        ),
    ],
)
def test_a_table_has_the_elements_and_as_many_fields_as_the_decision_says(
    table: str, root: str, holder: str | None, row: str | None, count: int
) -> None:
    schema = find_schema(table, on=ON)

    assert (schema.root, schema.list_element, schema.row_element) == (root, holder, row)
    assert [field.order for field in schema.fields] == list(range(1, count + 1))
    assert schema.decision == "3176"


def test_a_field_is_described_by_the_schema_alone() -> None:
    field = find_schema("XML2", on=ON).field_by_name["MUC_HUONG"]

    assert (field.type, field.max_length, field.required, field.fraction_digits) == ("decimal", 4, "yes", 2)
    assert (field.label_vi, field.label_en) == ("Mức hưởng", "Benefit level in percent after route factor")
    assert (field.since, field.order) == ("130", 27)


def test_a_field_names_its_code_list_and_the_decision_that_introduced_it() -> None:
    fields = find_schema("XML1", on=ON).field_by_name

    assert fields["GIOI_TINH"].code_list == "gioi_tinh"
    assert fields["NHOM_MAU"].since == "4750"
    assert fields["SO_CCCD"].max_length is None


@pytest.mark.parametrize("language", ["label_vi", "label_en"])
def test_every_field_and_table_has_a_label(language: str) -> None:
    described = [part for schema in default_catalog().schemas for part in (schema, *schema.fields)]

    assert [part for part in described if not getattr(part, language)] == []


def test_no_schema_is_found_before_its_first_day() -> None:
    with pytest.raises(SchemaNotFound, match="no schema describes XML1 on 2024-12-31"):
        find_schema("XML1", on=date(2024, 12, 31))


def test_no_schema_is_found_under_another_decision() -> None:
    with pytest.raises(SchemaNotFound, match="under Decision 4750"):
        find_schema("XML1", on=ON, decision="4750")


def test_the_same_schema_is_handed_out_every_time() -> None:
    assert find_schema("XML1", on=ON) is find_schema("XML1", on=date(2025, 1, 1))


def test_the_envelope_describes_its_own_fields() -> None:
    names = [field.name for field in find_schema(ENVELOPE, on=ON).fields]

    assert names == ["MACSKCB", "NGAYLAP", "SOLUONGHOSO", "LOAIHOSO", "NOIDUNGFILE"]


def test_a_later_decision_is_added_as_data_alone(tmp_path: Path) -> None:
    folder = tmp_path / "xsd"
    shutil.copytree(OWN, folder)
    shutil.copytree(OWN / "decision_3176", folder / "decision_9999")
    table = folder / "decision_9999/xml5.xsd"
    table.write_text(table.read_text("utf-8").replace('name="HOI_CHAN"', 'name="HOI_CHAN_MOI"'), "utf-8")
    listing = folder / "catalog.toml"
    listing.write_text(
        listing.read_text("utf-8")
        + '\n[[schema]]\ntable = "XML5"\ndecision = "9999"\nfile = "decision_9999/xml5.xsd"\n'
        "valid_from = 2030-01-01\n",
        "utf-8",
    )

    catalog = Catalog.load(folder)

    assert catalog.find_schema("XML5", on=date(2029, 12, 31)).decision == "3176"
    later = catalog.find_schema("XML5", on=date(2030, 1, 1))
    assert later.decision == "9999"
    assert "HOI_CHAN_MOI" in later.field_by_name
    assert catalog.find_schema("XML5", on=date(2030, 1, 1), decision="3176").decision == "3176"


@pytest.mark.parametrize(
    ("construct", "instead", "said"),
    [
        pytest.param(
            '<xs:element name="HOI_CHAN" minOccurs="0" type="text">',
            '<xs:any/><xs:element name="HOI_CHAN" minOccurs="0" type="text">',
            "more than elements in a sequence",
            id="wildcard",
        ),
        pytest.param('type="text"', 'type="xs:date"', "no known type", id="type-of-xml-schema"),
    ],
)
def test_a_schema_that_says_more_than_the_reader_hears_does_not_load(
    tmp_path: Path, construct: str, instead: str, said: str
) -> None:
    folder = tmp_path / "decision"
    shutil.copytree(OWN / "decision_3176", folder)
    table = folder / "xml5.xsd"
    table.write_text(table.read_text("utf-8").replace(construct, instead), "utf-8")

    with pytest.raises(UnreadableSchema, match=said):
        read_model(table)


@pytest.mark.parametrize("path", sorted(OWN.rglob("*.xsd")), ids=lambda path: path.stem)
def test_every_schema_file_is_valid_for_libxml2(path: Path) -> None:
    etree.XMLSchema(file=path)
