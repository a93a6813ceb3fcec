"""Days of treatment and bed days follow the form of care and the day."""

import pytest

from claims.bundle.days import DayCounting, Stay, bed_days, treatment_days


def a_stay(*, kind: str = "03", to: str = "202611061000", leaving: str = "1", outcome: str = "2") -> Stay:
    return Stay(
        ma_loai_kcb=kind, ngay_vao="202611020800", ngay_ra=to, ma_loai_rv=leaving, ket_qua_dtri=outcome
    )


@pytest.mark.parametrize(
    ("stay", "days"),
    [
        pytest.param(a_stay(), 4, id="days-between"),
        pytest.param(a_stay(leaving="2"), 5, id="transferred"),
        pytest.param(a_stay(leaving="3"), 5, id="escaped"),
        pytest.param(a_stay(outcome="5"), 5, id="died"),
        pytest.param(a_stay(to="202611021200"), 0, id="four-hours"),
        pytest.param(a_stay(to="202611021201"), 1, id="over-four-hours"),
        pytest.param(a_stay(to="202611030759"), 1, id="under-a-day"),
        pytest.param(a_stay(to="202611030800", leaving="2"), 2, id="a-day-and-transferred"),
    ],
)
def test_bed_days(stay: Stay, days: int) -> None:
    assert bed_days(stay) == days


@pytest.mark.parametrize(
    ("kind", "counting", "days"),
    [
        ("01", DayCounting.BOTH_DAYS, 0),
        ("03", DayCounting.BOTH_DAYS, 5),
        ("03", DayCounting.BED_DAYS, 4),
        ("05", DayCounting.BED_DAYS, 5),
        ("08", DayCounting.BOTH_DAYS, 2),
        ("09", DayCounting.BOTH_DAYS, 0),
        ("99", DayCounting.BOTH_DAYS, 0),
    ],
)
def test_days_of_treatment_follow_the_form_of_care(kind: str, counting: DayCounting, days: int) -> None:
    times = ["202611030900", "202611030915", "202611040900"]

    assert treatment_days(a_stay(kind=kind), service_times=times, counting=counting) == days
