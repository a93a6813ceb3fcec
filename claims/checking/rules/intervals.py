"""Rules of what comes again too soon, and of slips that were used or have run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.deadlines import load_calendar
from claims.catalogues.items import DiagnosisItem, Kind, LimitItem
from claims.checking.history.marks import Subject
from claims.checking.rules.history import others_about, written
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import days_between
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

#: Circulars 40/2015 and 01/2025: how long a referral and a re-visit slip hold, in working days.
_SLIP_DAYS: Final = 10
_YEAR_DAYS: Final = 366
#: Nobody is asked to come on the very day on which the last tablet is taken.
_EARLY_DAYS: Final = 5


@rule("XML3.SERVICE_INTERVAL")
def find_services_done_again_too_soon(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A service is not paid again for one person, wherever, before its interval has passed."""
    for trace, others in others_about(claim, known, Subject.SERVICE):
        limits = (
            ()
            if known.catalogue is None
            else known.catalogue.find_items(Kind.LIMIT, trace.row["MA_DICH_VU"], claim.on)
        )
        intervals = [
            one.interval_days
            for one in limits
            if isinstance(one, LimitItem) and one.interval_days is not None
        ]
        before = [one for one in others if one.starts <= trace.mark.starts]
        if not intervals or not before:
            continue
        last = max(before, key=lambda one: one.starts)
        passed, least = days_between(last.starts[:8], trace.mark.starts[:8]), min(intervals)
        if passed < least:
            params = (
                ("facility", last.facility),
                ("passed", str(passed)),
                ("least", f"{least.normalize():f}"),
            )
            yield Hit(trace.row, "MA_DICH_VU", params)


@rule("XML2.COURSE_REPEATED")
def find_courses_given_twice(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Who has a medicine at home for days yet does not get it once more, wherever."""
    for trace, others in others_about(claim, known, Subject.COURSE):
        running = [one for one in others if one.starts <= trace.mark.starts]
        until = max((one.ends for one in running), default="")
        left = days_between(trace.mark.starts[:8], until[:8]) if until else 0
        if left > _EARLY_DAYS:
            last = max(running, key=lambda one: one.ends)
            yield Hit(trace.row, "MA_THUOC", (("facility", last.facility), ("left", str(left))))


@rule("ELIG.REFERRAL_AGE")
def find_referrals_that_do_not_hold(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A referral was given out before the visit, ten working days or, for listed diseases, a year at most."""
    for trace, others in others_about(claim, known, Subject.REFERRAL):
        given, arrived = max(one.starts for one in others), trace.mark.starts
        is_too_late = given[:8] > arrived[:8]
        if is_too_late or not _holds(claim, known, given, arrived):
            yield Hit(trace.row, "GIAY_CHUYEN_TUYEN", (("given", written(given)),))


@rule("ELIG.REVISIT_SLIP")
def find_revisit_slips_that_do_not_hold(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A re-visit slip is used once, within ten working days of its day."""
    for trace, others in others_about(claim, known, Subject.REVISIT):
        yield Hit(trace.row, "GIAY_CHUYEN_TUYEN", (("why", "used"), ("on", written(others[0].starts))))
        return
    for trace, others in others_about(claim, known, Subject.APPOINTMENT):
        meant, arrived = max(one.starts for one in others), trace.mark.starts
        if not _is_within(meant, arrived):
            yield Hit(trace.row, "GIAY_CHUYEN_TUYEN", (("why", "late"), ("on", written(meant))))


def _holds(claim: CheckedClaim, known: Known, given: str, arrived: str) -> bool:
    """Whether a referral of one day holds on another; for a year where nobody says for which diseases."""
    if days_between(given[:8], arrived[:8]) > _YEAR_DAYS:
        return False
    catalogue, summary = known.catalogue, claim.summary_row
    if catalogue is None or summary is None or not catalogue.has_list(Kind.DIAGNOSIS):
        return True
    listed = catalogue.find_items(Kind.DIAGNOSIS, summary["MA_BENH_CHINH"].strip(), claim.on)
    says_so = [one.long_referral for one in listed if isinstance(one, DiagnosisItem)]
    return any(says_so) or None in says_so or not says_so or _is_within(given, arrived)


def _is_within(first: str, last: str) -> bool:
    start, end = parse_day(first), parse_day(last)
    return start is None or end is None or end <= load_calendar().after(start, _SLIP_DAYS)
