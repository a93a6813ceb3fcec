"""The exchange on a real database, with a scripted world around it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from pydantic import SecretStr

from claims.api.app import create_app
from claims.exchange.access.places import EVERYWHERE, Reach
from claims.exchange.breaker import Breaker
from claims.exchange.check import CheckSubmissions
from claims.exchange.deliver import DeliverSubmissions, LetGo, RetryPolicy
from claims.exchange.errors import NotYetLogged
from claims.exchange.reap import Reap
from claims.exchange.receive import ReceiveBundle, Received
from claims.exchange.replay import ItemOutcome, PlanReplay, RunReplay, StartReplay, SteerReplay
from claims.exchange.submission import EventKind, FacilityCode, Submission, SubmissionId
from claims.exchange.withdraw import WithdrawSubmission
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.storage.facilities import Facilities
from claims.storage.pool import Pool, open_pool
from claims.storage.queue import PostgresSubmissions
from claims.storage.replays import PostgresReplays
from claims.storage.review_names import ReviewNames
from claims.storage.sealing import Seal
from signing.demo_pki import DemoPki, FacilityKey
from tests.fakes import NOON, RecordedJobs, ScriptedChecker, ScriptedGateway, SetClock
from tests.in_process import TestClient

FACILITY = FacilityCode("99001")
OTHER_FACILITY = FacilityCode("99002")
LEASE_S = 60
NAMES = ReviewNames(Seal(bytes(32)), bytes(32))


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
        self.check = CheckSubmissions(
            self.submissions, self.checker.check_batch, self.jobs, self.clock, LEASE_S
        )
        self.executor = ThreadPoolExecutor(4)
        self.deliver = DeliverSubmissions(
            self.submissions, self.gateway, self.clock, self.retry, LEASE_S, self.executor, self.breaker
        )
        self.let_go = LetGo(self.submissions, self.breaker, self.clock)
        self.reap = Reap(
            self.submissions,
            self.replays,
            self.jobs,
            self.clock,
            wake_again_s=30,
            let_go=self.let_go.of_rests,
        )
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
        return self.submissions.get(submission.id, within=EVERYWHERE)

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


@pytest.fixture(scope="session")
def pki() -> DemoPki:
    return DemoPki.create(at=datetime.now(UTC))


@pytest.fixture(scope="session")
def facility_key(pki: DemoPki) -> FacilityKey:
    now = datetime.now(UTC)
    return pki.leaf("99001", valid_from=now - timedelta(days=365), valid_to=now + timedelta(days=365))


@pytest.fixture
def service(
    database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki, facility_key: FacilityKey
) -> Iterator[Service]:
    settings = Settings(
        data_dir=tmp_path, max_body_bytes=100_000, signing_keys_passphrase=SecretStr(facility_key.passphrase)
    )
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "99001.p12").write_bytes(facility_key.pkcs12)
    pki.write(tmp_path / "trust")
    service = Service(settings, database_url, broker_url)
    for code in ("99001", "99002"):
        service.facilities.add(FacilityCode(code), name="Thử", at=datetime.now(UTC))
    yield service
    service.close()


def settle(pool: Pool) -> None:
    """Wait until the feed can show every event: what began before it, in whichever database, has ended."""
    for _ in range(300):
        with pool.connection() as connection:
            row = connection.execute(
                "SELECT coalesce(max(tx) < pg_snapshot_xmin(pg_current_snapshot()), true) FROM event"
            ).fetchone()
        if row == (True,):
            return
        time.sleep(0.1)
    raise AssertionError("a transaction of another database does not end")


def keep(keep_log: Callable[[], int], count: int) -> None:
    """Keep the log until so many records were made; transactions of other databases may delay them."""
    made, deadline = 0, time.monotonic() + 30
    while made < count and time.monotonic() < deadline:
        made += keep_log()
    assert made == count


def archived(service: Service, submission_id: SubmissionId, *, within: Reach = EVERYWHERE) -> bytes:
    """Return its archive once its evidence is in the log, which waits for other databases' transactions."""
    for _ in range(300):
        with suppress(NotYetLogged):
            return service.archive(submission_id, within=within)
        time.sleep(0.1)
    return service.archive(submission_id, within=within)


class PatientClient(TestClient):
    """A caller who asks again when the log waits for a transaction of another test's database."""

    def request(self, *args: Any, **kwargs: Any) -> Response:
        """Return the answer; that an archive is not in the log yet is none for 30 s."""
        for _ in range(300):
            response = super().request(*args, **kwargs)
            if response.status_code != 503 or response.json().get("code") != "not-yet-logged":
                break
            time.sleep(0.1)
        return response


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with PatientClient(create_app(service), raise_server_exceptions=False) as client:
        yield client
