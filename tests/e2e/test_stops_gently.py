"""Whoever is asked to stop finishes what it is at: no answer breaks off, no lease is left to run out."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg
import pytest

from claims.cli.demo.cases import EXPECTED, Case, Kind, make_cases
from claims.cli.demo.installation import Installation
from claims.client import SETTLED, ApiClient, ApiUnreachable, Submission
from claims.runtime.embedded import Addresses

FACILITIES = {"99001": "Một", "99002": "Hai"}
STOPS = 8
SETTLE_S = 100
ENCOUNTERS = 60


def _half_sent(installation: Installation, key: str) -> socket.socket:
    """Return a connection on which the API waits for the second half of a bundle."""
    address = urlsplit(installation.api_url)
    connection = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60)
    head = (
        f"POST /v1/submissions HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/xml\r\nContent-Length: 20\r\nConnection: close\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100")  # it reads, and waits for the rest
    connection.sendall(b"<gently>")
    return connection


Answer = TypeVar("Answer")


def _insist(request: Callable[[], Answer]) -> Answer:
    """Ask until somebody answers, as a billing system would."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return request()
        except ApiUnreachable:
            if time.monotonic() > deadline:
                raise


def _submit(api: ApiClient, case: Case) -> str:
    send = api.submit_encounter if case.kind is Kind.ENCOUNTER else api.submit_bundle
    return str(_insist(lambda: send(case.body))["id"])


def _when_settled(api: ApiClient, ids: set[str]) -> dict[str, Submission]:
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = _insist(lambda: {one["id"]: one for one in api.submissions()})
        waiting = [found[one]["state"] for one in ids if found[one]["state"] not in SETTLED]
        if not waiting:
            return found
        assert time.monotonic() < deadline, waiting
        time.sleep(0.3)


@pytest.mark.any_server
@pytest.mark.slow
def test_stopping_under_load_breaks_nothing_off(tmp_path: Path, database_url: str, broker_url: str) -> None:
    choose = random.Random(7)
    addresses = Addresses(database_url, broker_url)
    with Installation(
        tmp_path, FACILITIES, with_expired_key=list(FACILITIES), addresses=addresses
    ) as installation:
        installation.add_fault(kind="slow:0.3", rate=0.5)
        facilities = list(installation.facilities.values())
        key = facilities[0].api_key
        half = _half_sent(installation, key)
        done = threading.Event()

        def stop_some() -> None:
            for _ in range(STOPS):
                done.wait(choose.uniform(0.5, 1.5))
                pid = installation.pid(choose.choice(("check", "deliver", "api")))
                if pid is not None:
                    os.kill(pid, signal.SIGTERM)

        first = installation.pid("api")
        assert first is not None
        os.kill(first, signal.SIGTERM)
        half.sendall(b"<and-whole/>")
        answer = b""
        while part := half.recv(65_536):
            answer += part
        half.close()
        assert answer.startswith(b"HTTP/1.1 202"), answer

        cases = list(make_cases(facilities, seed=7, count=ENCOUNTERS))
        clients = {one.code: installation.api(one.api_key) for one in facilities}
        stopper = threading.Thread(target=stop_some)
        stopper.start()

        def submit(case: Case) -> tuple[Case, str]:
            done.wait(0.1)
            return case, _submit(clients[case.facility], case)

        with ThreadPoolExecutor(4) as pool:
            submitted = list(pool.map(submit, cases))
        stopper.join()
        installation.clear_faults()
        for client in clients.values():
            client.__exit__(None, None, None)
        with installation.api(installation.operator_key) as operator:
            states = _when_settled(operator, {one for _, one in submitted})
        received, stats = installation.gateway_says("received"), installation.gateway_says("stats")
        with psycopg.connect(database_url) as connection:
            lost = connection.execute("SELECT count(*) FROM event WHERE cause = 'worker.lost'").fetchone()

    assert isinstance(received, list)
    assert isinstance(stats, dict)
    assert [
        (case.kind, states[one]["state"])
        for case, one in submitted
        if states[one]["state"] != EXPECTED[case.kind]
    ] == []
    ours = {one["sha256"] for one in states.values() if one["state"] == "acknowledged"}
    assert {one["sha256"] for one in received} == ours
    assert len(received) == len(ours)
    assert stats["repeats"] == 0
    assert lost == (0,)
