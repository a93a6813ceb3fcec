"""Rules that ask the lists of provinces, communes, nationalities and ethnic groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_LONGEST_SHOWN: Final = 10
#: How many digits each has. A province may be written with the three that its field has room for.
_DIGITS: Final = (
    ("MA_DANTOC_NND", re.compile("[0-9]{2}", re.ASCII)),
    ("MA_QUOCTICH", re.compile("[0-9]{3}", re.ASCII)),
    ("MATINH_CU_TRU", re.compile("0?[0-9]{2}", re.ASCII)),
    ("MAXA_CU_TRU", re.compile("[0-9]{5}", re.ASCII)),
)


@rule("XML1.MATINH")
def find_unlisted_provinces(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The province of residence is in the list in force."""
    return _unlisted(claim, known, Kind.PROVINCE, "MATINH_CU_TRU")


@rule("XML1.MAXA")
def find_unlisted_communes(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The commune of residence is in the list in force."""
    return _unlisted(claim, known, Kind.COMMUNE, "MAXA_CU_TRU")


@rule("XML1.MA_QUOCTICH")
def find_unlisted_nationalities(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The nationality is in the list."""
    return _unlisted(claim, known, Kind.COUNTRY, "MA_QUOCTICH")


@rule("XML1.MA_DANTOC")
def find_unlisted_peoples(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The ethnic group is in the list."""
    return _unlisted(claim, known, Kind.PEOPLE, "MA_DANTOC")


@rule("XML9.CODES")
def find_misspelled_codes_of_birth_papers(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Codes on a birth certificate have their digits."""
    for row in claim.rows(TableKind.XML9):
        for field, digits in _DIGITS:
            if row[field] and not digits.fullmatch(row[field]):
                yield Hit(row, field)


def _unlisted(claim: CheckedClaim, known: Known, kind: Kind, field: str) -> Iterator[Hit]:
    summary = claim.summary_row
    code = "" if summary is None else summary[field].strip()
    if not code or known.catalogue is None:
        return
    # The field has room for three digits of a province's two.
    written = (code, code.removeprefix("0")) if kind is Kind.PROVINCE else (code,)
    if not any(known.catalogue.find_items(kind, one, claim.on) for one in written):
        yield Hit(summary, field, (("code", code[:_LONGEST_SHOWN]),))
