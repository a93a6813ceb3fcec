"""What a command says: JSON lines on standard output, people's text and progress on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    FINE = 0
    BLOCKED = 1  # findings that block, or inputs that were refused
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4  # try again
    INTERNAL = 5


def _one_of_two(language: str) -> str:
    if language not in {"vi", "en"}:
        raise typer.BadParameter("vi or en")
    return language


AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on standard output, in input order.")
]

Language = Annotated[
    str,
    typer.Option("--language", help="Language of sentences on the screen: vi or en.", callback=_one_of_two),
]


@cache
def console() -> "Console":
    """Return where people's text goes: in colour and moving, if it is a terminal and NO_COLOR is not set."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def say(text: str) -> None:
    """Tell people something."""
    # A line that a person or a program copies from is not broken to fit a terminal.
    console().print(text, markup=False, soft_wrap=True)


def json_bytes(document: object, *, indent: int | None = None) -> bytes:
    """Write JSON in UTF-8; what is none in a file's name is escaped, and is read as it was."""
    text = json.dumps(document, ensure_ascii=False, default=str, indent=indent)
    return text.encode("utf-8", "backslashreplace")


def emit(document: object) -> None:
    """Write one JSON object on a line of its own, at once."""
    sys.stdout.write(json_bytes(document).decode() + "\n")
    sys.stdout.flush()


@contextmanager
def progress_bar(label: str, total: int) -> Iterator["Bar"]:
    """Show a progress bar while the block runs, if this is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as shown:
        yield Bar(shown, label, total)


class Bar:
    """A progress bar that counts."""

    def __init__(self, shown: "Progress", label: str, total: int) -> None:
        self._shown = shown
        self._task = shown.add_task(label, total=total)

    def advance(self, by: int = 1) -> None:
        """Count some more as done."""
        self._shown.advance(self._task, by)

    def expect(self, more: int) -> None:
        """Say that there is more (or less) to do than was thought."""
        task = self._shown.tasks[self._task]
        self._shown.update(self._task, total=(task.total or 0) + more)

    def set(self, done: int, *, total: int | None = None) -> None:
        """Say how many are done."""
        self._shown.update(self._task, completed=done, total=total)
