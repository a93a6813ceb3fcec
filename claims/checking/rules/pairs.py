"""Rules that ask which codes do not go together in one claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind, PairItem, Relation
from claims.checking.rules.lines import rows_of_own_code
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_SERVICES: Final = (TableKind.XML3, "MA_DICH_VU")
_MEDICINES: Final = (TableKind.XML2, "MA_THUOC")


@rule("XML3.INCLUDED_SERVICE")
def find_parts_of_other_services(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """What is part of another service is not billed beside it on the day."""
    return _together(claim, known, Relation.INCLUDED, (_SERVICES, _SERVICES))


@rule("XML2.IN_SERVICE_PRICE")
def find_medicines_in_the_price_of_a_service(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """What is in the price of a service is not billed beside it on the day."""
    return _together(claim, known, Relation.IN_PRICE, (_MEDICINES, _SERVICES))


@rule("XML2.INTERACTION")
def find_interactions(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Medicines that do each other harm are not given together."""
    return _together(claim, known, Relation.INTERACTS, (_MEDICINES, _MEDICINES))


@rule("XML2.DUP_INGREDIENT")
def find_medicines_of_one_class(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Of medicines that do the same, one is enough."""
    return _together(claim, known, Relation.SAME, (_MEDICINES, _MEDICINES))


def _together(
    claim: CheckedClaim,
    known: Known,
    relation: Relation,
    where: tuple[tuple[TableKind, str], tuple[TableKind, str]],
) -> Iterator[Hit]:
    """Find the first row of each code that stands beside the other of its pair, on one day."""
    (kind, field), (other_kind, other_field) = where
    beside = {
        (row[other_field], row.day("NGAY_YL")) for row in rows_of_own_code(claim, other_kind, other_field)
    }
    seen: set[str] = set()
    for row in rows_of_own_code(claim, kind, field):
        code, day = row[field], row.day("NGAY_YL")
        for pair in _pairs(claim, known, code, relation) if code and code not in seen and day else ():
            if (pair.other, day) in beside:
                seen.add(code)
                yield Hit(row, field, (("code", code[:50]), ("other", pair.other[:50])))
                break


def _pairs(claim: CheckedClaim, known: Known, code: str, relation: Relation) -> Iterator[PairItem]:
    found = () if known.catalogue is None else known.catalogue.find_items(Kind.PAIR, code, claim.on)
    return (one for one in found if isinstance(one, PairItem) and one.relation == relation)
