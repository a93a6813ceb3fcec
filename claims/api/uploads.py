"""Uploads: a request's body as it streams in, written to disk, with no more of it in memory than a buffer.

A ZIP file is kept as it comes. The parts of a multipart body become the files of a ZIP file, so that there is
one way to go on from here, and the same parts make the same bytes.
"""

import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import unquote_to_bytes
from uuid import uuid4
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from claims.exchange.errors import BatchFault, NoRoom, UnusableBatch
from claims.runtime.batching import INCOMING

MULTIPART: Final = "multipart/form-data"
_BUFFER_BYTES: Final = 2**20
#: Left free on the disk for everybody else.
_RESERVE_BYTES: Final = 256 * 2**20
#: RFC 7578, 4.2 has no names like this, but .NET writes what is not ASCII so, and `=?utf-8?B?…?=` beside it.
_EXTENDED_NAME: Final = re.compile(rb""";\s*filename\*\s*=\s*"?utf-8'[^']*'([^\s;"]*)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the sender says of the body, to be found the same here."""

    sha256: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A parcel on disk.

    Attributes:
        sha256: Digest of the file.
    """

    path: Path
    sha256: str
    size: int


class _Sink(Protocol):
    is_whole: bool

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


async def take_upload(
    request: Request, folder: Path, declared: Declared, *, most_parts: int, most_part_bytes: int
) -> Upload:
    """Write the body into a file of the folder; whoever calls this moves it or removes it.

    Raises:
        UnusableBatch: It is not what was declared, or no multipart body.
        NoRoom: There is no room for it.
    """
    path = folder / f"{INCOMING}{uuid4().hex}"
    boundary = _boundary_of(request.headers.get("content-type", ""))
    try:
        length = request.headers.get("content-length", "")
        await run_in_threadpool(_require_room, folder, int(length) if length.isdecimal() else 0)
        sink: _Sink
        if boundary is None:
            sink = _Whole(path)
        else:
            sink = _Parts(path, boundary, most_parts=most_parts, most_part_bytes=most_part_bytes)
        found = await _drain(request.stream(), sink)
        _require_whole(sink)
        _require_as_declared(found, declared)
        return await run_in_threadpool(_measure, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise NoRoom from error
    except BaseException:  # also when the sender leaves in the middle
        path.unlink(missing_ok=True)
        raise


async def _drain(stream: AsyncIterator[bytes], sink: _Sink) -> tuple[str, int]:
    """Pass the body on in pieces worth a thread's while; return the digest and length of it."""
    digest, size, buffer = hashlib.sha256(), 0, bytearray()

    def flush(data: bytes) -> None:
        digest.update(data)
        sink.write(data)

    try:
        async for chunk in stream:
            size += len(chunk)
            buffer += chunk
            if len(buffer) >= _BUFFER_BYTES:
                await run_in_threadpool(flush, bytes(buffer))
                buffer.clear()
        await run_in_threadpool(flush, bytes(buffer))
    finally:
        await run_in_threadpool(sink.close)
    return digest.hexdigest(), size


def _require_room(folder: Path, declared_bytes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < declared_bytes + _RESERVE_BYTES:
        raise NoRoom


def _require_whole(sink: _Sink) -> None:
    if not sink.is_whole:
        raise UnusableBatch(BatchFault.NOT_MULTIPART)


def _require_as_declared(found: tuple[str, int], declared: Declared) -> None:
    sha256, size = found
    if declared.size not in {None, size}:
        raise UnusableBatch(BatchFault.SIZE_MISMATCH, bytes=size)
    if declared.sha256 not in {None, sha256}:
        raise UnusableBatch(BatchFault.DIGEST_MISMATCH, sha256=sha256)


def _measure(path: Path) -> Upload:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return Upload(path, sha256, path.stat().st_size)


def _boundary_of(content_type: str) -> bytes | None:
    kind, options = parse_options_header(content_type)
    if not kind.startswith(b"multipart/"):
        return None
    if kind != MULTIPART.encode():
        raise UnusableBatch(BatchFault.UNSUPPORTED_MULTIPART, kind=kind.decode("latin-1"))
    if not options.get(b"boundary"):
        raise UnusableBatch(BatchFault.NOT_MULTIPART)
    return options[b"boundary"]


def _name_in(disposition: bytes) -> str:
    """Return what a part's file is called by its sender; empty where it says nothing."""
    extended = _EXTENDED_NAME.search(disposition)
    if extended is not None:
        return unquote_to_bytes(extended[1]).decode("utf-8", "replace")
    _kind, options = parse_options_header(disposition)
    return options.get(b"filename", b"").decode("utf-8", "replace")


def _can_name_a_file(name: str) -> bool:
    """Whether a ZIP file would show a file of this name; whether it may have it is said when it is read."""
    return name != "" and name[0] != "\0" and name[-1] != "/"


class _Whole:
    """Keeps a body as it comes."""

    is_whole = True

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def close(self) -> None:
        self._file.close()


class _Parts:
    """Makes each part of a multipart body a file of a ZIP file."""

    def __init__(self, path: Path, boundary: bytes, *, most_parts: int, most_part_bytes: int) -> None:
        self._archive = ZipFile(path, "w", ZIP_STORED)
        self._most_parts = most_parts
        self._most_part_bytes = most_part_bytes
        self._parts = self._written = 0
        self.is_whole = False
        self._header = [b"", b""]
        self._disposition = b""
        self._part: IO[bytes] | None = None
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
                    "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._write_part,
                    "on_part_end": self._end,
                    "on_end": self._finish,
                },
            )
        except ValueError as error:
            self._archive.close()
            raise UnusableBatch(BatchFault.NOT_MULTIPART) from error

    def write(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise UnusableBatch(BatchFault.NOT_MULTIPART) from error

    def close(self) -> None:
        if self._part is not None:
            self._part.close()
        self._archive.close()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most_parts:
            raise UnusableBatch(BatchFault.TOO_MANY_ITEMS, most=self._most_parts)
        self._disposition, self._written = b"", 0

    def _add(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _end_header(self) -> None:
        name, value = self._header
        if name.strip().lower() == b"content-disposition":
            self._disposition = value
        self._header = [b"", b""]

    def _open(self) -> None:
        name = _name_in(self._disposition)
        if not _can_name_a_file(name):
            name = f"part {self._parts}"
        # Names that come twice are told apart, and refused, when the file is read.
        self._archive.NameToInfo.pop(name, None)
        self._part = self._archive.open(ZipInfo(name), "w")

    def _write_part(self, data: bytes, start: int, end: int) -> None:
        # One byte over the limit says that it is too large; the rest need not be kept.
        room = self._most_part_bytes + 1 - self._written
        piece = data[start : min(end, start + room)]
        if self._part is not None and piece:
            self._part.write(piece)
            self._written += len(piece)

    def _end(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part = None

    def _finish(self) -> None:
        self.is_whole = True
