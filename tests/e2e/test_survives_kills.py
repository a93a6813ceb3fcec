"""Killing any process at any moment loses nothing and sends nothing twice."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from claims.cli.demo.cases import EXPECTED, Case, Kind, make_cases
from claims.cli.demo.installation import Installation
from claims.client import SETTLED, ApiClient, ApiUnreachable, Document
from claims.runtime.embedded import Addresses

FACILITIES = {"99001": "Một", "99002": "Hai", "99003": "Ba"}
ENCOUNTERS = 120
KILLS = 14
VICTIMS = ("api", "check", "check child", "deliver", "beat", "gateway")
SETTLE_S = 100


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill(installation: Installation, victim: str, choose: random.Random) -> bool:
    pid = installation.pid(victim.removesuffix(" child"))
    if pid is None:
        return False
    try:
        if victim.endswith(" child"):
            pid = choose.choice(_children(pid))
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError, IndexError):
        return False
    return True


def _misbehave(installation: Installation) -> None:
    with contextlib.suppress(httpx2.TransportError):
        installation.clear_faults()
        for kind in ("timeout_after", "reset_after", "error_503_html", "slow:0.5"):
            installation.add_fault(kind=kind, rate=0.08)


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


def _when_settled(api: ApiClient, ids: set[str]) -> dict[str, Document]:
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = _insist(lambda: {str(one["id"]): one for one in api.submissions()})
        waiting = [found[one] for one in ids if found[one]["state"] not in SETTLED]
        if not waiting:
            return found
        assert time.monotonic() < deadline, Counter((one["state"], one["cause"]) for one in waiting)
        time.sleep(0.3)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_random_kills_lose_nothing_and_send_nothing_twice(
    tmp_path: Path, database_url: str, broker_url: str
) -> None:
    seed = int(os.environ.get("PYTEST_CHAOS_SEED", "20261123"))
    choose = random.Random(seed)
    addresses = Addresses(database_url, broker_url)
    with ExitStack() as stack:
        installation = stack.enter_context(
            Installation(tmp_path, FACILITIES, with_expired_key=list(FACILITIES), addresses=addresses)
        )
        _misbehave(installation)
        cases = list(make_cases(list(installation.facilities.values()), seed=seed, count=ENCOUNTERS))
        clients = {
            code: stack.enter_context(installation.api(one.api_key))
            for code, one in installation.facilities.items()
        }
        killed: Counter[str] = Counter()
        done = threading.Event()

        def kill_some() -> None:
            while sum(killed.values()) < KILLS and not done.wait(choose.uniform(0.2, 1.2)):
                victim = choose.choice(VICTIMS)
                killed[victim] += _kill(installation, victim, choose)
                _misbehave(installation)  # a killed gateway has forgotten how

        killer = threading.Thread(target=kill_some)
        killer.start()

        def submit(case: Case) -> tuple[Kind, str]:
            done.wait(0.3)  # so that the kills meet every stage
            return case.kind, _submit(clients[case.facility], case)

        with ThreadPoolExecutor(6) as pool:
            submitted = list(pool.map(submit, cases))
        killer.join()
        done.set()
        installation.clear_faults()
        operator = stack.enter_context(installation.api(installation.operator_key))
        states = _when_settled(operator, {one for _, one in submitted})
        failed = [one for one in states.values() if one["state"] == "failed"]
        if failed:
            operator.start_replay({"state": ["failed"]}, reason="test")
            time.sleep(1)
            states = _when_settled(operator, {one for _, one in submitted})
        received = installation.gateway_says("received")
        stats = installation.gateway_says("stats")

    assert isinstance(received, list)
    assert isinstance(stats, dict)
    assert sum(killed.values()) == KILLS, killed
    wrong = [
        (kind, states[one]["state"]) for kind, one in submitted if states[one]["state"] != EXPECTED[kind]
    ]
    assert not wrong
    ours = {one["sha256"]: one["receipt"] for one in states.values() if one["state"] == "acknowledged"}
    theirs = {one["sha256"]: one["ma_giao_dich"] for one in received}
    assert ours == theirs
    assert len(received) == len(theirs)
    assert stats["repeats"] == 0
