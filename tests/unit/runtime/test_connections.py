"""A connection that is too slow, or begins with too much, is ended; others are not touched."""

import socket
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from claims.runtime.connections import MAX_HEAD_BYTES, BoundedConnection
from tests.served import on_loopback


class Impatient(BoundedConnection):
    """As the service's, in a hurry."""

    head_s = 0.3
    look_s = 0.3


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _serving(kind: type[BoundedConnection]) -> Iterator[int]:
    app = Starlette(routes=[Route("/", _length, methods=["GET", "POST"])])
    with on_loopback(app, http=kind, ws="none") as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture(scope="module")
def hasty_port() -> Iterator[int]:
    yield from _serving(Impatient)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    yield from _serving(BoundedConnection)


def hear(connection: socket.socket) -> bytes:
    """Return an answer: its head, and what has a body of at least a byte with it."""
    said = b""
    while not said.partition(b"\r\n\r\n")[2] and (chunk := connection.recv(65_536)):
        said += chunk
    return said


def answer_to(port: int, *parts: bytes) -> bytes:
    """Send the parts and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        return hear(connection)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param((), id="nothing"),
        pytest.param((b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",), id="half-a-head"),
        pytest.param((b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nsome",), id="half-a-body"),
    ],
)
def test_a_request_that_does_not_go_on_is_ended(hasty_port: int, begin: tuple[bytes, ...]) -> None:
    assert answer_to(hasty_port, *begin).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n", id="field"
        ),
        pytest.param(b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="address"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Many: yes\r\n" * (MAX_HEAD_BYTES // 8) + b"\r\n",
            id="fields",
        ),
    ],
)
def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    assert answer_to(port, head).startswith(b"HTTP/1.1 431 ")


def test_a_field_that_never_ends_is_refused_before_its_time_is_over(port: int) -> None:
    try:
        said = answer_to(port, b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", *[b"a" * 4096] * 300)
    except OSError:  # the answer may be lost where the sender still sends
        return
    assert said.startswith(b"HTTP/1.1 431 ")


def test_a_large_body_at_once_and_requests_one_after_the_other_are_served(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for size in (200_000, 0, 70_000):
            head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
            connection.sendall(head + bytes(size))
            said = hear(connection)
            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.endswith(b"\r\n" + str(size).encode())
