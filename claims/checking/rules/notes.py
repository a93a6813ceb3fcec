"""Rules of the notes on the course of a stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import OF_NOTED, WITH_NOTES, kind_of_visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim


@rule("XML5.REQUIRED_INPATIENT", OF_NOTED)
def find_stay_without_notes(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An in-patient's claim has notes."""
    if kind_of_visit(claim) in WITH_NOTES and not claim.count(TableKind.XML5):
        yield Hit(claim.summary_row, "MA_LOAI_KCB")
