"""By when a claim is sent, with Vietnam's working days."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from claims.bundle.deadlines import (
    Clock,
    deadlines_of,
    hours_left,
    load_calendar,
    send_by,
    terms_on,
    years_without_calendar,
)
from claims.bundle.format import UnusableFormatFolder, forget_format_folders, use_format_folder


@pytest.fixture(autouse=True)
def own_data() -> Iterator[None]:
    yield
    forget_format_folders()


@pytest.mark.parametrize(
    ("discharged_on", "expected"),
    [
        pytest.param(date(2026, 3, 9), date(2026, 3, 18), id="a-weekend-between"),
        pytest.param(date(2026, 3, 8), date(2026, 3, 17), id="discharged-on-a-sunday"),
        pytest.param(date(2026, 2, 12), date(2026, 3, 2), id="over-tet"),
        pytest.param(date(2027, 2, 3), date(2027, 2, 19), id="over-tet-on-a-weekend"),
        pytest.param(date(2025, 4, 24), date(2025, 5, 7), id="a-saturday-worked-in-exchange"),
        pytest.param(date(2024, 12, 27), date(2025, 1, 8), id="over-new-year"),
    ],
)
def test_seven_working_days_after_discharge(discharged_on: date, expected: date) -> None:
    assert deadlines_of(discharged_on)[Clock.SEND] == expected


@pytest.mark.parametrize(
    ("discharged_on", "expected"),
    [
        pytest.param(date(2026, 3, 30), date(2026, 4, 4), id="end-of-month"),
        pytest.param(date(2026, 12, 31), date(2027, 1, 4), id="end-of-year"),
        pytest.param(date(2026, 3, 2), date(2026, 3, 11), id="early-in-the-month"),
    ],
)
def test_the_earlier_of_both_counts(discharged_on: date, expected: date) -> None:
    assert send_by(discharged_on) == expected


def test_every_year_has_the_eleven_days_off_of_the_labour_code() -> None:
    calendar = load_calendar()
    in_exchange = Counter(day.year for day in calendar.worked)
    off = Counter(day.year for day in calendar.off)

    # A day of rest that is a holiday, too, is made up for on a working day; who works one rests on another.
    assert {year: days - in_exchange[year] for year, days in off.items()} == dict.fromkeys(off, 11)
    assert all(day.weekday() < 5 for day in calendar.off)
    assert all(day.weekday() >= 5 for day in calendar.worked)


@pytest.mark.parametrize(
    ("discharged_on", "expected"),
    [
        pytest.param(date(2027, 12, 21), (), id="due-in-a-known-year"),
        pytest.param(date(2027, 12, 29), (2028,), id="due-in-the-next"),
        pytest.param(date(2028, 12, 29), (2028, 2029), id="neither"),
        pytest.param(date(2023, 12, 29), (), id="before-all-that-are-known"),
        pytest.param(date(2017, 5, 1), (), id="before-there-was-a-deadline"),
        pytest.param(date.max, (date.max.year,), id="a-slip-of-the-pen"),
    ],
)
def test_years_without_a_calendar_are_told(discharged_on: date, expected: tuple[int, ...]) -> None:
    assert years_without_calendar(discharged_on) == expected


def test_a_refused_claim_is_corrected_within_two_working_days() -> None:
    found = deadlines_of(date(2026, 3, 2), refused_on=date(2026, 3, 6))

    assert found[Clock.CORRECT] == date(2026, 3, 10)
    assert Clock.CORRECT not in deadlines_of(date(2026, 3, 2))


def test_hours_count_once_they_are_in_force(tmp_path: Path) -> None:
    left = datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert hours_left(left, left + timedelta(hours=1)) is None

    (tmp_path / "deadlines.toml").write_text("[[send_hours]]\nfrom = 2027-01-01\nvalue = 3\n")
    use_format_folder(tmp_path)

    assert hours_left(left, left + timedelta(hours=1)) == 2
    assert hours_left(left, left + timedelta(hours=4)) == -1
    assert terms_on(date(2026, 12, 31)).send_hours == 0


def test_a_year_of_days_off_can_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "holidays.toml").write_text("[2027]\noff = [2027-06-01]\nworked = [2027-06-05]\n")
    use_format_folder(tmp_path)
    calendar = load_calendar()

    assert not calendar.is_worked(date(2027, 6, 1))
    assert calendar.is_worked(date(2027, 6, 5))
    assert calendar.is_worked(date(2027, 1, 1))
    assert not calendar.is_worked(date(2026, 1, 1))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param("holidays.toml", '[2027]\noff = ["Tết"]', "is no day of that year", id="no-day"),
        pytest.param("holidays.toml", "[2027]\noff = [2026-01-01]", "is no day of that", id="another-year"),
        pytest.param("deadlines.toml", "[[soon]]\nfrom = 2027-01-01\nvalue = 3", "no term soon", id="term"),
        pytest.param("deadlines.toml", "[[send_hours]]\nvalue = 3", "whole number", id="no-first-day"),
    ],
)
def test_data_that_make_no_sense_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    use_format_folder(tmp_path)

    with pytest.raises(UnusableFormatFolder, match=message):
        send_by(date(2027, 1, 4))


def test_our_days_off_are_weekdays_and_days_worked_are_not() -> None:
    calendar = load_calendar()

    assert all(day.weekday() < 5 for day in calendar.off)
    assert all(day.weekday() >= 5 for day in calendar.worked)
