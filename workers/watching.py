"""What a worker knows of itself, and how it ends itself to be started again."""

import os
import signal
import threading
import time
from collections.abc import Sequence

import structlog
from celery import Celery
from celery.worker import state

from claims.runtime.broker import count_waiting
from claims.runtime.watchdog import Sight

log = structlog.get_logger()

#: A worker that does not end when it is asked to ends without being asked; it has nothing at hand.
_INSIST_AFTER_S = 5.0


def see(app: Celery, queues: Sequence[str]) -> Sight:
    """Look at the queues that this worker serves and at what it has of them."""
    waiting = [count_waiting(app, queue) for queue in queues]
    return Sight(
        at_s=time.monotonic(),
        waiting=sum(each for each in waiting if each is not None),
        at_hand=len(state.reserved_requests),
        fetched=state.all_total_count[0],
    )


def end() -> None:
    """End this process; whoever runs workers starts it again. Leases make that safe at any moment."""
    log.error("worker.stopped_fetching")
    insist = threading.Timer(_INSIST_AFTER_S, os.kill, [os.getpid(), signal.SIGKILL])
    insist.daemon = True
    insist.start()
    os.kill(os.getpid(), signal.SIGTERM)
