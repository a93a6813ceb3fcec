"""In-memory ports that a test scripts and questions."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from claims.bundle.findings import Finding
from claims.checking.check import ClaimSummary, Report
from claims.exchange.errors import GatewayError
from claims.exchange.ports import BatchChecker, BundleChecker, Leased, Receipt
from claims.exchange.submission import FacilityCode, SubmissionId

NOON = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that a test sets."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time

    def pass_by(self, seconds: float) -> None:
        """Stand for a sleep."""
        self.advance(seconds)


class FreeTurn:
    """`claims.runtime.archive_store.TurnToWrite`: nobody else writes, unless a test says so."""

    def __init__(self) -> None:
        self.is_free = True

    def is_mine(self) -> bool:
        return self.is_free

    def give_up(self) -> None:
        pass


@dataclass
class RecordedJobs:
    """Wake-ups, written down."""

    checks: list[SubmissionId] = field(default_factory=list)
    deliveries: list[SubmissionId] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)

    def wake_check(self, ids: Sequence[SubmissionId]) -> None:
        self.checks += ids

    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        self.deliveries += ids

    def wake_replay(self, replay_id: str) -> None:
        self.replays.append(replay_id)


@dataclass
class ScriptedGateway:
    """A gateway that keeps what it takes; each send may be told to fail, before or after it was taken."""

    failures: list[GatewayError | None] = field(default_factory=list)
    takes_before_failing: bool = False
    lookup_failure: GatewayError | None = None
    taken: dict[str, Receipt] = field(default_factory=dict)
    sends: list[str] = field(default_factory=list)
    resends: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    while_sending: Callable[[], object] = lambda: None
    while_looking: Callable[[], object] = lambda: None
    can_find: bool = True

    def send(self, facility: str, bundle: bytes, *, decision: str | None = None) -> Receipt:
        sha256 = hashlib.sha256(bundle).hexdigest()
        self.sends.append(sha256)
        if sha256 in self.taken:
            self.resends.append(sha256)
        self.while_sending()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not self.takes_before_failing:
            raise failure
        receipt = self.taken.setdefault(
            sha256, Receipt(f"GD{len(self.taken) + 1}", NOON, b'{"maKetQua":"200"}', is_proven=True)
        )
        if failure is not None:
            raise failure
        return receipt

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        self.lookups.append(sha256)
        self.while_looking()
        if self.lookup_failure is not None:
            raise self.lookup_failure
        return self.taken.get(sha256)


def claim_of(ma_lk: str) -> ClaimSummary:
    """Return a summary that says no more than the episode key."""
    return ClaimSummary(
        ma_lk=ma_lk,
        decision=None,
        discharged_on=None,
        tables={},
        t_tongchi_bv=None,
        t_tongchi_bh=None,
        t_bhtt=None,
    )


def one_by_one(check: BundleChecker) -> BatchChecker:
    """Return a check of a batch that checks each bundle by itself."""
    return lambda batch: [check(one.body, facility=one.facility, at=one.received_at) for one in batch]


@dataclass
class ScriptedChecker:
    """A check that finds what it is told to, findings and claims, by what the bundle contains."""

    findings: dict[bytes, tuple[Finding, ...]] = field(default_factory=dict)
    claims: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    checked: list[bytes] = field(default_factory=list)
    #: What else the summary of each claim says.
    facts: Mapping[str, Any] = field(default_factory=dict)
    while_checking: Callable[[bytes], object] = lambda _body: None

    def check_batch(self, batch: Sequence[Leased]) -> Sequence[Report]:
        return one_by_one(self)(batch)

    def __call__(self, data: bytes, *, facility: FacilityCode, at: datetime) -> Report:
        self.checked.append(data)
        self.while_checking(data)
        return Report(
            stages=(),
            findings=self.findings.get(data, ()),
            facility=facility,
            claims=tuple(replace(claim_of(ma_lk), **self.facts) for ma_lk in self.claims.get(data, ())),
            signature=None,
        )
