"""Serving the console over a world, for tests and pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from claims.web import create_app
from tests.browser.world import World
from tests.served import on_loopback

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
    with on_loopback(create_app(world.service)) as address:
        yield address


def cookies_of(world: World, url: str, who: str | None, language: str) -> "Sequence[SetCookieParam]":
    """Return the cookies of somebody who is signed in and has chosen a language."""
    cookies: list[SetCookieParam] = [{"name": "preferences", "value": f"{language}.auto.on", "url": url}]
    if who is not None:
        cookies.append({"name": "ehoso", "value": world.session_of(who), "url": url})
    return cookies
