"""Rules find what tables of a valid shape can still get wrong."""

from decimal import Decimal

import pytest

from claims.bundle.findings import Severity
from claims.bundle.writing import TableKind
from claims.catalogues.catalogue import Catalogue, Table
from claims.catalogues.items import Kind, LimitItem, ServiceItem
from claims.checking.check import CheckTerms, check_bundle
from claims.checking.samples import load_sample
from tests.unit.checking.bundles import AT, FACILITY, a_bundle, a_claim, a_row, check, codes, rows_of

XML1, XML2, XML4 = TableKind.XML1, TableKind.XML2, TableKind.XML4


def test_the_summary_row_names_the_facility_of_the_envelope() -> None:
    (finding,) = check(a_bundle(a_claim(MA_CSKCB="01001"))).findings

    assert (finding.code, finding.severity) == ("ENV.MACSKCB_MATCH", Severity.CRITICAL)
    assert (finding.location.table, finding.location.field) == ("XML1", "MA_CSKCB")
    assert dict(finding.params) == {"found": "01001", "expected": FACILITY}


def test_the_envelope_names_the_facility_that_sends_it() -> None:
    (finding,) = check(a_bundle(), expected_facility="01001").findings

    assert (finding.code, finding.location.field) == ("ENV.MACSKCB_MATCH", "MACSKCB")


def test_rows_of_another_episode_are_counted_in_one_finding_per_table() -> None:
    claim = {**a_claim(), XML2: rows_of(XML2, 3)}
    claim[XML2][1]["MA_LK"] = claim[XML2][2]["MA_LK"] = "another"

    (finding,) = check(a_bundle(claim)).findings

    assert (finding.code, finding.severity) == ("ALL.MA_LK_MATCH", Severity.CRITICAL)
    assert (finding.location.table, finding.location.row) == ("XML2", 2)
    assert finding.params == (("rows", "2"),)


@pytest.mark.parametrize(
    ("numbers", "row"),
    [
        pytest.param(["1", "2", "3"], None, id="good"),
        pytest.param(["1", "2", "5"], None, id="a-gap-still-increases"),
        pytest.param(["2", "3", "4"], 1, id="does-not-start-at-1"),
        pytest.param(["1", "1", "2"], 2, id="repeats"),
        pytest.param(["1", "3", "2"], 3, id="decreases"),
    ],
)
def test_row_numbers_start_at_one_and_increase(numbers: list[str], row: int | None) -> None:
    claim = {**a_claim(), XML2: rows_of(XML2, 3)}
    for medicine, number in zip(claim[XML2], numbers, strict=True):
        medicine["STT"] = number

    findings = check(a_bundle(claim)).findings

    expected = [] if row is None else [("ALL.STT_SEQUENCE", Severity.WARNING, row)]
    assert [(one.code, one.severity, one.location.row) for one in findings] == expected


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        pytest.param("NGAY_VAO", "202502310800", "ALL.DT12", id="31-February"),
        pytest.param("NGAY_VAO", "202502290800", "ALL.DT12", id="29-February-of-a-common-year"),
        pytest.param("NGAY_SINH", "199004310000", "ALL.DT12", id="birth"),
        pytest.param("NGAY_MIEN_CCT", "20250431", "ALL.DT12", id="eight-digits"),
        pytest.param("NAM_NAM_LIEN_TUC", "20250931", "ALL.D8", id="date"),
        pytest.param("GT_THE_DEN", "20251231;20261131", "ALL.D8", id="second-of-a-list"),
    ],
)
def test_a_day_that_is_not_in_the_calendar_is_an_error(field: str, value: str, code: str) -> None:
    (finding,) = check(a_bundle(a_claim(**{field: value}))).findings

    assert (finding.code, finding.severity, finding.location.field) == (code, Severity.ERROR, field)


def test_each_of_several_times_must_be_on_a_day_that_exists() -> None:
    referral = a_row(TableKind.XML13, NGAY_VAO="202508010800;202502310800", MA_LOAI_RV="2", MA_CSKCB_DI="")

    findings = check(a_bundle(a_claim() | {TableKind.XML13: [referral]})).findings

    places = [(one.code, one.location.table, one.location.field) for one in findings if one.is_blocking]
    assert ("ALL.DT12", "XML13", "NGAY_VAO") in places


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("NGAY_VAO", "202402290800", id="29-February-of-a-leap-year"),
        pytest.param("NGAY_SINH", "198000000000", id="birth-year-only"),
        pytest.param("NGAY_SINH", "198003000000", id="birth-day-unknown"),
        pytest.param("GT_THE_DEN", "20251231;", id="open-end"),
    ],
)
def test_a_day_that_exists_or_is_not_known_is_fine(field: str, value: str) -> None:
    assert check(a_bundle(a_claim(**{field: value}))).findings == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("GIOI_TINH", "4"),
        ("KET_QUA_DTRI", "9"),
        ("MA_LOAI_RV", "6"),
        ("MA_LOAI_KCB", "99"),
        ("MA_DOITUONG_KCB", "5.1"),
        ("MA_KHUVUC", "K4"),
    ],
)
def test_a_code_outside_its_list_is_a_warning(field: str, value: str) -> None:
    (finding,) = check(a_bundle(a_claim(**{field: value}))).findings

    assert (finding.code, finding.severity) == (f"XML1.{field}.code", Severity.WARNING)


def test_a_code_counts_only_on_the_days_it_is_in_force() -> None:
    before, after = {"NGAY_RA": "202506300900"}, {"NGAY_RA": "202507010900"}

    assert codes(check(a_bundle(a_claim(MA_DOITUONG_KCB="3.5", **before)))) == []
    assert codes(check(a_bundle(a_claim(MA_DOITUONG_KCB="3.5", **after)))) == ["XML1.MA_DOITUONG_KCB.code"]


@pytest.mark.parametrize(("field", "value"), [("MA_TAI_NAN", "9"), ("NHOM_MAU", "Rh")])
def test_a_list_that_is_not_established_holds_nothing_against_a_claim(field: str, value: str) -> None:
    assert check(a_bundle(a_claim(**{field: value}))).findings == ()


def test_a_claim_without_a_readable_summary_row_is_not_compared() -> None:
    claim = {**a_claim(), XML4: [a_row(XML4)]}
    data = a_bundle(claim).replace(b"<LOAIHOSO>XML1</LOAIHOSO>", b"<LOAIHOSO>XML6</LOAIHOSO>")

    assert set(codes(check(data))) >= {"ENV.XML1_PRESENT"}


def test_a_supply_that_names_the_service_it_was_used_in_is_no_second_service() -> None:
    code, name, trocar = "27.0187.2039", "Phẫu thuật nội soi cắt ruột thừa", 15
    cheap = ServiceItem(code=code, name=name, insured_price=Decimal(3_000_000))
    once_a_day = LimitItem(code=code, per_day=Decimal(1))
    catalogue = Catalogue(tables={Kind.SERVICE: Table([cheap]), Kind.LIMIT: Table([once_a_day])})
    changes = {"MA_DICH_VU": code, "TEN_DICH_VU": name, "DON_GIA_BH": "3100000"}
    sample = load_sample("surgery", [f"XML3[{trocar}].{field} = {value}" for field, value in changes.items()])

    findings = check_bundle(sample.write(), at=AT, terms=CheckTerms(catalogue=catalogue)).findings

    found = {one.code for one in findings if (one.location.table, one.location.row) == ("XML3", trocar)}
    assert found.isdisjoint({"XML3.SERVICE_PRICE", "XML3.DUP_SAME_TIME", "XML3.DAILY_LIMIT"})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"MA_DICH_VU": "23.0228.1483_TB"}, id="not-performed"),
        pytest.param({"MA_DICH_VU": "23.0228.1483.K.79001"}, id="another-facility"),
        pytest.param({"MA_DICH_VU": "VC.00009"}, id="carrier"),
        pytest.param({"MA_DICH_VU": "99.0001.0001", "PHAM_VI": "2"}, id="patient-pays"),
    ],
)
def test_what_no_list_of_the_facility_can_have_need_not_be_on_it(changes: dict[str, str]) -> None:
    sample = load_sample("surgery", [f"XML3[4].{field} = {value}" for field, value in changes.items()])
    catalogue = Catalogue(tables={Kind.SERVICE: Table([ServiceItem(code="23.0228.1483", name="")])})

    findings = check_bundle(sample.write(), at=AT, terms=CheckTerms(catalogue=catalogue)).findings

    assert ("XML3.SERVICE_IN_CATALOGUE", 4) not in {(one.code, one.location.row) for one in findings}


def test_a_service_that_was_not_performed_has_no_result() -> None:
    sample = load_sample("outpatient", ["XML4 -"])
    for row in sample.tables[TableKind.XML3]:
        row["MA_DICH_VU"] += "_TB"

    assert "XML3.RESULT_MISSING" not in codes(check_bundle(sample.write(), at=AT))
