"""What the Decisions leave open about a check: how large a bundle may be, and how grave a finding is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Severity
from signing.canonical import DEFAULT_LIMITS, Limits
from xsd.faults import FaultKind

if TYPE_CHECKING:
    from claims.bundle.findings import Finding

_UNKNOWN: Final = ("fault", FaultKind.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """How an installation checks.

    Attributes:
        limits: How large a bundle, and each table in it, may be.
        unknown_fields: How grave a field is, or an element of the envelope, that the Decision does not have.
            Exporters of later versions add some; ``ERROR`` keeps such a bundle from being sent.
    """

    limits: Limits = DEFAULT_LIMITS
    unknown_fields: Severity = Severity.WARNING

    def weigh(self, finding: Finding) -> Finding:
        """Return a finding as grave as this policy has it."""
        if _UNKNOWN in finding.params and finding.severity is not self.unknown_fields:
            return dataclasses.replace(finding, severity=self.unknown_fields)
        return finding


DEFAULT_CHECK_POLICY: Final = CheckPolicy()
