"""A check-in document is written and checked on its own."""

from datetime import date

import pytest

from claims.bundle.findings import Finding
from claims.bundle.writing import TableKind, write_table
from claims.checking.checkin import check_check_in
from tests.unit.checking.bundles import AT, a_bundle, a_row

ARRIVED = date(2025, 8, 1)
FIRST_COST = dict.fromkeys(("MA_THUOC", "TEN_THUOC", "MA_VAT_TU", "TEN_VAT_TU"), "")


def a_check_in(*, decision: str | None = None, **fields: str) -> bytes:
    given = {"MA_DKBD": "79024", "SO_CCCD": "079180000001", "NGAY_YL": "202508011030", **FIRST_COST}
    row = a_row(TableKind.XML0, **given | fields)
    return write_table(TableKind.XML0, [row], on=ARRIVED, decision=decision)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_check_in_document_with_an_empty_signature_has_no_findings() -> None:
    assert codes(check_check_in(a_check_in(), at=AT)) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"MA_LK": ""}, "XML0.MA_LK.required", id="required"),
        pytest.param({"NGAY_YL": "202508"}, "XML0.NGAY_YL.format", id="format"),
        pytest.param({"MA_LOAI_KCB": "99"}, "XML0.MA_LOAI_KCB.code", id="code"),
        pytest.param({"NGAY_YL": "202502310800"}, "ALL.DT12", id="no-such-day"),
    ],
)
def test_what_is_wrong_with_its_row_is_found(fields: dict[str, str], expected: str) -> None:
    assert codes(check_check_in(a_check_in(**fields), at=AT)) == [expected]


def test_the_day_of_arrival_decides_on_the_decision() -> None:
    findings = check_check_in(a_check_in(NGAY_VAO="202401010800", MA_DOITUONG_KCB="1.1"), at=AT)

    assert codes(findings) == ["XML0.FIELD.unknown"] * 8


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"<a>", "ENV.WELLFORMED", id="not-xml"),
        pytest.param(a_bundle(), "ENV.ROOT", id="a-bundle"),
        pytest.param(b"<a/>", "ENV.ROOT", id="something-else"),
        pytest.param(a_check_in(NGAY_VAO="202201010800"), "ALL.STANDARD_VERSION", id="before-every-decision"),
    ],
)
def test_what_is_no_check_in_document_is_refused(data: bytes, expected: str) -> None:
    assert codes(check_check_in(data, at=AT)) == [expected]
