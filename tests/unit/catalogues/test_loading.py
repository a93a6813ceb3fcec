"""A facility's lists are read row by row: the good rows are used, every other one is reported."""

import unicodedata
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from claims.catalogues.catalogue import Catalogue
from claims.catalogues.columns import FileSpec, list_specs, map_spec
from claims.catalogues.items import DrugItem, Entry, Kind, ServiceItem
from claims.catalogues.loading import load_catalogue
from claims.catalogues.problems import describe_problem, load_sentences
from claims.catalogues.template import write_template
from tests.unit.catalogues.folders import a_catalogue, a_folder, loaded, problems

ON = date(2026, 11, 2)
DRUGS = "code,name,price\n40.30,Thuốc A,4000\n"


def entries(catalogue: Catalogue, kind: Kind) -> tuple[Entry, ...]:
    return catalogue.tables[kind].entries


def value(catalogue: Catalogue, kind: Kind, name: str) -> object:
    """Return one value of the first row of a list."""
    return getattr(entries(catalogue, kind)[0], name)


def a_workbook(
    path: Path, *rows: list[Any], title: str = "Thuốc", formats: dict[str, str] | None = None
) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    workbook.save(path)


def with_other_sheet(path: Path, old: bytes, new: bytes) -> None:
    """Write a workbook's sheet otherwise: as a spreadsheet does, which works formulas out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old in parts[sheet]
    parts[sheet] = parts[sheet].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_a_list_is_read_whatever_separates_its_cells(tmp_path: Path, delimiter: str, mark: str) -> None:
    header = ["MA_THUOC", "TEN_THUOC", "HAM_LUONG", "TT_THAU", "DON_GIA", "TYLE_TT_BH", "TU_NGAY", "DEN_NGAY"]
    cells = [
        "40.30",
        '"Thuốc ""A"""',
        "7,5mg" if delimiter != "," else '"7,5mg"',
        '"1/QĐ;G1;N1;2026"',
        "4000.5",
    ]
    text = "\r\n".join([delimiter.join(header), delimiter.join([*cells, "50", "20260101", "31/12/2026"])])

    (drug,) = entries(a_catalogue(tmp_path, {"drugs.csv": mark + text}), Kind.DRUG)

    assert drug == DrugItem(
        code="40.30",
        name='Thuốc "A"',
        strength="7,5mg",
        tender="1/QĐ;G1;N1;2026",
        price=Decimal("4000.5"),
        pay_percent=Decimal(50),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        file="drugs.csv",
        row=2,
    )


@pytest.mark.parametrize(
    "header",
    [
        "Mã dịch vụ;Tên dịch vụ;Đơn giá BH;Từ ngày",
        "MA DICH VU ;Tên-dịch-vụ*;đơn giá bh;TỪ NGÀY",
        "MaDichVu;TEN_DVKT_PHE_DUYET;Giá TT BHYT;TuNgay",
        "Mã tương đương;Tên dịch vụ được phê duyệt;Đơn giá bảo hiểm thanh toán;Có hiệu lực từ ngày",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_headers_may_be_written_as_people_write_them(
    tmp_path: Path, header: str, form: Literal["NFC", "NFD"]
) -> None:
    text = unicodedata.normalize(form, f"{header}\n02.1896;Khám Nội;50600;01/02/2026\n")

    found = loaded(tmp_path, {"services.csv": text})

    assert problems(found) == []
    (service,) = entries(found.catalogue, Kind.SERVICE)
    assert service == ServiceItem(
        code="02.1896",
        name="Khám Nội",
        insured_price=Decimal(50600),
        valid_from=date(2026, 2, 1),
        file="services.csv",
        row=2,
    )


def test_a_text_that_was_kept_from_being_a_number_is_read(tmp_path: Path) -> None:
    text = 'code,name,local_code\n="40.30",A,"=""0012"""\n'

    (drug,) = entries(a_catalogue(tmp_path, {"drugs.csv": text}), Kind.DRUG)

    assert (drug.code, drug.local_code) == ("40.30", "0012")


def test_a_bad_row_is_reported_and_the_others_are_used(tmp_path: Path) -> None:
    text = "code,name,price\n40.30,A,4000\n,B,1\n40.31,C,4.000.000\n40.32,D,1\n"

    found = loaded(tmp_path, {"drugs.csv": text})

    assert [entry.code for entry in entries(found.catalogue, Kind.DRUG)] == ["40.30", "40.32"]
    assert problems(found) == [("cell-empty", 3, "code"), ("not-a-number", 4, "price")]
    assert found.has_errors


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        pytest.param("price", '"4000,5"', "decimal-comma", id="decimal-comma"),
        pytest.param("price", "4e3", "not-a-number", id="exponent"),
        pytest.param("price", "-1", "not-a-number", id="negative"),
        pytest.param("price", "1.2345", "too-many-decimals", id="decimals"),
        pytest.param("pay_percent", "101", "above-100", id="percent"),
        pytest.param("valid_from", "31/02/2026", "not-a-day", id="no-such-day"),
        pytest.param("valid_from", "2/1/2026", "not-a-day", id="day-or-month"),
        pytest.param("valid_from", "02/01-2026", "not-a-day", id="two-marks"),
        pytest.param("valid_from", "02-01-26", "not-a-day", id="year-of-two-digits"),
        pytest.param("approved", "maybe", "not-a-flag", id="flag"),
        pytest.param("group", "4;5", "not-a-code", id="two-codes"),
        pytest.param("group", "4\u200b", "not-a-code", id="blank-without-width"),
        pytest.param("local_code", "T1\u00ad2", "not-a-code", id="soft-hyphen"),
        pytest.param("local_code", "'0012", "not-a-code", id="apostrophe-of-a-spreadsheet"),
        pytest.param("group", "=A1", "not-a-code", id="formula"),
        pytest.param("unit", "a\x01b", "control-character", id="control-character"),
    ],
)
def test_a_cell_that_cannot_be_read_for_certain_is_refused(
    tmp_path: Path, column: str, cell: str, code: str
) -> None:
    found = loaded(tmp_path, {"drugs.csv": f"code,name,{column}\n40.30,A,{cell}\n40.31,B,\n"})

    assert problems(found) == [(code, 2, column)]
    assert [entry.code for entry in entries(found.catalogue, Kind.DRUG)] == ["40.31"]


@pytest.mark.parametrize(
    "cell",
    ["20260109", "2026-01-09", "2026/01/09", "09/01/2026", "09-01-2026", "09.01.2026", "09/01/2026 00:00:00"],
)
def test_a_day_is_read_in_the_forms_that_cannot_be_mistaken(tmp_path: Path, cell: str) -> None:
    catalogue = a_catalogue(tmp_path, {"drugs.csv": f"code,name,valid_from\n40.30,A,{cell}\n"})

    assert value(catalogue, Kind.DRUG, "valid_from") == date(2026, 1, 9)


def test_a_missing_column_is_told_with_the_names_that_it_may_have(tmp_path: Path) -> None:
    (problem,) = loaded(tmp_path, {"services.csv": "Mã dịch vụ;Giá\n01.1896;1\n"}).problems[-1:]

    assert "name (also written TEN_DICH_VU, TEN_DVKT_PHEDUYET)" in describe_problem(problem, "en")


def test_a_price_like_one_with_a_thousands_mark_is_pointed_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": "code,name,price\n40.30,A,4.500\n"})

    assert problems(found) == [("like-thousands", 2, "price")]
    assert not found.has_errors


def test_a_list_that_always_writes_three_decimals_is_not_suspected(tmp_path: Path) -> None:
    text = "code,name,price\n40.30,A,480.000\n40.31,B,12000.000\n"

    drugs = entries(a_catalogue(tmp_path, {"drugs.csv": text}), Kind.DRUG)

    assert [getattr(drug, "price", None) for drug in drugs] == [480, 12000]


def test_the_portals_service_list_is_read_as_it_is(tmp_path: Path) -> None:
    text = (
        "STT,MA_DICH_VU,TEN_DICH_VU,TEN_DVKT_GIA,DON_GIA,QUY_TRINH,CS_THUCHIEN,TINHTRANG_DV,MA_GIA,TEN_GIA,"
        "GIA_TT_BHYT,MA_PTTT,TU_NGAY,DEN_NGAY,MA_CSKCB,PHAN_LOAI_PTTT,GHICHU,QUYET_DINH\n"
        "1,23.0075.1494,Glucose,Glucose,25000,,,,,,22400,,20260101,,79999,,,\n"
    )

    (service,) = entries(a_catalogue(tmp_path, {"services.csv": text}), Kind.SERVICE)

    assert isinstance(service, ServiceItem)
    assert (service.price, service.insured_price) == (Decimal(25000), Decimal(22400))


def test_a_route_in_words_does_not_stand_for_its_code(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": "MA_THUOC,TEN_THUOC,DUONG_DUNG\n40.30,A,Uống\n40.31,B,1.01\n"})

    assert problems(found) == [("not-a-route", 2, "DUONG_DUNG")]


def test_a_list_that_names_every_route_in_words_is_told_so_once(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, {"drugs.csv": "MA_THUOC,TEN_THUOC,DUONG_DUNG\n40.30,A,Uống\n40.31,B,Tiêm\n40.32,C,\n"}
    )

    (problem,) = found.problems
    assert (problem.code, problem.row, problem.params) == (
        "routes-in-words", 2, (("value", "Uống"), ("rows", "2"))
    )  # fmt: skip
    assert value(found.catalogue, Kind.DRUG, "route") == ""


def test_the_route_code_is_preferred_to_its_words(tmp_path: Path) -> None:
    text = "MA_THUOC,TEN_THUOC,DUONG_DUNG,MA_DUONG_DUNG\n40.30,A,Uống,1.01\n"

    assert value(a_catalogue(tmp_path, {"drugs.csv": text}), Kind.DRUG, "route") == "1.01"


def test_a_header_over_two_lines_is_named_in_one(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": 'code,name,"Đơn giá\n(VNĐ)"\n40.30,A,"4,500"\n'})

    assert problems(found) == [("decimal-comma", 3, "Đơn giá (VNĐ)")]


def test_headers_that_nobody_knows_and_twice_are_reported(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": "code,name,price,prise,name\n40.30,A,1,2,B\n"})

    assert problems(found) == [("unknown-header", 1, "prise"), ("header-twice", 1, "name")]
    assert entries(found.catalogue, Kind.DRUG)[0].name == "A"


@pytest.mark.parametrize(
    ("header", "entries_read"),
    [
        pytest.param("code,national_code,name", 0, id="codes"),
        pytest.param("code,name,TEN_THUOC", 1, id="names"),
    ],
)
def test_a_column_under_two_names_is_reported(tmp_path: Path, header: str, entries_read: int) -> None:
    found = loaded(tmp_path, {"drugs.csv": f"{header}\nA1,40.30,A\n"})

    assert [problem.code for problem in found.problems] == ["column-twice"]
    assert len(found.catalogue.tables[Kind.DRUG]) == entries_read


def test_a_map_may_be_called_after_its_list(tmp_path: Path) -> None:
    header = "source_system,source_code,national_code\n"

    catalogue = a_catalogue(
        tmp_path, {"maps/drugs.csv": f"{header}x,1,40.30\n", "maps/drug.csv": f"{header}x,2,40.31\n"}
    )

    assert len(catalogue.maps[Kind.DRUG]) == 2


def test_titles_above_the_header_are_passed_over(tmp_path: Path) -> None:
    text = "SỞ Y TẾ,,\nDANH MỤC THUỐC,,\n,,\n" + DRUGS

    assert entries(a_catalogue(tmp_path, {"drugs.csv": text}), Kind.DRUG)[0].row == 5


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        pytest.param(DRUGS.encode("utf-16"), "utf-16", None, id="utf-16"),
        pytest.param("code,name\n1,a\n".encode("utf-16-le"), "utf-16", None, id="utf-16-without-mark"),
        pytest.param("code,name\n40.30,A\n40.31,thu\xf4c\n".encode("cp1258"), "not-utf-8", 3, id="legacy"),
        pytest.param(b'code,name\n40.30,"A\n', "broken-quotes", 2, id="open-quotes"),
        pytest.param(b"a,b\n1,2\n", "no-header", None, id="no-header"),
        pytest.param(b"code,price\n40.30,1\n", "column-missing", 1, id="no-name"),
        pytest.param(b"", "no-header", None, id="empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    tmp_path: Path, data: bytes, code: str, row: int | None
) -> None:
    found = loaded(tmp_path, {"drugs.csv": data})

    assert [(problem.code, problem.row) for problem in found.problems] == [(code, row)]


def test_rows_before_broken_quotes_are_used(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": 'code,name\n40.30,A\n40.31,"B\n'})

    assert [entry.code for entry in entries(found.catalogue, Kind.DRUG)] == ["40.30"]


def test_a_cell_too_many_is_reported(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugs.csv": "code;name;tender\n40.30;A;1/QĐ;G1;N1;2026\n"})

    assert problems(found) == [("too-many-cells", 2, None)]


def test_a_workbook_is_read_with_its_dates_and_numbers(tmp_path: Path) -> None:
    a_workbook(
        tmp_path / "drugs.xlsx",
        ["MA_THUOC", "TEN_THUOC", "DON_GIA", "TU_NGAY", "DEN_NGAY", "approved"],
        ["40.30", "A", 4000.5, datetime(2026, 1, 1), 20261231, True],  # noqa: DTZ001 - a cell has no zone
    )

    (drug,) = entries(load_catalogue(tmp_path).catalogue, Kind.DRUG)

    assert isinstance(drug, DrugItem)
    assert drug.price == Decimal("4000.5")
    assert (drug.valid_from, drug.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (drug.file, drug.row) == ("drugs.xlsx#Thuốc", 2)


def test_a_number_cell_is_read_as_people_see_it(tmp_path: Path) -> None:
    rows = [["02.1", "A", 50600.499999999996, 0.8], ["02.2", "B", 3 * 1.1, 1], ["02.3", "C", 1.0e6, "80 %"]]
    header = ["Mã dịch vụ", "Tên dịch vụ", "Đơn giá BH", "TYLE_TT_BH"]
    a_workbook(tmp_path / "services.xlsx", header, *rows, formats={"D2": "0%", "D3": "0.00%"})

    found = load_catalogue(tmp_path)

    assert found.problems == ()
    items = [one for one in entries(found.catalogue, Kind.SERVICE) if isinstance(one, ServiceItem)]
    assert [item.insured_price for item in items] == [Decimal("50600.5"), Decimal("3.3"), Decimal(1_000_000)]
    assert [item.pay_percent for item in items] == [Decimal(80), Decimal(100), Decimal(80)]


def test_a_percent_like_a_fraction_is_pointed_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"services.csv": "code,name,pay_percent\n02.1,A,0.8\n02.2,B,0\n02.3,C,1.5\n"})

    assert problems(found) == [("like-a-fraction", 2, "pay_percent")]


def test_a_sheet_of_notes_is_none_of_the_list(tmp_path: Path) -> None:
    workbook = Workbook()
    for title, rows in (("DM", [["code", "name"], ["02.1", "A"]]), ("Ghi chú", [["ghi chú"], ["x"]])):
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.remove(workbook.worksheets[0])
    workbook.save(tmp_path / "services.xlsx")

    found = load_catalogue(tmp_path)

    assert ([one.code for one in found.problems], found.has_errors) == (["no-header"], False)


def test_a_code_in_a_number_cell_has_lost_its_zeros(tmp_path: Path) -> None:
    a_workbook(tmp_path / "drugs.xlsx", ["code", "name", "local_code"], [40.3, "A", "1"], ["40.31", "B", 17])

    found = load_catalogue(tmp_path)

    assert problems(found) == [("code-as-number", 2, "code"), ("local-code-as-number", 3, "local_code")]
    assert [(entry.code, entry.local_code) for entry in entries(found.catalogue, Kind.DRUG)] == [
        ("40.31", "17")
    ]


def test_a_formula_without_a_result_is_named_and_gives_no_price_of_nothing(tmp_path: Path) -> None:
    # What openpyxl writes it does not work out.
    rows: list[list[Any]] = [
        ["02.1", "A", "=1000*2"],
        ["02.2", "B", 500],
        ["02.3", "C", "#N/A"],
        ['="02.4"', "D", 1],
    ]
    a_workbook(tmp_path / "services.xlsx", ["code", "name", "insured_price"], *rows)

    found = load_catalogue(tmp_path)

    assert problems(found) == [
        ("no-result", 2, "insured_price"),
        ("no-result", 4, "insured_price"),
        ("no-result", 5, "code"),
    ]
    assert "(=1000*2)" in describe_problem(found.problems[0], "en")
    assert [entry.code for entry in entries(found.catalogue, Kind.SERVICE)] == ["02.2"]


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        pytest.param(b'<c r="C2"><f>1000*2</f><v>2000</v></c>', Decimal(2000), id="number"),
        pytest.param(b'<c r="C2" t="str"><f>""</f><v></v></c>', None, id="empty-text"),
    ],
)
def test_a_formula_is_read_by_its_result(tmp_path: Path, cell: bytes, price: Decimal | None) -> None:
    path = tmp_path / "services.xlsx"
    a_workbook(path, ["code", "name", "insured_price"], ["02.1", "A", "=1000*2"])
    with_other_sheet(path, b'<c r="C2"><f>1000*2</f><v></v></c>', cell)

    found = load_catalogue(tmp_path)

    assert found.problems == ()
    assert value(found.catalogue, Kind.SERVICE, "insured_price") == price


def test_a_formula_that_cannot_be_read_makes_no_fault_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "services.xlsx"
    a_workbook(path, ["code", "name", "insured_price"], ["02.1", "A", "=1000*2"], ["02.2", "B", "=1000*2"])
    with_other_sheet(path, b"<f>1000*2</f>", b'<f t="shared" si="0">"x</f>')

    assert [one.code for one in load_catalogue(tmp_path).problems] == ["not-a-workbook"]


@pytest.mark.parametrize("numbers", [["(1)", "(2)", "(3)"], [1, 2, 3]], ids=["texts", "numbers"])
def test_a_row_that_numbers_the_columns_is_no_item(tmp_path: Path, numbers: list[Any]) -> None:
    header = ["code", "name", "insured_price"]
    a_workbook(tmp_path / "services.xlsx", header, numbers, ["02.1", "A", 500], ["(1)", "(2)", "(3)"])

    found = load_catalogue(tmp_path)

    # Only right below the headers: further down such a row is as odd as any other.
    assert problems(found) == [("not-a-number", 4, "insured_price")]
    assert [entry.code for entry in entries(found.catalogue, Kind.SERVICE)] == ["02.1"]


@pytest.mark.parametrize(
    ("header", "is_known"),
    [("Đơn giá BH (VNĐ)", True), ("ĐƠN GIÁ BH (đồng)", True), ("Đơn giá BH (nghìn đồng)", False)],
)
def test_a_header_may_name_dong_as_its_unit_and_nothing_else(
    tmp_path: Path, header: str, is_known: bool
) -> None:
    found = loaded(tmp_path, {"services.csv": f"code,name,{header}\n02.1,A,500\n"})

    assert [one.code for one in found.problems] == ([] if is_known else ["unknown-header"])
    assert value(found.catalogue, Kind.SERVICE, "insured_price") == (Decimal(500) if is_known else None)


def test_a_number_cell_that_shows_its_zeros_keeps_them(tmp_path: Path) -> None:
    a_workbook(tmp_path / "staff.xlsx", ["MACCHN", "HO_TEN"], [12345, "A"], formats={"A2": "0000000"})

    assert entries(load_catalogue(tmp_path).catalogue, Kind.STAFF)[0].code == "0012345"


def test_what_is_no_workbook_is_reported(tmp_path: Path) -> None:
    assert problems(loaded(tmp_path, {"drugs.xlsx": b"PK\x03\x04 not really"})) == [
        ("not-a-workbook", None, None)
    ]


@pytest.mark.parametrize("name", ["drugs.xls", "Drugs.XLS", "maps/service.ods", "staff.xlsm"])
def test_a_list_in_a_form_that_is_not_read_is_an_error(tmp_path: Path, name: str) -> None:
    found = loaded(tmp_path, {"services.csv": DRUGS, name: b"\xd0\xcf\x11\xe0"})

    (problem,) = [one for one in found.problems if one.file == name]
    assert (problem.code, found.has_errors) == ("other-form", True)
    assert "save it as .xlsx" in describe_problem(problem, "en")


def test_what_a_spreadsheet_leaves_while_a_list_is_open_is_passed_over(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "drugs.csv": DRUGS,
        "~$drugs.xls": b"",
        ".drugs.xls": b"",
        "drugs.csv.bak": b"",
        "README.md": b"",
    }

    a_catalogue(tmp_path, files)


def test_a_folder_without_a_list_is_an_error(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"2026/drugs.csv": DRUGS})

    assert problems(found) == [("no-list", None, None)]
    assert found.has_errors


def test_doubled_and_contradicting_rows_are_reported(tmp_path: Path) -> None:
    text = (
        "code,name,price,local_code,valid_from,valid_to\n"
        "40.30,A,4000,D1,20260101,20260630\n"
        "40.30,A,4000,D1,20260101,20260630\n"
        "40.30,A,4100,D1,20260701,\n"
        "40.30,A,4200,D1,20260901,\n"
        "40.31,B,1,D1,20260301,20260401\n"
    )

    found = loaded(tmp_path, {"drugs.csv": text})

    assert problems(found) == [
        ("row-twice", 3, None),
        ("overlapping", 5, None),
        ("local-code-twice", 6, None),
    ]
    assert len(entries(found.catalogue, Kind.DRUG)) == 4


def test_messages_about_people_repeat_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"staff.csv": "code,name,valid_from\n123,NGUYỄN VĂN THỬ,31/31/2026\n"})

    assert all("31/31" not in describe_problem(one, "en") for one in found.problems)
    assert problems(found) == [("not-a-day", 2, "valid_from")]


def test_a_file_that_is_no_list_is_reported(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"drugz.csv": DRUGS, "maps/medicine.csv": "x\n", "notes.md": "free"})

    assert [(problem.code, problem.file) for problem in found.problems] == [
        ("unknown-file", "drugz.csv"),
        ("unknown-file", "maps/medicine.csv"),
        ("no-list", tmp_path.name),
    ]


def test_the_manifest_names_facility_and_version(tmp_path: Path) -> None:
    manifest = 'facility = "79999"\nversion = "2026-11"\napproved = false\n'

    catalogue = a_catalogue(tmp_path, {"catalogue.toml": manifest, "drugs.csv": DRUGS})

    assert catalogue.facility == "79999"
    assert catalogue.version == f"2026-11+{catalogue.sha256[:12]}"
    assert not entries(catalogue, Kind.DRUG)[0].approved


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        pytest.param("facility = ", "manifest-unreadable", id="broken"),
        pytest.param("facilty = '1'", "manifest-key", id="unknown-key"),
        pytest.param("facility = 79999", "manifest-value", id="number"),
        pytest.param("[local_systems]\npills = ['x']", "manifest-value", id="unknown-kind"),
    ],
)
def test_a_fault_of_the_manifest_is_reported(tmp_path: Path, manifest: str, code: str) -> None:
    assert [one.code for one in loaded(tmp_path, {"catalogue.toml": manifest}).problems] == [code]


def test_the_version_changes_with_any_byte(tmp_path: Path) -> None:
    first = a_catalogue(tmp_path / "a", {"drugs.csv": DRUGS})
    same = a_catalogue(tmp_path / "b", {"drugs.csv": DRUGS})
    other = a_catalogue(tmp_path / "c", {"drugs.csv": DRUGS.replace("4000", "4001")})

    assert first.sha256 == same.sha256 != other.sha256


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        load_catalogue(tmp_path / "nowhere")


def test_the_template_is_a_catalogue_without_a_fault(tmp_path: Path) -> None:
    write_template(tmp_path)

    found = load_catalogue(tmp_path)

    assert found.problems == ()
    assert {kind for kind, table in found.catalogue.tables.items() if len(table)} == {
        spec.kind for spec in list_specs().values()
    }
    assert len(found.catalogue.maps[Kind.LAB_INDEX]) == 1


@pytest.mark.parametrize("code", sorted(load_sentences()))
def test_every_problem_has_a_sentence_in_both_languages(code: str) -> None:
    assert set(load_sentences()[code]) == {"vi", "en"}


@pytest.mark.parametrize("spec", [*list_specs().values(), map_spec(Kind.DRUG)], ids=lambda spec: spec.stem)
def test_every_column_is_a_value_of_its_item(spec: FileSpec) -> None:
    values = set(spec.item.__dataclass_fields__) - {"file", "row"}

    assert {column.name for column in spec.columns} <= values
    assert set(spec.identity) <= values


@pytest.mark.slow
def test_a_hundred_thousand_rows_load(tmp_path: Path) -> None:
    lines = [f"40.{n % 997},Thuốc {n},{n % 5000},Viên,500mg,20260101,,L{n}" for n in range(100_000)]
    folder = a_folder(
        tmp_path,
        {"drugs.csv": "\n".join(["code,name,price,unit,strength,valid_from,valid_to,local_code", *lines])},
    )

    catalogue = load_catalogue(folder).catalogue

    assert len(catalogue.tables[Kind.DRUG]) == 100_000


def test_an_empty_flag_says_nothing_but_for_approval(tmp_path: Path) -> None:
    (tmp_path / "diagnoses.csv").write_text("MA_BENH,KHONG_LA_BENH_CHINH,PHE_DUYET\nG01,x,\nJ06,,\n", "utf-8")

    catalogue = load_catalogue(tmp_path).catalogue

    rows = [*catalogue.items_ever(Kind.DIAGNOSIS, "G01"), *catalogue.items_ever(Kind.DIAGNOSIS, "J06")]
    assert [(getattr(row, "not_main", ""), row.approved) for row in rows] == [(True, True), (None, True)]
