"""How long a body may be: a bundle's length where one is handed in, more where they come wrapped or many.

Everything else that is sent is some fields, and is held to what fields need: who reads JSON or a form keeps
twenty times its length, and most of it is read before anybody knows who sends it.
"""

from collections.abc import Mapping
from typing import Final

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from claims.gateway.protocol import GENERATIONS
from claims.runtime.settings import Settings

#: More than the longest list of chosen claims, as a form.
_FIELDS_BYTES: Final = 256 * 2**10
#: Base64 in a form with its escapes; a JSON array of byte values is the longest.
_WRAPPED: Final = 4
_DOCUMENTS: Final = ("/v1/submissions", "/v1/encounters", "/v1/checks", "/v1/check-ins")
_BATCHES: Final = "/v1/batches"
_DROPIN: Final = "/api/"
_MULTIPART: Final = b"multipart/"


class BodyLimits:
    """Holds every request to the limit of its path.

    Where the gateway's protocol is spoken, and where there are pages for people, the limit is met as the body
    is read and not by what is said of its length: so the answer is the one that is given there to everything.
    """

    def __init__(self, app: ASGIApp, settings: Settings, console: tuple[str, ...]) -> None:
        longest = settings.max_body_bytes
        self._fields = RequestBodyLimitMiddleware(app, min(_FIELDS_BYTES, longest))
        self._document = RequestBodyLimitMiddleware(app, longest)
        self._by_path: Mapping[str, ASGIApp] = {
            **dict.fromkeys(_DOCUMENTS, self._document),
            **(
                dict.fromkeys(_wrapping(), RequestBodyLimitMiddleware(app, longest * _WRAPPED))
                if settings.dropin
                else {}
            ),
            _BATCHES: RequestBodyLimitMiddleware(app, settings.batch_bytes),
        }
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its limit."""
        path = scope.get("path", "")
        is_console = path.startswith(self._console)
        limited = self._by_path.get(path, self._fields)
        if is_console and _has_files(scope):
            limited = self._document
        if is_console or path.startswith(_DROPIN):
            headers = [one for one in scope["headers"] if one[0] != b"content-length"]
            scope = {**scope, "headers": headers}
        await limited(scope, receive, send)


def _wrapping() -> list[str]:
    """Return the paths of the gateway's protocol by which files come."""
    generations = GENERATIONS.values()
    paths = [path for one in generations for path in (one.send_path, one.check_in_path)]
    return [path for path in paths if path is not None]


def _has_files(scope: Scope) -> bool:
    """Whether a form may hold files; a browser sends every other form as fields alone."""
    return any(name == b"content-type" and value.startswith(_MULTIPART) for name, value in scope["headers"])
