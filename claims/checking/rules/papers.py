"""Rules of the papers: discharge, summary, birth, rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import OF_STAYING, STAYING, days_between, kind_of_visit, stay_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_ABSCONDED, _DIED = "3", "5"
#: MA_LOAI_RV of those who are sent on, for a reason of the trade or of their own.
_REFERRED: Final = frozenset({"2", "5"})
_MOST_REST_DAYS: Final = 180
# Grams: beyond the lightest and the heaviest child that ever lived. Kilograms in their place are below.
_LIGHTEST, _HEAVIEST = 200, 11_000
_SOCIAL_NUMBER, _CARD = 10, 15
_ISSUED: Final = "NGAYCAP_CCCD_NND"
_OF_SICK_LEAVE: Final = Screen((TableKind.XML11,))


@rule("XML7.REQUIRED", OF_STAYING)
def find_missing_discharge_paper(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who stayed has a discharge paper, unless he absconded or died."""
    summary = claim.summary_row
    if summary is None or kind_of_visit(claim) not in STAYING or claim.count(TableKind.XML7):
        return
    if summary["MA_LOAI_RV"] != _ABSCONDED and summary["KET_QUA_DTRI"] != _DIED:
        yield Hit(summary, "MA_LOAI_KCB")


@rule("XML7.LEAVE_DATES", Screen((TableKind.XML7,)))
def find_wrong_rest_after_discharge(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Rest after discharge begins then, or later, does not end before, and has as many days as it says."""
    stay = stay_of(claim)
    for row in claim.rows(TableKind.XML7):
        start, end = row.day("NGOAITRU_TUNGAY"), row.day("NGOAITRU_DENNGAY")
        if start and ((end and end < start) or (stay is not None and start < stay[1][:8])):
            yield Hit(row, "NGOAITRU_TUNGAY")
        elif start and end and row.number_of("SO_NGAY_NGHI") not in {None, days_between(start, end) + 1}:
            yield Hit(row, "SO_NGAY_NGHI")


@rule("XML7.ISSUED", Screen((TableKind.XML7,)))
def find_discharge_papers_of_another_day(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A discharge paper is made out on the day of discharge."""
    stay = stay_of(claim)
    for row in claim.rows(TableKind.XML7):
        issued = row.day("NGAY_CT")
        if stay is not None and issued and issued != stay[1][:8]:
            yield Hit(row, "NGAY_CT")


@rule("XML8.REQUIRED", OF_STAYING)
def find_missing_record_summary(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An in-patient's claim has a summary of the record."""
    if kind_of_visit(claim) in STAYING and not claim.count(TableKind.XML8):
        yield Hit(claim.summary_row, "MA_LOAI_KCB")


@rule("XML9.REQUIRED", Screen((TableKind.XML1,), ("CAN_NANG_CON",)))
def find_missing_birth_papers(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Each child whose weight at birth is told has a certificate of birth."""
    summary = claim.summary_row
    if summary is not None and len(summary.items_of("CAN_NANG_CON")) > claim.count(TableKind.XML9):
        yield Hit(summary, "CAN_NANG_CON")


@rule("XML9.CARER", Screen((TableKind.XML9,)))
def find_wrong_numbers_of_carer(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The carer's social number and card have all their characters; the identity card is issued already."""
    today = known.received_on
    for row in claim.rows(TableKind.XML9):
        yield from _wrong_lengths(row, (("MA_BHXH_NND", _SOCIAL_NUMBER), ("MA_THE_NND", _CARD)))
        if (row.day(_ISSUED) or "") > today:
            yield Hit(row, _ISSUED)


@rule("XML9.BIRTH", Screen((TableKind.XML9,)))
def find_doubtful_births(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A child is born before its mother leaves, at the earliest on the way there, and weighs what it can."""
    stay = stay_of(claim)
    for row in claim.rows(TableKind.XML9):
        born, grams = row.day("NGAY_SINH_CON"), row.number_of("CAN_NANG_CON")
        if stay is not None and born and (born > stay[1][:8] or days_between(born, stay[0][:8]) > 1):
            yield Hit(row, "NGAY_SINH_CON")
        if grams is not None and not _LIGHTEST <= grams <= _HEAVIEST:
            yield Hit(row, "CAN_NANG_CON")


@rule("XML10.DAYS", Screen((TableKind.XML10,)))
def find_wrong_rest_in_pregnancy(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Rest in pregnancy ends after it begins, within half a year; it has days, and as many at most."""
    for row in claim.rows(TableKind.XML10):
        days = row.number_of("SO_NGAY")
        if days is not None and not 1 <= days <= _MOST_REST_DAYS:
            yield Hit(row, "SO_NGAY", (("most", str(_MOST_REST_DAYS)),))
        start, end = row.day("TU_NGAY"), row.day("DEN_NGAY")
        if start and end and not 0 <= days_between(start, end) < _MOST_REST_DAYS:
            yield Hit(row, "DEN_NGAY", (("most", str(_MOST_REST_DAYS)),))


@rule("XML11.IDS", _OF_SICK_LEAVE)
def find_wrong_numbers_of_worker(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The worker's social number and card have all their characters."""
    for row in claim.rows(TableKind.XML11):
        yield from _wrong_lengths(row, (("MA_BHXH", _SOCIAL_NUMBER), ("MA_THE_BHYT", _CARD)))


@rule("XML11.DATES", _OF_SICK_LEAVE)
def find_wrong_leave(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Sick leave has days, ends after it begins, and meets the visit."""
    stay = stay_of(claim)
    for row in claim.rows(TableKind.XML11):
        if row.number_of("SO_NGAY_NGHI") == 0:
            yield Hit(row, "SO_NGAY_NGHI")
        start, end = row.day("TU_NGAY"), row.day("DEN_NGAY")
        if not start or not end:
            continue
        is_elsewhere = stay is not None and (start > stay[1][:8] or end < stay[0][:8])
        if end < start or is_elsewhere:
            yield Hit(row, "TU_NGAY")


@rule("XML13.REQUIRED", Screen((TableKind.XML1,), ("MA_LOAI_RV",), _REFERRED.__contains__))
def find_missing_referral_paper(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is sent to another facility has a paper of referral."""
    summary = claim.summary_row
    if summary is not None and summary["MA_LOAI_RV"] in _REFERRED and not claim.count(TableKind.XML13):
        yield Hit(summary, "MA_LOAI_RV")


@rule("XML14.REQUIRED", Screen((TableKind.XML1,), ("NGAY_TAI_KHAM",)))
def find_missing_appointment_paper(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is to come again has a paper with one of the days."""
    summary = claim.summary_row
    days = () if summary is None else summary.items_of("NGAY_TAI_KHAM")
    if days and not any(row.day("NGAY_HEN_KL") in days for row in claim.rows(TableKind.XML14)):
        yield Hit(summary, "NGAY_TAI_KHAM")


def _wrong_lengths(row: Row, fields: tuple[tuple[str, int], ...]) -> Iterator[Hit]:
    for field, length in fields:
        if row[field] and len(row[field]) != length:
            yield Hit(row, field, (("length", str(length)),))
