"""Handing over: archives to a folder or an S3-compatible store, going on where it was broken off.

What is there under its name is whole, and left alone; days are asked for one after the other, so that what is
kept in mind does not grow with the store.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from claims.exchange.access.places import EVERYWHERE
from claims.exchange.errors import NotYetLogged
from claims.exchange.submission import Event, EventKind, FacilityCode, Submission, SubmissionId
from claims.runtime.archive_store import ArchiveStore
from claims.runtime.wiring import Service

_PAGE: Final = 200


def hand_over(
    service: Service,
    store: ArchiveStore,
    *,
    since: datetime,
    facility: str | None = None,
    expect: Callable[[int], None] = lambda _: None,
) -> Iterator[str | None]:
    """Write the archive of each submission received since; return each name, or None if it was there.

    What is not in the log yet is left for the next time, and None as well.

    Raises:
        ArchiveStoreFailed: The store does not take an archive; the next call goes on with it.
    """
    code = None if facility is None else FacilityCode(facility)
    after: SubmissionId | None = None
    day, there = "", frozenset[str]()
    while True:
        # The oldest first: what has no evidence yet comes last, when it may have.
        found = service.archives.oldest_first(since=since, facility=code, after=after, limit=_PAGE)
        expect(len(found))
        for submission in found:
            name = f"{submission.received_at:%Y/%m/%d}/{submission.id}.asice"
            if not name.startswith(f"{day}/"):
                day = name.rpartition("/")[0]
                there = frozenset(store.names(under=day))
            yield None if name in there else _write(service, store, submission, name)
        if len(found) < _PAGE:
            return
        after = found[-1].id


def _write(service: Service, store: ArchiveStore, submission: Submission, name: str) -> str | None:
    try:
        data = service.archive(submission.id, within=EVERYWHERE)
    except NotYetLogged:
        return None
    store.write(name, data)
    # After it is there: an export that is noted has happened.
    event = Event(service.clock.now(), EventKind.EXPORTED, submission.state, "export", detail={"file": name})
    service.archives.note(submission.id, event, {"archive": hashlib.sha256(data).hexdigest()})
    return name
