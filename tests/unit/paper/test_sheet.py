"""The cost statement adds up what the rows say, in the order of the form."""

from datetime import date
from decimal import Decimal

from claims.bundle.contents import read_contents
from claims.checking.samples import load_sample
from claims.paper.sheet import Sheet, figure, read_sheet


def sheet_of(sample: str, *changes: str, language: str = "vi") -> Sheet:
    (claim,) = read_contents(load_sample(sample, changes).write(), today=date(2026, 11, 29)).claims
    return read_sheet(claim, language)


def test_parts_stand_in_the_order_of_the_form() -> None:
    assert [section.title for section in sheet_of("surgery").sections] == [
        "Khám bệnh",
        "Ngày giường điều trị nội trú",
        "Xét nghiệm",
        "Chẩn đoán hình ảnh",
        "Thủ thuật, phẫu thuật",
        "Thuốc, dịch truyền",
        "Vật tư y tế",
    ]


def test_sums_of_the_rows_are_what_the_summary_says() -> None:
    sheet = sheet_of("surgery")

    assert sheet.totals == tuple(sheet.declared)
    assert sheet.totals[0] == Decimal(5044716)


def test_rows_of_one_item_at_one_price_are_one_line() -> None:
    beds = next(one for one in sheet_of("surgery").sections if one.title.startswith("Ngày giường"))

    (line,) = beds.lines
    assert (line.quantity, line.amounts[0]) == (4, 4 * Decimal(212600))


def test_a_supply_of_a_package_stands_under_it_and_an_unknown_group_at_the_end() -> None:
    sheet = sheet_of("surgery", "XML3[6].GOI_VTYT = G1", "XML3[1].MA_NHOM = 99")

    assert [one.title for one in sheet.sections][-2:] == ["Gói vật tư y tế", "Dịch vụ khác"]
    assert sheet.sections[-2].lines[0].name.startswith("G1: ")


def test_what_is_no_figure_is_no_amount_and_no_sum_and_a_price_is_shown_as_it_is() -> None:
    sheet = sheet_of("outpatient", "XML3[1].THANH_TIEN_BV = 1E+400", "XML3[1].DON_GIA_BV = abc")
    line = sheet.sections[0].lines[0]

    assert line.price_hospital == "abc"
    assert [figure(one) for one in (line.amounts[0], sheet.sections[0].amounts[0], sheet.totals[0])] == [
        "?"
    ] * 3
    assert figure(sheet.totals[2]) == figure(sheet.declared[2])


def test_what_is_left_out_counts_as_nothing() -> None:
    sheet = sheet_of("outpatient", "XML3[1].T_NGUONKHAC =", "XML1.T_NGUONKHAC =")

    assert (figure(sheet.totals[4]), figure(sheet.declared[4])) == ("0", "")


def test_a_summary_that_nobody_can_read_is_not_what_the_rows_make() -> None:
    assert figure(sheet_of("outpatient", "XML1.T_BHTT = 1,5").declared[2]) == "?"
