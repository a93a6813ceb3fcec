"""A report in full: each finding with its rule, its place, the kind of value there, and what to do next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claims.bundle.messages import LANGUAGES, describe, finding_to_json
from claims.checking.clauses import in_languages
from claims.checking.explaining import find_governing
from claims.checking.places import Place, Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claims.bundle.findings import Finding
    from claims.checking.explaining import Governing
    from claims.checking.report import ClaimSummary, Report, Stage

_NOWHERE: Final = Place()
_OWN: Final = "OWN."


@dataclass(frozen=True, slots=True)
class Detail:
    """A finding with what is looked up about it.

    Attributes:
        governing: The rule or family that governs it.
        place: Where it sits, as far as the bytes were at hand to say.
        messages: What it says, by language.
        next: What the facility does next, by language.
    """

    finding: Finding
    governing: Governing
    place: Place
    messages: Mapping[str, str]
    next: Mapping[str, str]


def detail(finding: Finding, places: Places | None = None) -> Detail:
    """Look up everything there is to say about a finding."""
    governing = find_governing(finding.code)
    facts = dict(finding.params)
    advice = governing.next
    if finding.code.startswith(_OWN) and "next_vi" in facts:
        advice = {language: facts[f"next_{language}"] for language in LANGUAGES}
    return Detail(
        finding=finding,
        governing=governing,
        place=_NOWHERE if places is None else places.find(finding.location),
        messages={language: describe(finding, language) for language in LANGUAGES},
        next=advice,
    )


def detail_to_json(found: Detail) -> dict[str, object]:
    """Return a finding in full as a JSON object."""
    where, place, governing = found.finding.location, found.place, found.governing
    return {
        **finding_to_json(found.finding),
        "stt": place.stt,
        "line": where.line if place.line is None else place.line,
        "column": where.column if place.column is None else place.column,
        "envelope_line": where.envelope_line if place.envelope_line is None else place.envelope_line,
        "envelope_column": place.envelope_column,
        "value": None if place.value is None else {"class": place.value.value, "length": place.length},
        "rule": found.finding.code if governing.rule is None and _is_own(found) else governing.code,
        "category": governing.category.value,
        "group": governing.group.value,
        "confidence": governing.confidence.value,
        "clause": dict(in_languages(governing.clause)),
        "next": dict(found.next),
    }


def report_to_json(report: Report, data: bytes | None = None) -> dict[str, object]:
    """Return a report as a JSON object; with the bytes that were checked, with every place to the column."""
    places = None if data is None else Places(data)
    return {
        "document_sha256": None if data is None else hashlib.sha256(data).hexdigest(),
        "valid": report.is_valid,
        "acceptable": report.is_acceptable,
        "at": report.at and report.at.isoformat(),
        "rule_set": report.rule_set and report.rule_set.to_json(),
        "facility": report.facility,
        "stages": [_stage_to_json(stage) for stage in report.stages],
        "left_out": dict(report.left_out),
        "claims": [_claim_to_json(claim) for claim in report.claims],
        "findings": [detail_to_json(detail(finding, places)) for finding in report.findings],
    }


def _is_own(found: Detail) -> bool:
    return found.finding.code.startswith(_OWN)


def _stage_to_json(stage: Stage) -> dict[str, object]:
    return {
        "name": str(stage.name),
        "outcome": stage.outcome.value,
        "ms": round(stage.ms, 3),
        "why": stage.why and stage.why.value,
        "ran": stage.ran,
        "left_out": dict(stage.left_out),
    }


def _claim_to_json(claim: ClaimSummary) -> dict[str, object]:
    return {
        "ma_lk": claim.ma_lk,
        "decision": claim.decision,
        "discharged_on": claim.discharged_on and claim.discharged_on.isoformat(),
        "send_by": claim.send_by and claim.send_by.isoformat(),
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
