"""Serving on a port: the port is taken before anything else starts, and told once somebody answers there."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from claims.errors import ClaimsError

_ANY_PORT: Final = 0


class AddressUnavailable(ClaimsError):
    """The address to listen on cannot be had."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on port {port} of {host}: {reason}; "
            f"choose others with --host and --port (--port {_ANY_PORT}: any that is free)"
        )
        self.host = host
        self.port = port


def bind(host: str, port: int) -> socket.socket:
    """Take an address (port 0: the system chooses); until it is served, callers are turned away.

    Raises:
        AddressUnavailable: Somebody else listens there, or it is no address of this machine.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        # A server that is started again need not wait until the connections of the last one are forgotten.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise AddressUnavailable(host, port, error.strerror or str(error)) from error
    return bound


class Server(uvicorn.Server):
    """A server that says where it listens once it does."""

    def __init__(
        self, config: uvicorn.Config, bound: socket.socket, on_ready: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(config)
        self._bound = bound
        self._on_ready = on_ready
        host, port = bound.getsockname()[:2]
        #: The address to give to a client.
        self.base_url: Final[str] = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM or SIGINT."""
        super().run(sockets or [self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening and say so."""
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self.base_url)


@contextmanager
def reserved_port() -> Iterator[int]:
    """Have a port for a server that must be told which, until the block ends.

    A port that is bound is given to nobody who asks for any; as long as nobody listens on it, a server that
    asks for this very one gets it, as often as it is started.
    """
    with bind("", 0) as held:
        yield int(held.getsockname()[1])
