"""One facility's many do not delay another's one; quota and size by the hour hold before anything is sent."""

from dataclasses import replace
from datetime import timedelta

from claims.exchange.lifecycle import State
from claims.exchange.quota import QUOTA, TOO_LARGE_NOW, Quota, read_size_limits
from claims.exchange.submission import Submission
from tests.fakes import NOON
from tests.integration.conftest import OTHER_FACILITY, Exchange


def of_the_clinic(exchange: Exchange) -> Submission:
    submission = exchange.received(b"the clinic's", OTHER_FACILITY).submission
    exchange.check([submission.id])
    return submission


def test_a_batch_of_one_facility_takes_along_what_waits_at_another(exchange: Exchange) -> None:
    many = [exchange.checked(b"%d" % number) for number in range(40)]
    one = of_the_clinic(exchange)
    exchange.clock.advance(3)

    exchange.deliver([submission.id for submission in many[:16]])

    assert exchange.now(one).state is State.ACKNOWLEDGED
    assert [exchange.now(each).state for each in many].count(State.ACKNOWLEDGED) == 16


def test_what_has_just_become_due_keeps_its_own_turn(exchange: Exchange) -> None:
    many = [exchange.checked(b"%d" % number) for number in range(4)]
    one = of_the_clinic(exchange)

    exchange.deliver([submission.id for submission in many])

    assert exchange.now(one).state is State.CHECKED


def test_what_is_over_the_quota_waits_without_using_up_an_attempt(exchange: Exchange) -> None:
    many = [exchange.checked(b"%d" % number) for number in range(4)]
    quota = Quota(2.0, timedelta(seconds=1), wait=exchange.clock.pass_by)
    exchange.deliver = replace(exchange.deliver, quota=quota)

    exchange.deliver([submission.id for submission in many])

    after = [exchange.now(each) for each in many]
    waiting = [each for each in after if each.state is State.CHECKED]
    assert len(waiting) == 2
    assert {(each.cause, each.attempts) for each in waiting} == {(QUOTA, 0)}


def test_what_has_a_turn_is_sent_when_its_moment_comes(exchange: Exchange) -> None:
    many = [exchange.checked(b"%d" % number) for number in range(3)]
    quota = Quota(1.0, wait=exchange.clock.pass_by)
    exchange.deliver = replace(exchange.deliver, quota=quota)

    exchange.deliver([submission.id for submission in many])

    assert len(exchange.gateway.sends) == 3
    assert exchange.clock.now() >= NOON + timedelta(seconds=2)


def test_a_file_too_large_for_these_hours_waits_for_their_end(exchange: Exchange) -> None:
    limits = read_size_limits("07:00-17:00=5")
    exchange.deliver = replace(exchange.deliver, size_limits=limits)
    submission = exchange.checked(b"larger than five")

    exchange.deliver([submission.id])

    waiting = exchange.now(submission)
    assert exchange.gateway.sends == []
    assert (waiting.state, waiting.cause, waiting.attempts) == (State.CHECKED, TOO_LARGE_NOW, 0)
    assert waiting.next_attempt_at == exchange.clock.now() + timedelta(hours=5)  # it is noon there
    exchange.clock.advance(5 * 3600)
    exchange.deliver([submission.id])
    assert exchange.now(submission).state is State.ACKNOWLEDGED


def test_the_reaper_wakes_some_of_every_facility_and_not_all_of_the_first(exchange: Exchange) -> None:
    for number in range(20):
        exchange.checked(b"%d" % number)
    exchange.clock.advance(1)
    one = of_the_clinic(exchange)
    exchange.clock.advance(60)
    now = exchange.clock.now()

    due = exchange.submissions.take_due(now=now, checks_before=now, sends_before=now, limit=4)

    assert len(due.to_send) == 4
    assert one.id in due.to_send
