"""Coded values are compared with the lists of their day, in every table."""

from datetime import date

import pytest

from claims.bundle.codes import is_established
from claims.bundle.writing import TableKind, write_bundle
from claims.checking.check import check_bundle
from tests.unit.checking.bundles import AT, FACILITY, a_claim, a_row
from xsd.catalog import find_schema

HIV = {
    "MA_TINH_TRANG_DK": "4",
    "MA_XU_TRI": "1",
    "MATINH_CU_TRU": "79",
    "MAHUYEN_CU_TRU": "",
    "MAXA_CU_TRU": "26734",
}


def found_codes(
    kind: TableKind, row: dict[str, str], *, discharged: str = "202508011000"
) -> list[dict[str, str]]:
    """Check a claim with one more table; what is said about codes in it."""
    on = date.fromisoformat(discharged[:8])
    known = find_schema(kind, on=on).field_by_name
    summary = find_schema(TableKind.XML1, on=on).field_by_name
    claim = a_claim(NGAY_VAO=discharged, NGAY_RA=discharged)
    tables = {
        TableKind.XML1: [{name: text for name, text in claim[TableKind.XML1][0].items() if name in summary}],
        kind: [{name: text for name, text in row.items() if name in known}],
    }
    data = write_bundle(facility=FACILITY, made_on=on, claims=[tables])
    report = check_bundle(data, at=AT)
    return [
        {"field": finding.location.field or "", **dict(finding.params)}
        for finding in report.findings
        if finding.location.table == kind and finding.code.endswith(".code")
    ]


def test_each_of_several_codes_is_looked_up() -> None:
    good = a_row(TableKind.XML6, **HIV) | {"MA_TINH_TRANG_DK": "1;4;9", "MA_XU_TRI": "1;2"}
    odd = good | {"MA_TINH_TRANG_DK": "1;10"}

    assert found_codes(TableKind.XML6, good) == []
    assert found_codes(TableKind.XML6, odd) == [
        {"field": "MA_TINH_TRANG_DK", "value": "10", "list": "ma_tinh_trang_dk"}
    ]


@pytest.mark.parametrize(("discharged", "count"), [("202406301000", 1), ("202407011000", 0)])
def test_a_code_counts_from_its_day(discharged: str, count: int) -> None:
    row = a_row(TableKind.XML6, **HIV) | {"MA_XU_TRI": "8"}

    assert len(found_codes(TableKind.XML6, row, discharged=discharged)) == count


def test_a_list_that_is_not_established_never_speaks() -> None:
    row = a_row(TableKind.XML9, GHI_CHU="Mổ lấy thai")

    assert not is_established("ghi_chu_chung_sinh")
    assert found_codes(TableKind.XML9, row) == []
