"""Client and stand-in agree on results: what reception finds after its hours, assessment, settlement."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable
from claims.exchange.ports import Receipt
from claims.exchange.results import Standing
from claims.gateway.protocol import BodyFormat
from claims.localtime import VIETNAM
from tests.contract.mock_gateway import ELSEWHERE, HERE, QUICK, RunningMock, running_mock, signed_bundle

#: An hour of the law is a second.
SCALE = 1 / 3600
WEEK_S = 7 * 24


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[RunningMock]:
    """A stand-in that is in a hurry and cuts every line."""
    with running_mock(tmp_path, time_scale=SCALE, cut_rate=1.0) as mock:
        yield mock


def send(mock: RunningMock, ma_lk: str = "LK1", *, days_ago: int = 0, **fields: str) -> Receipt:
    left = mock.clock.now().astimezone(VIETNAM) - timedelta(days=days_ago)
    fields = {"T_TONGCHI_BV": "300", "T_BHTT": "240", "NGAY_RA": f"{left:%Y%m%d%H%M}", **fields}
    return mock.client().send(HERE, signed_bundle(ma_lk, rows=3, **fields))


@pytest.mark.parametrize(
    ("fields", "days_ago", "hours", "code"),
    [
        pytest.param({}, 60, 6, "701", id="late-within-6-hours"),
        pytest.param({"NGAY_VAO": "soon"}, 0, 24, "202", id="form-within-24-hours"),
        pytest.param({"T_TONGCHI_BV": "999"}, 0, 48, "202", id="sums-within-48-hours"),
    ],
)
@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda f: f.name.lower())
def test_each_kind_of_fault_is_found_after_its_hours_and_not_before(
    mock: RunningMock, fields: dict[str, str], days_ago: int, hours: int, code: str, body_format: BodyFormat
) -> None:
    receipt = send(mock, days_ago=days_ago, **fields)
    results = mock.client(body_format=body_format).results
    day = mock.clock.now().astimezone(VIETNAM).date()
    mock.clock.ahead = timedelta(seconds=hours - 3)
    assert results.errors_of(HERE, receipt.ma_giao_dich) == ()

    mock.clock.ahead = timedelta(seconds=hours)

    (verdict,) = results.of_day(HERE, day)
    assert [error.code for error in results.errors_of(HERE, receipt.ma_giao_dich)] == [code]
    assert (verdict.ma_giao_dich, verdict.claims, verdict.right, verdict.wrong) == (
        receipt.ma_giao_dich,
        1,
        0,
        1,
    )
    assert [(one.claims, one.right, one.wrong) for one in results.days(HERE, day, day)] == [(1, 0, 1)]


def test_a_right_claim_stays_right_and_counts_its_amount(mock: RunningMock) -> None:
    send(mock)
    day = mock.clock.now().astimezone(VIETNAM).date()
    mock.clock.ahead = timedelta(seconds=100)

    (verdict,) = mock.client().results.of_day(HERE, day)

    assert (verdict.right, verdict.wrong, verdict.amount_vnd) == (1, 0, Decimal("240.00"))


def test_the_assessment_says_of_each_line_what_is_cut_and_why_and_the_settlement_adds_it_up(
    mock: RunningMock,
) -> None:
    send(mock)
    results, month = mock.client().results, mock.clock.now().astimezone(VIETNAM).date().replace(day=1)
    assert all(not results.assessments(HERE, one.code) for one in results.rounds(HERE, month))
    assert results.settlement(HERE, month) is None

    mock.clock.ahead = timedelta(seconds=2 * WEEK_S + 1)

    (one,) = results.rounds(HERE, month)
    (assessment,) = results.assessments(HERE, one.code)
    settlement = results.settlement(HERE, month)
    assert one.is_closed
    assert (assessment.ma_lk, assessment.asked_vnd) == ("LK1", Decimal("240.00"))
    assert len(assessment.lines) == 3
    for line in assessment.lines:
        assert line.standing in {Standing.CUT, Standing.REFUSED}
        assert line.reason.startswith("S.")
        assert line.asked_vnd == Decimal("80.00")
    granted = sum((line.granted_vnd or Decimal() for line in assessment.lines), Decimal())
    assert assessment.granted_vnd in {granted, Decimal(0)}
    assert settlement is not None
    assert settlement.asked_vnd == Decimal("240.00")
    assert settlement.granted_vnd == assessment.granted_vnd
    assert settlement.is_closed


def test_the_assessment_is_the_same_after_a_restart(mock: RunningMock) -> None:
    send(mock)
    month = mock.clock.now().astimezone(VIETNAM).date().replace(day=1)
    mock.clock.ahead = timedelta(seconds=WEEK_S + 1)
    results = mock.client().results
    (one,) = results.rounds(HERE, month)
    before = results.assessments(HERE, one.code)

    mock.restart()

    assert mock.client().results.assessments(HERE, one.code) == before


def test_only_the_latest_version_is_assessed_and_one_that_is_withdrawn_is_not(mock: RunningMock) -> None:
    send(mock, T_BHTT="200")
    send(mock, T_BHTT="240")
    send(mock, "LK2", MA_DOITUONG_KCB="8")
    month = mock.clock.now().astimezone(VIETNAM).date().replace(day=1)
    mock.clock.ahead = timedelta(seconds=WEEK_S + 1)
    results = mock.client().results

    found = [a for one in results.rounds(HERE, month) for a in results.assessments(HERE, one.code)]

    assert [(one.ma_lk, one.asked_vnd) for one in found] == [("LK1", Decimal("240.00"))]


def test_another_facility_s_results_are_not_shown(mock: RunningMock) -> None:
    receipt = send(mock)
    month = mock.clock.now().astimezone(VIETNAM).date().replace(day=1)
    results = mock.client().results
    (one,) = results.rounds(HERE, month)

    assert results.rounds(ELSEWHERE, month) == ()
    with pytest.raises(GatewayUnavailable, match="205"):
        results.assessments(ELSEWHERE, one.code)
    with pytest.raises(GatewayUnavailable, match="205"):
        results.errors_of(ELSEWHERE, receipt.ma_giao_dich)


@pytest.mark.parametrize(
    "fault",
    [
        "timeout_before",
        "timeout_after",
        "reset",
        "reset_after",
        "error_500",
        "error_500_after",
        "error_503_html",
        "refuse:205",
        "expire_token",
        "drip",
        "garbage",
        "truncated",
        "wrong_json",
    ],
)
def test_a_read_that_fails_says_so_and_never_looks_like_an_empty_answer(
    shared_mock: RunningMock, fault: str
) -> None:
    shared_mock.fault(fault, endpoint="results")
    results, today = shared_mock.client(QUICK).results, shared_mock.clock.now().date()

    with pytest.raises(GatewayError):
        results.of_day(HERE, today)


def test_numbers_in_place_of_texts_are_read_all_the_same(mock: RunningMock) -> None:
    send(mock)
    mock.fault("number_codes", endpoint="results")

    assert mock.client().results.of_day(HERE, mock.clock.now().astimezone(VIETNAM).date())


def test_a_facility_without_an_account_is_told_so(shared_mock: RunningMock) -> None:
    with pytest.raises(GatewayRefused, match="no-account"):
        shared_mock.client().results.rounds("79999", shared_mock.clock.now().date())
