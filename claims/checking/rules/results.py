"""Rules of results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.servicecodes import is_performed
from claims.checking.rules.rule import Hit, Screen, in_row_order, rule
from claims.checking.rules.visits import rows_outside_stay
from claims.checking.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_IMAGING: Final = frozenset({"2"})
_WITH_RESULTS: Final = frozenset({"1", "2"})  # laboratory and imaging


@rule("XML4.SERVICE_LINK", Screen((TableKind.XML4,), ("MA_DICH_VU",)))
def find_results_of_nothing(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result is one of a service of the claim."""
    billed = {"", *claim.column(TableKind.XML3, "MA_DICH_VU")}
    of_nothing = claim.rows_where(TableKind.XML4, lambda code: code not in billed, "MA_DICH_VU")
    return (Hit(row, "MA_DICH_VU") for row in of_nothing)


@rule("XML3.RESULT_MISSING", Screen((TableKind.XML3,), ("MA_NHOM",), _WITH_RESULTS.__contains__))
def find_services_without_result(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What was done in the laboratory or by imaging has a result. One hit a service."""
    seen = {"", *claim.column(TableKind.XML4, "MA_DICH_VU")}
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _WITH_RESULTS):
        if row["MA_DICH_VU"] not in seen and is_performed(row["MA_DICH_VU"]):
            seen.add(row["MA_DICH_VU"])
            yield Hit(row, "MA_DICH_VU")


@rule(
    "XML4.CONCLUSION",
    Screen((TableKind.XML3,), ("MA_NHOM",), _IMAGING.__contains__),
    Screen((TableKind.XML4,), ("MO_TA", "KET_LUAN"), is_blank),
)
def find_images_without_conclusion(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Imaging has a description and a conclusion."""
    images = claim.rows_of(TableKind.XML3, "MA_NHOM", _IMAGING)
    codes = frozenset(row["MA_DICH_VU"] for row in images)
    for row in claim.rows_of(TableKind.XML4, "MA_DICH_VU", codes):
        yield from (Hit(row, field) for field in ("MO_TA", "KET_LUAN") if not row[field].strip())


@rule("XML4.NGAY_KQ", Screen((TableKind.XML4,)))
def find_wrong_result_times(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result has a time, within the stay."""
    without = claim.rows_where(TableKind.XML4, is_blank, "NGAY_KQ")
    outside = rows_outside_stay(claim, TableKind.XML4, "NGAY_KQ")
    yield from in_row_order([Hit(row, "NGAY_KQ") for row in (*without, *outside)])
