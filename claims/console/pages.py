"""Rendering: a template, the reader's language and colour scheme, and who looks at it."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from claims.bundle.messages import describe
from claims.console import formats
from claims.console.addresses import changed, page_url
from claims.console.navigation import visible_places
from claims.console.preferences import Preferences, read_preferences
from claims.console.wording import words
from claims.reading_order import in_order

STATIC: Final = "/static"


def render(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page."""
    preferences = preferences_of(request)
    viewer = getattr(request.state, "viewer", None)
    page = (
        _environment()
        .get_template(template)
        .render(
            word=words(preferences.language),
            preferences=preferences,
            viewer=viewer,
            places=visible_places(viewer),
            here=here(request),
            **values,
        )
    )
    return HTMLResponse(page, status, {"Cache-Control": "no-store", "Content-Language": preferences.language})


def render_part(request: Request, template: str, **values: object) -> str:
    """Return a part of a page, for one that is open to take in."""
    return _environment().get_template(template).render(word=words(language_of(request)), **values)


def preferences_of(request: Request) -> Preferences:
    """Return the reader's choices: cookies first, then what the browser asks for, then Vietnamese."""
    return read_preferences(request.cookies, request.headers.get("Accept-Language", ""))


def language_of(request: Request) -> str:
    """Return the language of the page, ``vi`` or ``en``."""
    return preferences_of(request).language


def here(request: Request) -> str:
    """Return the path and query of this page, to come back to."""
    return page_url(
        str(request.url.path).removeprefix(str(request.scope.get("root_path", ""))),
        request.query_params.multi_items(),
    )


def asset(name: str) -> str:
    """Return the address of a file of the console; it changes with the content, so it may be kept."""
    return page_url(f"{STATIC}/{_digests()[name]}/{name}")


@cache
def assets() -> Mapping[str, bytes]:
    """Return the console's style sheet and scripts by name."""
    folder = resources.files(__package__ or "") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith((".css", ".js"))}


@cache
def _digests() -> Mapping[str, str]:
    # One digest for all: a script imports another by a relative address, which then changes as well.
    joined = hashlib.sha256(b"".join(content for _, content in sorted(assets().items()))).hexdigest()[:16]
    return dict.fromkeys(assets(), joined)


def _shown(value: object) -> object:
    """Return what a page shows of a value; what is markup was made of such values."""
    return in_order(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("claims.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        dong=formats.dong,
        signed_dong=formats.signed_dong,
        signed_figure=formats.signed_figure,
        seconds=formats.seconds,
        count=formats.count,
        day=formats.day,
        moment=formats.moment,
        machine_time=formats.machine_time,
        holder=formats.holder_of,
    )
    environment.globals.update(asset=asset, url=page_url, changed=changed, describe=describe)
    return environment
