"""Ports: what the use cases need from the world, each implemented by an adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from claims.exchange.access.places import Reach
from claims.exchange.lifecycle import State
from claims.exchange.submission import (
    Event,
    FacilityCode,
    Page,
    Submission,
    SubmissionFilter,
    SubmissionId,
)

if TYPE_CHECKING:  # a port names what it passes on; it need not load it
    from claims.bundle.findings import Finding
    from claims.catalogues.catalogue import Catalogue
    from claims.checking.report import ClaimSummary, Report, Stage
    from signing.keys import Signer


@dataclass(frozen=True, slots=True)
class Receipt:
    """The gateway's answer that it took a bundle.

    Attributes:
        ma_giao_dich: The gateway's transaction number.
        received_at: When the gateway says it took the bundle (``thoiGianTiepNhan``), aware.
        answer: The answer's bytes, verbatim.
        is_proven: Whether the gateway named the very bytes it is for. One that is not, and bears the number
            of another submission's, is an answer about that one.
    """

    ma_giao_dich: str
    received_at: datetime | None
    answer: bytes
    is_proven: bool = False


class Gateway(Protocol):
    """The insurer's gateway."""

    @property
    def can_find(self) -> bool:
        """Whether it can be asked by digest; if not, `find_receipt` asks nobody and finds nothing."""
        ...

    def send(self, facility: str, bundle: bytes, *, decision: str | None = None) -> Receipt:
        """Hand over one signed bundle, made by this Decision as far as that is known.

        Raises:
            GatewayUnavailable: It was surely not taken; later may help.
            OutcomeUnknown: It may have been taken; look with `find_receipt` before sending again.
            GatewayRefused: It was refused for good; an operator must look.
        """
        ...

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        """Ask whether the gateway took the bundle with this digest (hex of the signed bytes).

        Raises:
            GatewayUnavailable: It could not be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class CardStaff:
    """In whose name a facility asks the register of cards; the facility registered them at the gateway."""

    name: str = field(repr=False)
    citizen_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """How a facility signs in at the gateway.

    Attributes:
        password_md5: Upper-case hex MD5 of the password: what the gateway's protocol carries in its place,
            and therefore as secret as the password.
        card_staff: In whose name cards are looked up; None: they are not.
    """

    username: str
    password_md5: str = field(repr=False)
    card_staff: CardStaff | None = None


class Accounts(Protocol):
    """The facilities' accounts at the gateway."""

    def find(self, facility: str) -> Account | None:
        """Return the facility's account, or None when it has not given us one."""
        ...


class Clock(Protocol):
    """Tells the time; a test sets it."""

    def now(self) -> datetime:
        """Return the present moment, aware."""
        ...


class JobQueue(Protocol):
    """Wakes workers. A wake-up may get lost or come twice; the database is the queue of record."""

    def wake_check(self, ids: Sequence[SubmissionId]) -> None:
        """Ask for these submissions to be checked soon."""
        ...

    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        """Ask for these submissions to be sent soon."""
        ...

    def wake_replay(self, replay_id: str) -> None:
        """Ask for a replay to go on."""
        ...


class SigningKeys(Protocol):
    """The facilities' signing keys that the service holds."""

    def find(self, facility: FacilityCode) -> Signer | None:
        """Return the facility's signer, or None when the service holds no key for it."""
        ...


class Catalogues(Protocol):
    """The facilities' price lists and code maps that the service holds."""

    def find(self, facility: FacilityCode) -> Catalogue | None:
        """Return the facility's catalogue, or None when the service holds none for it."""
        ...


class BundleChecker(Protocol):
    """Checks one bundle's bytes against everything that can be known before sending."""

    def __call__(self, data: bytes, *, facility: FacilityCode, at: datetime) -> Report:
        """Return the report; a bad bundle is data, never an exception."""
        ...


class BatchChecker(Protocol):
    """Checks a batch of bundles, each as `BundleChecker` does; what they ask may be asked together."""

    def __call__(self, batch: Sequence[Leased], /) -> Sequence[Report]:
        """Return the reports in the batch's order."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What the service built a bundle from: the encounter document, and where each value came from (JSON)."""

    document: bytes
    trace: bytes


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A bundle that just arrived.

    Attributes:
        request_sha256: Digest of what the caller posted under its idempotency key: the bundle,
            or the encounter document that the service made the bundle from.
        receipt: What the facility is given for it, signed.
        origin: What the service made the bundle from.
        traceparent: The trace (W3C Trace Context) of the request that brought it.
        reason: Why its facility corrects what it sent before, in its own words.
    """

    id: SubmissionId
    facility: FacilityCode
    sha256: str
    body: bytes
    received_at: datetime
    actor: str
    idempotency_key: str | None
    request_sha256: str
    receipt: str | None = None
    origin: Origin | None = None
    traceparent: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Leased:
    """A submission that this worker may work on until the lease runs out.

    Attributes:
        until: When the lease runs out; from then on somebody else may be at it.
        maybe_taken: Whether an earlier attempt may have handed it over.
        cause: Why it has waited until now, if for a reason.
        decision: The Decision by which its first claim was made, once it has been checked.
        traceparent: The trace that the work on it belongs to.
    """

    id: SubmissionId
    facility: FacilityCode
    sha256: str
    body: bytes
    received_at: datetime
    attempts: int
    maybe_taken: bool
    until: datetime
    cause: str | None = None
    decision: str | None = None
    traceparent: str | None = None


#: What surrounds the work on one submission, for whoever watches.
Around = Callable[[Leased], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to.

    Attributes:
        trust: The digest of what its signature was judged by, in hexadecimal.
    """

    id: SubmissionId
    target: State
    event: Event
    report: Report | None = None
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt to send led to.

    Attributes:
        otherwise: What it led to if the number turns out to be another submission's: that answer was about
            the other one.
        is_attempt: Whether it was one at all: what only waited has used none up.
    """

    id: SubmissionId
    attempt: int
    target: State
    event: Event
    started_at: datetime
    maybe_taken: bool
    next_attempt_at: datetime | None = None
    receipt: Receipt | None = None
    answer: bytes = b""
    otherwise: Sent | None = None
    is_attempt: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """Submissions whose time has come, by what they wait for.

    Attributes:
        suspects: Those whose last check died with its worker; each is woken alone, so that a
            bundle that kills its worker takes no others with it.
    """

    to_check: tuple[SubmissionId, ...]
    suspects: tuple[SubmissionId, ...]
    to_send: tuple[SubmissionId, ...]


class Submissions(Protocol):
    """The queue of record: submissions, their bytes, history, findings and receipts."""

    def add(self, new: NewSubmission) -> tuple[Submission, bool]:
        """Store a bundle durably, or return the one that is there already.

        One that was withdrawn lately is taken in again, unless its idempotency key came before: a request
        that comes late, and is no new one, takes no withdrawal back. The flag says whether it is set going.

        Raises:
            IdempotencyMismatch: The idempotency key came before with another body.
        """
        ...

    def find_by_key(
        self, facility: FacilityCode, idempotency_key: str, *, request_sha256: str
    ) -> Submission | None:
        """Return what an idempotency key stands for.

        Raises:
            IdempotencyMismatch: It stands for another body.
        """
        ...

    def built_from(self, document_sha256: str, facility: FacilityCode, ma_lk: str) -> Sequence[SubmissionId]:
        """Return which versions of a claim the service built from this very document, the latest first.

        Those that have been checked and whose content is still there, and of very many the latest ones.
        """
        ...

    def forget_keys(self, *, before: datetime) -> int:
        """Forget idempotency keys that were first used before a moment, some at a time; return how many."""
        ...

    def get(self, submission_id: SubmissionId, *, within: Reach) -> Submission:
        """Return a submission that lies within a reach.

        Raises:
            SubmissionNotFound: There is none, or it lies elsewhere.
        """
        ...

    def list_page(self, which: SubmissionFilter, *, limit: int, cursor: str | None) -> Page:
        """Return a page of submissions, newest first."""
        ...

    def withdraw(self, submission_id: SubmissionId, *, facility: FacilityCode, event: Event) -> Submission:
        """Take a submission back that the gateway cannot have; one that was taken back stays so.

        Raises:
            SubmissionNotFound: There is none, or it lies elsewhere.
            CannotWithdraw: The gateway has it, or may have it.
        """
        ...

    def body(self, submission_id: SubmissionId) -> bytes:
        """Return the bytes exactly as received."""
        ...

    def signed_receipt(self, submission_id: SubmissionId) -> str | None:
        """Return what the facility was given for having handed it over; None for those of long ago."""
        ...

    def events(self, submission_id: SubmissionId) -> tuple[Event, ...]:
        """Return the history, oldest first."""
        ...

    def findings(self, submission_id: SubmissionId) -> tuple[Finding, ...]:
        """Return the findings of the last check, and what the gateway found after it took it."""
        ...

    def check_summary(
        self, submission_id: SubmissionId
    ) -> tuple[tuple[Stage, ...], tuple[ClaimSummary, ...]]:
        """Return the stages of the last check and what it read of each claim."""
        ...

    def classes(self, submission_id: SubmissionId) -> Mapping[int, frozenset[str] | None] | None:
        """Return the protected classes of each of its claims, by their place; None: they are not known.

        What was erased has no claims any more.
        """
        ...

    def has_later_claims(self, submission_id: SubmissionId) -> bool:
        """Return whether the gateway has a later version of any of its claims."""
        ...

    def receipt(self, submission_id: SubmissionId) -> Receipt | None:
        """Return the gateway's receipt, if there is one."""
        ...

    def lease_for_check(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those of the submissions that wait for a check and nobody works on; counts the attempt."""
        ...

    def record_checks(
        self, results: Sequence[Checked], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, state and event in one transaction; return those written."""
        ...

    def lease_for_delivery(
        self, ids: Sequence[SubmissionId], *, owner: str, now: datetime, lease_s: int
    ) -> tuple[Leased, ...]:
        """Take those that are due to be sent; counts the attempt, moves them to SENDING."""
        ...

    def waiting_elsewhere(
        self, ids: Sequence[SubmissionId], *, before: datetime, limit: int
    ) -> tuple[SubmissionId, ...]:
        """Return one submission each of other facilities that has been due since before then."""
        ...

    def record_deliveries(
        self, results: Sequence[Sent], *, owner: str, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Write results of leases still held, state, attempt and event in one transaction."""
        ...

    def postpone(
        self,
        ids: Sequence[SubmissionId],
        *,
        until: datetime,
        cause: str,
        now: datetime,
        keeping: Sequence[str] = (),
    ) -> None:
        """Let those that are due to be sent, and nobody works on, wait until then; no attempt is counted.

        What has one of the causes to be kept keeps it.
        """
        ...

    def bring_forward(
        self,
        *,
        cause: str,
        now: datetime,
        but: Sequence[datetime] = (),
        until: datetime | None = None,
        limit: int | None = None,
    ) -> int:
        """Let what waits for a cause be due now, and return how many.

        What waits until one of some moments, or for longer than ``until``, goes on waiting; ``limit`` is the
        most at once.
        """
        ...

    def expire_leases(self, *, now: datetime) -> int:
        """Move what a lost worker was sending to OUTCOME_UNKNOWN; return how many."""
        ...

    def take_due(self, *, now: datetime, checks_before: datetime, sends_before: datetime, limit: int) -> Due:
        """Return what is due and was not woken since then, and note that it is woken now."""
        ...
