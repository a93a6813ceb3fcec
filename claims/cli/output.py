"""What a command says: JSON lines on standard output, people's text and progress on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    FINE = 0
    BLOCKED = 1  # findings that block, or inputs that were refused
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4  # try again
    INTERNAL = 5


AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on standard output, in input order.")
]

#: People's text. Rich leaves colour and movement out when this is no terminal or NO_COLOR is set.
console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Tell people something."""
    # A line that a person or a program copies from is not broken to fit a terminal.
    console.print(text, markup=False, soft_wrap=True)


def emit(document: object) -> None:
    """Write one JSON object on a line of its own, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


@contextmanager
def progress_bar(label: str, total: int) -> Iterator["Bar"]:
    """Show a progress bar while the block runs, if this is a terminal and there is something to wait for."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shows = console.is_terminal and total > 1
    with Progress(*columns, console=console, transient=True, disable=not shows) as shown:
        yield Bar(shown, label, total)


class Bar:
    """A progress bar that counts."""

    def __init__(self, shown: Progress, label: str, total: int) -> None:
        self._shown = shown
        self._task = shown.add_task(label, total=total)

    def advance(self, by: int = 1) -> None:
        """Count some more as done."""
        self._shown.advance(self._task, by)

    def set(self, done: int, *, total: int | None = None) -> None:
        """Say how many are done."""
        self._shown.update(self._task, completed=done, total=total)
