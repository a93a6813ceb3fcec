"""What processes share through the database holds over real processes, which have nothing else in common."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.pool import Pool as Workers
from threading import Lock, Thread

import pytest

from claims.exchange.breaker import Breaker
from claims.exchange.destination import Circuit
from claims.exchange.errors import GatewayUnavailable
from claims.exchange.gateway_sessions import GatewaySession
from claims.exchange.ports import Account
from claims.exchange.quota import Quota
from claims.exchange.submission import FacilityCode
from claims.gateway.connection import Connections, Limits
from claims.gateway.protocol import BodyFormat
from claims.gateway.session import Sessions
from claims.runtime.clock import SystemClock
from claims.storage.destinations import PostgresDestination
from claims.storage.gateway_sessions import PostgresGatewaySessions
from claims.storage.pool import Pool, open_pool
from claims.storage.sealing import Seal
from tests.fakes import NOON

# Not from the other tests' world, which every process would load.
FACILITY = FacilityCode("99001")
ACCOUNT = Account("99001_BV", "0" * 32)
PROCESSES = 3
SILENCE = GatewayUnavailable("gateway.unreachable")


# What runs in the processes. Each keeps what it made, as a worker does.


@cache
def _pool(database_url: str) -> Pool:
    return open_pool(database_url, max_size=2)


@cache
def _breaker(database_url: str, name: str) -> Breaker:
    return Breaker(destination=PostgresDestination(_pool(database_url), name), look_holds_s=0)


@cache
def _sessions(database_url: str, gateway_url: str) -> Sessions:
    connections = Connections(gateway_url, limits=Limits())
    shared = PostgresGatewaySessions(_pool(database_url), Seal(bytes(32)))
    return Sessions(connections, clock=SystemClock(), body_format=BodyFormat.FORM, shared=shared)


def take_turns(database_url: str, _number: int) -> list[datetime]:
    quota = Quota(10.0, timedelta(seconds=10), PostgresDestination(_pool(database_url), "turns"))
    return [moment for _ in range(7) for moment in quota.take(3, NOON).moments]


def hear_nothing(database_url: str, times: int) -> None:
    for _ in range(times):
        _breaker(database_url, "silent").note(SILENCE, NOON)


def ask_for_a_probe(database_url: str, _number: int) -> int:
    return _breaker(database_url, "silent").permit(50, NOON + timedelta(seconds=13)).number


def token(database_url: str, gateway_url: str, _number: int) -> str:
    return _sessions(database_url, gateway_url).token(FACILITY, ACCOUNT).access_token


def token_after_a_401(database_url: str, gateway_url: str, refused: GatewaySession) -> str:
    sessions = _sessions(database_url, gateway_url)
    held = sessions.token(FACILITY, ACCOUNT)
    if held == refused:
        sessions.drop(FACILITY, ACCOUNT, held)
    return sessions.token(FACILITY, ACCOUNT).access_token


# The processes, and the world around them.


@pytest.fixture(scope="module")
def processes() -> Iterator[Workers]:
    with get_context("spawn").Pool(PROCESSES) as pool:
        yield pool


@dataclass
class TokenCounter:
    """Counts who signs in."""

    given: int = 0
    lock: Lock = field(default_factory=Lock)


@contextmanager
def _gateway(counter: TokenCounter) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with counter.lock:
                counter.given += 1
                key = {"access_token": f"token-{counter.given}", "id_token": "id", "expires_in": 900}
            body = json.dumps({"maKetQua": "200", "APIKey": key}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_turns_of_all_processes_follow_each_other_at_the_pace_of_the_quota(
    database_url: str, processes: Workers
) -> None:
    taken = list(processes.map(partial(take_turns, database_url), range(6)))

    # Ten seconds ahead at ten in a second, and not one more, whoever asked.
    moments = sorted(moment for some in taken for moment in some)
    assert moments == [NOON + timedelta(seconds=place / 10) for place in range(100)]


def test_silences_that_several_processes_met_open_the_circuit_of_all(
    database_url: str, processes: Workers
) -> None:
    list(processes.map(partial(hear_nothing, database_url), [2, 2, 1]))

    seen = Breaker(destination=PostgresDestination(_pool(database_url), "silent"))
    assert seen.permit(50, NOON).number == 0
    assert seen.state is Circuit.OPEN

    probes = list(processes.map(partial(ask_for_a_probe, database_url), range(12)))
    assert Counter(probes) == {0: 11, 1: 1}  # one of all of them goes to see

    seen.note(None, NOON + timedelta(seconds=14))
    assert set(processes.map(partial(ask_for_a_probe, database_url), range(12))) == {50}


def test_processes_sign_in_once_and_once_more_after_a_401(database_url: str, processes: Workers) -> None:
    with _pool(database_url).connection() as connection:
        connection.execute("INSERT INTO facility VALUES (%s, 'x', now()) ON CONFLICT DO NOTHING", [FACILITY])
    counter = TokenCounter()
    with _gateway(counter) as url:
        first = set(processes.map(partial(token, database_url, url), range(12)))
        refused = _sessions(database_url, url).token(FACILITY, ACCOUNT)
        then = set(processes.map(partial(token_after_a_401, database_url, url), [refused] * 12))

    assert first == {"token-1"}
    assert then == {"token-2"}
    assert counter.given == 2


@pytest.fixture(autouse=True)
def _own_pools() -> Iterator[None]:
    """A database each test: what this process kept of it ends with the test."""
    yield
    for made in (_breaker, _sessions, _pool):  # a pool that nobody has any more closes itself
        made.cache_clear()
