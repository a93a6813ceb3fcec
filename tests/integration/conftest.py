"""The exchange on a real database, with a scripted world around it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from claims.exchange.breaker import Breaker
from claims.exchange.check import CheckSubmissions
from claims.exchange.deliver import DeliverSubmissions, RetryPolicy
from claims.exchange.ports import ItemOutcome
from claims.exchange.reap import Reap
from claims.exchange.receive import ReceiveBundle, Received
from claims.exchange.replay import PlanReplay, RunReplay, StartReplay, SteerReplay
from claims.exchange.submission import EventKind, FacilityCode, Submission, SubmissionId
from claims.exchange.withdraw import WithdrawSubmission
from claims.storage.facilities import Facilities
from claims.storage.pool import Pool, open_pool
from claims.storage.queue import PostgresSubmissions
from claims.storage.replays import PostgresReplays
from tests.fakes import NOON, RecordedJobs, ScriptedChecker, ScriptedGateway, SetClock

FACILITY = FacilityCode("99001")
OTHER_FACILITY = FacilityCode("99002")
LEASE_S = 60


@dataclass
class Exchange:
    """Every use case over one database."""

    pool: Pool
    clock: SetClock = field(default_factory=SetClock)
    jobs: RecordedJobs = field(default_factory=RecordedJobs)
    gateway: ScriptedGateway = field(default_factory=ScriptedGateway)
    checker: ScriptedChecker = field(default_factory=ScriptedChecker)
    breaker: Breaker = field(default_factory=Breaker)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(base_s=10, cap_s=100, max_attempts=3))

    def __post_init__(self) -> None:
        self.submissions = PostgresSubmissions(self.pool)
        self.replays = PostgresReplays(self.pool)
        self.receive = ReceiveBundle(self.submissions, self.jobs, self.clock)
        self.check = CheckSubmissions(self.submissions, self.checker, self.jobs, self.clock, LEASE_S)
        self.executor = ThreadPoolExecutor(4)
        self.deliver = DeliverSubmissions(
            self.submissions, self.gateway, self.clock, self.retry, LEASE_S, self.executor, self.breaker
        )
        self.reap = Reap(self.submissions, self.replays, self.jobs, self.clock, wake_again_s=30)
        self.plan_replay = PlanReplay(self.replays)
        self.start_replay = StartReplay(self.replays, self.jobs, self.clock)
        self.steer_replay = SteerReplay(self.replays, self.jobs, self.clock)
        self.withdraw = WithdrawSubmission(self.submissions, self.clock)
        self.run_replay = RunReplay(self.replays, self.jobs, self.clock)

    def received(
        self, body: bytes = b"<bundle/>", facility: FacilityCode = FACILITY, key: str | None = None
    ) -> Received:
        return self.receive(body, facility=facility, actor="test", idempotency_key=key)

    def checked(self, body: bytes = b"<bundle/>") -> Submission:
        submission = self.received(body).submission
        self.check([submission.id])
        return self.now(submission)

    def now(self, submission: Submission) -> Submission:
        return self.submissions.get(submission.id, facility=None)

    def history(self, submission: Submission) -> list[EventKind]:
        return [event.kind for event in self.submissions.events(submission.id)]

    def outcomes(self, replay_id: str) -> dict[SubmissionId, ItemOutcome | None]:
        items = self.replays.items(replay_id, after=None, limit=100)
        return {item.submission_id: item.outcome for item in items}


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, max_size=20) as pool:
        yield pool


@pytest.fixture
def exchange(pool: Pool) -> Iterator[Exchange]:
    facilities = Facilities(pool)
    facilities.add(FACILITY, name="Một", at=NOON)
    facilities.add(OTHER_FACILITY, name="Hai", at=NOON)
    exchange = Exchange(pool)
    yield exchange
    exchange.executor.shutdown()
