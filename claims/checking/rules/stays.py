"""Rules of the stay: when the visit began and ended, how many days it counts, where the patient went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.days import DayCounting, Stay, treatment_days
from claims.bundle.deadlines import send_by, years_without_calendar
from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import (
    OF_NOTED,
    OF_STAYING,
    SHORT_STAY_MINUTES,
    STAYING,
    is_within_stay,
    kind_of_visit,
    minutes_of_stay,
    stay_of,
)
from claims.checking.values import read_number
from claims.localtime import local_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_CONSULTATION, _INPATIENT, _DAY_PATIENT = "01", "03", "04"
_OUTPATIENT_TREATMENT: Final = frozenset({"02", "05", "08"})
_REFERRED, _REFERRED_ON_REQUEST = "2", "5"
_DAY_MINUTES: Final = 24 * 60
_LONG_STAY: Final = 90
_LONG_TREATMENT: Final = 30
_OF_DAYS: Final = Screen(
    (TableKind.XML1,), ("MA_LOAI_KCB",), {_INPATIENT, _DAY_PATIENT, *_OUTPATIENT_TREATMENT}.__contains__
)
_OF_NO_DAYS: Final = Screen((TableKind.XML1,), ("SO_NGAY_DTRI",), lambda days: read_number(days) == 0)


@rule("XML1.ZERO_MINUTES")
def find_visit_of_no_time(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A visit takes some time."""
    summary = claim.summary_row
    if summary is not None and summary.moment("NGAY_RA") and summary["NGAY_RA"] == summary["NGAY_VAO"]:
        yield Hit(summary, "NGAY_RA")


@rule("XML1.NGAY_VAO_NOI_TRU", OF_STAYING)
def find_wrong_admission(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who stays was admitted between arrival and leaving."""
    summary = claim.summary_row
    if summary is None or kind_of_visit(claim) not in STAYING:
        return
    admitted = summary["NGAY_VAO_NOI_TRU"]
    if not admitted.strip() or not is_within_stay(claim, admitted):
        yield Hit(summary, "NGAY_VAO_NOI_TRU")


@rule("XML1.OUTPATIENT_LONG")
def find_long_consultation(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A plain consultation does not take more than a day."""
    minutes = minutes_of_stay(claim)
    if kind_of_visit(claim) == _CONSULTATION and minutes is not None and minutes > _DAY_MINUTES:
        yield Hit(claim.summary_row, "NGAY_RA", (("hours", str(minutes // 60)),))


@rule("XML1.INPATIENT_SHORT", OF_STAYING)
def find_short_inpatient(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Less than four hours, counted from arrival, are no in-patient's stay of kind 03."""
    minutes = minutes_of_stay(claim)
    if kind_of_visit(claim) == _INPATIENT and minutes is not None and minutes < SHORT_STAY_MINUTES:
        yield Hit(claim.summary_row, "MA_LOAI_KCB")


@rule("XML1.DAYS_ZERO", _OF_NO_DAYS, _OF_DAYS)
def find_uncounted_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who was treated for days has days of treatment."""
    summary, kind, minutes = claim.summary_row, kind_of_visit(claim), minutes_of_stay(claim)
    if summary is None or minutes is None or summary.number_of("SO_NGAY_DTRI") != 0:
        return
    stayed = kind in {_INPATIENT, _DAY_PATIENT} and minutes > SHORT_STAY_MINUTES
    if stayed or kind in _OUTPATIENT_TREATMENT:
        yield Hit(summary, "SO_NGAY_DTRI")


@rule("XML1.DAYS_FORMULA", OF_NOTED)
def find_miscounted_days(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An in-patient's days are those of the Decision's formula or, as validators count, bed days."""
    summary = claim.summary_row
    if summary is None or stay_of(claim) is None or kind_of_visit(claim) not in {_INPATIENT, _DAY_PATIENT}:
        return
    given = summary.number_of("SO_NGAY_DTRI")
    if not given:
        return  # DAYS_ZERO says so
    stay = Stay(
        *(summary[name] for name in ("MA_LOAI_KCB", "NGAY_VAO", "NGAY_RA", "MA_LOAI_RV", "KET_QUA_DTRI"))
    )
    counted = [treatment_days(stay, service_times=(), counting=counting) for counting in DayCounting]
    if given not in counted:
        expected = " / ".join(map(str, dict.fromkeys(counted)))
        yield Hit(summary, "SO_NGAY_DTRI", (("given", str(given)), ("expected", expected)))


@rule(
    "XML1.DAYS_LONG",
    Screen((TableKind.XML1,), ("SO_NGAY_DTRI",), lambda days: (read_number(days) or 0) > _LONG_TREATMENT),
)
def find_long_stay(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A very long treatment is worth a look."""
    summary = claim.summary_row
    days = None if summary is None else summary.number_of("SO_NGAY_DTRI")
    most = _LONG_TREATMENT if kind_of_visit(claim) in _OUTPATIENT_TREATMENT else _LONG_STAY
    if days is not None and days > most:
        yield Hit(summary, "SO_NGAY_DTRI", (("most", str(most)),))


@rule("XML1.SEND_DEADLINE")
def find_late_claim(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A claim is received in time after the day of discharge."""
    due = None if claim.discharged_on is None else send_by(claim.discharged_on)
    if due is not None and local_date(known.received_at) > due:
        yield Hit(claim.summary_row, "NGAY_RA", (("due", f"{due:%d/%m/%Y}"),))


@rule("XML1.NO_CALENDAR")
def find_deadline_without_calendar(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Working days are counted where the days off are known."""
    years = () if claim.discharged_on is None else years_without_calendar(claim.discharged_on)
    if years:
        yield Hit(claim.summary_row, "NGAY_RA", (("year", str(years[0])),))


@rule("XML1.TRANSFER_OUT")
def find_wrong_transfer(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is referred has a receiving facility, and nobody else has."""
    summary = claim.summary_row
    if summary is None:
        return
    left_as, receiver = summary["MA_LOAI_RV"], summary["MA_NOI_DEN"].strip()
    lacks = left_as == _REFERRED and not receiver
    if lacks or (receiver and left_as not in {_REFERRED, _REFERRED_ON_REQUEST, ""}):
        yield Hit(summary, "MA_NOI_DEN")
