"""Rules that compare claims with their envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.tables import CheckedClaim


def find_wrong_facility(
    facility: str | None, expected: str | None, claims: tuple[CheckedClaim, ...]
) -> Iterator[Finding]:
    """ENV.MACSKCB_MATCH: sender, envelope and every summary row name one facility."""
    if facility is None:
        return  # the envelope's schema says so
    if expected is not None and facility != expected:
        location = Location(field="MACSKCB")
        params = (("found", facility[:20]), ("expected", expected))
        yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)
    for claim in claims:
        row = claim.summary_row
        if row is not None and row["MA_CSKCB"] and row["MA_CSKCB"] != facility:
            location = claim.locate(claim.tables[TableKind.XML1], row, "MA_CSKCB")
            params = (("found", row["MA_CSKCB"][:20]), ("expected", facility))
            yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)
