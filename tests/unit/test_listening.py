"""A port is taken before anything starts, and told once somebody answers there."""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from claims.listening import AddressUnavailable, Server, bind, reserved_port

LOOPBACK = "127.0.0.1"


def test_whoever_is_told_the_address_is_answered_there() -> None:
    async def app(_scope: Any, _receive: Any, _send: Callable[..., Awaitable[None]]) -> None: ...

    answered = []

    def ask(url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60):
            answered.append(url)
        server.should_exit = True

    bound = bind(LOOPBACK, 0)
    server = Server(uvicorn.Config(app, lifespan="off", log_config=None), bound, ask)
    server.run()

    assert answered == [server.base_url]
    assert not server.base_url.endswith(":0")


def test_nobody_is_kept_waiting_before_it_is_served() -> None:
    with bind(LOOPBACK, 0) as bound, socket.socket() as caller:
        assert caller.connect_ex(bound.getsockname()) != 0


def test_a_port_on_which_somebody_listens_is_told_before_anything_starts() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(AddressUnavailable, match=f"port {port} .*--port 0: any that is free"):
            bind(LOOPBACK, port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(AddressUnavailable, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)


def test_a_reserved_port_is_had_again_and_again_by_whoever_asks_for_it() -> None:
    with reserved_port() as port:
        for _ in range(2):
            with socket.create_server((LOOPBACK, port)) as server:
                assert server.getsockname()[1] == port


def test_a_reserved_port_is_given_to_nobody_who_asks_for_any() -> None:
    # Without the option by which a server asks for its own again: as the system looks for one that is free.
    with reserved_port() as port, socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
