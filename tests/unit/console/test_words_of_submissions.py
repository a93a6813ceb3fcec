"""Everything that pages say of submissions has words: states, events, outcomes, lists."""

import pytest

from claims.catalogues.problems import Weight
from claims.checking.report import Outcome, StageName
from claims.console.operators.telling import BADGES, cause_of, fact_of
from claims.console.wording import words
from claims.exchange.breaker import MAINTENANCE, RESTING
from claims.exchange.lifecycle import REPLAYABLE, State
from claims.exchange.operating import PAUSED
from claims.exchange.registrations import RegistrationChange
from claims.exchange.replay import ItemOutcome, ReplayState
from claims.exchange.results import Standing
from claims.exchange.submission import EventKind
from claims.exchange.webhooks import DeliveryState


@pytest.mark.parametrize(
    ("beginning", "values"),
    [
        ("sub_", State),
        ("event_", EventKind),
        ("outcome_", ItemOutcome),
        ("replay_", ReplayState),
        ("telling_", DeliveryState),
        ("registration_", RegistrationChange),
        ("next_", REPLAYABLE),
        ("standing_", Standing),
        ("stage_", StageName),
        ("outcome_stage_", Outcome),
        ("op_", Weight),
    ],
)
def test_each_value_has_a_word(beginning: str, values: list[str]) -> None:
    assert [value for value in values if f"{beginning}{value}" not in words("vi")] == []


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        pytest.param("approved", "339200", "339.200\N{NO-BREAK SPACE}đ", id="amount"),
        pytest.param("until", "2026-11-30T04:05:00+00:00", "30/11/2026 11:05", id="moment"),
        pytest.param("standing", "cut", "giảm trừ", id="a-value-with-a-word"),
        pytest.param("reason", "Tòa án yêu cầu", "Tòa án yêu cầu", id="what-somebody-wrote"),
    ],
)
def test_a_fact_of_an_event_is_written_as_people_do(name: str, value: str, written: str) -> None:
    assert fact_of(name, value, "vi") == written


def test_each_state_has_a_badge() -> None:
    assert set(BADGES) == set(State)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "code", [RESTING, MAINTENANCE, PAUSED, "gateway.205", "gateway.no-account", "XML2.HAM_LUONG"]
)
def test_a_cause_is_said_in_words(code: str, language: str) -> None:
    assert code not in cause_of(code, language)


def test_a_cause_that_nobody_has_words_for_is_its_own_name() -> None:
    assert cause_of("something.new-here", "en") == "something.new-here"
