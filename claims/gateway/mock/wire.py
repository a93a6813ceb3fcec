"""Requests in and answers out: form and JSON bodies, result documents, and answers gone wrong."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from claims.gateway.mock.faults import Fault, FaultKind
from claims.gateway.mock.options import MockOptions

# The server puts a function here that breaks the connection off (claims.gateway.mock.server).
HANG_UP: Final = "mock.hang_up"

_JSON: Final = "application/json"
_NUMBERS: Final = ("maKetQua", "maGiaoDich", "thoiGianTiepNhan")
# 2xx result codes that mean an error have no HTTP status of the same number.
_STATUS_BY_CODE: Final = {
    "200": HTTPStatus.OK,
    "401": HTTPStatus.UNAUTHORIZED,
    "403": HTTPStatus.FORBIDDEN,
    "408": HTTPStatus.REQUEST_TIMEOUT,
    "500": HTTPStatus.INTERNAL_SERVER_ERROR,
}


class TooLarge(Exception):
    """The request is longer than the stand-in reads."""


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """Return a request's body.

    Raises:
        TooLarge: It is longer than ``max_bytes``.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class Result:
    """What the gateway has to say, before anything goes wrong with saying it."""

    code: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Return the JSON object."""
        return {"maKetQua": self.code, **self.fields}


def write_result(result: Result, options: MockOptions) -> Response:
    """Return a result as an HTTP answer."""
    status = HTTPStatus.OK
    if options.errors_as_http_status:
        status = _STATUS_BY_CODE.get(result.code, HTTPStatus.BAD_REQUEST)
    return _json_response(result.document(), status)


def misbehave(fault: Fault, result: Result, options: MockOptions) -> Response:
    """Return a result as the fault has it."""
    write = _WRITERS.get(fault.kind)
    return write_result(result, options) if write is None else write(fault, result, options)


def _json_response(document: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
    return Response(_encode(document), status_code=status, media_type=_JSON)


def _encode(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _write_numbers(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, options
    document = result.document()
    numbers = {name: int(str(document[name])) for name in _NUMBERS if str(document.get(name, "")).isdecimal()}
    return _json_response({**document, **numbers})


def _write_without_receipt(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, options
    return _json_response({name: value for name, value in result.document().items() if name != "maGiaoDich"})


def _write_500(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, result, options
    return _json_response(Result("500", {"thongDiep": "Lỗi hệ thống"}).document(), 500)


def _write_503(fault: Fault, result: Result, options: MockOptions) -> Response:
    del result, options
    headers = {"Retry-After": str(math.ceil(float(fault.argument)))} if fault.argument else {}
    return HTMLResponse("<html><body><h1>503 Service Unavailable</h1></body></html>", 503, headers=headers)


def _write_garbage(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, result, options
    return Response(b"\xef\xbb\xbf<!-- ok -->200|", media_type=_JSON)


def _write_wrong_json(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, options
    # Rightly written JSON that is not the protocol's: a list around, and the code one level too deep.
    return Response(_encode([{"data": result.document()}]), media_type=_JSON)


def _write_drip(fault: Fault, result: Result, options: MockOptions) -> Response:
    body = _encode(result.document())

    async def drip() -> AsyncIterator[bytes]:
        for position in range(len(body)):
            yield body[position : position + 1]
            await asyncio.sleep(fault.seconds(options.drip_s))

    return StreamingResponse(drip(), media_type=_JSON, headers={"Content-Length": str(len(body))})


def _hold(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, result
    return BrokenOff(hold_s=options.hold_s)


def _reset(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, result, options
    return BrokenOff(reset=True)


def _truncate(fault: Fault, result: Result, options: MockOptions) -> Response:
    del fault, options
    return BrokenOff(part_of=_encode(result.document()))


_WRITERS: Final[Mapping[FaultKind, Callable[[Fault, Result, MockOptions], Response]]] = {
    FaultKind.TIMEOUT_BEFORE: _hold,
    FaultKind.TIMEOUT_AFTER: _hold,
    FaultKind.RESET: _reset,
    FaultKind.RESET_AFTER: _reset,
    FaultKind.ERROR_500: _write_500,
    FaultKind.ERROR_500_AFTER: _write_500,
    FaultKind.ERROR_503_HTML: _write_503,
    FaultKind.GARBAGE: _write_garbage,
    FaultKind.WRONG_JSON: _write_wrong_json,
    FaultKind.TRUNCATED: _truncate,
    FaultKind.DRIP: _write_drip,
    FaultKind.NUMBER_CODES: _write_numbers,
    FaultKind.NO_RECEIPT: _write_without_receipt,
}


class BrokenOff(Response):
    """An answer that does not come, or only in part, until the connection breaks."""

    def __init__(self, *, hold_s: float = 0.0, part_of: bytes = b"", reset: bool = False) -> None:
        super().__init__()
        self._reset = reset
        self._hold_s = hold_s
        self._part_of = part_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the connection until the caller leaves or the time is up, then break it off."""
        if self._part_of:
            await self._send_part(send)
        elif self._hold_s and await _leaves_within(self._hold_s, receive):
            return
        hang_up = scope.get("extensions", {}).get(HANG_UP)
        if hang_up is None:
            raise RuntimeError("this server cannot break a connection off; run claims.gateway.mock.server")
        hang_up(reset=self._reset)
        # The server takes a return without an answer for a mistake unless the connection is gone.
        await _leaves_within(1.0, receive)

    async def _send_part(self, send: Send) -> None:
        headers = [(b"content-type", _JSON.encode()), (b"content-length", b"%d" % len(self._part_of))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        half = self._part_of[: len(self._part_of) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _leaves_within(seconds: float, receive: Receive) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
