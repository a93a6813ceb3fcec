"""The structured dose of LIEU_DUNG."""

from decimal import Decimal

import pytest

from claims.bundle.doses import read_dose


@pytest.mark.parametrize(
    ("text", "total", "unit"),
    [
        ("1.5 Viên/lần * 2 lần/ngày * 10 ngày", "30", "Viên"),
        ("0,5 Bơm tiêm/lần * 2 lần/ngày * 1 ngày", "1", "Bơm tiêm"),
        ("2 viên/lần*2 lần/ngày*5 ngày [4 viên/ngày]", "20", "viên"),
        ("1*2*3", "6", ""),
        ("1 viên/lần * 2 lần/ngày (8h/20h) * 5 ngày", "10", "viên"),
        ("1 viên/lần * 2 lần/24 giờ * 5 ngày", "10", "viên"),
    ],
)
def test_a_dose_is_three_numbers_between_stars(text: str, total: str, unit: str) -> None:
    dose = read_dose(text)

    assert dose is not None
    assert (dose.total, dose.unit) == (Decimal(total), unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ngày uống hai lần",
        "1 viên * 2 lần",
        "1*2*3*4",
        "*" * 5000,
        "9" * 5000,
        "1 viên/lần * 1 lần/tuần * 28 ngày",
        "1 viên/lần * 1 lần/12 giờ * 5 ngày",
        "1 viên * 2 lần * 12 tuần",
    ],
)
def test_anything_else_says_nothing(text: str) -> None:
    assert read_dose(text) is None
