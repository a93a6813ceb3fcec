"""The gateway is left in peace when it does not answer, and asked again soon enough."""

import re
from datetime import datetime, timedelta

import pytest

from claims.exchange.breaker import MAINTENANCE, Breaker, Permit, read_windows, until_asked_again
from claims.exchange.destination import Circuit
from claims.exchange.errors import (
    NO_ACCOUNT,
    GatewayError,
    GatewayRefused,
    GatewayResting,
    GatewayUnavailable,
    OutcomeUnknown,
    Patience,
)
from claims.exchange.passing_on import AskInPeace
from claims.exchange.quota import Quota
from tests.fakes import NOON, SetClock

SILENCE = GatewayUnavailable("gateway.unreachable")
TROUBLE = OutcomeUnknown("gateway.500")
REFUSAL = GatewayRefused("gateway.202")
PAGE = OutcomeUnknown("gateway.http-503")
LOOK_UP_PAGE = GatewayUnavailable("gateway.lookup.http-502")
SIGN_IN_SILENCE = GatewayUnavailable("gateway.login.timeout")
NOT_ASKED = GatewayRefused(NO_ACCOUNT)


def after(breaker: Breaker, *errors: GatewayError | None, at: datetime = NOON) -> Circuit:
    for error in errors:
        breaker.note(error, at)
    return breaker.state


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        pytest.param([SILENCE] * 4, Circuit.CLOSED, id="four-are-not-enough"),
        pytest.param([SILENCE] * 5, Circuit.OPEN, id="nobody-answers"),
        pytest.param([*[SILENCE] * 4, None, SILENCE], Circuit.CLOSED, id="a-receipt-in-between"),
        pytest.param([*[SILENCE] * 4, REFUSAL, SILENCE], Circuit.CLOSED, id="a-refusal-in-between"),
        pytest.param([TROUBLE] * 9, Circuit.CLOSED, id="an-error-is-an-answer"),
        pytest.param([PAGE, LOOK_UP_PAGE, *[PAGE] * 3], Circuit.OPEN, id="a-page-of-maintenance-is-none"),
        pytest.param([SIGN_IN_SILENCE] * 5, Circuit.OPEN, id="nobody-answers-to-a-sign-in"),
        pytest.param([*[SILENCE] * 4, NOT_ASKED, SILENCE], Circuit.OPEN, id="who-was-not-asked-is-no-answer"),
    ],
)
def test_when_it_opens(errors: list[GatewayError | None], state: Circuit) -> None:
    assert after(Breaker(), *errors) is state


def test_open_it_lets_nothing_go_then_one_probe() -> None:
    breaker = Breaker()
    after(breaker, *[SILENCE] * 5)

    assert breaker.permit(50, later(1)).number == 0
    assert breaker.permit(50, later(13)).number == 1
    assert breaker.permit(50, later(13)).number == 0
    assert breaker.state is Circuit.PROBING


@pytest.mark.parametrize("answer", [None, TROUBLE, REFUSAL])
def test_a_probe_that_is_answered_closes_it(answer: GatewayError | None) -> None:
    breaker = Breaker()
    after(breaker, *[SILENCE] * 5)
    breaker.permit(50, later(13))

    assert after(breaker, answer, at=later(14)) is Circuit.CLOSED
    assert breaker.permit(50, later(14)).number == 50


@pytest.mark.parametrize("wanted", [(10, 20, 40, 80, 160, 300, 300, 300), (90, 180, 300), (0.5, 1, 2)])
def test_each_failed_probe_doubles_the_rest_up_to_five_minutes(wanted: tuple[float, ...]) -> None:
    breaker, now = Breaker(first_rest_s=wanted[0]), NOON
    after(breaker, *[SILENCE] * 5)
    rests = []
    for _ in wanted:
        until = breaker.permit(1, now).until
        rests.append((until - now).total_seconds())
        now = until
        assert breaker.permit(1, now).number == 1
        after(breaker, SILENCE, at=now)

    for one, rest in zip(wanted, rests, strict=True):
        assert one * 0.8 <= rest <= one * 1.2


def test_a_probe_that_never_comes_back_is_followed_by_another() -> None:
    breaker = Breaker()
    after(breaker, *[SILENCE] * 5)
    breaker.permit(1, later(13))

    assert breaker.permit(1, later(30)).number == 1


def test_a_probe_that_was_not_sent_is_given_back_once() -> None:
    breaker = Breaker()
    after(breaker, *[SILENCE] * 5)
    unsent = breaker.permit(1, later(13))

    breaker.give_back(unsent, later(14))
    assert breaker.permit(1, later(14)).number == 1
    breaker.give_back(unsent, later(15))
    assert breaker.permit(1, later(15)).number == 0


def test_what_comes_late_opens_nothing_that_was_closed_meanwhile() -> None:
    breaker = Breaker()
    after(breaker, *[SILENCE] * 5)
    unsent = breaker.permit(1, later(13))
    after(breaker, None, at=later(14))

    breaker.give_back(unsent, later(15))

    assert breaker.state is Circuit.CLOSED


def test_a_question_for_which_there_is_no_turn_is_no_probe() -> None:
    breaker, clock = Breaker(), SetClock()
    for _ in range(5):
        breaker.note(SILENCE, clock.now())
    clock.advance(60)
    ask = AskInPeace(breaker, Quota(per_s=0.01), clock)

    with pytest.raises(GatewayResting):
        ask(lambda: None)

    assert breaker.permit(1, clock.now()).number == 1


def asking(seconds: float) -> GatewayError:
    return OutcomeUnknown("gateway.http-503", patience=Patience(seconds, is_everybodys=True))


def test_a_gateway_that_asks_for_it_is_left_alone_at_once_and_then_sent_a_probe() -> None:
    breaker = Breaker()

    assert after(breaker, asking(60)) is Circuit.OPEN
    assert breaker.permit(50, later(59.9)).number == 0
    assert breaker.permit(50, later(73)).number == 1
    assert after(breaker, None, at=later(74)) is Circuit.CLOSED


@pytest.mark.parametrize("late", [None, REFUSAL, TROUBLE, SILENCE, asking(1)])
def test_no_answer_to_what_was_sent_before_cuts_that_short_or_makes_it_longer(
    late: GatewayError | None,
) -> None:
    breaker = Breaker()
    after(breaker, asking(60))
    until = breaker.permit(1, later(1)).until

    after(breaker, *[late] * 6, at=later(2))

    assert breaker.permit(1, later(3)) == Permit(0, until)


def test_a_probe_that_is_asked_for_more_patience_waits_again() -> None:
    breaker = Breaker()
    after(breaker, asking(10))
    breaker.permit(50, later(13))

    assert after(breaker, asking(60), at=later(14)) is Circuit.OPEN
    assert breaker.permit(50, later(73)).number == 0


def test_whoever_is_to_come_back_tomorrow_asks_in_five_minutes() -> None:
    until = until_asked_again(Patience(86_400, is_everybodys=True), NOON)

    assert later(300) <= until <= later(360)


def test_an_account_that_asks_too_often_stops_nobody_else() -> None:
    too_often = GatewayUnavailable("gateway.http-429", patience=Patience(60, is_everybodys=False))

    assert after(Breaker(), *[too_often] * 9) is Circuit.CLOSED


def test_changes_are_told_once() -> None:
    told: list[Circuit] = []
    breaker = Breaker(tell=told.append)
    after(breaker, *[SILENCE] * 7)
    breaker.permit(1, later(13))
    after(breaker, None, None, at=later(14))

    assert told == [Circuit.OPEN, Circuit.PROBING, Circuit.CLOSED]


def test_nothing_is_sent_in_an_announced_time() -> None:
    window = "2026-11-02T11:00+07:00/2026-11-02T13:00+07:00"
    breaker = Breaker(read_windows(f" {window} , 2026-12-01T00:00+07:00/2026-12-02T00:00+07:00"))

    permit = breaker.permit(9, NOON)

    assert (permit.number, permit.cause) == (0, MAINTENANCE)
    assert breaker.permit(9, permit.until).number == 9


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("now", id="no-time"),
        pytest.param("2026-11-02T11:00/2026-11-02T13:00", id="no-zone"),
        pytest.param("2026-11-02T11:00+07:00", id="no-end"),
        pytest.param("2026-11-02T13:00Z/2026-11-02T11:00Z", id="ends-first"),
    ],
)
def test_times_that_make_no_sense_are_refused_by_their_name(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}: "):
        read_windows(text)
