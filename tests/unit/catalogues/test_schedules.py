"""Lists say when practitioners work and what they may do; what they do not say is not known."""

from datetime import date
from pathlib import Path

import pytest

from claims.catalogues.items import DepartmentItem, Kind, StaffItem
from claims.catalogues.schedules import Period, Shift, read_shifts
from tests.unit.catalogues.folders import a_catalogue, loaded, problems

HEADER = "code,licence_from,licence_to,withdrawn_on,scope,exam_departments,working_hours,leave\n"


def the_one(folder: Path, row: str) -> StaffItem:
    (entry,) = a_catalogue(folder, {"staff.csv": HEADER + row}).tables[Kind.STAFF].entries
    assert isinstance(entry, StaffItem)
    return entry


def test_a_row_says_scope_hours_and_leave(tmp_path: Path) -> None:
    one = the_one(
        tmp_path,
        "1,20250101,,,02.;18.0015,K01,T2-T3 07:00-16:30; CN 16:30-07:00,05/09/2026; 10/09/2026 - 14/09/2026",
    )

    assert one.scope == ("02.", "18.0015")
    assert one.exam_departments == ("K01",)
    assert one.working_hours == (
        Shift(0, "07:00", "16:30"),
        Shift(1, "07:00", "16:30"),
        Shift(6, "16:30", "07:00"),
    )
    assert [period.covers(date(2026, 9, 5)) for period in one.leave] == [True, False]
    assert [period.covers(date(2026, 9, 14)) for period in one.leave] == [False, True]


def test_a_row_without_these_columns_says_nothing_of_them(tmp_path: Path) -> None:
    catalogue = a_catalogue(tmp_path, {"staff.csv": "code\n1\n", "departments.csv": "code\nK01\n"})

    assert catalogue.tables[Kind.STAFF].entries == (StaffItem(code="1", file="staff.csv", row=2),)
    assert catalogue.tables[Kind.DEPARTMENT].entries == (
        DepartmentItem(code="K01", file="departments.csv", row=2),
    )


@pytest.mark.parametrize(
    ("row", "day", "is_licensed"),
    [
        pytest.param("1,20250101,,,,,,\n", date(2024, 12, 31), False, id="not-yet"),
        pytest.param("1,,20261231,,,,,\n", date(2026, 12, 31), True, id="last-day"),
        pytest.param("1,,20261231,,,,,\n", date(2027, 1, 1), False, id="expired"),
        pytest.param("1,,,20260901,,,,\n", date(2026, 9, 1), False, id="withdrawn"),
        pytest.param("1,,,20260901,,,,\n", date(2026, 8, 31), True, id="before-withdrawal"),
        pytest.param("1,,,,,,,\n", date(2026, 8, 31), True, id="nothing-said"),
    ],
)
def test_a_licence_holds_between_its_days(tmp_path: Path, row: str, day: date, *, is_licensed: bool) -> None:
    assert the_one(tmp_path, row).is_licensed(day) is is_licensed


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("working_hours", "giờ hành chính", "not-hours"),
        ("working_hours", "T2 07:00-25:00", "not-hours"),
        ("working_hours", "T6-T2 07:00-16:00", "not-hours"),
        ("leave", "14/09/2026 - 10/09/2026", "not-periods"),
        ("leave", "tháng 9", "not-a-day"),
        ("scope", "02. 03.", "not-a-code"),
    ],
)
def test_a_cell_that_cannot_be_read_for_certain_is_refused(
    tmp_path: Path, column: str, cell: str, code: str
) -> None:
    found = loaded(tmp_path, {"staff.csv": f"code,{column}\n1,{cell}\n"})

    assert problems(found) == [(code, 2, column)]


@pytest.mark.parametrize(
    ("hours", "day", "time", "is_covered"),
    [
        ("T2 07:00-16:30", date(2026, 9, 14), "16:30", True),
        ("T2 07:00-16:30", date(2026, 9, 14), "16:31", False),
        ("T2 07:00-16:30", date(2026, 9, 15), "08:00", False),
        ("CN 16:30-07:00", date(2026, 9, 14), "07:00", True),
        ("CN 16:30-07:00", date(2026, 9, 14), "07:01", False),
        ("CN 16:30-07:00", date(2026, 9, 13), "23:00", True),
        ("T2 00:00-24:00", date(2026, 9, 14), "23:59", True),
    ],
)
def test_a_shift_covers_its_hours_over_midnight_too(
    hours: str, day: date, time: str, *, is_covered: bool
) -> None:
    (shift,) = read_shifts(hours) or ()

    assert shift.covers(day, time) is is_covered


@pytest.mark.parametrize(
    "hours",
    [
        "T2-T3 07:00-11:30, 13:00-16:30",
        "T2-T3: 7:00-11:30,13:00-16:30",
        "T2 – T3 7h00 – 11h30, 13h00 – 16h30",
        "T2-T3 07:00-11:30; T2-T3 13:00-16:30",
    ],
)
def test_hours_with_a_break_at_noon_are_read_as_people_write_them(hours: str) -> None:
    morning, afternoon = ("07:00", "11:30"), ("13:00", "16:30")

    assert set(read_shifts(hours) or ()) == {
        Shift(day, *span) for day in (0, 1) for span in (morning, afternoon)
    }


@pytest.mark.parametrize(
    "hours", ["T2 07:00", "T2 7-11", "T2 07:00-11:30,", "T2 07:00-25:00", "Thứ hai 07:00-11:30"]
)
def test_hours_that_are_written_otherwise_are_none(hours: str) -> None:
    assert read_shifts(hours) is None


@pytest.mark.parametrize(
    "leave",
    ["10/09/2026-14/09/2026", "10/09/2026 – 14/09/2026", "2026-09-10 - 2026-09-14", "10.09.2026-14.09.2026"],
)
def test_days_of_leave_are_read_as_people_write_them(tmp_path: Path, leave: str) -> None:
    (period,) = the_one(tmp_path, f"1,,,,,,,{leave}").leave

    assert period == Period(date(2026, 9, 10), date(2026, 9, 14))


def test_a_portals_staff_list_may_be_completed_under_vietnamese_headings(tmp_path: Path) -> None:
    header = "Số CCHN;Họ tên;CCHN đến ngày;Khoa khám;Giờ làm việc;Nghỉ phép\n"
    row = "1;NGUYỄN VĂN THỬ;31-12-2026;K01;T2 07:00-16:30;05/09/2026\n"

    (one,) = a_catalogue(tmp_path, {"staff.csv": header + row}).tables[Kind.STAFF].entries

    assert isinstance(one, StaffItem)
    assert (one.licence_to, one.exam_departments) == (date(2026, 12, 31), ("K01",))
    assert (one.working_hours, one.leave) == (
        (Shift(0, "07:00", "16:30"),),
        (Period(date(2026, 9, 5), date(2026, 9, 5)),),
    )
