"""Keeping proof: what the use cases of the log and of archives need from the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from claims.exchange.submission import Event, FacilityCode, Submission, SubmissionId

if TYPE_CHECKING:
    from cryptography import x509

    from claims.exchange.access.places import Reach
    from claims.exchange.ports import Origin, Receipt
    from claims.proof.merkle import Node
    from claims.proof.records import TreeHead
    from claims.proof.tokens import ServiceKey
    from signing.verdict import Verdict


class ServiceKeys(Protocol):
    """The service's own keys."""

    def current(self) -> ServiceKey:
        """Return the key that signs now."""
        ...

    def certificates(self) -> Mapping[str, x509.Certificate]:
        """Return the certificates of all keys that ever signed, by their names."""
        ...

    def chain(self) -> Sequence[x509.Certificate]:
        """Return the certificates above them, the one that is trusted last."""
        ...

    def revocation_list(self, *, at: datetime) -> x509.CertificateRevocationList | None:
        """Return a list, as of a moment, of which of them are revoked, if this installation issues it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredHead:
    """A signed head of the log, and the RFC 3161 token on it if it was stamped."""

    head: TreeHead
    token: str
    timestamp: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record in its place in the log."""

    index: int
    token: str


class KeptHeads(Protocol):
    """Heads of the log where whoever writes the database does not.

    A database from which the last heads, or the end of the log, were taken is as whole as one that never had
    them: nothing in it can tell.
    """

    def tokens(self) -> Sequence[str]:
        """Return what is kept, the newest last."""
        ...

    def keep(self, token: str, *, is_lost: Callable[[str], bool]) -> None:
        """Keep a head in the place of those before it, but for those that the log has lost."""
        ...


class EvidenceLog(Protocol):
    """The log of all evidence: append-only."""

    def append(self, key: ServiceKey, *, now: datetime, limit: int) -> int:
        """Make evidence of events that have none, in an order that stays; return of how many.

        Only one caller appends at a time; for the others there is nothing to do.
        """
        ...

    def sign_head(self, key: ServiceKey, *, now: datetime) -> StoredHead | None:
        """Sign and keep the head of the log as it stands; None if there is one, or somebody else is at it."""
        ...

    def latest_head(self) -> StoredHead | None:
        """Return the newest head."""
        ...

    def stamped_head(self, *, least_size: int) -> StoredHead | None:
        """Return the earliest head of at least this size that is time-stamped."""
        ...

    def newest_stamped_head(self) -> StoredHead | None:
        """Return the newest head that is time-stamped."""
        ...

    def head_of(self, size: int) -> StoredHead | None:
        """Return the head of this size, or None when none was signed."""
        ...

    def heads(self, *, after_size: int, limit: int) -> Sequence[StoredHead]:
        """Return heads in their order."""
        ...

    def last_stamped_at(self) -> datetime | None:
        """Return when a head was last time-stamped."""
        ...

    def keep_timestamp(self, size: int, token: bytes, *, at: datetime) -> None:
        """Keep the token on a head; the first one stays."""
        ...

    def records_of(self, submission_id: SubmissionId) -> Sequence[LoggedRecord]:
        """Return a submission's records in their order."""
        ...

    def record(self, index: int) -> LoggedRecord | None:
        """Return the record at this place."""
        ...

    def nodes(self) -> Node:
        """Return how the hashes of complete subtrees are found."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a submission: for its archive.

    Attributes:
        body: The bundle; None when it was erased.
        check_report: Stages, findings and claims of the last check, as they were digested; None before one.
        history: What each event says beside what its record names, by the event's number.
        documents: What others said of it, by name, as it was digested: assessments, decisions; and what its
            signature was judged by.
        trust: Under what name that is kept; None where it was not.
    """

    submission: Submission
    body: bytes | None
    origin: Origin | None
    signed_receipt: str | None
    check_report: Mapping[str, object] | None
    gateway_receipt: Receipt | None
    history: Mapping[int, object]
    documents: Mapping[str, object]
    trust: str | None = None


class Archives(Protocol):
    """What is kept of submissions, read at once; and what is noted about it."""

    def load(self, submission_id: SubmissionId, *, within: Reach) -> Kept:
        """Return everything of one submission as of one moment.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
        """
        ...

    def oldest_first(
        self, *, since: datetime, facility: FacilityCode | None, after: SubmissionId | None, limit: int
    ) -> Sequence[Submission]:
        """Return submissions received since, in the order of their receipt, after one of them."""
        ...

    def note(self, submission_id: SubmissionId, event: Event, digests: Mapping[str, str]) -> None:
        """Append to its history; its state stays."""
        ...

    def exports(self, ids: Sequence[SubmissionId], store: str) -> Mapping[SubmissionId, tuple[str, bool]]:
        """Return where each one's history ends, and whether what was written to a store reaches that."""
        ...


class Rendering(Protocol):
    """Renders a submission's claims as a document for people."""

    def __call__(
        self, bundle: bytes, *, submission: Submission, verdict: Verdict | None = None
    ) -> bytes | None:
        """Return a PDF, or None when there is nothing to render; judge the signature if nobody has."""
        ...
