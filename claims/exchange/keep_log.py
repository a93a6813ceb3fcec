"""The log: events become evidence, its head is signed, and once a day time-stamped; what it proves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from claims.exchange.errors import NotInLog
from claims.exchange.ports import Clock
from claims.exchange.proofs import EvidenceLog, KeptHeads, ServiceKeys, StoredHead
from claims.proof.errors import BrokenToken
from claims.proof.merkle import prove_consistency, prove_inclusion
from claims.proof.records import TreeHead
from claims.proof.service_signature import ARCHIVE_POLICY
from signing.errors import TimestampUnusable
from signing.timestamps.ask import ask_timestamp
from signing.timestamps.check import check_fresh_token
from signing.timestamps.messages import TimestampAuthority
from signing.timestamps.tokens import read_token

_CHUNK: Final = 1_000
#: One task leaves room for others; the next one goes on.
_MOST_CHUNKS: Final = 20
_DAY: Final = timedelta(days=1)
#: For how long an authority that gave no timestamp is left alone: whoever asks is one of few, and waits.
_REST: Final = timedelta(minutes=5)
_BEFORE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Done:
    asked_until: datetime = _BEFORE
    kept: str = ""


@dataclass(frozen=True, slots=True)
class KeepLog:
    """Bring the log up to date. Safe to run twice: one appends at a time, for the other nothing is left.

    Attributes:
        authority: Who stamps the day's head; None: nobody.
        head_every_s: How much time passes between two heads, at least.
        kept: Where the newest head is kept, too; None: nowhere.
    """

    log: EvidenceLog
    keys: ServiceKeys
    clock: Clock
    authority: TimestampAuthority | None
    head_every_s: float
    kept: KeptHeads | None = None
    _done: _Done = field(default_factory=_Done, init=False, repr=False, compare=False)

    def __call__(self) -> int:
        """Append what there is, sign a head if it is time; return how many records were made.

        Raises:
            ClaimsError: No authority gives a timestamp; everything else is done by then.
        """
        key, appended = self.keys.current(), 0
        for _ in range(_MOST_CHUNKS):
            count = self.log.append(key, now=self.clock.now(), limit=_CHUNK)
            appended += count
            if count < _CHUNK:
                break
        self._keep_head()  # over what is there, though more may wait
        return appended

    def _keep_head(self) -> None:
        now = self.clock.now()
        head = self.log.latest_head()
        if head is None or now - head.head.at >= timedelta(seconds=self.head_every_s):
            head = self.log.sign_head(self.keys.current(), now=now) or head
        # Whoever signed it: an archive that nobody made here may rest on it.
        if self.kept is not None and head is not None and head.token != self._done.kept:
            self.kept.keep(head.token, is_lost=self._is_lost)
            self._done.kept = head.token
        if self.authority is not None and head is not None and head.timestamp is None:
            last = self.log.last_stamped_at()
            if (last is None or now - last >= _DAY) and now >= self._done.asked_until:
                self._done.asked_until = now + _REST  # unless it answers
                self.stamp(head, self.authority)
                self._done.asked_until = now

    def _is_lost(self, token: str) -> bool:
        try:
            there = self.log.head_of(TreeHead.read(token).size)
        except BrokenToken:
            return False  # nothing that was ever a head
        return there is None or there.token != token

    def stamp(self, head: StoredHead, authority: TimestampAuthority) -> None:
        """Have a head time-stamped: the bytes of its token, so of everything that was ever logged.

        Raises:
            TimestampUnusable: Nobody could believe the timestamp; in an archive it would be a fault for ever.
        """
        token, now = ask_timestamp(authority, head.token.encode()), self.clock.now()
        reasons = check_fresh_token(read_token(token), at=now, policy=ARCHIVE_POLICY)
        if reasons:
            raise TimestampUnusable(f"nobody could believe the timestamp ({', '.join(reasons)})")
        self.log.keep_timestamp(head.head.size, token, at=now)


@dataclass(frozen=True, slots=True)
class Prove:
    """Prove what is in the log, up to its newest head."""

    log: EvidenceLog

    def inclusion(self, index: int, size: int) -> Sequence[bytes]:
        """Return the path from a record to the hash of the log of this size.

        Raises:
            NotInLog: The log is not that long, or the record comes after it.
        """
        self._require(index < size, size)
        return prove_inclusion(index, size, self.log.nodes())

    def consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Return the path from the hash of a smaller log to that of a larger one.

        Raises:
            NotInLog: The log is not that long, or the first is the larger one.
        """
        self._require(first <= second, second)
        return prove_consistency(first, second, self.log.nodes())

    def _require(self, is_in_order: bool, size: int) -> None:  # noqa: FBT001 - the caller's comparison
        head = self.log.latest_head()
        known = 0 if head is None else head.head.size
        if not is_in_order or size > known:
            raise NotInLog(known)
