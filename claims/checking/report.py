"""The report of a check: stages, findings, and what was read of each claim. Values only.

"Valid" (each table keeps to its schema) and "acceptable" (nothing found would block sending) are two
things, and neither means that somebody accepted the claim.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.deadlines import send_by
from claims.bundle.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from claims.checking.history.marks import Mark
    from claims.checking.identity import RuleSet
    from signing.verdict import Verdict


class StageName(StrEnum):
    """The stages of a check, in their order."""

    SIZE = "size"
    XML = "xml"
    ENVELOPE = "envelope"
    SIGNATURE = "signature"
    SCHEMA = "schema"
    CROSSTABLE = "crosstable"
    RULES = "rules"
    CATALOGUES = "catalogues"
    HISTORY = "history"

    @property
    def has_rules(self) -> bool:
        """Whether it runs rules of the rule book."""
        return self in _WITH_RULES


_WITH_RULES: Final = frozenset(
    {StageName.CROSSTABLE, StageName.RULES, StageName.CATALOGUES, StageName.HISTORY}
)

#: The stages that decide whether a bundle is valid: that it keeps to the format.
FORMAT_STAGES: Final = frozenset(StageName) - _WITH_RULES


class Outcome(StrEnum):
    """How a stage ended. A stage fails when it found something that blocks sending."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Why(StrEnum):
    """Why a stage was skipped."""

    NOT_ASKED = "not-asked"
    POINTLESS = "pointless"  # after what came before there is nothing to look at
    UNKNOWN = "unknown"  # none of its rules has what it needs; `left_out` says what that is


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a check and the milliseconds it took.

    Attributes:
        why: Why it was skipped; None when it was not.
        ran: How many rules of the rule book it checked.
        left_out: How many it could not check, by what they need and nobody knows. A rule that lacks two
            things counts under both.
    """

    name: str
    outcome: Outcome
    ms: float
    why: Why | None = None
    ran: int = 0
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ClaimSummary:
    """What a claim's tables say about it, as far as they could be read.

    Attributes:
        ma_lk: The episode key as XML1 has it; empty when XML1 says none, or what is too long for one.
        decision: The Decision its tables were checked against.
        discharged_on: The day of NGAY_RA, which decides on the Decision.
        tables: Rows by table kind, for the tables that were checked.
        t_tongchi_bv: T_TONGCHI_BV of XML1; None when it is not an amount. The other amounts likewise.
        diagnoses: The ICD-10 codes that its tables name, without dots; they are not stored.
        ma_tai_nan: Its accident code; not stored, and nor is what follows.
        ket_qua_dtri: Its outcome.
        ma_doituong_kcb: On what grounds the fund is asked to pay.
        paid_on: The day of NGAY_TTOAN, once the patient has paid.
    """

    ma_lk: str
    decision: str | None
    discharged_on: date | None
    tables: Mapping[str, int]
    t_tongchi_bv: Decimal | None
    t_tongchi_bh: Decimal | None
    t_bhtt: Decimal | None
    diagnoses: frozenset[str] = frozenset()
    ma_tai_nan: str = ""
    ket_qua_dtri: str = ""
    ma_doituong_kcb: str = ""
    paid_on: date | None = None

    @property
    def send_by(self) -> date | None:
        """The last day on which the claim is sent in time; None when XML1 does not say when it ended."""
        return None if self.discharged_on is None else send_by(self.discharged_on)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a check has to say about a bundle.

    Attributes:
        at: As of when it was checked: the moment of receipt.
        rule_set: By which rules, policy and lists; with the same ones and the same moment, the same bundle
            has the same findings.
        marks: What its claims leave for later ones to be compared with; nothing where no history is kept.
        persons: For each claim the digests of its patient's numbers; nothing where no index is made.
    """

    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]
    facility: str | None
    claims: tuple[ClaimSummary, ...]
    signature: Verdict | None
    at: datetime | None = None
    rule_set: RuleSet | None = None
    marks: tuple[Mark, ...] = ()
    persons: tuple[tuple[bytes, ...], ...] = ()

    @property
    def is_acceptable(self) -> bool:
        """Whether nothing was found that blocks sending."""
        return not any(finding.is_blocking for finding in self.findings)

    @property
    def is_valid(self) -> bool:
        """Whether every stage up to the schema of each table was passed or not asked for."""
        return not any(
            stage.outcome is Outcome.FAILED for stage in self.stages if stage.name in FORMAT_STAGES
        ) and any(stage.outcome is Outcome.PASSED for stage in self.stages if stage.name == StageName.SCHEMA)

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many rules were left out, by what they need and nobody knows."""
        counts: Counter[str] = Counter()
        for stage in self.stages:
            counts.update(stage.left_out)
        return counts


SEVERITY_ORDER: Final = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)
