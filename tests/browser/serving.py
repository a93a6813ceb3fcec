"""Serving the console over a world, for tests and pictures."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from claims.web import create_app
from tests.browser.world import World

if TYPE_CHECKING:
    from playwright._impl._api_structures import SetCookieParam

CHROMIUM_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def serve(world: World) -> Iterator[str]:
    """Serve the console on loopback while the block runs; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        create_app(world.service), host="127.0.0.1", port=port, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def cookies_of(world: World, url: str, who: str | None, language: str) -> "Sequence[SetCookieParam]":
    """Return the cookies of somebody who is signed in and has chosen a language."""
    cookies: list[SetCookieParam] = [{"name": "preferences", "value": f"{language}.auto.on", "url": url}]
    if who is not None:
        cookies.append({"name": "ehoso", "value": world.session_of(who), "url": url})
    return cookies
