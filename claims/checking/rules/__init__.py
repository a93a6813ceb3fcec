"""Rules: one small function for each thing that tables of a valid shape can still get wrong.

A rule is given checked rows and yields findings. Rules are grouped by concern; `CLAIM_RULES` is the list
that a check runs on every claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.checking.rules.codes import find_unlisted_codes
from claims.checking.rules.crosschecks import find_broken_numbering, find_foreign_rows
from claims.checking.rules.dates import find_impossible_dates
from claims.checking.rules.spelling import find_lost_zeros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claims.bundle.findings import Finding
    from claims.checking.tables import CheckedClaim

CLAIM_RULES: Final[tuple[Callable[[CheckedClaim], Iterator[Finding]], ...]] = (
    find_foreign_rows,
    find_broken_numbering,
    find_impossible_dates,
    find_unlisted_codes,
    find_lost_zeros,
)
