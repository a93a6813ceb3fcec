"""What a worker knows of itself, and how it ends itself to be started again."""

import contextlib
import os
import signal
import threading
import time
from typing import Any

import structlog
from celery import Celery
from celery.worker import state
from kombu.exceptions import OperationalError

from claims.runtime.watchdog import Sight

log = structlog.get_logger()

#: A worker that does not end when it is asked to ends without being asked; it has nothing at hand.
_INSIST_AFTER_S = 5.0
_CONNECT_S = 5.0


def see(app: Celery, queue: str) -> Sight:
    """Look at a queue and at what this worker has of it."""
    return Sight(
        at_s=time.monotonic(),
        waiting=_waiting(app, queue),
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


def _waiting(app: Celery, queue: str) -> int | None:
    # A connection of its own: the worker's may be the one that hangs.
    with (
        contextlib.suppress(OperationalError, OSError, *app.connection_for_read().channel_errors),
        app.connection_for_read(connect_timeout=_CONNECT_S) as connection,
    ):
        connection.ensure_connection(max_retries=1)
        channel: Any = connection.default_channel  # the stubs know less of it than every transport has
        # As Celery declares it. A passive question finds no queue of Redis's that has a key prefix.
        return int(channel.queue_declare(queue, durable=True, auto_delete=False).message_count)
    return None
