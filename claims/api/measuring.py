"""Around every request: how long it took, by route, and its span in a trace."""

import time

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.runtime.telemetry.metrics import REQUESTS
from claims.runtime.telemetry.tracing import span

#: Requests that no route took; their paths are anybody's, so they share one label.
_NOWHERE = "none"


class Measuring:
    """Times requests by the route that was declared, never by the path that was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        parent = Headers(scope=scope).get("traceparent")
        with span("request", parent=parent, kind=SpanKind.SERVER) as recorded:
            try:
                await self._app(scope, receive, note_status)
            finally:
                route = getattr(scope.get("route"), "path_format", _NOWHERE)
                REQUESTS.labels(_method(scope), route, str(status)).observe(time.perf_counter() - began)
                recorded.update_name(f"{_method(scope)} {route}")
                recorded.set_attribute("http.response.status_code", status)


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
