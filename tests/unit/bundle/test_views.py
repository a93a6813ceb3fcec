"""Values are shown as people write them: grouped, spelled out, with the meaning of codes."""

from datetime import date

import pytest

from claims.bundle.contents import ReadTable, read_contents
from claims.bundle.kinds import TableKind
from claims.bundle.views import Cell, TableView, group_figure, show_value, view_table
from tests.unit.checking.bundles import DISCHARGED, a_bundle, a_claim, rows_of
from xsd.catalog import find_schema

XML2 = TableKind.XML2


def shown(kind: TableKind, field: str, text: str, language: str = "vi") -> Cell:
    schema = find_schema(kind, on=DISCHARGED)
    return show_value(schema.field_by_name[field], text, on=DISCHARGED, language=language)


def view(*rows: dict[str, str], language: str = "vi") -> TableView:
    contents = read_contents(a_bundle({**a_claim(), XML2: list(rows)}), today=DISCHARGED)
    table = contents.claims[0].find_table(XML2)
    assert isinstance(table, ReadTable)
    return view_table(table, on=DISCHARGED, language=language)


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("12450000", "12.450.000"),
        ("12450000.50", "12.450.000,5"),
        ("0.125", "0,125"),
        ("999", "999"),
        ("-1500.00", "-1.500"),
        ("1,500", "1,500"),
        ("1e6", "1e6"),
        ("", ""),
        ("123456789012345678901234567890.12", "123.456.789.012.345.678.901.234.567.890,12"),
    ],
)
def test_a_figure_is_grouped_and_anything_else_is_left_alone(text: str, figure: str) -> None:
    assert group_figure(text) == figure


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("NGAY_RA", "202610310730", "31/10/2026 07:30"),
        ("NGAY_RA", "202502310730", "202502310730"),
        ("NGAY_RA", "2026-10-31", "2026-10-31"),
        ("GT_THE_TU", "20260101;20270101", "01/01/2026; 01/01/2027"),
        ("NGAY_SINH", "198003150000", "15/03/1980"),
        ("NGAY_SINH", "202603150815", "15/03/2026 08:15"),
        ("NGAY_SINH", "198003000000", "03/1980"),
        ("NGAY_SINH", "198000000000", "1980"),
        ("NAM_QT", "2025", "2025"),
        ("T_BHTT", "1500000", "1.500.000"),
    ],
)
def test_a_value_is_shown_by_what_its_field_holds(field: str, text: str, expected: str) -> None:
    assert shown(TableKind.XML1, field, text).text == expected


def test_each_time_of_a_list_is_spelled_out() -> None:
    text = "202609131733;202609140800"

    assert shown(TableKind.XML13, "NGAY_VAO", text).text == "13/09/2026 17:33; 14/09/2026 08:00"


@pytest.mark.parametrize(("language", "meaning"), [("vi", "Nam"), ("en", "male")])
def test_a_code_is_shown_with_its_meaning(language: str, meaning: str) -> None:
    assert shown(TableKind.XML1, "GIOI_TINH", "1", language) == Cell("1", meaning)


def test_a_code_that_means_nothing_is_shown_alone() -> None:
    assert shown(TableKind.XML1, "GIOI_TINH", "9") == Cell("9", "")


def test_figures_of_a_column_get_the_same_number_of_decimals() -> None:
    rows = rows_of(XML2, 2)
    rows[0]["SO_LUONG"], rows[1]["SO_LUONG"] = "10", "2.50"

    table = view(*rows)

    place = [column.name for column in table.columns].index("SO_LUONG")
    assert [row[place].text for row in table.rows] == ["10,0", "2,5"]
    assert table.columns[place].is_number


def test_what_is_the_same_in_every_row_is_told_once_and_what_is_empty_by_name() -> None:
    rows = rows_of(XML2, 3, HAM_LUONG="500mg", CACH_DUNG="", T_BNTT="0")
    for number, row in enumerate(rows):
        row["TEN_THUOC"] = f"Thuốc {number}"

    table = view(*rows)

    common = {column.name: cell.text for column, cell in table.common}
    assert (common["HAM_LUONG"], common["T_BNTT"]) == ("500mg", "0")
    assert table.empty == ("CACH_DUNG",)
    names = [column.name for column in table.columns]
    assert names[:2] == ["STT", "TEN_THUOC"]
    assert "THANH_TIEN_BV" in names  # an amount is told in every row


def test_a_field_the_decision_does_not_have_is_shown_last_without_a_label() -> None:
    data = a_bundle({**a_claim(), XML2: rows_of(XML2, 1)})
    contents = read_contents(data, today=DISCHARGED)
    table = contents.claims[0].find_table(XML2)
    assert table is not None
    row = table.rows[0]
    odd = ReadTable(XML2, table.schema, is_single=False, rows=(type(row)(1, (("MOI", "x"), *row.fields)),))

    (column, cell) = view_table(odd, on=date(2025, 8, 1), language="en").common[-1]

    assert (column.name, column.label, cell.text) == ("MOI", "", "x")


def test_bands_hold_every_column_once_and_begin_with_the_row_number() -> None:
    rows = rows_of(XML2, 2)
    for name in rows[0]:
        rows[1][name] += "1"
    table = view(*rows)

    bands = table.bands([1] * len(table.columns), 10)

    assert all(table.columns[band[0]].name == "STT" and len(band) <= 10 for band in bands)
    assert sorted(place for band in bands for place in band if table.columns[place].name != "STT") == [
        place for place, column in enumerate(table.columns) if column.name != "STT"
    ]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_labels_are_those_of_the_schema(language: str) -> None:
    field = find_schema(XML2, on=DISCHARGED).field_by_name["MA_THUOC"]

    (found,) = [c for c, _ in view(*rows_of(XML2, 1), language=language).common if c.name == "MA_THUOC"]

    assert found.label == (field.label_vi if language == "vi" else field.label_en)
    assert found.label
