"""Serves the stand-in over HTTP, with a way to break connections off."""

import os
import socket
import struct
from collections.abc import Callable
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claims.gateway.mock.app import create_app
from claims.gateway.mock.cards import CardRegister
from claims.gateway.mock.options import MockSettings, load_accounts, load_certificates
from claims.gateway.mock.wire import HANG_UP
from claims.listening import Server, bind
from signing.trust import TrustStore

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_KEEP_ALIVE_S: Final = 75


def make_server(settings: MockSettings, *, on_ready: Callable[[str], None] | None = None) -> Server:
    """Return a server for the stand-in; ``run()`` serves until it is told to stop."""
    app = create_app(
        settings.journal,
        accounts=load_accounts(settings.folder / "accounts.csv"),
        trust=TrustStore.load(settings.folder / "trust"),
        certificates=load_certificates(settings.folder / "facilities.csv"),
        options=settings.options,
        cards=CardRegister.load(settings.folder),
    )
    config = uvicorn.Config(
        app,
        http=_BreakableProtocol,
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    return Server(config, bind(settings.host, settings.port), on_ready)


def serve(settings: MockSettings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve the stand-in until SIGTERM or SIGINT; ``on_ready`` is given the address."""
    make_server(settings, on_ready=on_ready).run()


class _BreakableProtocol(HttpToolsProtocol):
    """Lets an application break its connection off, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Extensions are typed as objects of JSON; a function is what this one has to be.
        self.scope["extensions"] = {HANG_UP: self._hang_up}  # type: ignore[dict-item]

    def _hang_up(self, *, reset: bool) -> None:
        if not reset:
            self.transport.close()
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            # Zero linger makes the kernel send RST. The event loop's own socket may not be touched.
            with socket.socket(fileno=os.dup(sock.fileno())) as duplicate:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()
