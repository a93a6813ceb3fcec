"""A table that departs from its schema is explained by field, row and line."""

import subprocess
import sys
from datetime import date

import pytest
from lxml import etree

from xsd.catalog import ENVELOPE, Fault, FaultKind, find_schema
from xsd.explain import MOST_FAULTS

ON = date(2025, 8, 1)
TESTS = find_schema("XML4", on=ON)
GOOD = "<MA_LK>1</MA_LK><STT>1</STT><MA_DICH_VU>A</MA_DICH_VU>"


def faults_of(*rows: str) -> tuple[Fault, ...]:
    inner = "\n".join(f"<CHI_TIET_CLS>{row}</CHI_TIET_CLS>" for row in rows)
    text = (
        "<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS>\n"
        f"{inner}</DSACH_CHI_TIET_CLS></CHITIEU_CHITIET_DICHVUCANLAMSANG>"
    )
    return TESTS.find_faults(etree.fromstring(text))


def summary(faults: tuple[Fault, ...]) -> list[tuple[str, str, int | None]]:
    return [(fault.kind.value, fault.element, fault.row) for fault in faults]


def test_a_valid_table_has_no_faults() -> None:
    assert faults_of(GOOD) == ()


def test_a_fault_names_row_and_line() -> None:
    faults = faults_of(GOOD, GOOD, GOOD.replace("<STT>1", "<STT>x"))

    assert faults == (Fault(FaultKind.FORMAT, "STT", 3, 4, (("kind", "integer"),)),)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(GOOD.replace("<MA_LK>1</MA_LK>", ""), ("required", "MA_LK", 1), id="left-out"),
        pytest.param(GOOD.replace("<MA_LK>1", "<MA_LK>"), ("required", "MA_LK", 1), id="empty"),
        pytest.param(GOOD.replace(">A<", f">{'A' * 51}<"), ("length", "MA_DICH_VU", 1), id="too-long"),
        pytest.param(GOOD + "<NGAY_KQ>20250801</NGAY_KQ>", ("format", "NGAY_KQ", 1), id="too-short"),
        pytest.param(GOOD + "<NGAY_KQ>202513010000</NGAY_KQ>", ("format", "NGAY_KQ", 1), id="month-13"),
        pytest.param(GOOD + "<NGAY_KQ>202508012400</NGAY_KQ>", ("format", "NGAY_KQ", 1), id="hour-24"),
        pytest.param(GOOD + "<MA_LK>1</MA_LK>", ("duplicate", "MA_LK", 1), id="twice"),
        pytest.param(GOOD + "<MO_TA><b/></MO_TA>", ("unexpected", "MO_TA", 1), id="element-in-a-field"),
        pytest.param(GOOD + "text", ("unexpected", "CHI_TIET_CLS", 1), id="text-between-fields"),
        pytest.param(GOOD + "\u00a0", ("unexpected", "CHI_TIET_CLS", 1), id="no-break-space-is-text"),
        pytest.param(GOOD.replace("<STT>", '<STT Id="x">'), ("unexpected", "Id", 1), id="attribute"),
    ],
)
def test_each_kind_of_fault_is_told_from_the_others(row: str, expected: tuple[str, str, int]) -> None:
    faults = [fault for fault in faults_of(row) if not fault.is_tolerated]

    assert summary(tuple(faults)) == [expected]


def test_a_length_fault_tells_both_lengths_but_not_the_value() -> None:
    (fault,) = faults_of(GOOD.replace(">A<", f">{'A' * 51}<"))

    assert fault.facts == (("max", "50"), ("length", "51"))


def test_fields_in_another_order_are_tolerated_and_reported_once() -> None:
    row = "<STT>1</STT><MA_LK>1</MA_LK><MA_DICH_VU>A</MA_DICH_VU>"

    faults = faults_of(GOOD, row, row)

    assert summary(faults) == [("order", "MA_LK", 2)]
    assert faults[0].facts == (("rows", "2"),)
    assert faults[0].is_tolerated


def test_unknown_fields_are_tolerated_and_reported_once_each() -> None:
    faults = faults_of(GOOD + "<MOI>1</MOI>", GOOD + "<MOI>2</MOI><KHAC/>")

    assert summary(faults) == [("unknown", "MOI", 1), ("unknown", "KHAC", 2)]
    assert faults[0].facts == (("count", "2"),)
    assert all(fault.is_tolerated for fault in faults)


def test_an_unknown_field_does_not_hide_another_fault() -> None:
    faults = faults_of(GOOD.replace("<STT>1", "<STT>x") + "<MOI>1</MOI>")

    assert {(fault.kind, fault.element) for fault in faults} == {
        (FaultKind.UNKNOWN, "MOI"),
        (FaultKind.FORMAT, "STT"),
    }


def test_every_fault_of_a_row_is_found_at_once() -> None:
    faults = faults_of("<STT>x</STT><NGAY_KQ>bad</NGAY_KQ><STT>y</STT>")

    assert {(fault.kind.value, fault.element) for fault in faults} == {
        ("required", "MA_LK"),
        ("required", "MA_DICH_VU"),
        ("format", "STT"),
        ("format", "NGAY_KQ"),
        ("duplicate", "STT"),
        ("order", "STT"),
    }


def test_another_root_is_one_fault_that_names_what_was_expected() -> None:
    (fault,) = TESTS.find_faults(etree.fromstring("<DSACH_CHI_TIET_CLS/>"))

    assert (fault.kind, fault.element) == (FaultKind.UNEXPECTED, "DSACH_CHI_TIET_CLS")
    assert ("expected", "CHITIEU_CHITIET_DICHVUCANLAMSANG") in fault.facts


def test_a_type_named_inside_a_claim_is_a_fault_and_no_crash() -> None:
    row = GOOD.replace("<STT>", '<STT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="none">')

    assert ("unexpected", "type", 1) in summary(faults_of(row))


def test_a_schema_location_named_inside_a_claim_is_never_opened(socket_disabled: None) -> None:
    hint = (
        '<CHITIEU_CHITIET_DICHVUCANLAMSANG xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://127.0.0.1:9/x.xsd"><DSACH_CHI_TIET_CLS/>'
        "</CHITIEU_CHITIET_DICHVUCANLAMSANG>"
    )

    faults = TESTS.find_faults(etree.fromstring(hint))

    assert summary(faults) == [("missing", "CHI_TIET_CLS", None)]


def test_a_hopeless_table_is_explained_up_to_a_limit_and_never_counted_as_valid() -> None:
    row = "".join(f"<LA_{number}/>" for number in range(MOST_FAULTS + 50)) + "<STT>x</STT>"

    faults = faults_of(*[row] * 3)

    assert len(faults) == MOST_FAULTS
    assert not all(fault.is_tolerated for fault in faults)


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([""] * 50_000, id="empty-rows"),
        pytest.param(["<MA_LK/>" * 50_000], id="a-field-repeated"),
        pytest.param([GOOD] * 10_000 + ["<STT>x</STT>"], id="one-bad-row-of-many"),
    ],
)
def test_a_large_hostile_table_is_refused_in_linear_time(rows: list[str]) -> None:
    assert any(not fault.is_tolerated for fault in faults_of(*rows))


@pytest.mark.parametrize(
    ("field", "value", "is_good"),
    [
        ("NGAY_SINH", "198000000000", True),
        ("NGAY_SINH", "198003000000", True),
        ("NGAY_SINH", "198003150830", True),
        ("NGAY_SINH", "198000150000", False),
        ("NGAY_SINH", "19800315", False),
        ("NGAY_MIEN_CCT", "20250801", True),
        ("NGAY_MIEN_CCT", "202508011200", True),
        ("NGAY_MIEN_CCT", "2025080112", False),
        ("GT_THE_DEN", "20251231;", True),
        ("GT_THE_DEN", "2025-12-31", False),
        ("T_BHTT", "1500000", True),
        ("T_BHTT", "1500000.5000", True),
        ("T_BHTT", "1500000.505", False),
        ("T_BHTT", "1,500,000", False),
        ("T_BHTT", "1500000,5", False),
        ("T_BHTT", "1.5e6", False),
        ("T_BHTT", "-1", False),
        ("T_BHTT", "1500\n", False),
        ("THANG_QT", "13", False),
        ("THANG_QT", "12", True),
        ("MAHUYEN_CU_TRU", "", True),
        ("SO_CCCD", "A" * 40, True),
    ],
)
def test_the_summary_row_accepts_what_the_decision_writes(field: str, value: str, *, is_good: bool) -> None:
    root = etree.Element("TONG_HOP")
    etree.SubElement(root, field).text = value

    faults = find_schema("XML1", on=ON).find_faults(root)

    assert (field in {fault.element for fault in faults}) is not is_good


def test_a_signature_of_the_wrong_shape_in_the_check_in_table_is_a_fault_beside_those_of_its_rows() -> None:
    text = (
        "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB/></DSACH_TRANG_THAI_KCB><CHUKYDONVI>"
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></CHUKYDONVI></CHI_TIEU_TRANG_THAI_KCB>'
    )

    faults = summary(find_schema("XML0", on=ON).find_faults(etree.fromstring(text)))

    assert ("unexpected", "Signature", None) in faults
    assert ("required", "MA_LK", 1) in faults


def test_a_crowded_summary_row_is_not_explained_field_by_field() -> None:
    text = "<TONG_HOP>" + "<MA_LK>1</MA_LK>" * 11_000 + "</TONG_HOP>"

    faults = find_schema("XML1", on=ON).find_faults(etree.fromstring(text))

    assert faults == (Fault(FaultKind.UNEXPECTED, "TONG_HOP", None, 1, (("what", "crowd"),)),)


def test_the_envelope_must_keep_its_order() -> None:
    envelope = find_schema(ENVELOPE, on=ON)
    text = "<GIAMDINHHS><CHUKYDONVI/><THONGTINDONVI><MACSKCB>1</MACSKCB></THONGTINDONVI></GIAMDINHHS>"

    faults = envelope.find_faults(etree.fromstring(text))

    assert summary(faults) == [("unexpected", "THONGTINDONVI", None), ("missing", "THONGTINHOSO", None)]


def test_the_good_path_never_imports_the_explaining_validator() -> None:
    code = (
        "import sys, datetime; from lxml import etree; from xsd.catalog import find_schema; "
        "s = find_schema('XML4', on=datetime.date(2025, 8, 1)); "
        f"s.find_faults(etree.fromstring('<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS>"
        f"<CHI_TIET_CLS>{GOOD}</CHI_TIET_CLS></DSACH_CHI_TIET_CLS></CHITIEU_CHITIET_DICHVUCANLAMSANG>')); "
        "sys.exit('xmlschema' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
