"""Rules that ask the list of traditional medicine's codes, and what codes of ICD-10 they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind, TraditionalItem
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import diagnoses_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_FIELD: Final = "MA_BENH_YHCT"
_TABLES: Final = (TableKind.XML1, TableKind.XML3, TableKind.XML13)
_LONGEST_SHOWN: Final = 20


@rule("ICD.MAIN_IS_YHCT")
def find_main_codes_of_traditional_medicine(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The main diagnosis is a code of ICD-10; the one of traditional medicine has a field of its own."""
    summary = claim.summary_row
    code = "" if summary is None else summary["MA_BENH_CHINH"].strip()
    found = _listed(claim, known, code)
    if found and not any(code.startswith(one.icd) for one in found if one.icd):
        instead = "; ".join(dict.fromkeys(icd for one in found for icd in one.icd))
        yield Hit(summary, "MA_BENH_CHINH", (("code", code[:_LONGEST_SHOWN]), ("expected", instead[:60])))


@rule("ICD.YHCT_EXISTS")
def find_unlisted_codes_of_traditional_medicine(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A code of traditional medicine is in its list, and a diagnosis that it stands for is in the claim."""
    diagnoses = diagnoses_of(claim)
    seen: set[str] = set()
    for kind in _TABLES:
        for row in claim.rows(kind):
            for code in row.items_of(_FIELD):
                if code in seen:
                    continue
                seen.add(code)
                found = _listed(claim, known, code)
                stands_for = tuple(icd for one in found for icd in one.icd)
                is_alone = bool(stands_for) and not any(one.startswith(stands_for) for one in diagnoses)
                if not found or is_alone:
                    params = (("code", code[:_LONGEST_SHOWN]), ("expected", "; ".join(stands_for)[:60]))
                    yield Hit(row, _FIELD, params)


def _listed(claim: CheckedClaim, known: Known, code: str) -> tuple[TraditionalItem, ...]:
    if known.catalogue is None or not code:
        return ()
    found = known.catalogue.find_items(Kind.TRADITIONAL, code, claim.on)
    return tuple(one for one in found if isinstance(one, TraditionalItem))
