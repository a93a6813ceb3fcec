"""Kept HTTP connections to one host, with hard limits on time and size.

Decides only what the network lets one decide: whether a request can have reached the other side.
What an answer means is left to `claims.gateway.answers`.
"""

import contextlib
import io
import os
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from claims.exchange.errors import (
    DISCONNECTED,
    TIMED_OUT,
    UNREACHABLE,
    GatewayUnavailable,
    OutcomeUnknown,
    Patience,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GARBLED: Final = "gateway.garbled"

#: SO_LINGER with no time at all: unsent data is thrown away.
_DISCARD: Final = struct.pack("ii", 1, 0)

# How long to look for an answer that a host gave before it had read the whole request (413, 401).
_EARLY_ANSWER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, and for how much.

    Attributes:
        connect_timeout_s: For name look-up's result, TCP and TLS together, per address tried.
        read_timeout_s: From the last byte written to the last byte of the answer, however it drips.
        max_answer_bytes: An answer that is longer is unusable.
        max_idle_s: A connection unused for longer is not used again; shorter than any common server's
            keep-alive (5 s), so that a request seldom meets a closing door.
    """

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    max_answer_bytes: int = 1 << 20
    max_idle_s: float = 4.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came.

    Attributes:
        status: The HTTP status.
        body: The body's bytes.
        request_complete: False when the host answered and hung up before it had the whole request,
            which it therefore cannot have taken.
        patience: How long the host asks to be left alone, if it does.
    """

    status: int
    body: bytes
    request_complete: bool = True
    patience: Patience | None = None


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: HTTPConnection
    since: float


class Connections:
    """Posts to one host over kept connections; safe to share between threads.

    A thread takes a connection for one request and gives it back, so there are as many as
    there are requests at the same moment.
    """

    def __init__(self, base_url: str, *, limits: Limits, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "the gateway's address must be an http or https URL"
            raise ValueError(message)
        self._host = parts.hostname
        self._port = parts.port
        name = f"[{self._host}]" if ":" in self._host else self._host.encode("idna").decode("ascii")
        self._named = name if self._port is None else f"{name}:{self._port}"
        self._prefix = parts.path.rstrip("/")
        self._limits = limits
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        # Last in, first out: a quiet hour lets the surplus age and be dropped.
        self._idle: deque[_Idle] = deque()
        self._pid = os.getpid()

    def post(
        self, path: str, *, headers: Mapping[str, str], body: bytes, max_answer_bytes: int | None = None
    ) -> RawAnswer:
        """Post once and return the answer, which may be longer than the limits say. Never sends twice.

        Raises:
            GatewayUnavailable: The host was not reached or not given the whole request, or asked too often.
            OutcomeUnknown: The whole request was written and no usable answer came back.
        """
        connection = self._take()
        keep = False
        try:
            complete = _write(connection, self._head(path, headers, len(body)) + body)
            wait_s = self._limits.read_timeout_s if complete else _EARLY_ANSWER_S
            try:
                most = max_answer_bytes or self._limits.max_answer_bytes
                answer = self._read(connection, wait_s=wait_s, complete=complete, max_bytes=most)
            except OutcomeUnknown as error:
                if complete:
                    raise
                raise GatewayUnavailable(UNREACHABLE, "the host hung up mid-request") from error
            keep = complete and connection.sock is not None
        finally:
            if keep:
                self._idle.append(_Idle(connection, time.monotonic()))
            else:
                _abandon(connection)
        if answer.patience is not None:
            raise _asks_for_patience(answer, answer.patience)
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses at the moment."""
        while self._idle:
            self._idle.pop().connection.close()

    def _head(self, path: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
        fields = {"Host": self._named, "Accept-Encoding": "identity", **headers}
        lines = [f"POST {self._prefix}{path} HTTP/1.1", f"Content-Length: {body_bytes}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        for line in lines:
            if not (line.isascii() and line.isprintable()):
                raise ValueError(f"{line.partition(':')[0]!r} cannot be written into a request")
        return "\r\n".join((*lines, "", "")).encode("ascii")

    def _take(self) -> HTTPConnection:
        if self._pid != os.getpid():
            # A forked child must not write into its parent's sockets.
            self._idle = deque()
            self._pid = os.getpid()
        youngest_allowed = time.monotonic() - self._limits.max_idle_s
        while True:
            try:
                idle = self._idle.pop()
            except IndexError:
                return self._connect()
            if idle.since >= youngest_allowed and not _is_readable(idle.connection.sock):
                return idle.connection
            idle.connection.close()

    def _connect(self) -> HTTPConnection:
        timeout_s = self._limits.connect_timeout_s
        connection = (
            HTTPConnection(self._host, self._port, timeout=timeout_s)
            if self._tls is None
            else HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)
        )
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            connection.close()
            raise GatewayUnavailable(UNREACHABLE, f"cannot connect: {type(error).__name__}") from error
        # From here on it bounds the writing; reading has its own deadline.
        connection.sock.settimeout(self._limits.read_timeout_s)
        return connection

    def _read(
        self, connection: HTTPConnection, *, wait_s: float, complete: bool, max_bytes: int
    ) -> RawAnswer:
        response = _PunctualResponse(connection.sock, deadline=time.monotonic() + wait_s)
        try:
            with response:
                response.begin()
                body = response.read(max_bytes + 1)
                is_over = response.isclosed()
        except TimeoutError as error:
            raise OutcomeUnknown(TIMED_OUT, f"no whole answer within {wait_s:g} s") from error
        except OSError as error:
            raise OutcomeUnknown(DISCONNECTED, type(error).__name__) from error
        except (HTTPException, ValueError) as error:
            raise OutcomeUnknown(GARBLED, type(error).__name__) from error
        if len(body) > max_bytes:
            raise OutcomeUnknown(GARBLED, "the answer is too long")
        if response.length:
            # read(n) does not complain when the connection ends before Content-Length.
            raise OutcomeUnknown(GARBLED, "the answer is cut off")
        if response.will_close or not is_over:
            connection.close()
        else:
            connection.sock.settimeout(self._limits.read_timeout_s)
        return RawAnswer(response.status, body, request_complete=complete, patience=_read_patience(response))


def _read_patience(response: HTTPResponse) -> Patience | None:
    """Read how long a host asks to be left alone: seconds or a time by its own clock (RFC 9110, 10.2.3)."""
    said = (response.headers.get("Retry-After") or "").strip()
    if response.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} or not said:
        return None
    try:
        seconds = float(said) if said.isdecimal() else _seconds_until(said, response.headers.get("Date"))
    except (ValueError, TypeError):
        return None  # neither: it says nothing
    return Patience(max(0.0, seconds), response.status == HTTPStatus.SERVICE_UNAVAILABLE)


def _seconds_until(moment: str, told_at: str | None) -> float:
    now = parsedate_to_datetime(told_at) if told_at else datetime.now(UTC)
    return (parsedate_to_datetime(moment) - now).total_seconds()


def _asks_for_patience(answer: RawAnswer, patience: Patience) -> GatewayUnavailable | OutcomeUnknown:
    cause = f"gateway.http-{answer.status}"
    detail = f"HTTP {answer.status}: not before {patience.seconds:g} s have passed"
    # Too many requests are turned away unread; a server in trouble may say so after it has read one.
    is_unread = answer.status == HTTPStatus.TOO_MANY_REQUESTS or not answer.request_complete
    return (GatewayUnavailable if is_unread else OutcomeUnknown)(cause, detail, patience=patience)


def _write(connection: HTTPConnection, request: bytes) -> bool:
    """Write a request; False when the host hung up before it had all of it, but may have answered."""
    try:
        # Head and body at once: http.client writes one after the other, which costs both sides a wake-up.
        connection.sock.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        return False
    except OSError as error:
        # Not all bytes were handed to the kernel, so the other side cannot have the whole request.
        raise GatewayUnavailable(UNREACHABLE, f"cannot write: {type(error).__name__}") from error
    return True


def _abandon(connection: HTTPConnection) -> None:
    """Close a connection so that what has not left this host never will.

    An ordinary close lets the kernel go on trying for minutes: a request that was given up while the
    network was cut would reach the gateway after somebody had looked for it in vain and sent it again.
    """
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
    connection.close()


def _is_readable(sock: socket.socket) -> bool:
    """Tell whether an idle connection has something to read: nothing but its end, or noise."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _PunctualResponse(HTTPResponse):
    """A response that must be whole by a deadline, even when each single byte is on time."""

    def __init__(self, sock: socket.socket, *, deadline: float) -> None:
        super().__init__(sock, method="POST")
        self.fp = io.BufferedReader(_PunctualReader(self.fp, sock, deadline))


class _PunctualReader(io.RawIOBase):
    """Reads from a socket, giving it only the time that is left."""

    def __init__(self, source: io.BufferedReader, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._source = source
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)
        return self._source.raw.readinto(memoryview(buffer)) or 0

    def close(self) -> None:
        # The source holds a reference that keeps the socket open until the answer is read.
        self._source.close()
        super().close()
