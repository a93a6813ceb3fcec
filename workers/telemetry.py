"""Around every task: how long it took, its span in a trace, and its id in log lines."""

from contextlib import ExitStack
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun
from structlog.contextvars import bound_contextvars

from claims.runtime.telemetry.metrics import TASKS, timed
from claims.runtime.telemetry.tracing import span

_running: dict[str, tuple[ExitStack, dict[str, str]]] = {}


def _begin(task_id: str, task: Task[Any, Any], **_: object) -> None:
    """Note that a task begins."""
    stack = ExitStack()
    stack.enter_context(bound_contextvars(task_id=task_id))
    labels = stack.enter_context(timed(TASKS, task=task.name, outcome="failed"))
    stack.enter_context(span(task.name, task_id=task_id))
    _running[task_id] = stack, labels


def _end(task_id: str, state: str | None = None, **_: object) -> None:
    """Note how it ended."""
    found = _running.pop(task_id, None)
    if found is not None:
        stack, labels = found
        labels["outcome"] = "done" if state == "SUCCESS" else "failed"
        stack.close()


def watch_tasks() -> None:
    """From now on, watch each task of this process and of those that it forks."""
    task_prerun.connect(_begin, weak=False)
    task_postrun.connect(_end, weak=False)
