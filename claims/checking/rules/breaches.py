"""Where a claim breaks rules, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claims.bundle.findings import Finding, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from claims.checking.known import Known
    from claims.checking.rules.rule import Rule
    from claims.checking.tables import CheckedClaim


def find_breaches(
    claim: CheckedClaim, rules: Iterable[Rule], known: Known, said: Container[Location]
) -> Iterator[Finding]:
    """Find where a claim breaks rules, leaving out the places of which the schema says that already."""
    for rule in rules:
        if rule.check is None:
            continue
        for hit in rule.check(claim, known):
            location = claim.place(hit.row, hit.field)
            if hit.instead:
                yield Finding(f"{rule.code}.{hit.instead}", Severity.INFO, location, hit.params)
            elif location not in said:
                yield Finding(rule.code, rule.default_severity, location, hit.params)
