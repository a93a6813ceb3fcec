"""Bundles that others are compared with: what their claims leave behind."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claims.cli.inputs import read_input
from claims.cli.output import progress_bar, say

if TYPE_CHECKING:
    from claims.checking.history.memory import MemoryHistory


def read_history(paths: Sequence[Path], at: datetime) -> "MemoryHistory":
    """Read what the claims of files leave; a file that cannot be read is said, and leaves nothing."""
    from claims.checking.check import CheckTerms, check_bundle
    from claims.checking.history.memory import MemoryHistory
    from claims.checking.needs import Need
    from claims.checking.report import StageName

    history = MemoryHistory()
    terms = CheckTerms(until=StageName.SCHEMA, more={Need.HISTORY: history})
    with progress_bar("reading the history", len(paths)) as bar:
        for path in paths:
            try:
                marks = check_bundle(read_input(path), at=at, terms=terms).marks
            except OSError as error:
                say(f"{path}: cannot be compared with: {error}")
                marks = ()
            history.add(mark._replace(source=source_of(path)) for mark in marks)
            bar.advance()
    return history


def source_of(path: Path) -> str:
    """Return the name by which a file's claims know their own marks."""
    return str(path.resolve())
