"""Rules that look at other claims: of one person, under one key, by the same hands, in the same bed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from claims.checking.history.marks import Subject
from claims.checking.history.traces import OtherClaims
from claims.checking.needs import Need
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.history.marks import History, Mark
    from claims.checking.history.traces import Trace
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: Practice: so many examinations at a desk in eight hours are too many.
_MOST_IN_A_SHIFT: Final = 65
_HUNDRED: Final = 100


@rule("XML1.OVERLAP_OTHER_FACILITY")
def find_stays_elsewhere(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Nobody is in two facilities at a time."""
    for trace, others in others_about(claim, known, Subject.PERSON):
        for one in others:
            if one.facility != trace.mark.facility and _overlap(trace.mark, one):
                yield Hit(trace.row, "NGAY_VAO", (("facility", one.facility), *_times(one)))
                return


@rule("XML1.SAME_DAY_VISITS")
def find_split_visits(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A patient's visit to a facility on one day is one claim."""
    for trace, others in others_about(claim, known, Subject.PATIENT):
        begun = {one.episode for one in others if one.starts[:8] == trace.mark.starts[:8]}
        if begun:
            yield Hit(trace.row, "NGAY_VAO", (("count", str(len(begun))),))


@rule("XML1.CCCD_SHARED")
def find_shared_citizen_numbers(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """One citizen number is one patient of a facility."""
    for trace, others in others_about(claim, known, Subject.CITIZEN):
        patients = {one.patient for one in others} - {trace.mark.patient}
        if patients:
            yield Hit(trace.row, "SO_CCCD", (("count", str(len(patients))),))


@rule("XML1.MA_LK_DUPLICATE")
def find_used_keys(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A key stands for one episode: the same patient, arrived at the same time."""
    for trace, earlier in _earlier(claim, known):
        if any(_is_another(trace.mark, one) for one in earlier):
            yield Hit(trace.row, "MA_LK")


@rule("XML1.REPLACE_REASON")
def find_replaced_versions(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A claim that was accepted before is sent again for a reason."""
    for trace, earlier in _earlier(claim, known):
        if earlier and not any(_is_another(trace.mark, one) for one in earlier):
            yield Hit(trace.row, "MA_LK", (("count", str(len({one.source for one in earlier}))),))


@rule("ELIG.AFTER_DEATH")
def find_visits_after_death(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Nobody arrives after having died."""
    for trace, others in others_about(claim, known, Subject.DEATH):
        if others:
            died = min(others, key=lambda one: one.starts)
            params = (("facility", died.facility), ("died", written(died.starts)))
            yield Hit(trace.row, "NGAY_VAO", params)
            return


@rule("STAFF.TWO_PLACES")
def find_hands_at_two_patients(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A practitioner operates on, treats or examines one patient at a time."""
    for trace, others in others_about(claim, known, Subject.PERFORMER):
        meanwhile = [one for one in _of_other_patients(trace, others) if _overlap(trace.mark, one)]
        if meanwhile:
            yield Hit(trace.row, "NGUOI_THUC_HIEN", _times(meanwhile[0]))


@rule("XML3.BED_OVERLAP")
def find_beds_shared_without_saying_so(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A bed is one patient's, unless its rate says that it is shared."""
    for trace, others in others_about(claim, known, Subject.BED):
        rate = trace.row.number_of("TYLE_TT_DV")
        meanwhile = [one for one in _of_other_patients(trace, others) if _overlap(trace.mark, one)]
        if meanwhile and (rate is None or rate >= _HUNDRED):
            yield Hit(trace.row, "MA_GIUONG", _times(meanwhile[0]))


@rule("XML3.EXAM_DOCTOR_INTERVAL")
def find_hurried_examinations(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A practitioner begins one examination at a time, and no more in a shift than can be done."""
    for trace, others in others_about(claim, known, Subject.EXAMINER):
        before = _of_other_patients(trace, others)
        at_once = sum(1 for one in before if one.starts == trace.mark.starts)
        if at_once or len(before) >= _MOST_IN_A_SHIFT:
            params = (("at_once", str(at_once)), ("in_shift", str(len(before))))
            yield Hit(trace.row, "MA_BAC_SI", params)


def _history(claim: CheckedClaim, known: Known) -> OtherClaims:
    return OtherClaims.of(claim, cast("History", known.more[Need.HISTORY]))


def others_about(claim: CheckedClaim, known: Known, what: Subject) -> Iterator[tuple[Trace, list[Mark]]]:
    """Return the claim's traces of a kind that other claims' marks answer, each with these."""
    for trace, found in _history(claim, known).about(what):
        others = [one for one in found if one.episode != trace.mark.episode]
        if others:
            yield trace, others


def _earlier(claim: CheckedClaim, known: Known) -> Iterator[tuple[Trace, list[Mark]]]:
    for trace, found in _history(claim, known).about(Subject.EPISODE):
        yield trace, [one for one in found if one.episode == trace.mark.episode]


def _is_another(own: Mark, earlier: Mark) -> bool:
    return (earlier.patient, earlier.starts) != (own.patient, own.starts)


def _of_other_patients(trace: Trace, others: list[Mark]) -> list[Mark]:
    return [one for one in others if one.patient != trace.mark.patient]


def _overlap(own: Mark, other: Mark) -> bool:
    """Whether two stretches have more than a moment in common."""
    return own.starts < other.ends and other.starts < own.ends


def _times(mark: Mark) -> tuple[tuple[str, str], ...]:
    return (("since", written(mark.starts)), ("until", written(mark.ends)))


def written(moment: str) -> str:
    """Return a time as people write it."""
    return f"{moment[8:10]}:{moment[10:12]} {moment[6:8]}/{moment[4:6]}/{moment[:4]}"
