"""Rules that ask the list of diagnoses (ICD-10, with what Circular 06/2026 says of the use of each code)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.catalogues.items import DiagnosisItem, Kind
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import diagnoses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

#: KET_QUA_DTRI of those who died.
_DIED: Final = frozenset({"5", "8"})
#: Marks that some write behind a code.
_MARKS: Final = "†*+"
_LONGEST_SHOWN: Final = 20


@rule("ICD.MAIN_EXISTS")
def find_unlisted_main_codes(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The main diagnosis is in the list in force; that it is one code, another rule says."""
    for row, code in _main(claim):
        if not _listed(claim, known, code):
            yield _hit(row, "MA_BENH_CHINH", code)


@rule("ICD.SECONDARY_EXISTS")
def find_unlisted_secondary_codes(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Each further diagnosis is in the list in force."""
    for row, code in _secondary(claim):
        if not _listed(claim, known, code):
            yield _hit(row, "MA_BENH_KT", code)


@rule("ICD.ROW_CODES")
def find_row_codes_of_no_diagnosis(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """What something was ordered for is in the list; one hit a code."""
    seen: set[str] = set()
    for row in claim.rows(TableKind.XML3):
        if row["MA_BENH"] in seen:
            continue
        seen.add(row["MA_BENH"])
        yield from (
            _hit(row, "MA_BENH", code) for code in row.items_of("MA_BENH") if not _listed(claim, known, code)
        )


@rule("ICD.MAIN_FORBIDDEN")
def find_main_codes_that_are_none(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some codes are no main diagnosis: asterisk codes, those with more specific ones, causes of death."""
    summary = claim.summary_row
    has_died = summary is not None and summary["KET_QUA_DTRI"] in _DIED
    for row, code in _main(claim):
        found = _listed(claim, known, code)
        if found and all(
            one.not_main or one.has_more_specific or (one.death_only and not has_died) for one in found
        ):
            yield _hit(row, "MA_BENH_CHINH", code)


@rule("ICD.MAIN_DISCOURAGED")
def find_codes_that_say_little(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Codes that say little are better replaced."""
    return _each(claim, known, lambda one: bool(one.discouraged))


@rule("ICD.SEX")
def find_codes_of_the_other_sex(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some diagnoses are of one sex alone."""
    summary = claim.summary_row
    sex = "" if summary is None else summary["GIOI_TINH"]
    return _each(claim, known, lambda one: sex in {"1", "2"} and one.sex in {"1", "2"} and one.sex != sex)


@rule("ICD.DAGGER_ASTERISK")
def find_half_of_a_pair(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A dagger or asterisk code stands beside one that it goes with, where the list says which."""
    codes = diagnoses_of(claim)
    for field, (row, code) in _places(claim):
        goes_with = tuple(other for one in _listed(claim, known, code) for other in one.goes_with)
        if goes_with and not any(one.startswith(goes_with) for one in codes if one != code):
            yield Hit(row, field, (("code", code[:_LONGEST_SHOWN]), ("other", "; ".join(goes_with)[:60])))


def _each(claim: CheckedClaim, known: Known, is_wrong: Callable[[DiagnosisItem], bool]) -> Iterator[Hit]:
    for field, (row, code) in _places(claim):
        found = _listed(claim, known, code)
        if found and all(map(is_wrong, found)):
            yield _hit(row, field, code)


def _places(claim: CheckedClaim) -> Iterator[tuple[str, tuple[Row, str]]]:
    """Return the codes of the summary with the field that each stands in."""
    yield from (("MA_BENH_CHINH", one) for one in _main(claim))
    yield from (("MA_BENH_KT", one) for one in _secondary(claim))


def _main(claim: CheckedClaim) -> Iterator[tuple[Row, str]]:
    summary = claim.summary_row
    code = "" if summary is None else summary["MA_BENH_CHINH"].strip()
    if summary is not None and code and ";" not in code:
        yield summary, code


def _secondary(claim: CheckedClaim) -> Iterator[tuple[Row, str]]:
    summary = claim.summary_row
    if summary is not None:
        yield from ((summary, code) for code in summary.items_of("MA_BENH_KT"))


def _listed(claim: CheckedClaim, known: Known, code: str) -> tuple[DiagnosisItem, ...]:
    """Return the rows of the list in force; a code is found with or without the marks behind it."""
    catalogue = known.catalogue
    if catalogue is None:
        return ()
    entries = catalogue.find_items(Kind.DIAGNOSIS, code, claim.on) or catalogue.find_items(
        Kind.DIAGNOSIS, code.rstrip(_MARKS).upper(), claim.on
    )
    return tuple(entry for entry in entries if isinstance(entry, DiagnosisItem))


def _hit(row: Row, field: str, code: str) -> Hit:
    return Hit(row, field, (("code", code[:_LONGEST_SHOWN]),))
