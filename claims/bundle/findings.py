"""Findings: what a check has to say about a claim.

A finding is a fact about the document, not an error of ours. Checks return findings;
they raise only when they could not do their work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs. What blocks sending is policy, not a property of the finding."""

    INFO = "info"
    WARNING = "warning"  # a reviewer decides
    ERROR = "error"  # likely refused; blocks unless the facility's policy says otherwise
    CRITICAL = "critical"  # must not be signed or sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where in a bundle a finding sits; what is not known or does not apply is None.

    ``claim`` and ``row`` count from 1 in document order, so they also name a claim without a
    MA_LK and a row without a STT. ``line`` and ``column`` are those of the decoded inner table
    when ``table`` is set, and of the bundle itself otherwise; ``envelope_line`` is always
    the line in the bundle.
    """

    claim: int | None = None
    table: str | None = None
    row: int | None = None
    field: str | None = None
    line: int | None = None
    column: int | None = None
    envelope_line: int | None = None


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, named by a stable code such as ``XML2.SO_LUONG.range``."""

    code: str
    severity: Severity
    location: Location = NOWHERE  # table, row, field, line: precise enough to click on
    params: tuple[tuple[str, str], ...] = ()

    @property
    def is_blocking(self) -> bool:
        """Whether the default policy keeps a bundle with this finding from being sent."""
        return self.severity in (Severity.ERROR, Severity.CRITICAL)
