"""What may follow a submission depends on whether the gateway has it, and on the day."""

from dataclasses import replace
from datetime import date

import pytest

from claims.exchange.following import Step, Way, what_may_follow
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, Submission, SubmissionId
from tests.fakes import NOON

DISCHARGED = date(2026, 10, 22)
IN_TIME, LATE = date(2026, 11, 2), date(2026, 11, 6)


def submission(state: State, *, may_be_taken: bool = False, receipt: str | None = None) -> Submission:
    return Submission(
        SubmissionId("sub_1"),
        FacilityCode("99001"),
        "00",
        1,
        state,
        NOON,
        NOON,
        may_be_taken=may_be_taken,
        receipt=receipt,
    )


def follow(one: Submission, today: date = IN_TIME) -> dict[Step, tuple[bool, Way]]:
    following = what_may_follow(one, discharges=[DISCHARGED], today=today)
    return {each.step: (each.is_allowed, each.way) for each in following}


ACKNOWLEDGED = submission(State.ACKNOWLEDGED, may_be_taken=True, receipt="1000000001")


@pytest.mark.parametrize(
    ("one", "resend", "replacing", "withdraw"),
    [
        pytest.param(
            submission(State.FAILED), Way.REPLAY, Way.LATER_VERSION, Way.WITHDRAWAL, id="surely-not-there"
        ),
        pytest.param(
            submission(State.FAILED, may_be_taken=True),
            Way.REPLAY_AFTER_ASKING,
            Way.LATER_VERSION,
            Way.NOT_KNOWN_YET,
            id="perhaps-there",
        ),
        pytest.param(
            submission(State.OUTCOME_UNKNOWN, may_be_taken=True),
            Way.BY_ITSELF,
            Way.LATER_VERSION_WAITS,
            Way.NOT_KNOWN_YET,
            id="in-doubt",
        ),
        pytest.param(
            submission(State.WITHDRAWN), Way.HAND_IN_AGAIN, Way.LATER_VERSION, Way.IS_OVER, id="withdrawn"
        ),
        pytest.param(ACKNOWLEDGED, Way.GATEWAY_HAS_IT, Way.LATER_VERSION, Way.SEND_CASE_8, id="there"),
    ],
)
def test_what_may_follow(one: Submission, resend: Way, replacing: Way, withdraw: Way) -> None:
    ways = {step: way for step, (_, way) in follow(one).items()}

    assert ways == {Step.RESEND: resend, Step.REPLACE: replacing, Step.WITHDRAW: withdraw}


def test_only_what_the_gateway_has_is_never_sent_again() -> None:
    assert follow(ACKNOWLEDGED)[Step.RESEND][0] is False
    assert follow(submission(State.REFUSED))[Step.RESEND][0] is True


@pytest.mark.parametrize(
    ("one", "today", "needs_reason"),
    [
        pytest.param(ACKNOWLEDGED, IN_TIME, False, id="in-time"),
        pytest.param(ACKNOWLEDGED, LATE, True, id="late"),
        pytest.param(submission(State.REJECTED), LATE, False, id="never-sent"),
    ],
)
def test_a_late_correction_of_what_the_gateway_has_wants_a_reason(
    one: Submission, today: date, needs_reason: bool
) -> None:
    (_, replacing, _) = what_may_follow(one, discharges=[DISCHARGED], today=today)

    assert replacing.needs_reason is needs_reason
    # Seven working days after the 22nd, and before the 5th of the next month.
    assert replacing.until == date(2026, 11, 2)


def test_what_was_refused_has_two_working_days() -> None:
    (_, replacing, _) = what_may_follow(
        submission(State.REFUSED), discharges=[DISCHARGED], today=IN_TIME
    )  # refused on Monday the 2nd

    assert replacing.until == date(2026, 11, 4)


def test_what_was_superseded_is_over() -> None:
    gone = replace(submission(State.SUPERSEDED), superseded_by=SubmissionId("sub_2"))

    assert set(follow(gone).values()) == {(False, Way.IS_OVER)}
