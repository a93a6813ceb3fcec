"""The protocol from the receiving side: fields and files out of requests, as clients write them.

What .NET takes, the real gateway very likely does: paths and names in any case, white space inside Base64.
"""

import json
import re
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

import pybase64
from pydantic_core import from_json

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Scope]]
_Send: TypeAlias = Callable[[_Scope], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_JSON: Final = frozenset({"application/json", "text/json"})
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NAMES: Final = (
    "username", "password", "token", "id_token",
    "loaiHoSo", "maTinh", "maCSKCB", "fileHSBase64", "FileHoSoJson", "SIGNDATA", "sha256",
    "tuNgay", "denNgay", "ngayGui", "maGiaoDich", "thang", "nam", "maDot", "kyQuyetToan",
    "maThe", "hoTen", "ngaySinh", "hoTenCb", "cccdCb",
)  # fmt: skip
_SLASHES: Final = re.compile("//+")
_WHITE_SPACE: Final = b" \t\n\r\v\f"
#: The protocol's requests have eleven fields at most. A reader of many keeps twenty times their length.
_MOST_FIELDS: Final = 100
#: Of the quarter of a million escapes that a megabyte of Base64 may have, each would be kept for itself.
_UNESCAPED_AT_ONCE: Final = 2**20
#: Characters of an array of numbers that are read together.
_NUMBERS_AT_ONCE: Final = 2**16
_SPELLINGS: Final[Mapping[str, str]] = {name.lower(): name for name in _NAMES}


class AnyCase:
    """Serves the protocol's paths however they are written: in any case, with more slashes or one behind.

    A layer of ASGI, around the application of either kind.
    """

    def __init__(self, app: _App, paths: Iterable[str]) -> None:
        self._app = app
        self._spellings = {path.lower(): path for path in paths}

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Pass the request on under the path as the protocol spells it."""
        written = scope.get("path", "")
        # An address that ends with a slash, and the path behind it, make two.
        path = self._spellings.get(_SLASHES.sub("/", written.lower()).rstrip("/"), written)
        await self._app({**scope, "path": path}, receive, send)


def spell(name: str) -> str:
    """Return a field's name as the protocol spells it."""
    return _SPELLINGS.get(name.lower(), name)


def read_fields(body: bytes, *, content_type: str) -> Mapping[str, bytes]:
    """Return the fields of a form or JSON body; of one that is neither, or has too many, none."""
    if content_type.partition(";")[0].strip().lower() in _JSON:
        return _read_json_fields(body)
    fields: dict[str, bytes] = {}
    if body.count(b"&") > _MOST_FIELDS:
        return fields
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        fields[spell(_unescape(name).decode("utf-8", "replace"))] = _unescape(value)
    return fields


def read_file(value: bytes) -> bytes | None:
    """Return what a field says in Base64, or None when it is not Base64."""
    try:
        return pybase64.b64decode(value, validate=True)
    except (Base64Error, ValueError):
        pass
    value = value.strip()
    if b" " in value and b"+" not in value:
        # A form that was not escaped: its plus signs were read as blanks. Left out like other white space, a
        # multiple of four would leave Base64 of another document.
        value = value.replace(b" ", b"+")
    try:
        return pybase64.b64decode(value.translate(None, _WHITE_SPACE), validate=True)
    except (Base64Error, ValueError):
        return None


def read_bare_file(body: bytes) -> bytes | None:
    """Return the file that a body of the earlier interface is, or None when it is none.

    A JSON string of Base64, an array of byte values, an object around either; or Base64 without quotes.
    """
    begin, end = body.find(b"[") + 1, body.rfind(b"]")
    has_array = 0 < begin <= end
    try:
        document = json.loads(body[:begin] + body[end:] if has_array else body)
    except (ValueError, RecursionError):
        return read_file(body)
    if isinstance(document, dict):
        document = next(iter(document.values()), None)
    if isinstance(document, str):
        return read_file(document.encode("utf-8", "replace"))
    try:
        return _read_numbers(body, begin, end) if has_array and document == [] else None
    except (TypeError, ValueError):
        return None


def _read_numbers(body: bytes, begin: int, end: int) -> bytes:
    """Return the bytes that an array's numbers are, a piece at a time: all at once others wait for seconds.

    Raises:
        TypeError: One is no number.
        ValueError: One is no byte, or it is no array.
    """
    file = bytearray()
    is_empty = not body[begin:end].strip()
    while begin <= end and not is_empty:
        stop = body.find(b",", begin + _NUMBERS_AT_ONCE, end)
        stop = end if stop < 0 else stop
        numbers = from_json(b"[%b]" % body[begin:stop])
        if not numbers:
            raise ValueError("nothing stands behind a comma")
        file += bytes(numbers)
        begin = stop + 1
    return bytes(file)


def _read_json_fields(body: bytes) -> Mapping[str, bytes]:
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_FIELDS:
        return {}
    try:
        document = json.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        spell(name): str(value).encode("utf-8", "replace")
        for name, value in document.items()
        if value is not None
    }


def _unescape(value: bytes) -> bytes:
    if b"+" in value:
        value = value.replace(b"+", b" ")
    # Base64 of a document in Base64 has next to nothing to unescape, so the general way is fast enough.
    if b"%" not in value:
        return value
    return b"".join(unquote_to_bytes(piece) for piece in _pieces(value))


def _pieces(value: bytes) -> Iterator[bytes]:
    """Cut a value where no escape is cut."""
    start = 0
    while start < len(value):
        end = start + _UNESCAPED_AT_ONCE
        begun = value.rfind(b"%", end - 2, end)
        end = end if begun < 0 else begun
        yield value[start:end]
        start = end
