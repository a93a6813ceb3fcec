"""Readings before answers: nothing leaves before what it shows is in the log of readings."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.api.problems import KINDS, answer
from claims.errors import ClaimsError
from claims.exchange.errors import StoreUnavailable
from claims.runtime.noting import collect_notes

#: What is shown is not told: nobody has noted that it would be.
_NOT_NOTED: Final[Mapping[str, str]] = {
    "en": "it cannot be noted now who reads this, so it is not shown; ask again later",
    "vi": "hiện chưa ghi lại được ai đọc nên chưa hiển thị; hãy hỏi lại sau",
}

log = structlog.get_logger()


class NotesFirst:
    """Waits for the notes of a request before each part of its answer; shows nothing when one fails."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pending = collect_notes()
        has_begun = is_refused = False

        async def send_after_notes(message: Message) -> None:
            nonlocal has_begun, is_refused
            if is_refused:
                return
            try:
                while pending:
                    await asyncio.wrap_future(pending.pop(0))
            except ClaimsError as error:
                log.error("reading.not_noted", error=type(error).__name__, exc_info=error)  # noqa: TRY400 - once
                if has_begun:
                    raise  # the answer breaks off: what is not noted is not shown
                is_refused = True
                kind = KINDS.get(type(error), KINDS[StoreUnavailable])
                await answer(Request(scope), kind, _NOT_NOTED)(scope, receive, send)
                return
            has_begun = True
            await send(message)

        await self._app(scope, receive, send_after_notes)
