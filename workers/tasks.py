"""Tasks: each names a use case and a queue and decides nothing.

A task takes a batch of ids, never bodies, and may run twice: only the holder of a lease changes anything.
"""

import threading

from celery import shared_task

from claims.exchange.submission import SubmissionId
from claims.runtime.jobs import CHECK, DELIVER, REAP, REPLAY
from workers.app import service

_warming = threading.Lock()


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


@shared_task(name=REPLAY)
def replay(replay_id: str) -> None:
    """Go on with a replay."""
    service.run_replay(replay_id)


@shared_task(name=REAP)
def reap() -> None:
    """Wake again what got lost."""
    service.reap()
