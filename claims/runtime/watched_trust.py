"""The trust folder, read again once its files are others: new lists count without a restart."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from signing.errors import TrustStoreUnreadable
from signing.trust import TrustStore

log = structlog.get_logger()

#: How often the folder is looked at, at most: new lists come once a day or an hour.
_LOOK_EVERY_S: Final = 30.0

_Files = frozenset[tuple[str, int, int, int]]


class WatchedTrust:
    """What is trusted, as its folder says; for several threads."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Load the folder.

        Raises:
            TrustStoreUnreadable: There is no anchor, or a file is not what its folder says.
        """
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._files = self._list()
        self._look_at = clock() + _LOOK_EVERY_S
        #: What was loaded last; the same store until `current` finds other files.
        self.loaded = TrustStore.load(folder)

    def current(self) -> TrustStore:
        """Return what is trusted; reads the folder again if its files changed.

        A folder that cannot be read, half copied perhaps, changes nothing; it is tried again at each look.
        """
        # Who comes while somebody looks takes what there is.
        if self._clock() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self.loaded

    def _look(self) -> None:
        self._look_at = self._clock() + _LOOK_EVERY_S
        # Listed before they are read: what changes meanwhile is seen the next time.
        files = self._list()
        if files == self._files:
            return
        try:
            self.loaded = TrustStore.load(self._folder)
        except TrustStoreUnreadable as error:
            log.error("trust.unreadable", folder=str(self._folder), why=str(error))  # noqa: TRY400 - no fault of ours
        else:
            self._files = files
            log.info("trust.read_again", lists=len(self.loaded.crls), responses=len(self.loaded.responses))

    def _list(self) -> _Files:
        try:
            return frozenset(_state(path) for path in self._folder.glob("*/*"))
        except OSError:  # it went meanwhile
            return frozenset()


def _state(path: Path) -> tuple[str, int, int, int]:
    try:
        # Of what a link leads to. Not when it was modified: a copy may say the time of its original.
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0  # a link that leads nowhere, such as an editor's lock, hides no other file
    return str(path), found.st_ino, found.st_ctime_ns, found.st_size
