"""The Celery application's settings, shared by those who send and those who work."""

from celery import Celery

from claims.runtime.jobs import CHECK, DELIVER, REAP, REPLAY
from claims.runtime.settings import Settings

#: A stopping worker has this long to finish what it is at.
_SOFT_STOP_S = 20


def make_celery(settings: Settings, broker_url: str) -> Celery:
    """Return the Celery app: late acknowledgement, batches of ids, no results, no countdowns.

    A message may get lost or come twice; the database decides what is due. When to try again is a
    column there, never Celery's own retry.
    """
    app = Celery("claims", broker=broker_url)
    app.conf.update(
        task_routes={CHECK: "check", REPLAY: "check", REAP: "check", DELIVER: "deliver"},
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
        beat_schedule={
            # A reap that waited longer than its period is stale: the next one does its work.
            "reap": {
                "task": REAP,
                "schedule": settings.reap_every_s,
                "options": {"expires": settings.reap_every_s},
            }
        },
        # One interval needs no memory of when it last ran.
        beat_scheduler="celery.beat:Scheduler",
    )
    return app


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
