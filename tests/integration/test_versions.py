"""Versions of a claim reach the gateway in the order of receipt, and the latest is what it ends with."""

from dataclasses import dataclass

import pytest

from claims.bundle.findings import Finding, Location, Severity
from claims.exchange.access.places import EVERYWHERE, NATION
from claims.exchange.errors import (
    CannotWithdraw,
    GatewayRefused,
    GatewayUnavailable,
    OutcomeUnknown,
    SubmissionNotFound,
)
from claims.exchange.lifecycle import State
from claims.exchange.replay import ItemOutcome, NewReplay
from claims.exchange.submission import EventKind, Submission, SubmissionFilter
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange

BLOCKING = (Finding("XML1.X.wrong", Severity.CRITICAL, Location()),)


@dataclass
class Versions:
    """Two versions of one claim, received one after the other."""

    exchange: Exchange

    def received(self, number: int, *ma_lk: str) -> Submission:
        body = f"<version{number}/>".encode()
        self.exchange.checker.claims[body] = ma_lk or ("KEY",)
        self.exchange.clock.advance(1)
        return self.exchange.received(body).submission

    def checked(self, number: int, *ma_lk: str) -> Submission:
        submission = self.received(number, *ma_lk)
        self.exchange.check([submission.id])
        return self.exchange.now(submission)

    def fails(self, number: int, error: GatewayUnavailable | OutcomeUnknown | GatewayRefused) -> Submission:
        submission = self.checked(number)
        self.exchange.gateway.failures = [error]
        self.exchange.deliver([submission.id])
        return self.exchange.now(submission)


@pytest.fixture
def versions(exchange: Exchange) -> Versions:
    return Versions(exchange)


def test_what_was_not_sent_gives_way_to_a_later_version(exchange: Exchange, versions: Versions) -> None:
    first = versions.checked(1)
    second = versions.checked(2)

    exchange.deliver([first.id, second.id])

    assert exchange.now(first).state is State.SUPERSEDED
    assert exchange.now(first).superseded_by == second.id
    assert exchange.history(first)[-1] is EventKind.SUPERSEDED
    assert exchange.gateway.sends == [second.sha256]


def test_the_order_of_receipt_counts_and_not_that_of_the_checks(
    exchange: Exchange, versions: Versions
) -> None:
    first, second = versions.received(1), versions.received(2)
    exchange.check([second.id])
    exchange.check([first.id])

    exchange.deliver([first.id, second.id])

    assert (exchange.now(first).state, exchange.now(second).state) == (State.SUPERSEDED, State.ACKNOWLEDGED)


def test_both_in_one_batch_is_the_same(exchange: Exchange, versions: Versions) -> None:
    first, second = versions.received(1), versions.received(2)

    exchange.check([first.id, second.id])

    assert (exchange.now(first).state, exchange.now(second).state) == (State.SUPERSEDED, State.CHECKED)


def test_a_correction_that_does_not_pass_changes_nothing(exchange: Exchange, versions: Versions) -> None:
    first = versions.checked(1)
    exchange.checker.findings[b"<version2/>"] = BLOCKING
    versions.checked(2)

    exchange.deliver([first.id])

    assert exchange.now(first).state is State.ACKNOWLEDGED


def test_what_was_rejected_is_settled_by_its_correction(exchange: Exchange, versions: Versions) -> None:
    exchange.checker.findings[b"<version1/>"] = BLOCKING
    first = versions.checked(1)
    second = versions.checked(2)

    assert first.state is State.REJECTED
    assert exchange.now(first).superseded_by == second.id


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(GatewayUnavailable("gateway.500"), id="waiting-to-be-sent-again"),
        pytest.param(GatewayRefused("gateway.202"), id="refused"),
    ],
)
def test_what_the_gateway_surely_does_not_have_is_never_sent_after_its_correction(
    exchange: Exchange, versions: Versions, error: GatewayUnavailable | GatewayRefused
) -> None:
    first = versions.fails(1, error)
    second = versions.checked(2)
    exchange.deliver([second.id])
    exchange.gateway.sends.clear()
    exchange.clock.advance(1000)

    exchange.deliver([first.id])

    assert exchange.now(first).state is State.SUPERSEDED
    assert exchange.gateway.sends == []


def test_a_later_version_waits_while_the_gateway_may_have_the_earlier_one(
    exchange: Exchange, versions: Versions
) -> None:
    exchange.gateway.takes_before_failing = True
    first = versions.fails(1, OutcomeUnknown("gateway.timeout"))
    second = versions.checked(2)

    exchange.deliver([second.id])
    assert exchange.now(second).state is State.CHECKED

    exchange.clock.advance(100)
    exchange.deliver([first.id])
    exchange.deliver([second.id])

    assert exchange.gateway.sends == [first.sha256, second.sha256]
    assert exchange.now(first).state is State.ACKNOWLEDGED
    assert exchange.now(first).superseded_by == second.id
    assert exchange.now(second).superseded_by is None


def test_a_version_that_comes_while_the_earlier_is_being_sent_takes_its_place_if_that_fails(
    exchange: Exchange, versions: Versions
) -> None:
    first = versions.checked(1)
    exchange.gateway.failures = [GatewayUnavailable("gateway.500")]
    exchange.gateway.while_sending = lambda: versions.checked(2) if len(exchange.gateway.sends) == 1 else None

    exchange.deliver([first.id])

    assert exchange.now(first).state is State.SUPERSEDED


def test_two_that_did_not_see_each_other_still_do_not_pass_each_other(
    exchange: Exchange, versions: Versions
) -> None:
    first, second = versions.checked(1), versions.checked(2)
    with exchange.pool.connection() as connection:
        connection.execute(
            "UPDATE submission SET state = 'checked', superseded_by = NULL, next_attempt_at = received_at "
            "WHERE id = %s",
            [first.id],
        )

    exchange.deliver([first.id])
    assert exchange.gateway.sends == []
    exchange.deliver([second.id])

    assert exchange.gateway.sends == [second.sha256]
    assert exchange.now(first).state is State.SUPERSEDED


def test_what_was_acknowledged_says_by_what_it_was_replaced(exchange: Exchange, versions: Versions) -> None:
    first = versions.checked(1)
    exchange.deliver([first.id])
    second = versions.checked(2)
    assert exchange.now(first).superseded_by is None

    exchange.deliver([second.id])

    assert exchange.now(first).state is State.ACKNOWLEDGED
    assert exchange.now(first).superseded_by == second.id
    assert exchange.history(first)[-1] is EventKind.SUPERSEDED


def test_a_bundle_of_several_claims_gives_way_only_to_all_of_them(
    exchange: Exchange, versions: Versions
) -> None:
    both = versions.checked(1, "A", "B")
    versions.checked(2, "B")
    assert exchange.now(both).state is State.CHECKED

    versions.checked(3, "B", "A")

    assert exchange.now(both).state is State.SUPERSEDED


def test_another_facilitys_claim_of_the_same_key_is_another_claim(
    exchange: Exchange, versions: Versions
) -> None:
    first = versions.checked(1)
    exchange.checker.claims[b"theirs"] = ("KEY",)
    theirs = exchange.received(b"theirs", OTHER_FACILITY).submission
    exchange.check([theirs.id])

    assert exchange.now(first).state is State.CHECKED


def test_a_replay_leaves_what_was_superseded_or_withdrawn(exchange: Exchange, versions: Versions) -> None:
    first = versions.fails(1, GatewayRefused("gateway.202"))
    versions.checked(2)
    other = versions.checked(3, "OTHER")
    exchange.withdraw(other.id, facility=FACILITY, actor="test", reason="a mistake")

    which = SubmissionFilter(within=EVERYWHERE, ids=(first.id, other.id))
    replay = exchange.start_replay(NewReplay(which, actor="op", reason="test", place=NATION))
    exchange.run_replay(replay.id)

    assert exchange.outcomes(replay.id) == {
        first.id: ItemOutcome.SKIPPED_SUPERSEDED,
        other.id: ItemOutcome.SKIPPED_WITHDRAWN,
    }


def test_what_is_withdrawn_is_never_sent(exchange: Exchange, versions: Versions) -> None:
    submission = versions.checked(1)

    withdrawn = exchange.withdraw(submission.id, facility=FACILITY, actor="test", reason="a mistake")
    again = exchange.withdraw(submission.id, facility=FACILITY, actor="test", reason="a mistake")
    exchange.deliver([submission.id])

    assert withdrawn.state is again.state is State.WITHDRAWN
    assert exchange.gateway.sends == []
    (event,) = [one for one in exchange.submissions.events(submission.id) if one.kind is EventKind.WITHDRAWN]
    assert event.detail == {"reason": "a mistake"}


def withdraw(exchange: Exchange, submission: Submission) -> None:
    exchange.withdraw(submission.id, facility=FACILITY, actor="test", reason="a mistake")


def test_withdrawn_bytes_that_are_handed_in_again_go_their_way_from_the_beginning(exchange: Exchange) -> None:
    exchange.checker.claims[b"v"] = ("KEY",)
    submission = exchange.checked(b"v")
    withdraw(exchange, submission)
    exchange.jobs.checks.clear()

    again, once_more = exchange.received(b"v"), exchange.received(b"v")

    assert (again.submission.id, again.submission.state) == (submission.id, State.RECEIVED)
    assert (again.is_new, once_more.is_new) == (True, False)
    assert exchange.jobs.checks == [submission.id]
    exchange.check([submission.id])
    exchange.deliver([submission.id])
    assert exchange.now(submission).state is State.ACKNOWLEDGED
    assert exchange.gateway.sends == [submission.sha256]
    kinds = exchange.history(submission)
    assert kinds[2:4] == [EventKind.WITHDRAWN, EventKind.HANDED_IN_AGAIN]
    assert exchange.received(b"v").submission.state is State.ACKNOWLEDGED


def test_a_request_that_comes_late_takes_no_withdrawal_back(exchange: Exchange) -> None:
    submission = exchange.received(b"v", key="first").submission
    withdraw(exchange, submission)

    late = exchange.received(b"v", key="first")
    assert (late.is_new, late.submission.state) == (False, State.WITHDRAWN)

    anew = exchange.received(b"v", key="second")
    assert (anew.is_new, anew.submission.id, anew.submission.state) == (True, submission.id, State.RECEIVED)


def test_what_was_withdrawn_long_ago_stays_so(exchange: Exchange) -> None:
    submission = exchange.received(b"v").submission
    withdraw(exchange, submission)
    exchange.clock.advance(30 * 86_400)

    again = exchange.received(b"v")

    assert (again.is_new, again.submission.state) == (False, State.WITHDRAWN)


def test_handed_in_again_it_gives_way_to_a_later_version_that_has_passed(
    exchange: Exchange, versions: Versions
) -> None:
    first = versions.checked(1)
    withdraw(exchange, first)
    second = versions.checked(2)
    versions.received(1)

    exchange.check([first.id])
    exchange.deliver([first.id, second.id])

    assert exchange.now(first).state is State.SUPERSEDED
    assert exchange.gateway.sends == [second.sha256]


def test_after_a_restore_what_is_handed_in_again_is_looked_for_first(exchange: Exchange) -> None:
    submission = exchange.checked(b"v")
    withdraw(exchange, submission)
    with exchange.pool.connection() as connection:
        connection.execute("INSERT INTO restoration VALUES (now(), '2100-01-01')")

    exchange.received(b"v")
    exchange.check([submission.id])
    exchange.deliver([submission.id])

    assert exchange.gateway.lookups == [submission.sha256]
    assert exchange.gateway.sends == []


def test_a_check_that_is_under_way_does_not_undo_a_withdrawal(exchange: Exchange, versions: Versions) -> None:
    submission = versions.received(1)
    exchange.checker.while_checking = lambda _body: exchange.withdraw(
        submission.id, facility=FACILITY, actor="test", reason="a mistake"
    )

    assert exchange.check([submission.id]) == ()
    assert exchange.now(submission).state is State.WITHDRAWN


def test_what_the_gateway_has_or_may_have_is_not_withdrawn(exchange: Exchange, versions: Versions) -> None:
    taken = versions.checked(1)
    exchange.deliver([taken.id])
    doubtful = versions.fails(2, OutcomeUnknown("gateway.timeout"))

    for submission in (taken, doubtful):
        with pytest.raises(CannotWithdraw):
            exchange.withdraw(submission.id, facility=FACILITY, actor="test", reason="a mistake")
    with pytest.raises(SubmissionNotFound):
        exchange.withdraw(taken.id, facility=OTHER_FACILITY, actor="test", reason="a mistake")
