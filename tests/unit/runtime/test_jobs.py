"""Wake-ups share messages: a few wait a moment, many wait until a message is full."""

import queue
import threading
from typing import cast

import pytest
from celery import Celery

from claims.exchange.submission import SubmissionId
from claims.runtime import jobs
from claims.runtime.jobs import CHECK, CeleryJobs

_SOON_S = 60.0


class _Broker:
    """Takes messages in place of a Celery app."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[tuple[str, list[list[str]]]] = queue.SimpleQueue()

    def send_task(self, task: str, arguments: list[list[str]], *, ignore_result: bool) -> None:
        assert ignore_result
        self.messages.put((task, arguments))


def _ids(first: int, count: int) -> list[SubmissionId]:
    return [SubmissionId(f"sub_{number}") for number in range(first, first + count)]


def _jobs(broker: _Broker) -> CeleryJobs:
    return CeleryJobs(cast("Celery", broker), check_batch=50, send_batch=25)


def test_a_single_wake_up_does_not_wait_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_GATHER_UNDER_LOAD_S", 2 * _SOON_S)
    broker = _Broker()

    _jobs(broker).wake_check(_ids(0, 1))

    assert broker.messages.get(timeout=_SOON_S) == (CHECK, [["sub_0"]])


def test_under_load_wake_ups_of_different_moments_share_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_GATHER_UNDER_LOAD_S", 2 * _SOON_S)
    broker = _Broker()
    waker = _jobs(broker)

    waker.wake_check(_ids(0, 10))
    later = threading.Timer(0.2, waker.wake_check, [_ids(10, 40)])
    later.start()

    assert broker.messages.get(timeout=_SOON_S) == (CHECK, [[*_ids(0, 50)]])
    later.join()


def test_what_is_over_a_full_message_goes_with_what_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_GATHER_UNDER_LOAD_S", 2 * _SOON_S)
    broker = _Broker()
    waker = _jobs(broker)

    waker.wake_check(_ids(0, 60))
    later = threading.Timer(0.2, waker.wake_check, [_ids(60, 40)])
    later.start()

    taken = [broker.messages.get(timeout=_SOON_S) for _ in range(2)]
    assert taken == [(CHECK, [[*_ids(0, 50)]]), (CHECK, [[*_ids(50, 50)]])]
    later.join()
