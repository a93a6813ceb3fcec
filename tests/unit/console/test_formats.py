"""How pages write money and moments, and whom a certificate is of."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from claims.console.formats import dong, holder_of, machine_time, moment, seconds, signed_dong, signed_figure
from claims.console.operators.charts import columns, lines


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param(12_450_000, "12.450.000", id="whole"),
        pytest.param(Decimal("436400.00"), "436.400", id="whole-with-zeros"),
        pytest.param(Decimal("739833.2"), "739.833,20", id="hundredths"),
        pytest.param(Decimal("-0.5"), "-0,50", id="below-one"),
        pytest.param(Decimal(0), "0", id="nothing"),
    ],
)
def test_money_is_whole_or_in_hundredths(amount: Decimal, text: str) -> None:
    assert dong(amount) == f"{text}\N{NO-BREAK SPACE}đ"


def test_figures_that_are_no_money_are_grouped_too() -> None:
    assert [signed_figure(Decimal(text)) for text in ("8400", "-8400.5", "0")] == ["+8.400", "-8.400,5", "0"]
    assert [seconds(one) for one in (0.04, 1234.56, None)] == [
        "0,0\N{NO-BREAK SPACE}s",
        "1.234,6\N{NO-BREAK SPACE}s",
        "–",
    ]


def test_charts_write_figures_as_the_tables_beside_them() -> None:
    large = columns([[("main", 1_900_000.0)]], ["07"])
    small = lines([("main", [4.0])], ["07"])

    assert [tick.text for tick in large.ticks] == ["0", "1.000.000", "2.000.000"]
    assert [tick.text for tick in small.ticks] == ["0", "2,5", "5"]


def test_a_difference_says_in_which_direction_and_nothing_is_a_dash() -> None:
    assert signed_dong(5).startswith("+5")
    assert dong(None) == "–"


@pytest.mark.parametrize(
    ("subject", "holder"),
    [
        pytest.param("2.5.4.5=MST:01,CN=Bệnh viện A,O=Sở Y tế,C=VN", "Bệnh viện A", id="among-others"),
        pytest.param(r"CN=Bệnh viện A\, cơ sở 2,C=VN", "Bệnh viện A, cơ sở 2", id="with-a-comma"),
        pytest.param("O=Bệnh viện A,C=VN", "O=Bệnh viện A,C=VN", id="without-a-common-name"),
        pytest.param("OCN=x,C=VN", "OCN=x,C=VN", id="another-attribute"),
    ],
)
def test_a_certificate_is_of_whom_its_common_name_says(subject: str, holder: str) -> None:
    assert holder_of(subject) == holder


def test_a_certificate_without_an_end_has_one_that_can_be_written() -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert moment(end) == "31/12/9999 23:59"
    assert machine_time(end) == "9999-12-31T23:59:59+07:00"
