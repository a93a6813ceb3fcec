"""Noting readings beside the work on the page: the disk and the page are waited for at the same time.

A reading is durable before the first byte of what it is about leaves (`claims.api.noting`), as if it had
been waited for where it was noted. Outside of a request it is waited for at once.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from datetime import datetime
from typing import Final

from claims.exchange.access.readings import Reading, ReadingFilter, ReadingPage, Readings

#: A note is a wait for the disk; so many go on at once in a process.
_AT_ONCE: Final = 8
_PENDING: ContextVar[list[Future[None]] | None] = ContextVar("pending_notes", default=None)


class NotedBeside:
    """`claims.exchange.access.readings.Readings` that goes on while the database writes."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="note")

    def note(self, reading: Reading) -> None:
        """Add a reading; it is there before the answer is."""
        self._begin(lambda: self._readings.note(reading))

    def note_submission(self, submission_id: str, *, reader: str, page: str, at: datetime) -> None:
        """Add a reading of all claims of a submission; it is there before the answer is."""
        self._begin(lambda: self._readings.note_submission(submission_id, reader=reader, page=page, at=at))

    def list_page(self, which: ReadingFilter, *, limit: int, before: int | None) -> ReadingPage:
        """Return a page of the log."""
        return self._readings.list_page(which, limit=limit, before=before)

    def _begin(self, note: Callable[[], None]) -> None:
        pending = _PENDING.get()
        if pending is None:
            note()
            return
        # With the context, whose bounds the database holds the connection to.
        pending.append(self._threads.submit(copy_context().run, note))


def collect_notes() -> list[Future[None]]:
    """Begin to collect notes of the request that is served; each is to be waited for before its answer."""
    pending: list[Future[None]] = []
    _PENDING.set(pending)
    return pending
