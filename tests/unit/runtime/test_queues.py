"""Which worker serves which queue, and what must not wait behind thousands of checks."""

from collections import Counter
from typing import Any

from claims.runtime.broker import make_celery
from claims.runtime.jobs import CHECK, DELIVER, REPLAY
from claims.runtime.settings import Settings
from claims.runtime.workers import Role, celery_arguments

SETTINGS = Settings(reviews=True)
CONF: Any = make_celery(SETTINGS, "memory://").conf


def test_each_queue_is_served_by_one_role() -> None:
    served = Counter(queue for role in Role for queue in role.queues)

    assert set(served.values()) == {1}
    assert served.keys() == set(CONF.task_routes.values())
    for role in Role:
        arguments = celery_arguments(role, SETTINGS)
        assert arguments[arguments.index("-Q") + 1] == ",".join(role.queues)


def test_nothing_that_is_done_regularly_waits_behind_checks_or_deliveries() -> None:
    """What waits longer than its period is dropped: under load the log would not be kept at all."""
    crowded = {CONF.task_routes[CHECK], CONF.task_routes[DELIVER]}

    regular = {entry["task"]: CONF.task_routes[entry["task"]] for entry in CONF.beat_schedule.values()}

    assert len(regular) == 4
    assert crowded.isdisjoint({*regular.values(), CONF.task_routes[REPLAY]})
