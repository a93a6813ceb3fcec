"""Tasks: each names a use case and a queue and decides nothing.

A task takes a batch of ids, never bodies, and may run twice: only the holder of a lease changes anything.
"""

import threading

from celery import shared_task

from claims.exchange.results import WatchKey
from claims.exchange.submission import SubmissionId
from claims.runtime.jobs import CHECK, DELIVER, KEEP_LOG, LOOK, RENEW, REPLAY, REVIEW, TELL, TIDY
from workers.app import service

_warming = threading.Lock()
#: For how long contents move at a time.
_TIDY_S = 30.0


@shared_task(name=CHECK)
def check(submission_ids: list[str]) -> None:
    """Check a batch of received submissions."""
    service.check([SubmissionId(one) for one in submission_ids])


@shared_task(name=DELIVER)
def deliver(submission_ids: list[str]) -> None:
    """Send a batch of checked submissions."""
    with _warming:  # this queue's tasks are threads of one process
        service.warm("deliver")
    service.deliver([SubmissionId(one) for one in submission_ids])


@shared_task(name=LOOK)
def look(key: str) -> None:
    """Read results of a facility's day or month."""
    with _warming:
        service.warm("follow_up")
    if service.follow_up is not None:
        service.follow_up(WatchKey.parse(key))


@shared_task(name=REPLAY)
def replay(replay_id: str) -> None:
    """Go on with a replay."""
    service.run_replay(replay_id)


@shared_task(name=TELL)
def tell(webhook_id: str) -> None:
    """Serve a webhook."""
    with _warming:
        service.warm("tell")
    service.tell(webhook_id)


@shared_task(name=KEEP_LOG)
def keep_log() -> None:
    """Make evidence of what happened."""
    # First, as the log may find no authority that gives a timestamp, and says so at its end.
    service.reading_chain.extend()
    service.keep_log()


@shared_task(name=RENEW)
def renew() -> None:
    """Renew what ends soon: the months of large tables, the service's own key, archives in the store."""
    service.keep_months.add()
    service.keep_months.drop_emptied()
    service.rotate_in_time()
    if service.renew_stored is not None:
        service.renew_stored()


@shared_task(name=TIDY)
def tidy() -> None:
    """Move contents away that nothing will be done with, and forget what was erased."""
    with _warming:
        service.warm("move_contents")
    if service.move_contents is not None:
        service.move_contents.forget_unwanted()
        service.move_contents(for_s=_TIDY_S)


@shared_task(name=REVIEW)
def review() -> None:
    """Open what was acknowledged for review, and tell hospitals what was decided."""
    while service.open_reviews() == service.open_reviews.batch:
        pass
    service.announce_decisions()
