"""Marks in memory: of a folder of bundles, or of the samples."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claims.checking.history.marks import Mark, Window


@dataclass(slots=True)
class MemoryHistory:
    """A :class:`~claims.checking.history.marks.History` that lasts as long as the process.

    Attributes:
        without: A source whose marks are not found, as its own claims ask.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    without: str | None = None
    _marks: defaultdict[bytes, list[Mark]] = field(default_factory=lambda: defaultdict(list), repr=False)

    def add(self, marks: Iterable[Mark]) -> None:
        """Remember marks."""
        for mark in marks:
            self._marks[mark.subject].append(mark)

    def find(self, windows: Sequence[Window]) -> Sequence[Mark]:
        """Return the marks that overlap with any of the windows of their subject."""
        return [
            mark
            for window in windows
            for mark in self._marks.get(window.subject, ())
            if mark.starts <= window.until and mark.ends >= window.since and mark.source != self.without
        ]

    def seen_by(self, source: str) -> MemoryHistory:
        """Return the same history without what one source left itself."""
        return replace(self, without=source)
