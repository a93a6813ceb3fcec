"""A connection that is too slow, or begins with too much, is ended; others are not touched."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from claims.runtime.connections import MAX_HEAD_BYTES, BoundedConnection


class Impatient(BoundedConnection):
    """As the service's, in a hurry."""

    head_s = 0.3
    look_s = 0.3


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", _length, methods=["GET", "POST"])])
    config = uvicorn.Config(app, port=0, http=Impatient, ws="none", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


def answer_to(port: int, *parts: bytes) -> bytes:
    """Send the parts and return everything that comes until the connection ends or rests."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        for part in parts:
            connection.sendall(part)
        said = b""
        while chunk := connection.recv(65_536):
            said += chunk
            if said.endswith(b"\r\n\r\n0") or (b"\r\n\r\n" in said and said.split(b"\r\n\r\n", 1)[1]):
                break
        return said


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param((), id="nothing"),
        pytest.param((b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",), id="half-a-head"),
        pytest.param((b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nsome",), id="half-a-body"),
    ],
)
def test_a_request_that_does_not_go_on_is_ended(port: int, begin: tuple[bytes, ...]) -> None:
    assert answer_to(port, *begin).startswith(b"HTTP/1.1 408 ")


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
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        for size in (200_000, 0, 70_000):
            head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
            connection.sendall(head + bytes(size))
            said = connection.recv(65_536)
            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.endswith(b"\r\n" + str(size).encode())
