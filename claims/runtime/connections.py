"""Connections that a caller cannot hold for nothing: headers of bounded size, requests of bounded slowness.

The server itself waits for ever for the rest of a request, and takes headers of any length. A reverse proxy
in front sets bounds of its own (deploy/nginx.conf); these hold where it was forgotten.
"""

from asyncio import TimerHandle, Transport
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Address and headers of one request together. Browsers and client libraries stay below 16 KiB.
MAX_HEAD_BYTES: Final = 32 * 1024
#: How long a request's head may take, from the connection's beginning or its own.
HEAD_S: Final = 10.0
#: How often a body that is on its way is looked at, and what must have come since.
LOOK_S: Final = 20.0
MIN_BYTES: Final = 4 * 1024
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _HeadTooLarge(Exception):
    """Ends the parsing of a request."""


class BoundedConnection(HttpToolsProtocol):
    """Ends a connection whose request is too slow or begins with too much."""

    head_s = HEAD_S
    look_s = LOOK_S

    _timer: TimerHandle | None = None
    _is_head = False
    _has_begun = False
    _is_reading_body = False
    _field_bytes = 0
    _head_bytes = 0
    _came = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as its parent does
        """Expect a request soon."""
        super().connection_made(transport)
        self._wait(self.head_s, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes, unless a request's head has become too long."""
        self._came += len(data)
        self._has_begun = False
        super().data_received(data)
        # The parser tells of a field when it is whole, so what came of one that does not end is counted
        # here; not the first bytes, which may be the end of the request before.
        if self._is_head and not self._has_begun:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._end(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Count from here."""
        super().on_message_begin()
        self._is_head = self._has_begun = True
        self._field_bytes = self._head_bytes = 0
        self._wait(self.head_s, self._end)

    def on_url(self, url: bytes) -> None:
        """Count the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Expect the body at a pace."""
        self._is_head, self._is_reading_body = False, True
        self._expect_body()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect nothing until the next request; how long that may be the server bounds itself."""
        self._stop_waiting()
        self._is_reading_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that the head is too large where that is what stopped the parser."""
        if self._field_bytes > MAX_HEAD_BYTES:
            self._end(_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > MAX_HEAD_BYTES:
            raise _HeadTooLarge  # to the server this is an error of the parser

    def _expect_body(self) -> None:
        self._came = 0
        self._wait(self.look_s, self._look)

    def _look(self) -> None:
        # Who is not read from, because what came waits to be worked off, is not slow.
        if self._came < MIN_BYTES and not self.flow.read_paused:
            self._end()
        else:
            self._expect_body()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, answer: bytes = _TOO_SLOW) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            # While a body is under way its answer may be too.
            is_answering = self._is_reading_body and self.cycle.response_started
            if not is_answering:
                self.transport.write(answer)
            self.transport.close()
