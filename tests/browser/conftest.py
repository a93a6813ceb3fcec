"""One Chromium and one console for all browser tests; each test gets a context of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from psycopg import sql

from claims.runtime.embedded import Addresses
from tests.browser.serving import CHROMIUM_FLAGS, cookies_of, serve
from tests.browser.world import World, a_world
from tests.conftest import require_tool

Scheme = Literal["light", "dark"]
#: What WCAG 2.2 AA asks for, as far as a program can see it.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
#: What of it depends on colours.
COLOURS = ("color-contrast", "link-in-text-block")

#: By when something is on a page, on a busy machine too.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

_MOST_TABS = 100


@dataclass(frozen=True)
class Site:
    """The console, served on loopback."""

    url: str
    world: World


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    path = require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_FLAGS), timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(
    services: Addresses, migrated_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The console over a world of its own, for the whole session."""
    folder: Path = tmp_path_factory.mktemp("console")
    name = f"{migrated_database}_console"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, migrated_database)))
        )
    url = urlsplit(services.database_url)._replace(path=f"/{name}").geturl()
    with a_world(url, services.broker_url, folder) as world, serve(world) as address:
        yield Site(address, world)
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Visit]:
    """Open a page as somebody: ``visit("/claims", who="binh", language="en", scheme="dark", width=390)``."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str,
        *,
        who: str | None = None,
        language: str = "vi",
        scheme: Scheme = "light",
        width: int = 1280,
        height: int = 720,
        script: bool = True,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        context.add_cookies(cookies_of(site.world, site.url, who, language))
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error on {path}: {error}"))
        page.goto(f"{site.url}/console{path}")
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")  # now and then Chromium does not close what is on its way to a page
        context.close()


def tab_to(page: Page, target: Locator) -> None:
    """Go to something as one does who has no mouse; fail when the Tab key does not lead there."""
    for _ in range(_MOST_TABS):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not lead to {target}")


def violations(page: Page, rules: Sequence[str] = RULES, *, but: Sequence[str] = ()) -> list[str]:
    """Return what axe has against a page, readable, by the rules of some kinds but some of them."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # It would describe every element that follows a rule, for a fifth of its time.
    found = page.evaluate(
        "async ([rules, off]) => (await axe.run({runOnly: rules, rules: off, resultTypes: ['violations']}))"
        ".violations",
        [rules, {rule: {"enabled": False} for rule in but}],
    )
    return [
        f"{one['id']}: {one['help']}: " + "; ".join(node["html"][:160] for node in one["nodes"][:3])
        for one in found
    ]


def violations_by_day_and_night(page: Page) -> list[str]:
    """Return what axe has against a page in either scheme: in the dark all but the colours is the same.

    The colours, which take most of the time, are those of the Vietnamese page in English, too.
    """
    if page.locator("html").get_attribute("lang") == "en":
        return violations(page, but=COLOURS)
    found = [f"light: {one}" for one in violations(page)]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in violations(page, COLOURS)]
    page.emulate_media(color_scheme="light")
    return found
