"""Rules of results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import is_within_stay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_IMAGING: Final = "2"


@rule("XML4.SERVICE_LINK")
def find_results_of_nothing(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result is one of a service of the claim."""
    billed = {row["MA_DICH_VU"] for row in claim.rows(TableKind.XML3)}
    for row in claim.rows(TableKind.XML4):
        if row["MA_DICH_VU"] and row["MA_DICH_VU"] not in billed:
            yield Hit(row, "MA_DICH_VU")


@rule("XML4.CONCLUSION")
def find_images_without_conclusion(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Imaging has a description and a conclusion."""
    imaging = {row["MA_DICH_VU"] for row in claim.rows(TableKind.XML3) if row["MA_NHOM"] == _IMAGING}
    for row in claim.rows(TableKind.XML4):
        if row["MA_DICH_VU"] in imaging:
            yield from (Hit(row, field) for field in ("MO_TA", "KET_LUAN") if not row[field].strip())


@rule("XML4.NGAY_KQ")
def find_wrong_result_times(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result has a time, within the stay."""
    for row in claim.rows(TableKind.XML4):
        if not row["NGAY_KQ"].strip() or not is_within_stay(claim, row["NGAY_KQ"]):
            yield Hit(row, "NGAY_KQ")
