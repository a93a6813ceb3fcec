"""Rules that compare claims with their envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.localtime import local_date, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim


_EIGHT_DIGITS: Final = re.compile(r"[0-9]{8}", re.ASCII)


def find_wrong_facility(
    facility: str | None, expected: str | None, claims: tuple[CheckedClaim, ...]
) -> Iterator[Finding]:
    """ENV.MACSKCB_MATCH: sender, envelope and every summary row name one facility."""
    if facility is None:
        return  # the envelope's schema says so
    if expected is not None and facility != expected:
        location = Location(field="MACSKCB")
        params = (("found", facility), ("expected", expected))
        yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)
    for claim in claims:
        row = claim.summary_row
        if row is not None and row["MA_CSKCB"] and row["MA_CSKCB"] != facility:
            location = claim.locate(claim.tables[TableKind.XML1], row, "MA_CSKCB")
            params = (("found", row["MA_CSKCB"][:20]), ("expected", facility))
            yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)


@rule("ENV.NGAYLAP")
def find_impossible_day_of_making(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A bundle is made on a real day, after the visit has ended, and not after it is received."""
    made_on, left = parse_day(known.made_on), claim.discharged_on
    if made_on is None:
        if _EIGHT_DIGITS.fullmatch(known.made_on):  # else the envelope's schema says so
            yield Hit(None, "NGAYLAP", (("why", "no-such-day"),))
        return
    if made_on > local_date(known.received_at):
        yield Hit(None, "NGAYLAP", (("why", "future"),))
    elif left is not None and made_on < left:
        yield Hit(None, "NGAYLAP", (("why", "before"),))
