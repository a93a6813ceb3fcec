"""What anybody may ask: whether the process lives, whether it is ready, and what a problem means."""

import hmac
from html import escape
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException as StarletteHTTPException

from claims.api import problems
from claims.api.access import TheService
from claims.exchange.access.errors import UnknownKey
from claims.runtime.telemetry.scrape import exposition

METRICS = "/metrics"

router = APIRouter(tags=["health"], include_in_schema=False)


@router.get("/livez")
def livez() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz")
def readyz(response: Response, service: TheService) -> dict[str, object]:
    """Say whether database, schema and broker are as this version needs them."""
    checks = service.readiness()
    if not all(checks.values()):
        response.status_code = problems.NOT_READY
    return {"status": "ready" if all(checks.values()) else "not ready", "checks": checks}


@router.get(METRICS)
def metrics(service: TheService, authorization: Annotated[str, Header()] = "") -> Response:
    """Return the numbers of all API processes; open to whoever holds the key that the settings name."""
    key = service.settings.metrics_key
    if key is None:
        raise StarletteHTTPException(problems.NOT_FOUND)
    given = authorization.removeprefix("Bearer ").encode()
    if not hmac.compare_digest(given, key.get_secret_value().encode()):
        raise UnknownKey
    return Response(exposition(service.metrics), media_type=CONTENT_TYPE_LATEST)


@router.get(problems.PAGE)
def problems_page() -> HTMLResponse:
    """Explain every problem; a problem document's ``type`` leads here."""
    rows = "".join(
        f"<tr id={kind.code}><td><code>{kind.code}</code><td>{kind.status}<td>{escape(kind.title)}"
        f"<td>{'yes' if kind.retryable else 'no'}"
        for kind in problems.every_kind()
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>eHoSo: problems</title><h1>Problems</h1>"
        "<p>The same request may succeed later where it says retryable.</p>"
        f"<table><thead><tr><th>code<th>status<th>title<th>retryable<tbody>{rows}</table>",
        headers={"Content-Security-Policy": "default-src 'none'"},
    )
