"""Pages that stay true while they are open: their parts are told again as they change (server-sent events).

A stream lasts some seconds and the browser opens the next one, so that a server that stops is not kept, and
whoever is no longer signed in or may no longer look is told nothing more.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

_LASTS_S: Final = 20.0
_AGAIN_MS: Final = 1_000
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the present state shows.

    Attributes:
        parts: By the id of an element on the page, what it holds now.
        is_over: Whether nothing will change any more, so that the page is to be loaded as a whole.
    """

    parts: Mapping[str, str]
    is_over: bool = False


async def tell(request: Request, look: Callable[[], Look], *, every_s: float) -> Response:
    """Tell the parts of a page that have changed since the last look, as long as somebody listens.

    Whatever the first look raises is the answer; what a later one raises ends the stream, and the next
    one's first look says why.
    """
    first = await run_in_threadpool(look)
    return StreamingResponse(
        _changes(request, look, first, every_s), media_type="text/event-stream", headers=_HEADERS
    )


async def _changes(
    request: Request, look: Callable[[], Look], first: Look, every_s: float
) -> AsyncIterator[str]:
    yield f"retry: {_AGAIN_MS}\n\n"
    seen, told = first, dict[str, str]()
    for _ in range(round(_LASTS_S / every_s)):
        fresh = {name: part for name, part in seen.parts.items() if told.get(name) != part}
        if fresh:
            yield f"data: {json.dumps(fresh)}\n\n"
            told |= fresh
        if seen.is_over:
            yield "event: end\ndata: \n\n"
            return
        await asyncio.sleep(every_s)
        if await request.is_disconnected():
            return
        seen = await run_in_threadpool(look)
