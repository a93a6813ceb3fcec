"""What a command is given: files, folders of files, or standard input."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[list[Path], typer.Argument(help="Files; '-' is standard input.", show_default=False)]


def read_input(path: Path) -> bytes:
    """Return a file's bytes, or those of standard input for ``-``.

    Raises:
        OSError: It cannot be read.
    """
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def output_paths(inputs: Sequence[Path], output: Path, *, suffix: str) -> Iterator[Path]:
    """Return where each input's result goes: the output itself, or a name in it when there are several."""
    into_folder = len(inputs) > 1 or output.is_dir() or str(output).endswith("/")
    for path in inputs:
        stem = "stdin" if str(path) == "-" else path.name.split(".")[0]
        yield output / f"{stem}{suffix}" if into_folder else output


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(data)
    draft.replace(path)
