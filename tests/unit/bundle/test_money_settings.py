"""Dated answers are data: the package's own, and those of folders that are added."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from claims.bundle.format import forget_format_folders, use_format_folder
from claims.bundle.money import (
    MalformedMoneySettings,
    MoneySettings,
    SalaryDay,
    ServiceAmount,
    always,
    default_settings,
    find_rules,
)

NEW_YEAR_2030 = date(2030, 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    forget_format_folders()


def test_every_setting_has_an_answer_for_every_day() -> None:
    for day in (date(2023, 1, 18), date(2024, 7, 1), date(2026, 11, 2), date(2099, 1, 1)):
        rules = find_rules(day)

        assert rules.cheap_visit_below > 0
        assert rules.package_ceiling == 45 * rules.base_salary
        assert rules.copayment_limit == 6 * rules.base_salary


@pytest.mark.parametrize(
    ("day", "amount"),
    [(date(2024, 6, 30), ServiceAmount.PLAIN), (date(2024, 7, 1), ServiceAmount.WITH_RATE)],
)
def test_the_amount_of_a_service_follows_the_day(day: date, amount: ServiceAmount) -> None:
    assert find_rules(day).service_amount is amount


def test_the_formulas_of_another_decision_leave_salaries_and_factors_alone() -> None:
    rules = find_rules(date(2026, 11, 2), formulas_on=date(2024, 6, 30))

    assert rules.service_amount is ServiceAmount.PLAIN
    assert rules.base_salary == 2_530_000


@pytest.mark.parametrize(("day", "limit"), [(SalaryDay.DISCHARGED, 379_500), (SalaryDay.ADMITTED, 351_000)])
def test_which_salary_limits_a_stay_across_its_change_is_a_setting(day: SalaryDay, limit: int) -> None:
    settings = MoneySettings(salary_day=always(day))

    rules = find_rules(date(2026, 7, 2), settings, admitted=date(2026, 6, 29))

    assert rules.cheap_visit_below == limit


def test_a_folder_adds_a_step_and_a_salary(folder: Path) -> None:
    (folder / "money.toml").write_text(
        '[[service_amount]]\nfrom = 2030-01-01\nvalue = "difference-waived"\n', encoding="utf-8"
    )
    (folder / "codes").mkdir()
    (folder / "codes" / "luong_co_so.csv").write_text(
        "valid_from,valid_to,base_salary_vnd,confidence\n2030-01-01,,3000000,strong\n", encoding="utf-8"
    )

    use_format_folder(folder)

    assert find_rules(NEW_YEAR_2030).service_amount is ServiceAmount.DIFFERENCE_WAIVED
    assert find_rules(NEW_YEAR_2030).cheap_visit_below == 450_000
    assert find_rules(date(2029, 12, 31)).service_amount is ServiceAmount.WITH_RATE
    assert find_rules(date(2029, 12, 31)).base_salary == 2_530_000


def test_a_folder_may_add_a_step_between_two_others(folder: Path) -> None:
    (folder / "money.toml").write_text(
        '[[service_amount]]\nfrom = 2024-01-01\nvalue = "difference-waived"\n', encoding="utf-8"
    )

    use_format_folder(folder)

    days = (date(2023, 12, 31), date(2024, 1, 1), date(2024, 7, 1))
    assert [find_rules(day).service_amount for day in days] == [
        ServiceAmount.PLAIN,
        ServiceAmount.DIFFERENCE_WAIVED,
        ServiceAmount.WITH_RATE,
    ]


def test_a_step_of_the_same_day_takes_the_place_of_the_first(folder: Path) -> None:
    (folder / "money.toml").write_text(
        "[[grace_days_after_card]]\nfrom = 2023-01-18\nvalue = 10\n", encoding="utf-8"
    )

    use_format_folder(folder)

    assert default_settings().grace_days_after_card.on(date(2026, 1, 1)) == 10


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        pytest.param("[[service_amout]]\nfrom = 2030-01-01\nvalue = 1\n", "service_amout", id="unknown"),
        pytest.param("[[service_amount]]\nfrom = 2030-01-01\nvalue = 1\n", "service_amount", id="no-word"),
        pytest.param("[[service_amount]]\nvalue = 'plain'\n", "service_amount", id="no-day"),
        pytest.param("[[whole_cases]]\nfrom = 2030-01-01\nvalue = 1.2\n", "whole_cases", id="no-list"),
        pytest.param("[[open_factors]]\nfrom = 2030-01-01\nvalue = 1\n", "open_factors", id="no-table"),
        pytest.param(
            "[[open_factors]]\nfrom = 2030-01-01\nvalue = {2='x'}\n", "open_factors", id="no-number"
        ),
        pytest.param(
            "[[grace_days_after_card]]\nfrom = 2030-01-01\nvalue = -1\n",
            "grace_days_after_card",
            id="negative",
        ),
        pytest.param("cheap_visit_percent = 15\n", "cheap_visit_percent", id="no-steps"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_with_the_setting(folder: Path, text: str, setting: str) -> None:
    (folder / "money.toml").write_text(text, encoding="utf-8")
    use_format_folder(folder)

    with pytest.raises(MalformedMoneySettings) as caught:
        default_settings()

    assert (caught.value.file, caught.value.setting) == (str(folder / "money.toml"), setting)


def test_a_percent_with_decimals_is_exact(folder: Path) -> None:
    (folder / "money.toml").write_text(
        "[[cheap_visit_percent]]\nfrom = 2030-01-01\nvalue = 12.5\n", encoding="utf-8"
    )

    use_format_folder(folder)

    assert find_rules(NEW_YEAR_2030).cheap_visit_below == Decimal(316250)
