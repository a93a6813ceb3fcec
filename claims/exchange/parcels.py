"""Parcels: ZIP files of bundles from anybody, read piece by piece without believing a word they say.

Nothing is unpacked to disk, so a name is only a name; but one that tries tricks or comes twice is refused,
and so is what is not what it seems. The others go on.
"""

import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from claims.exchange.errors import BatchFault, UnusableBatch

LONGEST_NAME: Final = 255
#: A piece of the directory: at least 46 bytes, and a name that anybody would give.
_MOST_PER_ENTRY: Final = 46 + 2 * LONGEST_NAME
_ENDING: Final = struct.Struct("<4s4H2LH")
_ENDING_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_FAR: Final = 0xFFFF + _ENDING.size + _LOCATOR_64.size
_ENCRYPTED: Final = 0x1
#: Says that a name is in UTF-8.
_UTF_8: Final = 0x800
#: APPNOTE 4.6.9: a name in UTF-8 beside one that only old programs read, with that one's checksum.
_UNICODE_PATH: Final = struct.Struct("<2HBL")
_UNICODE_PATH_ID: Final = 0x7075
#: Says that the length stands in the longer ending.
_SEE_64: Final = 0xFFFFFFFF
_MARKS: Final = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")


class Refusal(StrEnum):
    """Why a piece is not taken in."""

    UNSAFE_NAME = "unsafe-name"
    DUPLICATE_NAME = "duplicate-name"
    NOT_A_FILE = "not-a-file"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported-compression"
    TOO_LARGE = "too-large"
    TOO_MUCH = "too-much"
    DAMAGED = "damaged"
    EMPTY = "empty"
    ARCHIVE = "archive-inside"
    NOT_XML = "not-xml"


@dataclass(frozen=True, slots=True)
class ParcelLimits:
    """How much a parcel may hold.

    Attributes:
        pieces: Files in it.
        piece_bytes: Bytes of one, unpacked.
        unpacked_bytes: Bytes of all, unpacked.
    """

    pieces: int
    piece_bytes: int
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a parcel: its bytes, or why it is refused.

    Attributes:
        position: Its place among the files, from 1.
        name: What it is called, fit to be shown.
    """

    position: int
    name: str
    content: bytes = b""
    refusal: Refusal | None = None


class Parcel:
    """An open parcel."""

    def __init__(self, archive: ZipFile, limits: ParcelLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
        if not self._entries:
            raise UnusableBatch(BatchFault.EMPTY)
        if len(self._entries) > limits.pieces:
            raise UnusableBatch(BatchFault.TOO_MANY_ITEMS, most=limits.pieces)

    def __len__(self) -> int:
        return len(self._entries)

    def pieces(self, *, after: int = 0) -> Iterator[Piece]:
        """Read the files that follow a position, one at a time."""
        seen: set[str] = set()
        unpacked = 0
        for position, entry in enumerate(self._entries, start=1):
            name = _name_of(entry)
            is_twice = name in seen
            seen.add(name)
            if position > after:
                left = self._limits.unpacked_bytes - unpacked
                piece = self._read(position, entry, name, is_twice=is_twice, left=left)
                unpacked += len(piece.content)
                yield piece

    def _read(self, position: int, entry: ZipInfo, called: str, *, is_twice: bool, left: int) -> Piece:
        name = _shown(called)
        refusal = Refusal.DUPLICATE_NAME if is_twice else _refusal_unread(entry, called)
        if refusal is not None:
            return Piece(position, name, refusal=refusal)
        if left <= 0:
            return Piece(position, name, refusal=Refusal.TOO_MUCH)
        try:
            # Whatever length the directory declares: no more than this is ever unpacked.
            with self._archive.open(entry) as file:
                content = file.read(self._limits.piece_bytes + 1)
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
            return Piece(position, name, refusal=Refusal.DAMAGED)
        refusal = _refusal_read(content, self._limits.piece_bytes)
        return Piece(position, name, refusal=refusal) if refusal else Piece(position, name, content)


@contextmanager
def open_parcel(path: Path, limits: ParcelLimits) -> Iterator[Parcel]:
    """Open a ZIP file.

    Raises:
        UnusableBatch: It is none, or its directory alone is more than may be read.
    """
    with path.open("rb") as file:
        _require_small_directory(file, limits.pieces)
        try:
            archive = ZipFile(file)
        except (BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise UnusableBatch(BatchFault.NOT_A_ZIP) from error
        with archive:
            yield Parcel(archive, limits)


def _require_small_directory(file: BinaryIO, most_pieces: int) -> None:
    """Look at the end of the file first: the library reads the whole directory into memory, however long."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _FAR))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _ENDING.size > len(tail):
        raise UnusableBatch(BatchFault.NOT_A_ZIP)
    length = _ENDING.unpack_from(tail, at)[5]
    locator = at - _LOCATOR_64.size
    if locator >= 0 and tail.startswith(b"PK\x06\x07", locator):
        file.seek(min(_LOCATOR_64.unpack_from(tail, locator)[2], size))
        ending = file.read(_ENDING_64.size)
        if len(ending) == _ENDING_64.size and ending.startswith(b"PK\x06\x06"):
            length = max(length if length != _SEE_64 else 0, _ENDING_64.unpack(ending)[8])
    if length > most_pieces * _MOST_PER_ENTRY:
        raise UnusableBatch(BatchFault.TOO_MANY_ITEMS, most=most_pieces)
    file.seek(0)


def _is_folder(entry: ZipInfo) -> bool:
    # Earlier versions of .NET write folders with a backslash.
    return entry.is_dir() or (entry.filename.endswith("\\") and entry.file_size == 0)


def _name_of(entry: ZipInfo) -> str:
    """Return what a file is called by who packed it.

    Only a flag says that a name is in UTF-8, and many programs write it without. The others write what their
    system speaks, which on a Windows in Vietnamese is its code page 1258.
    """
    name = entry.orig_filename
    if name.isascii() or entry.flag_bits & _UTF_8:
        return name
    written = name.encode("cp437")  # as the library read it, for want of a flag
    for read, encoding in (
        (_unicode_path(entry.extra, written), "utf-8"),
        (written, "utf-8"),
        (written, "cp1258"),
    ):
        try:
            return unicodedata.normalize("NFC", read.decode(encoding))
        except UnicodeDecodeError:
            continue
    return name


def _unicode_path(extra: bytes, written: bytes) -> bytes:
    """Return the name in UTF-8 that stands beside one, or what is no such name."""
    while len(extra) >= _UNICODE_PATH.size:
        kind, length, version, checksum = _UNICODE_PATH.unpack_from(extra)
        if kind == _UNICODE_PATH_ID and version == 1 and checksum == zlib.crc32(written):
            return extra[_UNICODE_PATH.size : 4 + length]
        extra = extra[4 + length :]
    return b"\xff"


def _refusal_unread(entry: ZipInfo, name: str) -> Refusal | None:
    if not _is_safe(name) or len(name) > LONGEST_NAME:
        return Refusal.UNSAFE_NAME
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return Refusal.NOT_A_FILE
    if entry.header_offset < 0:  # the directory counts from behind the file's beginning
        return Refusal.DAMAGED
    if entry.flag_bits & _ENCRYPTED:
        return Refusal.ENCRYPTED
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return Refusal.UNSUPPORTED
    return None


def _refusal_read(content: bytes, most_bytes: int) -> Refusal | None:
    if len(content) > most_bytes:
        return Refusal.TOO_LARGE
    beginning = content[:64].lstrip()
    if not beginning:
        return Refusal.EMPTY if not content.strip() else Refusal.NOT_XML
    if beginning.startswith(_ARCHIVES):
        return Refusal.ARCHIVE
    return None if beginning.startswith(_MARKS) else Refusal.NOT_XML


def _is_safe(name: str) -> bool:
    # With backslashes, too: see _is_folder.
    path = PurePosixPath(name.replace("\\", "/"))
    has_tricks = ":" in name or ".." in path.parts or path.is_absolute()
    return name.isprintable() and not has_tricks


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name[:LONGEST_NAME])
