"""Talks with the insurer's gateway while a caller waits, in threads of their own.

Each may take as long as the gateway does: its slow day must leave the threads that take claims in alone.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request

_T = TypeVar("_T")

#: At once, in a process; more wait for their turn.
_MOST: Final = 32


def install(app: FastAPI) -> None:
    """Give an application its threads for talks."""
    app.state.talks = CapacityLimiter(_MOST)


async def talk(request: Request, call: Callable[[], _T]) -> _T:
    """Make a call that asks the gateway, and return what it returns."""
    talks = request.app.state.talks
    if not isinstance(talks, CapacityLimiter):
        raise TypeError(type(talks))
    return await to_thread.run_sync(call, limiter=talks)
