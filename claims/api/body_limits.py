"""What a body may be: not compressed, and no longer than a bundle where one is handed in.

It may be longer where bundles come wrapped or many.

Everything else that is sent is some fields, and is held to what fields need: who reads JSON or a form keeps
twenty times its length, and most of it is read before anybody knows who sends it. A body that is compressed
for the way would be kept, signed for and rejected as what it is not.
"""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.api.problems import ENCODED
from claims.gateway.protocol import GENERATIONS
from claims.runtime.settings import Settings

#: More than the longest list of chosen claims, as a form.
_FIELDS_BYTES: Final = 256 * 2**10
#: Base64 in a form with its escapes; a JSON array of byte values is the longest.
_WRAPPED: Final = 4
_DOCUMENTS: Final = ("/v1/submissions", "/v1/encounters", "/v1/checks", "/v1/check-ins")
_BATCHES: Final = "/v1/batches"
_DROPIN: Final = "/api/"
#: Of an encoding that is repeated to who sent it.
_LONGEST_NAME: Final = 40
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
        encoding = _encoding_of(scope)
        await limited(scope, _refusing(encoding) if encoding and not is_console else receive, send)


def _wrapping() -> list[str]:
    """Return the paths of the gateway's protocol by which files come."""
    generations = GENERATIONS.values()
    paths = [path for one in generations for path in (one.send_path, one.check_in_path)]
    return [path for path in paths if path is not None]


def _encoding_of(scope: Scope) -> str:
    """Return how a body is said to be encoded for the way, if it is."""
    said = Headers(raw=scope.get("headers", [])).get("Content-Encoding", "").strip().lower()
    return "" if said == "identity" else said[:_LONGEST_NAME]


def _refusing(encoding: str) -> Receive:
    """Return what stands for a body that is not read; each way to speak answers it in its own form."""

    async def receive() -> Message:
        raise HTTPException(ENCODED.status, encoding, {"Accept-Encoding": "identity"})

    return receive


def _has_files(scope: Scope) -> bool:
    """Whether a form may hold files; a browser sends every other form as fields alone."""
    return any(name == b"content-type" and value.startswith(_MULTIPART) for name, value in scope["headers"])
