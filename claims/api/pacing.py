"""Pacing: a facility hands in no faster than it may, and is told how fast that is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Final
from weakref import WeakValueDictionary

from fastapi import Depends, Response
from starlette.concurrency import run_in_threadpool

from claims.api.access import TheService, may
from claims.api.problems import pace_headers
from claims.exchange.access.errors import TooManyRequests
from claims.exchange.access.principal import Principal
from claims.runtime.pace import Pace, Turn

SUBMIT: Final = "submission.submit"
Submitter = Annotated[Principal, may(SUBMIT)]

_AT_IT: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def take_turn(pace: Pace | None, who: str) -> Turn | None:
    """Take a turn, where there is a pace to keep.

    Raises:
        TooManyRequests: There is none left.
    """
    return None if pace is None else _given(await run_in_threadpool(pace.take, who))


async def require_turn(pace: Pace | None, who: str) -> None:
    """Look whether there is a turn, and take none.

    Raises:
        TooManyRequests: There is none left.
    """
    if pace is not None:
        _given(await run_in_threadpool(pace.look, who))


@asynccontextmanager
async def one_by_one(*who: str) -> AsyncIterator[None]:
    """Let those of one name go one after the other in this process: what each counts the next one sees.

    Several names are given in one order, whoever asks.
    """
    async with AsyncExitStack() as stack:
        for one in who:
            await stack.enter_async_context(_AT_IT.setdefault(one, asyncio.Lock()))
        yield


def _given(turn: Turn) -> Turn:
    if not turn.is_given:
        raise TooManyRequests(turn.limit, turn.reset_s)
    return turn


async def keep_pace(response: Response, service: TheService, caller: Submitter) -> None:
    """Take a turn of the caller's facility, and say in headers how many are left."""
    await keep_pace_of(service.intake_pace, caller.own_facility(), response)


async def keep_pace_of(pace: Pace | None, who: str, response: Response) -> None:
    """Take a turn, where there is a pace to keep, and say in headers how many are left.

    Raises:
        TooManyRequests: There is none left.
    """
    turn = await take_turn(pace, who)
    if turn is not None:
        response.headers.update(pace_headers(turn.limit, turn.remaining, turn.reset_s))


#: For the `dependencies` of a route that takes something in.
AT_PACE = Depends(keep_pace)
