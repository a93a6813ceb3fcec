"""The API's own page: its description in Swagger UI, from files of an installed package."""

from functools import cache
from importlib import resources
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from claims.api import problems

PAGE: Final = "/docs"
FILE: Final = "/docs/files/{name}"

router = APIRouter(include_in_schema=False)

_TYPES: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START: Final = "start.js"
# `unsafe-inline` for styles: Swagger UI writes style attributes. Scripts come from here only.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HTML: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>eHoSo: API</title>
<link rel="icon" href="/docs/files/favicon-32x32.png">
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
<div id="swagger-ui"></div>
<noscript><p>This page needs scripts; <a href="/openapi.json">what it shows</a> does not.</p></noscript>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/files/start.js"></script>
"""
_SCRIPT: Final = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


@router.get(PAGE)
def page() -> HTMLResponse:
    """Show the API's description."""
    return HTMLResponse(_HTML, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})


@router.get(FILE)
def file(name: str) -> Response:
    """Return a file of the page."""
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    if name == _START:
        return Response(_SCRIPT, media_type="text/javascript", headers=headers)
    if name not in _TYPES:
        raise HTTPException(problems.BY_STATUS[404].status)
    return Response(_read(name), media_type=_TYPES[name], headers=headers)


@cache
def _read(name: str) -> bytes:
    return resources.files("swagger_ui").joinpath("static", name).read_bytes()
