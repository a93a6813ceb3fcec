"""Headers that keep a browser from doing what nobody asked for, on every answer."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: For what is no page: it loads nothing, is framed by nobody, and is kept by no cache on its way.
API_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
#: For two years, as browsers ask of those who mean it (RFC 6797). Sent where people come by https only.
HSTS: Final = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}


def over_tls(public_url: str) -> dict[str, str]:
    """Return what an answer says besides where people reach the service by https."""
    return HSTS if public_url.lower().startswith("https://") else {}


class SafeHeaders:
    """Gives every answer its headers; those that the answer has itself are left."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, with the headers."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)
