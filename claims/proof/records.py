"""What the service signs: receipts, a record of every transition, heads of the log.

Events are named after those of ETSI EN 319 522-1 where it has one; ours begin with ``x-``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Self

from cryptography import x509

from claims.proof.errors import BrokenToken
from claims.proof.tokens import ServiceKey, digest_of, read_token, sign_token, verify_token

RECEIPT_KIND: Final = "ehoso-receipt"
RECORD_KIND: Final = "ehoso-evidence"
HEAD_KIND: Final = "ehoso-tree-head"

#: The standard's name of what happened, by the exchange's.
EVENT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "SubmissionAcceptance",  # A.1
        "handed_in_again": "SubmissionAcceptance",
        "rejected": "SubmissionRejection",  # A.2
        "acknowledged": "RelayAcceptance",  # B.1
        "refused": "RelayRejection",  # B.2
        "send_failed": "RelayFailure",  # B.3
        "gave_up": "RelayFailure",
    }
)


def event_name(kind: str) -> str:
    """Return the standard's name of an event, or one of ours, which says that it is."""
    return EVENT_NAMES.get(kind, f"x-{kind}")


@dataclass(frozen=True, slots=True)
class AcceptanceReceipt:
    """What a facility can show for having handed over these bytes."""

    submission: str
    facility: str
    sha256: str
    size: int
    received_at: datetime

    def sign(self, key: ServiceKey) -> str:
        """Return it signed."""
        statement = {
            "submission": self.submission,
            "facility": self.facility,
            "sha256": self.sha256,
            "size": self.size,
            "received_at": _utc(self.received_at),
        }
        return sign_token(statement, key, kind=RECEIPT_KIND)

    @classmethod
    def verify(cls, token: str, keys: Mapping[str, x509.Certificate]) -> Self:
        """Return what a signed receipt says.

        Raises:
            BrokenToken: One of the keys did not sign it as it is.
        """
        return cls._of(verify_token(token, keys, kind=RECEIPT_KIND))

    @classmethod
    def read(cls, token: str) -> Self:
        """Return what a receipt says; whether anybody signed it is not asked.

        Raises:
            BrokenToken: It says nothing that a receipt says.
        """
        return cls._of(read_token(token, kind=RECEIPT_KIND)[1])

    @classmethod
    def _of(cls, statement: Mapping[str, object]) -> Self:
        read = _Reader(statement)
        return cls(
            read.text("submission"),
            read.text("facility"),
            read.text("sha256"),
            read.number("size"),
            read.time("received_at"),
        )


@dataclass(frozen=True, slots=True)
class Record:
    """The evidence of one transition.

    Attributes:
        sequence: The event's number in the history.
        sha256: Of the bundle.
        detail: Digest of what else the event says, which may be erased one day.
        digests: Of the documents that came with the event: report, claims, answer and so on.
        previous: Digest of the record before it of the same submission.
        head: Digest of the newest head when it was made, so that no head can be taken away; of records that
            are made together the first one says it, and those of before there was any say nothing of it.
    """

    submission: str
    facility: str
    sequence: int
    kind: str
    state: str
    at: datetime
    actor: str
    cause: str | None
    detail: str
    sha256: str
    digests: Mapping[str, str]
    previous: str | None
    logged_at: datetime
    head: str | None = None

    def sign(self, key: ServiceKey) -> str:
        """Return it signed."""
        statement = {
            "event": event_name(self.kind),
            "submission": self.submission,
            "facility": self.facility,
            "sequence": self.sequence,
            "kind": self.kind,
            "state": self.state,
            "at": _utc(self.at),
            "actor": self.actor,
            "cause": self.cause,
            "detail": self.detail,
            "sha256": self.sha256,
            "digests": dict(self.digests),
            "previous": self.previous,
            "logged_at": _utc(self.logged_at),
            **({} if self.head is None else {"head": self.head}),
        }
        return sign_token(statement, key, kind=RECORD_KIND)

    @classmethod
    def verify(cls, token: str, keys: Mapping[str, x509.Certificate]) -> Self:
        """Return what a record says.

        Raises:
            BrokenToken: One of the keys did not sign it as it is.
        """
        return cls._of(verify_token(token, keys, kind=RECORD_KIND))

    @classmethod
    def read(cls, token: str) -> Self:
        """Return what a record says; whether anybody signed it is not asked.

        Raises:
            BrokenToken: It says nothing that a record says.
        """
        return cls._of(read_token(token, kind=RECORD_KIND)[1])

    @classmethod
    def _of(cls, statement: Mapping[str, object]) -> Self:
        read = _Reader(statement)
        kind = read.text("kind")
        if read.text("event") != event_name(kind):
            raise BrokenToken("the event has two names that do not agree")
        return cls(
            submission=read.text("submission"),
            facility=read.text("facility"),
            sequence=read.number("sequence"),
            kind=kind,
            state=read.text("state"),
            at=read.time("at"),
            actor=read.text("actor"),
            cause=read.text_or_none("cause"),
            detail=read.text("detail"),
            sha256=read.text("sha256"),
            digests=read.texts("digests"),
            previous=read.text_or_none("previous"),
            logged_at=read.time("logged_at"),
            head=read.text_or_none("head"),
        )


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The log as it stood: so many records, and the hash over all of them.

    Attributes:
        previous: Digest of the head before it, so that none can be left out.
        chains: How far the service's other chains had come, as POSITION:DIGEST by their names; heads that
            were signed before there was any say nothing of them.
    """

    size: int
    root: bytes
    at: datetime
    previous: str | None
    chains: Mapping[str, str] = field(default_factory=dict)

    def sign(self, key: ServiceKey) -> str:
        """Return it signed."""
        statement = {
            "size": self.size,
            "root": self.root.hex(),
            "at": _utc(self.at),
            "previous": self.previous,
            **({"chains": dict(self.chains)} if self.chains else {}),
        }
        return sign_token(statement, key, kind=HEAD_KIND)

    @classmethod
    def verify(cls, token: str, keys: Mapping[str, x509.Certificate]) -> Self:
        """Return what a signed head says.

        Raises:
            BrokenToken: One of the keys did not sign it as it is.
        """
        return cls._of(verify_token(token, keys, kind=HEAD_KIND))

    @classmethod
    def read(cls, token: str) -> Self:
        """Return what a head says; whether anybody signed it is not asked.

        Raises:
            BrokenToken: It says nothing that a head says.
        """
        return cls._of(read_token(token, kind=HEAD_KIND)[1])

    @classmethod
    def _of(cls, statement: Mapping[str, object]) -> Self:
        read = _Reader(statement)
        try:
            root = bytes.fromhex(read.text("root"))
        except ValueError as error:
            raise BrokenToken("the root is no hash") from error
        chains = read.texts("chains") if "chains" in statement else {}
        return cls(read.number("size"), root, read.time("at"), read.text_or_none("previous"), chains)


def token_digest(token: str) -> str:
    """Return the digest by which a later statement names this one, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def report_digests(stages: object, findings: object, claims: object) -> dict[str, str]:
    """Return the digests of a check's documents, as they are stored."""
    return {"report": digest_of([stages, findings]), "claims": digest_of(claims)}


def attempt_digest(attempt: int, started_at: datetime, outcome: str, cause: str | None, answer: bytes) -> str:
    """Return the digest of an attempt to send."""
    answered = hashlib.sha256(answer).hexdigest()
    return digest_of([attempt, _utc(started_at), outcome, cause, answered])


def gateway_receipt_digest(ma_giao_dich: str, received_at: datetime | None, answer: bytes) -> str:
    """Return the digest of the gateway's receipt."""
    received = None if received_at is None else _utc(received_at)
    return digest_of([ma_giao_dich, received, hashlib.sha256(answer).hexdigest()])


def _utc(moment: datetime) -> str:
    # One spelling of a moment, whatever zone a database puts it in.
    return moment.astimezone(UTC).isoformat()


class _Reader:
    """Reads the members of a statement; one that is missing or of another type breaks it."""

    def __init__(self, statement: Mapping[str, object]) -> None:
        self._statement = statement

    def text(self, name: str) -> str:
        value = self._statement.get(name)
        if not isinstance(value, str):
            raise BrokenToken(f"{name} is missing")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._statement.get(name) is None else self.text(name)

    def number(self, name: str) -> int:
        value = self._statement.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise BrokenToken(f"{name} is missing")
        return value

    def time(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise BrokenToken(f"{name} is no time") from error
        if moment.tzinfo is None:
            raise BrokenToken(f"{name} is no time")
        return moment

    def texts(self, name: str) -> dict[str, str]:
        value = self._statement.get(name)
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise BrokenToken(f"{name} is missing")
        return {str(key): str(each) for key, each in value.items()}
