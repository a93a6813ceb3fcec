"""What a command is given: files, folders of files, or standard input; and where its results go."""

import codecs
import glob
import gzip
import os
import re
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final

import typer

Inputs = Annotated[
    list[Path],
    typer.Argument(help="Files, folders of files, or patterns; '-' is standard input.", show_default=False),
]

_MOST_OF_REASON: Final = 500


def read_reason(text: str) -> str:
    """Return why something is done, on one line.

    Raises:
        BadParameter: It says nothing, or too much, or is no text.
    """
    reason = " ".join(text.split())
    if not 0 < len(reason) <= _MOST_OF_REASON or not reason.isprintable():
        raise typer.BadParameter(f"say why in 1 to {_MOST_OF_REASON} characters")
    return reason


Reason = Annotated[
    str, typer.Option("--reason", help="Why; kept in the history.", parser=read_reason, metavar="TEXT")
]

#: What is read of one file: more than a document may have (20 MB), so that a longer one is told its length.
MAX_BYTES: Final = 64 * 2**20
#: What is read of a file that a hospital's system exported, with thousands of visits in it.
MAX_EXPORT_BYTES: Final = 512 * 2**20
_GZIP: Final = b"\x1f\x8b"
_ZEROS: Final = re.compile(rb"\0*")
# Packed a thousand times over at most, it is 16 MB.
_PIECE_BYTES: Final = 2**14


class TooLargeInput(OSError):
    """An input holds, or unpacks to, more than is read into memory."""

    def __init__(self, path: Path, most: int) -> None:
        """Name the input."""
        super().__init__(f"{path} holds or unpacks to more than {most} bytes")


def read_input(path: Path, *, most: int = MAX_BYTES) -> bytes:
    """Return a file's bytes, or those of standard input for ``-``, unpacked if they are gzip's.

    Raises:
        OSError: It cannot be read.
        TooLargeInput: It is, or unpacks to, more bytes than the most that are read into memory.
    """
    if str(path) == "-":
        data = sys.stdin.buffer.read(most + 1)
    else:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > most:
                raise TooLargeInput(path, most)
            data = file.read(most + 1)
    if len(data) > most:
        raise TooLargeInput(path, most)
    return _unpack(data, path, most) if data.startswith(_GZIP) else data


def decode_text(data: bytes) -> str:
    """Return a text as people write it: with a byte order mark of Windows, or in UTF-16, too.

    Raises:
        UnicodeDecodeError: It is no text.
    """
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig")


def read_text(path: Path) -> str:
    """Return a file's text. A mark that became part of a passphrase or a key would make it a wrong one.

    Raises:
        BadParameter: It is no text.
        OSError: It cannot be read.
    """
    try:
        return decode_text(path.read_bytes())
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is no text in UTF-8") from None


def find_files(inputs: Sequence[Path]) -> list[Path]:
    """Return the files that are meant; that there are none never passes for all is well.

    Raises:
        BadParameter: The folders hold no file.
    """
    files = expand(inputs)
    if not files:
        raise typer.BadParameter(f"there is no file in {', '.join(map(str, inputs))}", param_hint="inputs")
    return files


def expand(inputs: Sequence[Path]) -> list[Path]:
    """Put the files of each folder, at any depth and by name, in its place; hidden ones are left out.

    What cannot be looked at, a link to nothing or a folder of somebody else's, stands for itself: whoever
    reads it says so.
    """
    files: list[Path] = []
    for path in _fit_patterns(inputs):
        if not path.is_dir():
            files.append(path)
            continue
        found = (item for item in _under(path) if not _is_hidden(item.relative_to(path)))
        files += sorted(filter(_is_to_be_read, found))
    return files


def _under(folder: Path) -> list[Path]:
    """Return all files at any depth, and the folders that cannot be looked into."""
    found: list[Path] = []
    for place, _, names in os.walk(folder, onerror=lambda error: found.append(Path(error.filename))):
        found.extend(Path(place, name) for name in names)
    return found


def _is_to_be_read(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _fit_patterns(paths: Sequence[Path]) -> Iterator[Path]:
    """Put what a pattern such as ``2026-09/*.xml`` fits in its place, where no shell has done so."""
    for path in paths:
        is_pattern = glob.has_magic(str(path)) and not path.exists()
        matches = sorted(map(Path, glob.glob(str(path), recursive=True))) if is_pattern else []  # noqa: PTH207 - absolute ones too
        yield from matches or [path]


def output_paths(inputs: Sequence[Path], output: Path, *, suffix: str) -> Iterator[Path]:
    """Return where each input's result goes: the output itself, or a name in it when there are several."""
    if not is_folder(output, len(inputs)):
        yield from [output] * len(inputs)
        return
    taken: set[Path] = set()
    for path in inputs:
        yield free_path(output, stem_of(path), suffix, taken)


def is_folder(output: Path, results: int) -> bool:
    """Whether an output means a folder: it is one, or is not there yet and has a name without an extension.

    Raises:
        BadParameter: Several results would go into one file.
    """
    if output.is_dir() or not (output.exists() or output.suffix):
        return True
    if results > 1:
        raise typer.BadParameter("there are several results: name a folder", param_hint="--output")
    return False


def free_path(folder: Path, stem: str, suffix: str, taken: set[Path]) -> Path:
    """Name a result so that no other result of the same run has its name."""
    path, number = folder / f"{stem}{suffix}", 1
    while path in taken:
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    taken.add(path)
    return path


def stem_of(path: Path) -> str:
    """Return the part of an input's name that its results are named after."""
    return "stdin" if str(path) == "-" else Path(path.name.removesuffix(".gz")).stem


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it; of a link, the file that it leads to."""
    if path.exists() and not path.is_file():
        # A pipe or a device, such as /dev/stdout: a file must not take its place.
        path.write_bytes(data)
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each writer has a draft of his own: of two at once the last one stands, and it is whole.
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _unpack(data: bytes, path: Path, most: int) -> bytes:
    unpacked = BytesIO()  # hands out what was written to it without a copy
    view, at = memoryview(data), 0
    try:
        while at < len(data):
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            while at < len(data) and not unpacker.eof:
                piece = view[at : at + _PIECE_BYTES]
                unpacked.write(unpacker.decompress(piece))
                at += len(piece)
                if unpacked.tell() > most:
                    raise TooLargeInput(path, most)
            if not unpacker.eof:
                raise gzip.BadGzipFile(f"{path} ends in the middle of its packed data")
            # A file may hold several packed parts, one after another, and be filled up with zeros.
            filling = _ZEROS.match(data, at - len(unpacker.unused_data))
            at = filling.end() if filling else len(data)
    except zlib.error as error:
        raise gzip.BadGzipFile(f"{path} is not whole gzip data: {error}") from error
    return unpacked.getvalue()


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
