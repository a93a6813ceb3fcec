"""Working off batches in the API's process: in threads beside the requests, from parcels in a folder.

A process that ends leaves its parcels where they are; the next one that starts over that folder goes on.
"""

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from claims.exchange.access.bounds import bind
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.batches import WorkOffBatch
from claims.exchange.errors import BatchNotFound, StoreUnavailable, UnusableBatch

log = structlog.get_logger()

INCOMING: Final = ".incoming-"
_AT_ONCE: Final = 2
_PAUSE_S: Final = 5.0
#: An upload that nobody has written to for so long was broken off with its process.
_BROKEN_OFF_S: Final = 24 * 3600


class BatchRunner:
    """Starts batches and goes on with those that were left."""

    def __init__(self, work_off: WorkOffBatch, folder: Path, *, pause_s: float = _PAUSE_S) -> None:
        self.folder = folder
        self._pause_s = pause_s
        self._work_off = work_off
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="batch")
        self._in_line: set[str] = set()

    def start(self, batch_id: str, upload: Path) -> None:
        """Keep an upload as the batch's parcel and work it off; somebody may be at it already."""
        upload.replace(self._parcel_of(batch_id))
        self._begin(batch_id)
        self._remove_broken_off()

    def resume(self) -> None:
        """Go on with every parcel in the folder, and remove what is left of uploads that broke off."""
        for path in sorted(self.folder.glob("bat_*.zip")):
            self._begin(path.stem)
        self._remove_broken_off()

    def _remove_broken_off(self) -> None:
        for path in self.folder.glob(f"{INCOMING}*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _BROKEN_OFF_S:
                    path.unlink()

    def stop(self) -> None:
        """End after the chunks under way; what is left waits for the next start."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _begin(self, batch_id: str) -> None:
        if batch_id not in self._in_line and not self._stopping.is_set():
            self._in_line.add(batch_id)
            self._threads.submit(self._run, batch_id).add_done_callback(partial(_note_failure, batch_id))

    def _run(self, batch_id: str) -> None:
        # No request is served here: whoever posted the parcel was asked what he may when he did.
        bind(EVERYWHERE)
        path = self._parcel_of(batch_id)
        self._in_line.discard(batch_id)
        while not self._stopping.is_set():
            try:
                if self._work_off(batch_id, path, may_go_on=lambda: not self._stopping.is_set()):
                    path.unlink(missing_ok=True)
                elif not self._stopping.wait(self._pause_s):
                    # Whoever is at it may have been cut off, and not come back. Other batches go first.
                    self._begin(batch_id)
            except FileNotFoundError:
                return  # another process came to the end of it
            except StoreUnavailable as error:
                log.warning("batch.waiting", batch_id=batch_id, reason=type(error).__name__)
                self._stopping.wait(self._pause_s)
            except (UnusableBatch, BatchNotFound, OSError) as error:
                # The parcel stays: posted again, or at the next start, it goes on.
                log.warning("batch.interrupted", batch_id=batch_id, reason=type(error).__name__)
                return
            else:
                return

    def _parcel_of(self, batch_id: str) -> Path:
        return self.folder / f"{batch_id}.zip"


def _note_failure(batch_id: str, run: Future[None]) -> None:
    error = None if run.cancelled() else run.exception()
    if error is not None:
        log.error("batch.failed", batch_id=batch_id, error=type(error).__name__, exc_info=error)
