"""Taking bundles in: once per digest, one version after another per claim, durable before an answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from claims.exchange.ports import Clock
from claims.gateway.mock.inspection import Inspected, Inspector, NotAcceptable
from claims.gateway.mock.journal import Entry, Event, Journal
from claims.gateway.mock.ledger import Ledger

_LOOKUP_PATIENCE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Arrival:
    """A bundle at the door.

    Attributes:
        facility: ``maCSKCB`` of the request.
        sha256: Of the bundle.
        fault: The fault it meets, as text, for the journal.
        late_error: The error that the details shall show for it.
    """

    facility: str
    bundle: bytes
    sha256: str
    generation: str
    fault: str = ""
    late_error: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """Claims that ended before a day are settled: they may not be sent or replaced any more."""

    before: date
    code: str


class Reception:
    """Decides over arrivals and writes the journal. Belongs to one event loop, so it needs no locks."""

    def __init__(
        self, journal: Journal, *, inspector: Inspector, clock: Clock, lock: Lock | None = None
    ) -> None:
        self._lock = lock
        self._journal = journal
        self._inspector = inspector
        self._clock = clock
        # What is on its way to the disk, by digest and by episode key: the next one waits for it.
        self._busy: dict[str, asyncio.Future[None]] = {}
        self.ledger = Ledger()
        self.ledger.apply_all(journal)

    async def take(self, arrival: Arrival, *, delay_s: float = 0.0) -> Entry:
        """Take a bundle in, or find that it was taken before; return the acceptance.

        Raises:
            NotAcceptable: It is refused.
            OSError: The disk is full.
        """
        await self._wait_for(arrival.sha256)
        with self._mark_busy((arrival.sha256,)):
            if delay_s:
                await asyncio.sleep(delay_s)
            known = self.ledger.find_bundle(arrival.sha256)
            if known is not None and known.facility == arrival.facility:
                await self._note(arrival, Event.REPEAT, code="200")
                return known
            try:
                found = self._inspector.inspect(
                    arrival.bundle, facility=arrival.facility, at=self._clock.now()
                )
                self._refuse_locked(found)
            except NotAcceptable as refusal:
                await self.note_refusal(arrival, refusal.code)
                raise
            return await self._accept(arrival, found)

    async def take_check_in(self, arrival: Arrival) -> Entry:
        """Take a check-in in; each is a message of its own.

        Raises:
            NotAcceptable: It is refused.
        """
        found = self._inspector.inspect_check_in(
            arrival.bundle, facility=arrival.facility, at=self._clock.now()
        )
        entry = replace(self._entry(arrival, Event.CHECK_IN, code="200"), ma_lk=found.ma_lk)
        return await self._append(replace(entry, ma_giao_dich=self.ledger.take_number()), arrival.bundle)

    async def take_document(self, arrival: Arrival) -> Entry:
        """Take in what travels beside claims, as it is."""
        entry = replace(
            self._entry(arrival, Event.DOCUMENT, code="200"), ma_giao_dich=self.ledger.take_number()
        )
        return await self._append(entry, arrival.bundle)

    async def note_refusal(self, arrival: Arrival, code: str) -> None:
        """Write down that a bundle was refused."""
        await self._note(arrival, Event.REFUSED, code=code)

    async def turn_away(self, arrival: Arrival, *, code: str) -> None:
        """Write down an arrival that was not looked at: no session, or a fault before storing."""
        await self._wait_for(arrival.sha256)
        await self._note(arrival, Event.TURNED_AWAY, code=code)

    async def note_fault(self, fault: str) -> None:
        """Write down a fault at another endpoint."""
        await self._append(Entry(Event.FAULT, self._timestamp(), fault=fault))

    async def find(self, sha256: str) -> Entry | None:
        """Return the acceptance of a bundle, durable ones only.

        Raises:
            TimeoutError: The bundle is here and not decided yet.
        """
        await asyncio.wait_for(self._wait_for(sha256), _LOOKUP_PATIENCE_S)
        return self.ledger.find_bundle(sha256)

    def read_bundle(self, entry: Entry) -> bytes:
        """Return an accepted bundle's bytes."""
        return self._journal.read_body(entry)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _refuse_locked(self, found: Inspected) -> None:
        lock = self._lock
        if lock is not None and found.ended_on is not None and found.ended_on < lock.before:
            raise NotAcceptable(lock.code, "Kỳ dữ liệu đã khóa")

    async def _accept(self, arrival: Arrival, found: Inspected) -> Entry:
        ma_lk = found.ma_lk
        keys = tuple(f"ma_lk {key}" for key in ma_lk)
        await self._wait_for(*keys)
        with self._mark_busy(keys):
            if self.ledger.is_owned_by_another(ma_lk, arrival.facility):
                await self.note_refusal(arrival, "403")
                raise NotAcceptable("403", "Mã liên kết thuộc cơ sở KBCB khác")
            earlier = self.ledger.find_latest(ma_lk)
            entry = replace(
                self._entry(arrival, Event.ACCEPTED, code="200"),
                ma_lk=ma_lk,
                ma_giao_dich=self.ledger.take_number(),
                version=earlier.version + 1 if earlier else 1,
                supersedes=earlier.ma_giao_dich if earlier else "",
                late_error=arrival.late_error,
                month=found.month,
                amount=found.amount,
                is_withdrawn=found.is_withdrawn,
            )
            return await self._append(entry, arrival.bundle)

    async def _note(self, arrival: Arrival, event: Event, *, code: str) -> None:
        # Whatever else happened: bytes that were accepted before have come again.
        if self.ledger.find_bundle(arrival.sha256) is not None:
            event = Event.REPEAT
        await self._append(self._entry(arrival, event, code=code))

    async def _append(self, entry: Entry, body: bytes = b"") -> Entry:
        written = await self._journal.append(entry, body)
        self.ledger.apply(written)
        return written

    def _entry(self, arrival: Arrival, event: Event, *, code: str) -> Entry:
        return Entry(
            event,
            self._timestamp(),
            facility=arrival.facility,
            sha256=arrival.sha256,
            generation=arrival.generation,
            code=code,
            fault=arrival.fault,
        )

    def _timestamp(self) -> str:
        return self._clock.now().isoformat(timespec="microseconds")

    async def _wait_for(self, *keys: str) -> None:
        while busy := next((self._busy[key] for key in keys if key in self._busy), None):
            await asyncio.shield(busy)

    @contextmanager
    def _mark_busy(self, keys: tuple[str, ...]) -> Iterator[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._busy.update(dict.fromkeys(keys, done))
        try:
            yield
        finally:
            for key in keys:
                del self._busy[key]
            done.set_result(None)


def received_at(entry: Entry) -> datetime:
    """Return when a bundle was taken."""
    return datetime.fromisoformat(entry.at)
