"""An app asked in this process, without a socket."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import httpx2
import starlette.testclient
from anyio.from_thread import BlockingPortal
from starlette.types import ASGIApp


class TestClient(starlette.testclient.TestClient):
    """Starlette's client, which gets each answer as a whole, so none that never ends.

    Starlette's own goes from thread to thread eight times for an answer, which takes most of the time of
    thousands of questions, and under load nearly all of it. This one goes there and back.
    """

    __test__ = False

    def __init__(self, app: ASGIApp, **how: Any) -> None:
        super().__init__(app, **how)
        self._transport = _ThereAndBack(self._transport)  # type: ignore[arg-type] # it is Starlette's


class _OfStarlette(Protocol):
    app: ASGIApp
    raise_server_exceptions: bool
    client: tuple[str, int]

    def portal_factory(self) -> AbstractContextManager[BlockingPortal]: ...


class _ThereAndBack(httpx2.BaseTransport):
    def __init__(self, own: _OfStarlette) -> None:
        self._own = own
        self._asgi = httpx2.ASGITransport(
            own.app, raise_app_exceptions=own.raise_server_exceptions, client=own.client
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        with self._own.portal_factory() as portal:
            return portal.call(self._ask, request)

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._asgi.handle_async_request(request)
        body = httpx2.ByteStream(await answer.aread())
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=body)
