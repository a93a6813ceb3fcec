"""The catalogue picks a schema by table, Decision and date, and reads a table's description from it."""

import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from lxml import etree

import xsd
from xsd.catalog import (
    ENVELOPE,
    Catalog,
    SchemaNotFound,
    UnreadableCatalog,
    default_catalog,
    find_schema,
)
from xsd.model import UnreadableSchema, read_model

ON = date(2025, 8, 1)
OWN = Path(xsd.__file__).parent
TABLES = [f"XML{number}" for number in range(16)]


@pytest.mark.parametrize(
    ("table", "root", "holder", "row"),
    [
        ("XML0", "CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
        ("XML1", "TONG_HOP", None, None),
        ("XML2", "CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
        ("XML3", "CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
        ("XML4", "CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
        (
            "XML5",
            "CHITIEU_CHITIET_DIENBIENLAMSANG",
            "DSACH_CHI_TIET_DIEN_BIEN_BENH",
            "CHI_TIET_DIEN_BIEN_BENH",
        ),
        (
            "XML6",
            "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
            "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
            "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        ),
        ("XML7", "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN", None, None),
        ("XML8", "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN", None, None),
        ("XML9", "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH", "DSACH_GIAYCHUNGSINH", "DU_LIEU_GIAY_CHUNG_SINH"),
        ("XML10", "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI", None, None),
        ("XML11", "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI", None, None),
        ("XML13", "CHI_TIEU_GIAYCHUYENTUYEN", None, None),
        ("XML14", "CHI_TIEU_GIAYHEN_KHAMLAI", None, None),
        (
            "XML15",
            "CHI_TIEU_DIEUTRI_BENHLAO",
            "DSACH_CHITIET_DIEUTRI_BENHLAO",
            "CHITIET_DIEUTRI_BENHLAO",
        ),
    ],
)
def test_a_table_has_the_elements_that_the_decision_names(
    table: str, root: str, holder: str | None, row: str | None
) -> None:
    schema = find_schema(table, on=ON)

    assert (schema.root, schema.list_element, schema.row_element) == (root, holder, row)


@pytest.mark.parametrize(
    ("decision", "counts"),
    [
        pytest.param("130", [18, 65, 38, 47, 12, 9, 31, 25, 22, 34, 12, 22, 35], id="130"),
        pytest.param("4750", [26, 66, 39, 47, 12, 9, 47, 26, 22, 35, 13, 23, 35, 39, 22, 20], id="4750"),
        pytest.param("3176", [26, 66, 39, 47, 12, 9, 47, 26, 22, 35, 13, 23, 35, 37, 22, 20], id="3176"),
        pytest.param("1931", [26, 66, 39, 47, 12, 9, 47, 26, 22, 35, 13, 23, 35, 37, 22, 20], id="1931"),
    ],
)
def test_every_decision_has_its_tables_with_as_many_fields_as_it_says(
    decision: str, counts: list[int]
) -> None:
    (edition,) = (one for one in default_catalog().editions if one.name == decision)

    assert {table: len(edition.tables[table].fields) for table in TABLES if table in edition.tables} == dict(
        zip(TABLES, counts, strict=False)
    )
    for schema in edition.tables.values():
        assert [field.order for field in schema.fields] == list(range(1, len(schema.fields) + 1))


@pytest.mark.parametrize(
    ("on", "decision", "name"),
    [
        pytest.param(date(2023, 1, 18), "130", "130", id="first-day"),
        pytest.param(date(2024, 6, 30), "130", "130", id="last-day-of-130"),
        pytest.param(date(2024, 7, 1), "4750", "4750", id="first-day-of-4750"),
        pytest.param(date(2024, 12, 31), "4750", "4750", id="last-day-of-4750"),
        pytest.param(date(2025, 1, 1), "3176", "3176", id="first-day-of-3176"),
        pytest.param(date(2026, 6, 30), "3176", "3176", id="before-the-amendment"),
        pytest.param(date(2026, 7, 1), "3176", "1931", id="amended"),
        pytest.param(date(2029, 1, 1), "3176", "1931", id="still-in-force"),
    ],
)
def test_the_day_decides_on_the_edition(on: date, decision: str, name: str) -> None:
    edition = default_catalog().find_edition(on)

    assert edition is not None
    assert (edition.decision, edition.name) == (decision, name)
    assert find_schema("XML1", on=on).decision == decision


@pytest.mark.parametrize(
    ("table", "field", "lengths"),
    [
        ("XML2", "MUC_HUONG", (3, 3, 3, 4)),
        ("XML3", "MUC_HUONG", (3, 3, 3, 4)),
        ("XML2", "MA_KHOA", (15, 50, 50, 50)),
        ("XML3", "MA_KHOA", (20, 50, 50, 50)),
        ("XML3", "TT_THAU", (25, 50, 50, 50)),
        ("XML1", "MA_BENH_YHCT", (255, 255, 150, 150)),
        ("XML4", "GIA_TRI", (50, 50, 255, 255)),
        ("XML4", "MA_DICH_VU", (15, 50, 50, 50)),
        ("XML1", "MA_TTDV", (10, 10, 255, 255)),
        ("XML1", "SO_CCCD", (15, 15, None, None)),
        ("XML7", "MA_BS", (200, 200, 255, 255)),
        ("XML7", "SO_NGAY_NGHI", (2, 2, 3, 3)),
        ("XML9", "SO_CCCD_NND", (15, 15, None, None)),
        ("XML14", "NGAY_HEN_KL", (12, 12, 8, 8)),
    ],
)
def test_a_length_is_that_of_its_time(table: str, field: str, lengths: tuple[int | None, ...]) -> None:
    found = [
        edition.tables[table].field_by_name[field].max_length
        for edition in default_catalog().editions
        if table in edition.tables
    ]

    assert tuple(found) == lengths[-len(found) :]


def test_the_referral_paper_had_another_layout_before_decision_3176() -> None:
    before = find_schema("XML13", on=date(2024, 12, 31)).field_by_name
    after = find_schema("XML13", on=date(2025, 1, 1)).field_by_name

    assert before.keys() - after.keys() == {
        "MA_NOI_DI",
        "MA_NOI_DEN",
        "TEN_DICH_VU",
        "TEN_THUOC",
        "PP_DIEU_TRI",
    }
    assert after.keys() - before.keys() == {"MA_CSKCB_DI", "MA_CSKCB_DEN", "TINH_TRANG_CT"}


def test_a_field_is_described_by_the_schema_alone() -> None:
    field = find_schema("XML2", on=date(2026, 7, 1)).field_by_name["MUC_HUONG"]

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


def test_no_schema_is_found_before_the_first_day() -> None:
    with pytest.raises(SchemaNotFound, match="no schema describes XML1 on 2023-01-17"):
        find_schema("XML1", on=date(2023, 1, 17))


def test_no_schema_is_found_for_a_table_that_the_decision_did_not_have_yet() -> None:
    with pytest.raises(SchemaNotFound, match="no schema describes XML13 on 2024-06-30"):
        find_schema("XML13", on=date(2024, 6, 30))


def test_no_schema_is_found_under_a_decision_that_does_not_exist() -> None:
    with pytest.raises(SchemaNotFound, match="under Decision 5000"):
        find_schema("XML1", on=ON, decision="5000")


@pytest.mark.parametrize(
    ("decision", "on", "length"),
    [
        pytest.param("3176", date(2026, 7, 1), 4, id="in-force"),
        pytest.param("3176", date(2020, 1, 1), 3, id="too-early"),
        pytest.param("4750", ON, 3, id="too-late"),
        pytest.param("1931", ON, 4, id="by-the-number-of-the-amendment"),
    ],
)
def test_a_decision_that_is_asked_for_gives_its_schema_nearest_to_the_day(
    decision: str, on: date, length: int
) -> None:
    schema = find_schema("XML2", on=on, decision=decision)

    assert decision in {schema.decision, schema.amendment}
    assert schema.field_by_name["MUC_HUONG"].max_length == length


def test_the_same_schema_is_handed_out_every_time() -> None:
    assert find_schema("XML1", on=ON) is find_schema("XML1", on=date(2025, 1, 1))


def test_a_table_that_a_decision_left_alone_shares_its_file_with_the_earlier_one() -> None:
    first, last = find_schema("XML5", on=date(2023, 2, 1)), find_schema("XML5", on=ON)

    assert first.file is last.file
    assert (first.decision, last.decision) == ("130", "3176")


def test_the_envelope_describes_its_own_fields() -> None:
    names = [field.name for field in find_schema(ENVELOPE, on=ON).fields]

    assert names == ["MACSKCB", "NGAYLAP", "SOLUONGHOSO", "LOAIHOSO", "NOIDUNGFILE"]


def test_a_schema_file_is_read_when_it_is_needed_and_not_before() -> None:
    code = (
        "import datetime, sys, xsd.schema; read = []; real = xsd.schema.read_model\n"
        "xsd.schema.read_model = lambda path: read.append(path.name) or real(path)\n"
        "from xsd.catalog import find_schema\n"
        "find_schema('XML4', on=datetime.date(2025, 8, 1)).fields; print(*read)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["xml4.xsd"]


def a_later_decision(folder: Path, listing: str) -> Path:
    shutil.copy(OWN / "types.xsd", folder)
    table = (OWN / "decision_130/xml5.xsd").read_text("utf-8")
    table = table.replace("../types.xsd", "types.xsd").replace('"HOI_CHAN"', '"HOI_CHAN_MOI"')
    (folder / "xml5.xsd").write_text(table, "utf-8")
    (folder / "catalog.toml").write_text(listing, "utf-8")
    return folder


LISTING = 'decision = "9999"\nbased_on = "3176"\nvalid_from = 2030-01-01\n[tables]\nXML5 = "xml5.xsd"\n'


def test_a_later_decision_is_added_as_data_alone(tmp_path: Path) -> None:
    catalog = Catalog.load(OWN, a_later_decision(tmp_path, LISTING))

    assert catalog.find_schema("XML5", on=date(2029, 12, 31)).decision == "3176"
    later = catalog.find_schema("XML5", on=date(2030, 1, 1))
    assert later.decision == "9999"
    assert "HOI_CHAN_MOI" in later.field_by_name
    assert catalog.find_schema("XML5", on=date(2030, 1, 1), decision="3176").decision == "3176"


def test_what_a_later_decision_does_not_name_stays_as_it_was(tmp_path: Path) -> None:
    catalog = Catalog.load(OWN, a_later_decision(tmp_path, LISTING))
    day = date(2030, 1, 1)

    before = catalog.find_schema("XML2", on=day - timedelta(days=1))
    after = catalog.find_schema("XML2", on=day)

    assert (before.decision, after.decision) == ("3176", "9999")
    assert before.path == after.path
    assert (before.valid_to, after.valid_from) == (day - timedelta(days=1), day)


def test_a_later_decision_may_drop_a_table(tmp_path: Path) -> None:
    catalog = Catalog.load(OWN, a_later_decision(tmp_path, 'drops = ["XML15"]\n' + LISTING))

    with pytest.raises(SchemaNotFound):
        catalog.find_schema("XML15", on=date(2030, 1, 1))
    assert catalog.find_schema("XML15", on=date(2029, 12, 31)).decision == "3176"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(LISTING.replace('"9999"', "9999"), "decision must be text in quotes", id="number"),
        pytest.param(LISTING.replace("2030-01-01", '"2030"'), "valid_from must be a date", id="no-date"),
        pytest.param(LISTING.replace("valid_from", "valid_form"), "unknown entry valid_form", id="misspelt"),
        pytest.param(LISTING.replace("valid_from = 2030-01-01\n", ""), "valid_from is missing", id="no-day"),
        pytest.param("valid_to = 2029-01-01\n" + LISTING, "lies before valid_from", id="ends-early"),
        pytest.param(LISTING.replace("3176", "5000"), "no earlier Decision 5000", id="no-base"),
        pytest.param(LISTING.replace("XML5 =", "XMLV ="), "XMLV is not a table", id="no-table"),
        pytest.param(LISTING.replace("xml5.xsd", "xml6.xsd"), "XML5: there is no file", id="no-file"),
        pytest.param("decision = = 1", "at line 1", id="no-toml"),
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused_with_its_file(
    tmp_path: Path, wrong: str, said: str
) -> None:
    folder = a_later_decision(tmp_path, wrong)

    with pytest.raises(UnreadableCatalog, match=said) as caught:
        Catalog.load(OWN, folder)

    assert caught.value.path == folder / "catalog.toml"


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
        pytest.param("</xs:schema>", "", "Premature end", id="not-xml"),
    ],
)
def test_a_schema_that_says_more_than_the_reader_hears_does_not_load(
    tmp_path: Path, construct: str, instead: str, said: str
) -> None:
    shutil.copy(OWN / "types.xsd", tmp_path)
    folder = tmp_path / "decision"
    shutil.copytree(OWN / "decision_130", folder)
    table = folder / "xml5.xsd"
    table.write_text(table.read_text("utf-8").replace(construct, instead), "utf-8")

    with pytest.raises(UnreadableSchema, match=said):
        read_model(table)


@pytest.mark.parametrize(
    "path", sorted(OWN.rglob("*.xsd")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_schema_file_is_valid_for_libxml2(path: Path) -> None:
    etree.XMLSchema(file=path)
