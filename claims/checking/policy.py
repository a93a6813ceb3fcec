"""What an installation decides about its checks: how large a bundle may be, and how grave a finding is.

A policy changes severities, by rule, facility and day; who decided it, when and why stands beside each
change (`claims.checking.policy_file` reads it from a file). It cannot change what is found before a claim
can be read, nor what a signature is worth.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Severity
from signing.canonical import DEFAULT_LIMITS, Limits
from xsd.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from claims.bundle.findings import Finding

_UNKNOWN: Final = ("fault", FaultKind.UNKNOWN.value)
#: What keeps a bundle from being read, and what makes a signature hold, is no matter of opinion.
_FIXED: Final = re.compile(
    r"(SIGNATURE|CERTIFICATE|TIMESTAMP|XADES)\..*|ALL\.CHARSET"
    r"|ENV\.(EMPTY|SIZE|ENCODING|WELLFORMED|DOCTYPE|TOO_COMPLEX|SIGNED|ONE_SIGNATURE|MORE_F(INDINGS|AULTS))"
)


def is_fixed(code: str) -> bool:
    """Whether no policy may change how grave a finding of this code is."""
    return _FIXED.fullmatch(code) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One decision of an installation about how grave some findings are.

    Attributes:
        rules: Codes; ``*`` stands for any letters, as in ``CARD.*`` or ``*.code``.
        severity: How grave they are; None: they are not looked at.
        facilities: For whom; None: for all.
        first_day: The first day of receipt for which it holds; None: since ever.
        last_day: The last one; None: still.
        by: Who decided.
        on: When.
        why: Why.
    """

    rules: tuple[str, ...]
    severity: Severity | None
    facilities: frozenset[str] | None = None
    first_day: date | None = None
    last_day: date | None = None
    by: str
    on: date
    why: str

    def is_for(self, facility: str | None, received_on: date) -> bool:
        """Whether it holds for what a facility sends on a day."""
        return (
            (self.facilities is None or facility in self.facilities)
            and (self.first_day is None or self.first_day <= received_on)
            and (self.last_day is None or received_on <= self.last_day)
        )

    def is_about(self, code: str) -> bool:
        """Whether it is about findings of this code."""
        return any(fnmatchcase(code, rule) for rule in self.rules)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """How grave findings are, for one facility on one day.

    Attributes:
        unknown_fields: How grave a field is that the Decision does not have.
        changes: What was decided; a later one takes the place of an earlier one.
    """

    unknown_fields: Severity
    changes: tuple[Change, ...]
    _known: dict[str, Change | None] = field(default_factory=dict, repr=False)

    def change_of(self, code: str) -> Change | None:
        """Return the decision that holds for findings of this code, if there is one."""
        if not self.changes:
            return None
        if code not in self._known:
            about = (change for change in reversed(self.changes) if change.is_about(code))
            self._known[code] = None if is_fixed(code) else next(about, None)
        return self._known[code]

    def is_off(self, code: str) -> bool:
        """Whether findings of this code are not looked at."""
        change = self.change_of(code)
        return change is not None and change.severity is None

    def weigh(self, finding: Finding) -> Finding | None:
        """Return a finding as grave as it is here; None where it is not looked at."""
        change = self.change_of(finding.code)
        if change is None:
            severity: Severity | None = finding.severity
            if _UNKNOWN in finding.params:
                severity = self.unknown_fields
        else:
            severity = change.severity
        if severity is None:
            return None
        return finding if severity is finding.severity else dataclasses.replace(finding, severity=severity)


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """How an installation checks.

    Attributes:
        limits: How large a bundle, and each table in it, may be.
        unknown_fields: How grave a field is, or an element of the envelope, that the Decision does not have.
            Exporters of later versions add some; ``ERROR`` keeps such a bundle from being sent.
        changes: What else was decided; a later one takes the place of an earlier one.
        name: What the installation calls it.
        sha256: The digest of the file that it was read from; empty when there is none.
    """

    limits: Limits = DEFAULT_LIMITS
    unknown_fields: Severity = Severity.WARNING
    changes: tuple[Change, ...] = ()
    name: str = "default"
    sha256: str = ""

    @property
    def identity(self) -> str:
        """What tells this policy from another."""
        return f"{self.sha256}/{self.unknown_fields}/{self.limits.max_bytes}"

    def with_settings_of(self, identity: str) -> CheckPolicy:
        """Take from another policy's identity what is in no file: the weight of unknown fields, the size."""
        _, weight, size = (*identity.split("/"), "", "")[:3]
        if weight not in set(Severity) or not size.isascii() or not size.isdecimal():
            return self
        limits = dataclasses.replace(self.limits, max_bytes=int(size))
        return dataclasses.replace(self, unknown_fields=Severity(weight), limits=limits)

    def weights(self, facility: str | None, received_on: date) -> Weights:
        """Return how grave findings are in what a facility sends on a day."""
        return _weights(self, facility, received_on)


@lru_cache(maxsize=512)
def _weights(policy: CheckPolicy, facility: str | None, received_on: date) -> Weights:
    held = tuple(change for change in policy.changes if change.is_for(facility, received_on))
    return Weights(policy.unknown_fields, held)


DEFAULT_CHECK_POLICY: Final = CheckPolicy()


def expand_facilities(names: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Put the facilities of each group in the place of its name."""
    return frozenset(code for name in names for code in groups.get(name, (name,)))
