"""Rules of diagnoses that need no list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import diagnoses_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_MOST_SECONDARY: Final = 12
_COVID: Final = "U07.1"
#: HIV disease, infection, exposure, unclear tests, HIV in pregnancy, advice, prevention, dementia in HIV.
_HIV: Final = ("B20", "B21", "B22", "B23", "B24", "Z21", "Z20.6", "R75", "O98.7", "Z71.7", "Z29", "F02.4")
_OF_MANY_CODES: Final = Screen(
    (TableKind.XML1, TableKind.XML13, TableKind.XML14),
    ("MA_BENH_KT",),
    lambda codes: codes.count(";") >= _MOST_SECONDARY,
)


@rule("ICD.SECONDARY_MAX12", _OF_MANY_CODES)
def find_many_secondary_codes(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """There are at most twelve secondary codes."""
    for kind in (TableKind.XML1, TableKind.XML13, TableKind.XML14):
        for row in claim.rows(kind):
            given = len(row.items_of("MA_BENH_KT"))
            if given > _MOST_SECONDARY:
                yield Hit(row, "MA_BENH_KT", (("given", str(given)), ("most", str(_MOST_SECONDARY))))


@rule("ICD.SECONDARY_REPEATS_MAIN", Screen((TableKind.XML1,), ("MA_BENH_KT",)))
def find_repeated_main_code(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The main code is not among the secondary ones."""
    summary = claim.summary_row
    if summary is not None and summary["MA_BENH_CHINH"].strip() in summary.items_of("MA_BENH_KT"):
        yield Hit(summary, "MA_BENH_KT")


@rule("ICD.SECONDARY_TWICE", Screen((TableKind.XML1,), ("MA_BENH_KT",), lambda codes: ";" in codes))
def find_codes_that_stand_twice(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A secondary code stands once."""
    summary = claim.summary_row
    codes = () if summary is None else summary.items_of("MA_BENH_KT")
    if len(set(codes)) < len(codes):
        yield Hit(summary, "MA_BENH_KT")


@rule("ICD.COVID_SECONDARY", Screen((TableKind.XML1,), ("MA_BENH_CHINH",), lambda codes: _COVID in codes))
def find_covid_alone(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Confirmed COVID-19 is coded with what it did or who had it, never alone."""
    if set(diagnoses_of(claim)) == {_COVID}:
        yield Hit(claim.summary_row, "MA_BENH_CHINH", (("code", _COVID),))


@rule("XML6.RESTRICTED", Screen((TableKind.XML6,)))
def find_hiv_papers_without_hiv(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Papers of HIV care are sent for nobody else: their readers are few."""
    for row in claim.rows(TableKind.XML6):
        if not any(code.startswith(_HIV) for code in diagnoses_of(claim)):
            yield Hit(row, "MA_LK")
        return
