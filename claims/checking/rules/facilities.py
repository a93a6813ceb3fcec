"""Rules that ask the list of facilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row


@rule("XML13.FACILITIES")
def find_referrals_to_nowhere(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A referral leads from one facility to another."""
    for row in claim.rows(TableKind.XML13):
        goes_to = row["MA_CSKCB_DEN"]
        if goes_to and (goes_to == row["MA_CSKCB"] or not _is_known(claim, known, goes_to)):
            yield _hit(row, "MA_CSKCB_DEN")


def _is_known(claim: CheckedClaim, known: Known, code: str) -> bool:
    catalogue = known.catalogue
    return catalogue is None or bool(catalogue.find_items(Kind.FACILITY, code, claim.on))


def _hit(row: Row, field: str) -> Hit:
    return Hit(row, field, (("code", row[field][:20]),))
