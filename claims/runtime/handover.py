"""Handing over: archives to a folder or an S3-compatible store, going on where it was broken off.

What is there under its name is whole, and left alone until something happens to its submission; days are
asked for one after the other, so that what is kept in mind does not grow with the store.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from claims.errors import ClaimsError
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.errors import ContentsUnavailable, NotYetLogged, StoreUnavailable, UnknownFacility
from claims.exchange.submission import Event, EventKind, FacilityCode, Submission, SubmissionId
from claims.runtime.archive_store import ArchiveNotTaken, ArchiveStore, ArchiveStoreTaken
from claims.runtime.wiring import Service
from claims.storage.pool import require_database

log = structlog.get_logger()

_PAGE: Final = 200
#: Who renews what is there has the turn for a moment only: after which times it is asked for.
_PAUSES_S: Final = (0.0, 0.5, 1.0)
#: So many in a row that a store does not take, or give: it is the store, not what they are.
_MOST_IN_A_ROW: Final = 20


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of one submission.

    Attributes:
        file: Under which name its archive was written; none: it is there, or could not be written now.
        error: Why it has no archive that could be written, of which the next time may know better.
        is_logged: Whether all that happened to it is in the log; what is not is for the next time.
    """

    submission: SubmissionId
    file: str | None = None
    error: ClaimsError | None = None
    is_logged: bool = True


def hand_over(
    service: Service,
    store: ArchiveStore,
    *,
    since: datetime,
    facility: str | None = None,
    expect: Callable[[int], None] = lambda _: None,
) -> Iterator[HandedOver]:
    """Write the archive of each submission received since, if it is not there as things stand.

    What is not in the log yet, and what a store does not take, is left for the next time.

    Raises:
        UnknownFacility: The facility is not registered.
        ArchiveStoreTaken: Another export writes there: it finds the same to do.
        ArchiveStoreFailed: The store does not answer, has no room, or takes none of many; the next call goes
            on with them.
        StoreUnavailable: The database does not answer, or the store of contents does not give any of many.
    """
    code = None if facility is None else FacilityCode(facility)
    if code is not None and service.facilities.find(code) is None:
        raise UnknownFacility(code)
    with _turn_at(store, service) as require_turn:
        after: SubmissionId | None = None
        day, there = "", frozenset[str]()
        failed = 0
        while True:
            require_turn()  # before it is asked what is due, which another export changes
            # The oldest first: what has no evidence yet comes last, when it may have.
            found = service.archives.oldest_first(since=since, facility=code, after=after, limit=_PAGE)
            expect(len(found))
            exports = service.archives.exports([one.id for one in found], store.fingerprint)
            for submission in found:
                name = f"{submission.received_at:%Y/%m/%d}/{submission.id}.asice"
                if not name.startswith(f"{day}/"):
                    day = name.rpartition("/")[0]
                    there = frozenset(store.names(under=day))
                upto, is_reached = exports.get(submission.id, ("", True))
                if name in there and is_reached:
                    yield HandedOver(submission.id)
                else:
                    require_turn()
                    try:
                        one = _write(service, store, submission, name, upto)
                        failed = 0 if one.file else failed
                    except (ArchiveNotTaken, ContentsUnavailable) as error:
                        failed += 1
                        if failed >= _MOST_IN_A_ROW:
                            raise
                        one = HandedOver(submission.id, error=error)
                    yield one
            if len(found) < _PAGE:
                return
            after = found[-1].id


@contextmanager
def _turn_at(store: ArchiveStore, service: Service) -> Iterator[Callable[[], None]]:
    """Give what takes the turn to write there, or sees that it is still had; give it up at the end."""
    turn = store.turn(service.database_url)

    def require() -> None:
        for pause_s in _PAUSES_S:
            time.sleep(pause_s)
            if turn.is_mine():
                return
            require_database(service.database_url)
        raise ArchiveStoreTaken(store.address)

    try:
        yield require
    finally:
        turn.give_up()


def _write(service: Service, store: ArchiveStore, submission: Submission, name: str, upto: str) -> HandedOver:
    try:
        data = service.archive(submission.id, within=EVERYWHERE)
    except NotYetLogged:
        return HandedOver(submission.id, is_logged=False)
    except StoreUnavailable:
        raise
    except ClaimsError as error:
        # One that is damaged, or larger than an archive may be, keeps none of the others back.
        log.warning("archive.not_made", submission_id=submission.id, error=type(error).__name__)
        return HandedOver(submission.id, error=error)
    store.write(name, data)
    # After it is there: an export that is noted has happened. What has happened while it was made, such as an
    # erasure, is for the next one.
    detail = {"file": name, "store": store.fingerprint, "upto": upto}
    event = Event(service.clock.now(), EventKind.EXPORTED, submission.state, "export", detail=detail)
    service.archives.note(submission.id, event, {"archive": hashlib.sha256(data).hexdigest()})
    return HandedOver(submission.id, name)
