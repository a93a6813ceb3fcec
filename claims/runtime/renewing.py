"""Renewal by schedule: archives in a store, and the service's own key, before what protects them lapses.

A pass goes through the store in the order of names, so long at a time as a task may take, and remembers in
the store itself how far it came. Only what ends soon is read again and written; what was signed stays.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from claims.exchange.ports import Clock
from claims.proof.errors import BrokenArchive, BrokenContainer
from claims.proof.renewal import RenewArchive, ends_at
from claims.runtime.archive_store import ArchiveStore, ArchiveStoreFailed, TurnToWrite
from claims.runtime.service_keys import FolderOfServiceKeys
from signing.errors import CannotExtend

log = structlog.get_logger()

#: Where a pass was interrupted: the name of the archive that it looked at last.
CURSOR: Final = "renewal.cursor"
_ENDING: Final = ".asice"
_PASS_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class RenewStored:
    """Renew the archives of a store that end soon; safe to run twice, since a store replaces a file whole.

    While an export writes there, nothing is renewed: it may put in an archive of what was erased meanwhile,
    which a renewal of the one before must not undo.

    Attributes:
        turn: To write to the store.
        within: How long before its end something is renewed.
        pass_s: For how long one call goes on.
    """

    store: ArchiveStore
    turn: TurnToWrite
    renewing: Callable[[], RenewArchive]
    clock: Clock
    within: timedelta
    pass_s: float = _PASS_S

    def __call__(self) -> int:
        """Go on with the pass; return how many archives were renewed.

        Raises:
            TimestampFailed: The authority gives no timestamp; the next call begins where this one stopped.
            ArchiveStoreFailed: The store does not say what is in it, or takes nothing.
        """
        if not self.turn.is_mine():
            log.info("archive.renewal_put_off")
            return 0
        self.turn.give_up()
        until, renewed, renewing = time.monotonic() + self.pass_s, 0, self.renewing()
        for name in self._names(self._cursor()):
            try:
                renewed += self._renew(name, renewing)
            except ArchiveStoreFailed as error:
                # One that is stored away, or locked, keeps none of those behind it back.
                log.warning("archive.renewal_failed", archive=name, why=str(error))
            if time.monotonic() >= until:
                self.store.write(CURSOR, name.encode())
                return renewed
        self.store.write(CURSOR, b"")  # the next pass begins at the beginning
        return renewed

    def _renew(self, name: str, renewing: RenewArchive) -> bool:
        now = self.clock.now()
        data = self.store.read(name) or b""
        ends = ends_at(data, renewing.policy)
        if ends is not None and ends - now > self.within:
            return False
        try:
            made = renewing(data, at=now)
        except (BrokenContainer, BrokenArchive, CannotExtend) as error:
            log.warning("archive.renewal_failed", archive=name, why=str(error))
            return False
        if ends is not None and (ends_at(made, renewing.policy) or ends) <= ends:
            log.warning("archive.renewal_gains_nothing", archive=name)  # the authority itself ends as soon
            return False
        is_renewed = self._replace(name, data, made)
        log.info("archive.renewed" if is_renewed else "archive.renewal_put_off", archive=name)
        return is_renewed

    def _replace(self, name: str, data: bytes, made: bytes) -> bool:
        """Write what was made of an archive, if that is still what is there."""
        try:
            if not self.turn.is_mine() or self.store.read(name) != data:
                return False
            self.store.write(name, made)
        finally:
            self.turn.give_up()
        return True

    def _cursor(self) -> str:
        return (self.store.read(CURSOR) or b"").decode()

    def _names(self, after: str) -> Iterator[str]:
        # A folder gives its files in any order.
        found = self.store.names(after=after or None)
        yield from sorted(name for name in found if name.endswith(_ENDING))


def rotate_in_time(keys: FolderOfServiceKeys, clock: Clock, *, within: timedelta) -> bool:
    """Make the service's next key when the present one ends soon; return whether it did.

    Where another authority issues the certificates, its administrator is told in the log.
    """
    left = keys.current().certificate.not_valid_after_utc - clock.now()
    if left > within:
        return False
    if keys.revocation_list(at=clock.now()) is None:
        log.warning("evidence_key.ends_soon", days=left.days)
        return False
    log.info("evidence_key.rotated", key_id=keys.rotate().key_id)
    return True
