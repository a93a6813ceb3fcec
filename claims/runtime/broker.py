"""The Celery application's settings, shared by those who send and those who work."""

import contextlib
from typing import Any, Final

from celery import Celery
from kombu.exceptions import OperationalError

from claims.runtime.jobs import CHECK, DELIVER, KEEP_LOG, LOOK, RENEW, REPLAY, REVIEW, TELL, TIDY
from claims.runtime.settings import Settings
from claims.runtime.workers import DUTIES, ERRANDS

#: A stopping worker has this long to finish what it is at.
_SOFT_STOP_S = 20
#: How often it is looked what ends soon; half a year is left then.
_RENEW_EVERY_S = 3_600.0
#: How often contents go on moving away; each time half as long.
_TIDY_EVERY_S = 60.0
_CONNECT_S: Final = 5.0


def make_celery(settings: Settings, broker_url: str) -> Celery:
    """Return the Celery app: late acknowledgement, batches of ids, no results, no countdowns.

    A message may get lost or come twice; the database decides what is due. When to try again is a
    column there, never Celery's own retry.
    """
    app = Celery("claims", broker=broker_url)
    app.conf.update(
        task_routes={
            CHECK: "check",
            REPLAY: DUTIES,
            KEEP_LOG: DUTIES,
            REVIEW: DUTIES,
            RENEW: DUTIES,
            DELIVER: "deliver",
            LOOK: ERRANDS,
            TIDY: ERRANDS,  # it waits for a store, as that one does for the gateway
            TELL: "tell",
        },
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_time_limit=settings.check_lease_s * 2,
        task_soft_time_limit=settings.check_lease_s,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=1000,
        worker_soft_shutdown_timeout=_SOFT_STOP_S,
        worker_enable_soft_shutdown_on_idle=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(broker_url),
        # What is sent regularly; the workers' keepers see to it, there is no beat process.
        beat_schedule={
            "keep-log": {
                "task": KEEP_LOG,
                "schedule": settings.log_every_s,
                # What waited longer than its period is stale: the next one does its work.
                "options": {"expires": settings.log_every_s},
            },
            "tidy": {"task": TIDY, "schedule": _TIDY_EVERY_S, "options": {"expires": _TIDY_EVERY_S}},
            "renew": {"task": RENEW, "schedule": _RENEW_EVERY_S, "options": {"expires": _RENEW_EVERY_S}},
            **(_reviewing(settings) if settings.reviews else {}),
        },
    )
    return app


def _reviewing(settings: Settings) -> dict[str, object]:
    every = settings.reap_every_s
    return {"review": {"task": REVIEW, "schedule": every, "options": {"expires": every}}}


def _transport_options(broker_url: str) -> dict[str, object]:
    if not broker_url.startswith("redis"):
        return {}
    return {
        # Longer than the longest task, or a message is delivered again while its first run goes on.
        "visibility_timeout": 300,
        # What a killed worker had fetched comes back within seconds instead of minutes.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_keepalive": not broker_url.startswith("redis+socket"),
        "health_check_interval": 15,
        "retry_on_timeout": True,
        "global_keyprefix": "claims:",
    }


def count_waiting(app: Celery, queue: str) -> int | None:
    """Return how many messages wait in a queue; None while the broker does not say."""
    # A connection of its own: a worker's may be the one that hangs.
    with (
        contextlib.suppress(OperationalError, OSError, *app.connection_for_read().channel_errors),
        app.connection_for_read(connect_timeout=_CONNECT_S) as connection,
    ):
        connection.ensure_connection(max_retries=1)
        channel: Any = connection.default_channel  # the stubs know less of it than every transport has
        # As Celery declares it. A passive question finds no queue of Redis's that has a key prefix.
        return int(channel.queue_declare(queue, durable=True, auto_delete=False).message_count)
    return None
