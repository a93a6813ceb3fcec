"""Where a claim breaks rules, as findings."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from claims.bundle.findings import Finding, Location
from claims.checking.report import StageName
from claims.checking.rules.book import load_rules

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from claims.checking.known import Known
    from claims.checking.rules.rule import Rule
    from claims.checking.tables import CheckedClaim


@cache
def rules_by_stage() -> Mapping[StageName, Sequence[Rule]]:
    """Return the rules that are checked here, by stage, in the order of stages."""
    rules = [rule for rule in load_rules().rules.values() if rule.check is not None]
    stages = (StageName.CROSSTABLE, StageName.RULES, StageName.CATALOGUES, StageName.HISTORY)
    return {stage: [rule for rule in rules if rule.stage is stage] for stage in stages}


def find_breaches(
    claim: CheckedClaim, rules: Iterable[Rule], known: Known, said: Container[Location]
) -> Iterator[Finding]:
    """Find where a claim breaks rules, leaving out the places of which the schema says that already."""
    for rule in rules:
        if rule.check is None or not rule.is_in_force(claim.on):
            continue
        for hit in rule.check(claim, known):
            location = claim.place(hit.row, hit.field)
            if location not in said:
                yield Finding(rule.code, rule.default_severity, location, hit.params)
