"""How long a body may be: a bundle's length, and more where bundles come wrapped or in numbers."""

from typing import Final

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from claims.runtime.settings import Settings

#: Base64 in a form with its escapes; a JSON array of byte values is the longest.
_WRAPPED: Final = 4
_BATCHES: Final = "/v1/batches"
_WRAPPED_PATHS: Final = ("/api/qd130/", "/api/egw/")
_DROPIN: Final = "/api/"


class BodyLimits:
    """Holds every request to the limit of its path.

    Where the gateway's protocol is spoken, and where there are pages for people, the limit is met as the body
    is read and not by what is said of its length: so the answer is the one that is given there to everything.
    """

    def __init__(self, app: ASGIApp, settings: Settings, console: tuple[str, ...]) -> None:
        self._plain = RequestBodyLimitMiddleware(app, settings.max_body_bytes)
        self._by_path = {
            path: RequestBodyLimitMiddleware(app, settings.max_body_bytes * _WRAPPED)
            for path in (_WRAPPED_PATHS if settings.dropin else ())
        }
        self._answering_themselves = (_DROPIN, *console)
        self._by_path[_BATCHES] = RequestBodyLimitMiddleware(app, settings.batch_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its limit."""
        path = scope.get("path", "")
        if path.startswith(self._answering_themselves):
            headers = [one for one in scope["headers"] if one[0] != b"content-length"]
            scope = {**scope, "headers": headers}
        limited = next((one for start, one in self._by_path.items() if path.startswith(start)), self._plain)
        await limited(scope, receive, send)
