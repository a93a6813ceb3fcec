"""A claim's tables on its page: long ones by parts, and every finding where it can be seen."""

from collections.abc import Sequence

import pytest

from claims.bundle.contents import ReadClaim, ReadTable, read_contents
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.console.reviewers.showing import (
    MOST_OF_A_CODE,
    ROWS_SHOWN,
    ShownTable,
    list_findings,
    show_findings,
    show_table,
)
from tests.unit.checking.bundles import DISCHARGED, a_bundle, a_claim, rows_of

XML1, XML2 = TableKind.XML1, TableKind.XML2
ROWS = 2 * ROWS_SHOWN + 50


def about(row: int, field: str | None = "HAM_LUONG", *, table: str = "XML2") -> Finding:
    return Finding("XML2.HAM_LUONG", Severity.WARNING, Location(claim=1, table=table, row=row, field=field))


def a_read_claim(rows: int = ROWS) -> ReadClaim:
    medicines = [{**one, "HAM_LUONG": f"{one['STT']}mg"} for one in rows_of(XML2, rows, DU_PHONG="")]
    return read_contents(a_bundle({**a_claim(), XML2: medicines}), today=DISCHARGED).claims[0]


def shown(
    kind: TableKind, findings: Sequence[Finding] = (), *, rows: int = ROWS, page: int = 1
) -> ShownTable:
    claim = a_read_claim(rows)
    table = claim.find_table(kind)
    assert isinstance(table, ReadTable)
    return show_table(table, claim, show_findings(findings, 1, "vi"), "vi", page=page)


@pytest.mark.parametrize(
    ("page", "first", "last"),
    [(1, 1, ROWS_SHOWN), (2, ROWS_SHOWN + 1, 2 * ROWS_SHOWN), (3, 2 * ROWS_SHOWN + 1, ROWS), (9, 401, ROWS)],
)
def test_a_long_table_is_shown_by_parts_with_the_same_columns(page: int, first: int, last: int) -> None:
    table = shown(XML2, page=page)

    assert [table.rows[0].number, table.rows[-1].number] == [first, last]
    assert table.columns == shown(XML2).columns
    assert (table.pages, table.span(table.page)) == (3, (first, last))


def test_a_finding_leads_to_the_part_that_shows_its_row() -> None:
    (found,) = show_findings([about(ROWS_SHOWN + 1)], 1, "vi")

    table = shown(XML2, [about(ROWS_SHOWN + 1)], page=found.page)

    (flagged,) = [cell for row in table.rows for cell in row.cells if cell.findings]
    assert flagged.anchor == found.anchor


def test_all_findings_about_a_part_are_listed_beside_it_and_of_the_others_the_first() -> None:
    findings = show_findings([about(row) for row in range(1, ROWS + 1)], 1, "vi")

    beside = list_findings(findings, table="XML2", page=2)

    assert {one.row for one in beside.listed} == {
        *range(1, MOST_OF_A_CODE + 1),
        *range(ROWS_SHOWN + 1, 2 * ROWS_SHOWN + 1),
    }
    assert beside.left_out == ROWS - len(beside.listed)
    assert beside.next_left_out is not None
    assert beside.next_left_out.row == 2 * ROWS_SHOWN + 1


def test_few_findings_are_all_listed_wherever_one_is() -> None:
    findings = show_findings([about(1), about(ROWS)], 1, "vi")

    beside = list_findings(findings, table="XML1", page=1)

    assert (beside.listed, beside.left_out, beside.next_left_out) == (findings, 0, None)


@pytest.mark.parametrize("field", ["MA_NHOM", "DU_PHONG", "KHONG_CO", None])
def test_a_finding_about_what_is_no_column_is_seen_in_its_row(field: str | None) -> None:
    (found,) = show_findings([about(2, field)], 1, "vi")

    table = shown(XML2, [about(2, field)], rows=3)

    assert table.rows[1].unplaced == {found.anchor: (found,)}
    assert not table.unplaced
    assert not any(row.unplaced for row in (table.rows[0], table.rows[2]))


@pytest.mark.parametrize("field", ["KHONG_CO", None])
def test_a_finding_about_what_a_single_row_does_not_show_is_seen_below_it(field: str | None) -> None:
    (found,) = show_findings([about(1, field, table="XML1")], 1, "vi")

    table = shown(XML1, [about(1, field, table="XML1")])

    assert table.unplaced == {found.anchor: (found,)}


def test_a_single_row_has_its_name_and_amount_though_it_has_no_columns() -> None:
    table = shown(XML2, rows=1)

    assert table.columns == ()
    assert [(row.number, row.cells) for row in table.rows] == [(1, ())]
