"""Values of a check as JSON documents in the database, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from claims.bundle.findings import Finding, Location, Severity
from claims.checking.check import ClaimSummary, Outcome, Stage, Why

Document = dict[str, Any]


def finding_to_json(finding: Finding) -> Document:
    """Return a finding without the places it does not name."""
    where = {name: value for name, value in asdict(finding.location).items() if value is not None}
    return {"code": finding.code, "severity": finding.severity, "at": where, "params": dict(finding.params)}


def finding_from_json(document: Mapping[str, Any]) -> Finding:
    """Return the finding that was stored."""
    return Finding(
        document["code"],
        Severity(document["severity"]),
        Location(**document["at"]),
        tuple(document["params"].items()),
    )


def stage_to_json(stage: Stage) -> Document:
    """Return a stage."""
    return {
        "name": stage.name,
        "outcome": stage.outcome,
        "ms": round(stage.ms, 3),
        "why": stage.why,
        "ran": stage.ran,
        "left_out": dict(stage.left_out),
    }


def stage_from_json(document: Mapping[str, Any]) -> Stage:
    """Return the stage that was stored."""
    why = document.get("why")
    return Stage(
        document["name"],
        Outcome(document["outcome"]),
        document["ms"],
        None if why is None else Why(why),
        document.get("ran", 0),
        document.get("left_out", {}),
    )


def claim_to_json(claim: ClaimSummary) -> Document:
    """Return a claim's summary; amounts as text, because JSON numbers are not decimals."""
    return {
        "ma_lk": claim.ma_lk,
        "decision": claim.decision,
        "discharged_on": None if claim.discharged_on is None else claim.discharged_on.isoformat(),
        "tables": dict(claim.tables),
        **{name: None if amount is None else str(amount) for name, amount in _amounts(claim).items()},
    }


def claim_from_json(document: Mapping[str, Any]) -> ClaimSummary:
    """Return the summary that was stored."""
    discharged_on = document["discharged_on"]
    return ClaimSummary(
        ma_lk=document["ma_lk"],
        decision=document["decision"],
        discharged_on=None if discharged_on is None else date.fromisoformat(discharged_on),
        tables=document["tables"],
        t_tongchi_bv=_decimal(document["t_tongchi_bv"]),
        t_tongchi_bh=_decimal(document["t_tongchi_bh"]),
        t_bhtt=_decimal(document["t_bhtt"]),
    )


def _amounts(claim: ClaimSummary) -> Mapping[str, Decimal | None]:
    return {"t_tongchi_bv": claim.t_tongchi_bv, "t_tongchi_bh": claim.t_tongchi_bh, "t_bhtt": claim.t_bhtt}


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
