"""The stand-in's memory: an append-only journal that survives SIGKILL.

``journal.jsonl`` holds one line per arrival, ``bodies.bin`` the accepted bundles back to back.
An entry is durable before `Journal.append` returns; entries that come while the disk is busy
share the next flush.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self


class Event(StrEnum):
    """What became of an arrival."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    REFUSED = "refused"
    TURNED_AWAY = "turned_away"
    FAULT = "fault"  # a fault at another endpoint than sending; no arrival
    CHECK_IN = "check_in"
    DOCUMENT = "document"  # a referral, a certificate, an archive: what travels beside claims


@dataclass(frozen=True, slots=True)
class Entry:
    """One arrival, or one fault elsewhere.

    Attributes:
        at: When, in UTC, ISO 8601.
        sha256: Of the bundle's bytes.
        ma_lk: The episode keys of the bundle's claims.
        version: How many bundles the gateway has now taken for these claims.
        supersedes: The receipt of the version before.
        code: The result code that was given, or would have been given without the fault.
        late_error: The error that reading the details will show.
        month: The month of settlement, ``yyyyMM``.
        amount: What the claims ask for, in đồng.
        is_withdrawn: Whether this version takes the claim back (``MA_DOITUONG_KCB`` 8).
        offset: Where in ``bodies.bin`` the bundle begins.
    """

    event: Event
    at: str
    facility: str = ""
    sha256: str = ""
    ma_lk: tuple[str, ...] = ()
    ma_giao_dich: str = ""
    generation: str = ""
    version: int = 0
    supersedes: str = ""
    code: str = ""
    fault: str = ""
    late_error: str = ""
    month: str = ""
    amount: str = ""
    is_withdrawn: bool = False
    offset: int = 0
    length: int = 0

    def to_line(self) -> bytes:
        """Return the entry as a line of JSON; empty fields are left out."""
        fields = {name: value for name, value in asdict(self).items() if value not in ("", 0, (), False)}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read a line of JSON.

        Raises:
            ValueError: It is not an entry.
        """
        fields = json.loads(line)
        try:
            fields["event"] = Event(fields["event"])
            fields["ma_lk"] = tuple(fields.get("ma_lk", ()))
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise ValueError("not a journal entry") from error


class JournalBusy(RuntimeError):
    """Another process writes this journal."""


@dataclass(slots=True)
class _Write:
    entry: Entry
    body: bytes
    done: "asyncio.Future[Entry]"


class Journal:
    """One folder's journal. Reading happens at opening; appending belongs to one event loop."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lines = (folder / "journal.jsonl").open("ab+", buffering=0)
        self._bodies = (folder / "bodies.bin").open("ab+", buffering=0)
        try:
            fcntl.flock(self._lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lines.close()
            self._bodies.close()
            raise JournalBusy(f"another process writes {folder}") from error
        self._size = self._drop_torn_line()
        self._bodies_size = os.fstat(self._bodies.fileno()).st_size
        self._waiting: list[_Write] = []
        self._flusher: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="mock-journal")

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the durable entries, oldest first."""
        self._lines.seek(0)
        for line in self._lines:
            yield Entry.from_line(line)

    async def append(self, entry: Entry, body: bytes = b"") -> Entry:
        """Make an entry durable, with the bundle it accepted, and return it as written.

        Raises:
            OSError: The disk did not take it; the journal is as before.
        """
        loop = asyncio.get_running_loop()
        write = _Write(entry, body, loop.create_future())
        self._waiting.append(write)
        if self._flusher is None:
            self._flusher = loop.create_task(self._flush_all())
        return await asyncio.shield(write.done)

    def read_body(self, entry: Entry) -> bytes:
        """Return the bundle that an entry accepted."""
        return os.pread(self._bodies.fileno(), entry.length, entry.offset)

    def close(self) -> None:
        """Wait for the disk and close the files."""
        self._disk.shutdown()
        self._lines.close()
        self._bodies.close()

    async def _flush_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                written = await loop.run_in_executor(self._disk, self._write, batch)
            except OSError as error:
                for write in batch:
                    write.done.set_exception(error)
            else:
                for write, entry in zip(batch, written, strict=True):
                    write.done.set_result(entry)
        self._flusher = None

    def _write(self, batch: list[_Write]) -> list[Entry]:
        entries: list[Entry] = []
        offset = self._bodies_size
        for write in batch:
            length = len(write.body)
            entries.append(replace(write.entry, offset=offset, length=length) if length else write.entry)
            offset += length
        lines = b"".join(entry.to_line() for entry in entries)
        try:
            # A line vouches for its body, so the bodies are on the disk first.
            if offset > self._bodies_size:
                _append(self._bodies.fileno(), b"".join(write.body for write in batch))
            _append(self._lines.fileno(), lines)
        except OSError:
            os.ftruncate(self._lines.fileno(), self._size)
            os.ftruncate(self._bodies.fileno(), self._bodies_size)
            raise
        self._size += len(lines)
        self._bodies_size = offset
        return entries

    def _drop_torn_line(self) -> int:
        """Cut off what a crash left of a last line, and return the size of the rest."""
        size = os.fstat(self._lines.fileno()).st_size
        good = 0
        self._lines.seek(0)
        for line in self._lines:
            if not line.endswith(b"\n") or not line.startswith(b"{"):
                break
            good += len(line)
        if good < size:
            os.ftruncate(self._lines.fileno(), good)
            os.fdatasync(self._lines.fileno())
        return good


def _append(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.fdatasync(fd)
