"""What rules ask of a table is answered alike by rows and by columns, however the table was written."""

from datetime import date

import pytest
from lxml import etree

from claims.bundle.envelope import Claim, Table
from claims.bundle.kinds import TableKind
from claims.bundle.writing import write_table
from claims.checking.shapes import check_tables
from claims.checking.tables import CheckedClaim
from tests.unit.checking.bundles import DISCHARGED, rows_of


def a_claim(*texts: str) -> CheckedClaim:
    """A claim with one table of results, each of whose rows says what the texts say of some fields."""
    rows = rows_of(TableKind.XML4, 3, MA_DICH_VU="18.0001", GIA_TRI="1.5")
    text = write_table(TableKind.XML4, rows, on=DISCHARGED).decode()
    for before, after in zip(texts[::2], texts[1::2], strict=True):
        assert before in text
        text = text.replace(before, after)
    table = Table(TableKind.XML4, etree.fromstring(text.encode()), None)
    checked, _ = check_tables(Claim(1, None, (table,)), date(2025, 8, 1))
    return checked


def test_a_value_stands_under_the_name_of_its_field_in_whatever_order_they_are_written() -> None:
    claim = a_claim(
        "<STT>2</STT><MA_DICH_VU>18.0001</MA_DICH_VU>", "<MA_DICH_VU>18.0001</MA_DICH_VU><STT>2</STT>"
    )

    assert [(row["STT"], row["MA_DICH_VU"]) for row in claim.rows(TableKind.XML4)] == [
        ("1", "18.0001"),
        ("2", "18.0001"),
        ("3", "18.0001"),
    ]


def test_rows_are_asked_for_by_what_stands_in_one_or_several_fields() -> None:
    claim = a_claim("<STT>2</STT><MA_DICH_VU>18.0001</MA_DICH_VU>", "<STT>2</STT><MA_DICH_VU>B</MA_DICH_VU>")
    asked: list[str] = []

    def is_service(code: str) -> bool:
        asked.append(code)
        return code == "18.0001"

    found = claim.rows_where(TableKind.XML4, is_service, "MA_DICH_VU")
    both = claim.rows_where(
        TableKind.XML4, lambda code, number: (code, number) == ("B", "2"), "MA_DICH_VU", "STT"
    )
    absent = claim.rows_where(TableKind.XML5, is_service, "MA_DICH_VU")

    assert [row.number for row in found] == [1, 3]
    assert sorted(asked) == ["18.0001", "B"]
    assert [row.number for row in both] == [2]
    assert list(absent) == []


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param((), id="all-fields-in-order"),
        pytest.param(("<STT>2</STT>", ""), id="one-left-out"),
        pytest.param(
            ("<STT>2</STT>", "<STT>2</STT><STT>2</STT>", "<KET_LUAN>A</KET_LUAN>", ""), id="one-twice"
        ),
        pytest.param(("<STT>2</STT>", "<STT/>"), id="one-empty"),
        pytest.param(("<STT>2</STT>", "<KHAC>9</KHAC>"), id="another-in-its-place"),
        pytest.param(("<GIA_TRI>1.5</GIA_TRI>", "<GIA_TRI>&lt;1&#x2C;5</GIA_TRI>"), id="references"),
    ],
)
def test_rows_and_columns_say_the_same(texts: tuple[str, ...]) -> None:
    claim = a_claim(*texts)
    rows = claim.rows(TableKind.XML4)

    for field in ("MA_LK", "STT", "MA_DICH_VU", "KET_LUAN", "GIA_TRI", "KHAC", "NO_SUCH_FIELD"):
        assert list(claim.column(TableKind.XML4, field)) == [row[field] for row in rows], field
    assert [row.number for row in rows] == [1, 2, 3]
