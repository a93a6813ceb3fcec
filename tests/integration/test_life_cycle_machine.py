"""Whatever happens in whatever order: nothing lost, nothing doubled, versions in their order.

Hypothesis invents histories: bundles and corrections come, workers check and send and die, the gateway takes
them and says so, or not, or refuses; operators replay, facilities withdraw. After each step what must hold
is looked at, and in the end, when the gateway behaves, everything must come to rest as it should.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from claims.bundle.findings import Finding, Severity
from claims.exchange.access.places import EVERYWHERE, NATION
from claims.exchange.errors import (
    CannotWithdraw,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OutcomeUnknown,
)
from claims.exchange.lifecycle import HAND_IN_AGAIN_WITHIN, PENDING, REPLAYABLE, TRANSITIONS, State
from claims.exchange.replay import NewReplay
from claims.exchange.submission import FacilityCode, Submission, SubmissionFilter
from claims.storage.facilities import Facilities
from claims.storage.pool import Pool
from tests.fakes import NOON
from tests.integration.conftest import LEASE_S, Exchange

BLOCKING = Finding("XML1.GIOI_TINH.length", Severity.ERROR)
KEYS = ("A", "A", "A", "B")
#: Submissions before somebody steps in from outside.
MANY = 2
RARELY = st.sampled_from([False, False, False, True])
ERRORS: dict[str, Callable[[], GatewayError]] = {
    "unavailable": lambda: GatewayUnavailable("gateway.503"),
    "silence": lambda: GatewayUnavailable("gateway.unreachable"),
    "doubt": lambda: OutcomeUnknown("gateway.timeout"),
    "refused": lambda: GatewayRefused("gateway.202"),
}


class Died(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


class LifeCycle(RuleBasedStateMachine):
    """The exchange on a real database, one facility to each history."""

    pool: Pool
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.facility = FacilityCode(f"M{self.runs:04d}")
        Facilities(self.pool).add(self.facility, name="Máy", at=NOON)
        self.exchange = Exchange(self.pool)
        self.submitted: list[Submission] = []
        self.keys: dict[str, str] = {}

    def teardown(self) -> None:
        try:
            self._come_to_rest()
            self._everything_is_as_it_should_be()
        finally:
            self.exchange.executor.shutdown()

    @rule(key=st.sampled_from(KEYS), passes=st.sampled_from([True, True, True, False]))
    def a_bundle_comes(self, key: str, passes: bool) -> None:
        body = self._body(len(self.submitted))
        self.exchange.checker.claims[body] = (key,)
        if not passes:
            self.exchange.checker.findings[body] = (BLOCKING,)
        self.exchange.clock.advance(1)
        submission = self.exchange.received(body, self.facility).submission
        self.submitted.append(submission)
        self.keys[submission.sha256] = key

    @precondition(lambda self: self.submitted)
    @rule(data=st.data(), dies=RARELY)
    def some_are_checked(self, data: st.DataObject, dies: bool) -> None:
        self._check(self._some(data), dies=dies)

    @precondition(lambda self: self.submitted)
    @rule(
        data=st.data(),
        error=st.sampled_from([None, "doubt", *ERRORS]),
        takes=st.booleans(),
        dies=RARELY,
        after_s=st.sampled_from([0, 20, 1000]),
    )
    def some_are_sent(
        self, data: st.DataObject, error: str | None, takes: bool, dies: bool, after_s: int
    ) -> None:
        self.exchange.clock.advance(after_s)
        some = self._some(data)
        self._check(some, dies=False)
        gateway = self.exchange.gateway
        gateway.failures = [] if error is None else [ERRORS[error]() for _ in self.submitted]
        # Only in doubt may it have taken what it did not acknowledge.
        gateway.takes_before_failing = takes and error == "doubt"
        gateway.while_sending = self._die if dies else lambda: None
        try:
            self.exchange.deliver([one.id for one in some])
        except Died:
            self.exchange.clock.advance(LEASE_S + 1)
            self.exchange.reap()
        finally:
            gateway.failures, gateway.while_sending = [], lambda: None

    @precondition(lambda self: len(self.submitted) > MANY)
    @rule(data=st.data())
    def one_is_withdrawn(self, data: st.DataObject) -> None:
        submission = data.draw(st.sampled_from(self.submitted))
        may = self.exchange.now(submission).state in {State.RECEIVED, State.CHECKED, State.REJECTED}
        with nullcontext() if may else suppress(CannotWithdraw):
            self.exchange.withdraw(submission.id, facility=self.facility, actor="test", reason="test")

    @precondition(lambda self: self.submitted)
    @rule(data=st.data(), after_days=st.sampled_from([0, 0, 0, 31]))
    def bytes_come_again(self, data: st.DataObject, after_days: int) -> None:
        place = data.draw(st.integers(0, len(self.submitted) - 1))
        before = self.exchange.now(self.submitted[place])
        self.exchange.clock.advance(after_days * 86_400 + 1)
        again = self.exchange.received(self._body(place), self.facility)
        lately = self.exchange.clock.now() - HAND_IN_AGAIN_WITHIN
        is_taken_in = before.state is State.WITHDRAWN and before.updated_at > lately
        assert again.is_new is is_taken_in
        assert again.submission.id == before.id
        assert again.submission.state is (State.RECEIVED if is_taken_in else before.state)

    @precondition(lambda self: len(self.submitted) > MANY)
    @rule()
    def what_failed_is_replayed(self) -> None:
        self._replay()

    @invariant()
    def every_history_follows_the_life_cycle(self) -> None:
        for submission in self.submitted:
            states = [event.state for event in self.exchange.submissions.events(submission.id)]
            for before, after in pairwise(states):
                reached = TRANSITIONS[before] | {before}
                # Leases are taken without an event: what was checked is being sent.
                if State.SENDING in reached:
                    reached |= TRANSITIONS[State.SENDING]
                assert after in reached, states

    @invariant()
    def nothing_is_sent_again_that_was_taken(self) -> None:
        assert self.exchange.gateway.resends == []

    @invariant()
    def the_gateway_has_the_versions_in_their_order(self) -> None:
        order = [one.sha256 for one in self.submitted]
        taken: dict[str, list[int]] = defaultdict(list)
        for sha256 in self.exchange.gateway.taken:
            taken[self.keys[sha256]].append(order.index(sha256))
        for versions in taken.values():
            assert versions == sorted(versions)

    def _body(self, place: int) -> bytes:
        return f"{self.facility} {place}".encode()

    def _check(self, some: list[Submission], *, dies: bool) -> None:
        self.exchange.checker.while_checking = self._die if dies else lambda _body: None
        try:
            self.exchange.check([one.id for one in some])
        except Died:
            self.exchange.clock.advance(LEASE_S + 1)
        finally:
            self.exchange.checker.while_checking = lambda _body: None

    def _come_to_rest(self) -> None:
        self._replay()
        for _ in range(40):
            now = [self.exchange.now(one) for one in self.submitted]
            pending = [one for one in now if one.state in PENDING]
            if not pending:
                return
            self.exchange.clock.advance(400)
            self.exchange.reap()
            self.exchange.check([one.id for one in pending])
            self.exchange.deliver([one.id for one in pending])
        raise AssertionError(f"still under way: {[one.state for one in pending]}")

    def _everything_is_as_it_should_be(self) -> None:
        for key in set(KEYS):
            versions = [self.exchange.now(one) for one in self.submitted if self.keys[one.sha256] == key]
            acknowledged = [one for one in versions if one.state is State.ACKNOWLEDGED]
            for one in acknowledged:
                assert one.receipt == self.exchange.gateway.taken[one.sha256].ma_giao_dich
            if acknowledged:
                last = acknowledged[-1]
                assert last.superseded_by is None
                earlier = versions[: versions.index(last)]
                # What was never read is not known to be a version: its check took the worker down each time.
                known = [one for one in earlier if one.ma_lk and one.state is not State.WITHDRAWN]
                assert all(one.superseded_by for one in known)

    def _replay(self) -> None:
        which = SubmissionFilter(within=EVERYWHERE, states=tuple(REPLAYABLE), facility=self.facility)
        replay = self.exchange.start_replay(NewReplay(which, actor="op", reason="test", place=NATION))
        self.exchange.run_replay(replay.id)

    def _some(self, data: st.DataObject) -> list[Submission]:
        if data.draw(st.booleans(), label="all"):
            return self.submitted
        chosen: list[Submission] = data.draw(
            st.lists(st.sampled_from(self.submitted), min_size=1, max_size=4, unique_by=lambda one: one.id)
        )
        return chosen

    def _die(self, *_unused: object) -> None:
        raise Died


def test_any_history_ends_well(pool: Pool, request: pytest.FixtureRequest) -> None:
    LifeCycle.pool = pool
    thorough = request.config.getoption("--hypothesis-profile", None) == "thorough"
    run_state_machine_as_test(
        LifeCycle,
        settings=settings(
            max_examples=2_000 if thorough else 40,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
