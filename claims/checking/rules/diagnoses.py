"""Rules of diagnoses that need no list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_MOST_SECONDARY: Final = 12


@rule("ICD.SECONDARY_MAX12")
def find_many_secondary_codes(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """There are at most twelve secondary codes."""
    for kind in (TableKind.XML1, TableKind.XML13, TableKind.XML14):
        for row in claim.rows(kind):
            given = len(row.items("MA_BENH_KT"))
            if given > _MOST_SECONDARY:
                yield Hit(row, "MA_BENH_KT", (("given", str(given)), ("most", str(_MOST_SECONDARY))))


@rule("ICD.SECONDARY_REPEATS_MAIN")
def find_repeated_main_code(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The main code is not among the secondary ones."""
    summary = claim.summary_row
    if summary is not None and summary["MA_BENH_CHINH"].strip() in summary.items("MA_BENH_KT"):
        yield Hit(summary, "MA_BENH_KT")
