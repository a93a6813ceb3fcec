"""What a check finds in a sample, with everything known beside it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from claims.checking.check import CheckTerms, check_bundle
from claims.checking.checkin import check_check_in
from claims.checking.own.rules import NO_OWN_RULES
from claims.checking.samples.surroundings import sample_catalogue, sample_more

if TYPE_CHECKING:
    from claims.bundle.findings import Finding
    from claims.checking.own.rules import OwnRules
    from claims.checking.samples import Sample


def findings_of(
    sample: Sample, *, own: OwnRules = NO_OWN_RULES, only: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """Check a claim as received in the morning after its episode ended, a check-in in that of its day.

    Args:
        sample: The sample, changed or not.
        own: Rules of a hospital's own.
        only: The codes of the rules that are asked for; None: all of them.
    """
    morning = datetime.combine(sample.on, time(3), UTC)
    if sample.is_check_in:
        return check_check_in(sample.write(), at=morning)
    terms = CheckTerms(catalogue=sample_catalogue(), more=sample_more(), own_rules=own, rules=only)
    return check_bundle(sample.write(), at=morning + timedelta(days=1), terms=terms).findings
