"""The report of a check: stages, findings, and what was read of each claim. Values only.

"Valid" (each table keeps to its schema) and "acceptable" (nothing found would block sending) are two
things, and neither means that somebody accepted the claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Severity
from claims.bundle.messages import finding_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

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


#: The stages that decide whether a bundle is valid: that it keeps to the format.
FORMAT_STAGES: Final = frozenset(StageName) - {
    StageName.CROSSTABLE,
    StageName.RULES,
    StageName.CATALOGUES,
    StageName.HISTORY,
}


class Outcome(StrEnum):
    """How a stage ended. A stage fails when it found something that blocks sending."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # not asked for, or pointless after what came before


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a check and the milliseconds it took."""

    name: str
    outcome: Outcome
    ms: float


@dataclass(frozen=True, slots=True)
class ClaimSummary:
    """What a claim's tables say about it, as far as they could be read.

    Attributes:
        ma_lk: The episode key as XML1 has it; empty when XML1 does not say.
        decision: The Decision its tables were checked against.
        discharged_on: The day of NGAY_RA, which decides on the Decision.
        tables: Rows by table kind, for the tables that were checked.
        t_tongchi_bv: T_TONGCHI_BV of XML1; None when it is not an amount. The other amounts likewise.
    """

    ma_lk: str
    decision: str | None
    discharged_on: date | None
    tables: Mapping[str, int]
    t_tongchi_bv: Decimal | None
    t_tongchi_bh: Decimal | None
    t_bhtt: Decimal | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a check has to say about a bundle.

    Attributes:
        left_out: How many rules were left out, by what they needed and nobody knew.
    """

    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]
    facility: str | None
    claims: tuple[ClaimSummary, ...]
    signature: Verdict | None
    left_out: Mapping[str, int]

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


def report_to_json(report: Report) -> dict[str, object]:
    """Return the report as a JSON object, with a sentence per finding in both languages."""
    return {
        "valid": report.is_valid,
        "acceptable": report.is_acceptable,
        "facility": report.facility,
        "stages": [
            {"name": stage.name, "outcome": stage.outcome.value, "ms": round(stage.ms, 3)}
            for stage in report.stages
        ],
        "left_out": dict(report.left_out),
        "claims": [_claim_to_json(claim) for claim in report.claims],
        "findings": [finding_to_json(finding) for finding in report.findings],
    }


def _claim_to_json(claim: ClaimSummary) -> dict[str, object]:
    return {
        "ma_lk": claim.ma_lk,
        "decision": claim.decision,
        "discharged_on": claim.discharged_on and claim.discharged_on.isoformat(),
        "tables": dict(claim.tables),
        "totals": {
            name: None if amount is None else str(amount)
            for name, amount in (
                ("T_TONGCHI_BV", claim.t_tongchi_bv),
                ("T_TONGCHI_BH", claim.t_tongchi_bh),
                ("T_BHTT", claim.t_bhtt),
            )
        },
    }


SEVERITY_ORDER = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)
