"""A time-stamping authority for trials, over HTTP: the key of a demo folder, the clock of this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from claims.authorities.timestamping import QUERY, REPLY
from claims.listening import Server, bind
from signing.demo_folder import load_demo_tsa
from signing.demo_tsa import DemoTsa

_MAX_QUERY: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class MockTsaSettings:
    """Where the stand-in listens, and whose key it has.

    Attributes:
        folder: A demo folder, as `signing.demo_folder` lays one out.
        port: 0 lets the system choose.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 9100


def make_app(folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Starlette:
    """Return the stand-in as an application."""
    signer, issuing = load_demo_tsa(folder)
    tsa = DemoTsa(signer.certificate, signer.private_key, clock, chain=(issuing,))

    async def stamp(request: Request) -> Response:
        """Answer one query."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != QUERY:
            return PlainTextResponse(f"only {QUERY} is answered\n", status_code=415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_QUERY:
                return PlainTextResponse("a request is shorter than that\n", status_code=413)
        return Response(await run_in_threadpool(tsa.answer, bytes(body)), media_type=REPLY)

    return Starlette(routes=[Route("/", stamp, methods=["POST"])])


def serve(settings: MockTsaSettings, *, on_ready: Callable[[str], None]) -> None:
    """Serve the stand-in until SIGTERM or SIGINT; ``on_ready`` is given the address."""
    app = make_app(settings.folder)
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    Server(config, bind(settings.host, settings.port), on_ready).run()
