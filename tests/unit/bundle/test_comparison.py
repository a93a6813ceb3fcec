"""What changed between two versions of a claim: money first, and a row is not known by its number."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from claims.bundle.comparison import Change, Comparison, RowChange, TableChange, compare
from claims.bundle.contents import Contents, read_contents
from claims.bundle.kinds import TableKind
from tests.unit.checking.bundles import (
    a_bundle,
    a_claim,
    a_file,
    a_row,
    a_table,
    an_envelope,
    rows_of,
)

XML1, XML2, XML3 = TableKind.XML1, TableKind.XML2, TableKind.XML3
Rows = Sequence[Mapping[str, str]]


def read(*claims: Mapping[TableKind, Rows]) -> Contents:
    return read_contents(a_bundle(*claims), today=date(2026, 1, 1))


def medicines(*changes: Mapping[str, str]) -> list[dict[str, str]]:
    """Make medicine rows that differ by code and time, numbered in their order."""
    return [
        {
            **a_row(XML2, MA_THUOC=f"40.{place}", TEN_THUOC=f"T{place}", NGAY_YL=f"20250801080{place}"),
            **change,
            "STT": str(place + 1),
        }
        for place, change in enumerate(changes)
    ]


def numbered(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{**row, "STT": str(place)} for place, row in enumerate(rows, start=1)]


def of_medicines(old: Rows, new: Rows, *, spelling: bool = False) -> Comparison:
    return compare(read({**a_claim(), XML2: old}), read({**a_claim(), XML2: new}), spelling=spelling)


def changes(comparison: Comparison, kind: TableKind = XML2) -> list[tuple[str, int | None, int | None]]:
    return [
        (
            row.change.value,
            None if row.old is None else row.old.number,
            None if row.new is None else row.new.number,
        )
        for row in rows_of_table(comparison, kind)
    ]


def rows_of_table(comparison: Comparison, kind: TableKind = XML2) -> tuple[RowChange, ...]:
    (claim,) = comparison.claims
    return next((table.rows for table in claim.tables if table.kind is kind), ())


def table_of(comparison: Comparison, kind: TableKind = XML2) -> TableChange:
    return next(table for table in comparison.claims[0].tables if table.kind is kind)


def values(row: RowChange) -> dict[str, tuple[str, str]]:
    return {field.name: (field.old, field.new) for field in row.fields}


def test_a_claim_equals_itself() -> None:
    comparison = compare(read(a_claim()), read(a_claim()))

    assert comparison.is_equal
    assert comparison.claims[0].change is Change.SAME
    assert comparison.claims[0].tables == ()


def test_totals_come_with_their_difference() -> None:
    comparison = compare(read(a_claim(T_BHTT="1500000.50")), read(a_claim(T_BHTT="1600000")))

    (claim,) = comparison.claims
    (total,) = [total for total in claim.totals if total.change is Change.CHANGED]
    assert (total.name, str(total.difference)) == ("T_BHTT", "99999.50")
    assert not comparison.is_equal
    assert claim.tables == ()  # told once, not again among the fields of XML1


def test_an_inserted_row_leaves_the_later_ones_unchanged() -> None:
    old = medicines({}, {}, {}, {})
    new = numbered([old[0], a_row(XML2, MA_THUOC="50.1"), *old[1:]])

    comparison = of_medicines(old, new)

    assert changes(comparison) == [("added", None, 2)]
    assert table_of(comparison).same == 4


def test_rows_in_another_order_are_the_same() -> None:
    old = medicines({}, {}, {})

    assert of_medicines(old, numbered(old[::-1])).is_equal


def test_a_changed_quantity_is_found_in_the_row_it_belongs_to_figures_first() -> None:
    old = medicines({}, {}, {})
    new = [old[0], {**old[1], "SO_LUONG": "7", "LIEU_DUNG": "B"}, old[2]]

    (row,) = rows_of_table(of_medicines(old, new))

    assert (row.change, row.old and row.old.number) == (Change.CHANGED, 2)
    assert list(values(row).items()) == [("SO_LUONG", ("2", "7")), ("LIEU_DUNG", ("A", "B"))]
    assert str(row.fields[0].difference) == "5"


def test_of_two_rows_with_one_code_and_time_the_closest_are_matched() -> None:
    same = {"MA_THUOC": "40.1", "NGAY_YL": "202508010800"}
    old = medicines({**same, "SO_LUONG": "1"}, {**same, "SO_LUONG": "100"})
    new = medicines({**same, "SO_LUONG": "98"}, {**same, "SO_LUONG": "1"})
    for medicine in (*old, *new):
        medicine["TEN_THUOC"] = "T"

    (row,) = rows_of_table(of_medicines(old, new))

    assert values(row) == {"SO_LUONG": ("100", "98")}


def test_a_row_that_moved_to_another_time_is_the_same_row() -> None:
    old = medicines({}, {})
    new = [old[0], {**old[1], "NGAY_YL": "202508011200"}]

    (row,) = rows_of_table(of_medicines(old, new))

    assert values(row) == {"NGAY_YL": ("202508010801", "202508011200")}


def test_a_corrected_code_is_a_change_and_another_drug_is_not() -> None:
    old = medicines({}, {})
    corrected = [old[0], {**old[1], "MA_THUOC": "40.77"}]
    other = [old[0], {**old[1], "MA_THUOC": "40.77", "TEN_THUOC": "Khác", "SO_LUONG": "9"}]

    assert changes(of_medicines(old, corrected)) == [("changed", 2, 2)]
    assert sorted(changes(of_medicines(old, other))) == [("added", None, 2), ("removed", 2, None)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param({"SO_LUONG": "10.50"}, {"SO_LUONG": "10.5"}, id="zeros"),
        pytest.param({"SO_LUONG": "010"}, {"SO_LUONG": "10"}, id="zeros-in-front"),
        pytest.param(
            {"CACH_DUNG": "uống"}, {"CACH_DUNG": unicodedata.normalize("NFD", "uống")}, id="decomposed"
        ),
        pytest.param({"CACH_DUNG": "x"}, {"CACH_DUNG": " x "}, id="blanks"),
    ],
)
def test_another_spelling_is_listed_only_when_asked_for(old: dict[str, str], new: dict[str, str]) -> None:
    before, after = medicines(old), medicines(new)

    quiet, full = of_medicines(before, after), of_medicines(before, after, spelling=True)

    assert quiet.is_equal
    assert full.is_equal
    assert quiet.claims[0].tables == ()
    # Letters are put together when a table is read, so that only what differs beyond that is left to list.
    listed = [] if "uống" in old.values() else [("spelling", 1, 1)]
    assert changes(full) == listed


def test_a_left_out_element_equals_an_empty_one() -> None:
    empty = a_table(XML2, a_row(XML2, DU_PHONG=""))
    assert b"<DU_PHONG/>" in empty
    old, new = (
        read_contents(an_envelope(a_file("XML2", table)), today=date(2026, 1, 1))
        for table in (empty, empty.replace(b"<DU_PHONG/>", b""))
    )

    assert compare(old, new).is_equal


def test_code_text_is_not_taken_for_a_number() -> None:
    comparison = compare(read(a_claim(MA_DOITUONG_KCB="1.1")), read(a_claim(MA_DOITUONG_KCB="1.10")))

    (row,) = rows_of_table(comparison, XML1)
    assert values(row) == {"MA_DOITUONG_KCB": ("1.1", "1.10")}


def test_a_table_that_came_or_went_is_told_row_by_row() -> None:
    without = {kind: rows for kind, rows in a_claim().items() if kind is not XML3}

    assert changes(compare(read(without), read(a_claim())), XML3) == [("added", None, 1)]
    assert changes(compare(read(a_claim()), read(without)), XML3) == [("removed", 1, None)]


def test_several_claims_are_matched_by_their_key() -> None:
    first, second, third = (a_claim(MA_LK=name) for name in ("one", "two", "three"))
    changed = {**second, XML1: [a_row(XML1, MA_LK="two", T_BHTT="1")]}

    comparison = compare(read(first, second), read(changed, third))

    assert [(claim.ma_lk, claim.change) for claim in comparison.claims] == [
        ("two", Change.CHANGED),
        ("three", Change.ADDED),
        ("one", Change.REMOVED),
    ]


def test_two_files_of_one_claim_each_are_compared_even_when_the_key_changed() -> None:
    other = {kind: [{**row, "MA_LK": "another"} for row in rows] for kind, rows in a_claim().items()}

    comparison = compare(read(a_claim()), read(other))

    (claim,) = comparison.claims
    assert [table.kind for table in claim.tables] == [XML1]
    assert values(claim.tables[0].rows[0]) == {"MA_LK": ("LK-2025-0001", "another")}


def test_another_facility_is_told() -> None:
    old = read_contents(a_bundle(), today=date(2026, 1, 1))
    new = read_contents(a_bundle(facility="79025"), today=date(2026, 1, 1))

    comparison = compare(old, new)

    assert comparison.facility is not None
    assert (comparison.facility.old, comparison.facility.new) == ("79024", "79025")
    assert not comparison.is_equal


def test_a_figure_that_is_none_has_no_difference() -> None:
    old, new = medicines({"DON_GIA": "1,5"}), medicines({"DON_GIA": "2"})

    (row,) = rows_of_table(of_medicines(old, new))

    assert row.fields[0].difference is None


def test_many_rows_of_one_code_are_matched_in_bounded_time() -> None:
    old = rows_of(XML2, 500, MA_THUOC="40.1")
    new = [{**row, "SO_LUONG": str(place)} for place, row in enumerate(old, start=3)]

    assert len(rows_of_table(of_medicines(old, new))) == 500
