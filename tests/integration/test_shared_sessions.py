"""Many processes, one session with the gateway: one signs in, whoever is told of its end tells all.

Each "process" has its own client and its own database connections; they share nothing but the database.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from claims.exchange.ports import Account
from claims.gateway.connection import Connections, RawAnswer
from claims.gateway.protocol import BodyFormat
from claims.gateway.session import Sessions
from claims.storage.gateway_sessions import PostgresGatewaySessions
from claims.storage.pool import open_pool
from claims.storage.sealing import Seal
from tests.fakes import SetClock
from tests.integration.conftest import FACILITY

PROCESSES = 6
ACCOUNT = Account("99001_BV", "0" * 32)
Process = tuple[Sessions, PostgresGatewaySessions]


@dataclass
class Gateway:
    """Gives a new token at every sign-in, and takes its time."""

    sign_ins: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, _path: str, *, headers: object, body: bytes) -> RawAnswer:
        assert headers
        assert body
        with self.lock:
            self.sign_ins += 1
            number = self.sign_ins
        time.sleep(0.05)
        key = {"access_token": f"token-{number}", "id_token": f"id-{number}", "expires_in": 900}
        return RawAnswer(200, json.dumps({"maKetQua": "200", "APIKey": key}).encode())


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def processes(database_url: str, gateway: Gateway, clock: SetClock) -> Iterator[list[Process]]:
    seal = Seal(bytes(32))
    with ExitStack() as stack:
        made: list[Process] = []
        for _ in range(PROCESSES):
            shared = PostgresGatewaySessions(stack.enter_context(open_pool(database_url, max_size=1)), seal)
            sessions = Sessions(
                cast("Connections", gateway), clock=clock, body_format=BodyFormat.FORM, shared=shared
            )
            made.append((sessions, shared))
        with made[0][1].pool.connection() as connection:
            connection.execute(
                "INSERT INTO facility VALUES (%s, 'x', now()) ON CONFLICT DO NOTHING", [FACILITY]
            )
        yield made


def at_once(processes: list[Process], what: Callable[[Sessions], str]) -> set[str]:
    with ThreadPoolExecutor(PROCESSES) as pool:
        return set(pool.map(what, [sessions for sessions, _ in processes]))


def token(sessions: Sessions) -> str:
    return sessions.token(FACILITY, ACCOUNT).access_token


def test_processes_that_want_a_session_at_the_same_time_sign_in_once(
    processes: list[Process], gateway: Gateway
) -> None:
    tokens = at_once(processes, token)

    assert tokens == {"token-1"}
    assert gateway.sign_ins == 1


def test_a_session_that_ends_is_renewed_once_by_one_of_them(
    processes: list[Process], gateway: Gateway, clock: SetClock
) -> None:
    at_once(processes, token)
    clock.advance(900)

    tokens = at_once(processes, token)

    assert tokens == {"token-2"}
    assert gateway.sign_ins == 2


def test_a_session_that_the_gateway_forgot_is_dropped_for_all_and_renewed_once(
    processes: list[Process], gateway: Gateway
) -> None:
    at_once(processes, token)

    def after_a_401(sessions: Sessions) -> str:
        sessions.drop(FACILITY, ACCOUNT, sessions.token(FACILITY, ACCOUNT))
        return token(sessions)

    first = after_a_401(processes[0][0])
    others = at_once(processes[1:], after_a_401)  # they hold the old one still, and are told in their turn

    assert {first, *others} == {"token-2"}
    assert gateway.sign_ins == 2


def test_whoever_died_while_signing_in_holds_nobody_up_for_longer_than_its_turn(
    processes: list[Process], gateway: Gateway, clock: SetClock
) -> None:
    dead = processes[0][1]
    now = clock.now()
    assert dead.begin(FACILITY, owner="dead", now=now, until=now + timedelta(seconds=90))

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(token, processes[1][0])
        time.sleep(0.15)
        waited = not waiting.done()
        clock.advance(91)
        found = waiting.result(timeout=60)

    assert waited
    assert found == "token-1"
    assert gateway.sign_ins == 1
