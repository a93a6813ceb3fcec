"""What one claim leaves behind and asks of others, read from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from claims.bundle.doses import read_dose
from claims.bundle.kinds import TableKind
from claims.checking.history.marks import Mark, Subject, Window, blind
from claims.checking.rules.visits import STAYING, kind_of_visit
from claims.localtime import read_minute, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.checking.history.marks import History
    from claims.checking.tables import CheckedClaim, Row

#: MA_LOAI_KCB of visits that are one stretch of time; the others are a month with gaps in it.
_UNBROKEN: Final = frozenset({"01", "03", "04", "06", "09"})
#: KET_QUA_DTRI of those who died, in the facility or on the way to it.
_DIED: Final = frozenset({"5", "8"})
#: MA_NHOM of what keeps a practitioner with one patient: imaging, tests of function, surgery, procedures.
_OCCUPYING: Final = frozenset({"2", "3", "8", "18"})
_EXAMINATION: Final = "13"
_BEDS: Final = frozenset({"14", "15", "16"})
_MARKED: Final = _OCCUPYING | _BEDS | {_EXAMINATION}
_SOCIAL_NUMBER: Final = 10
#: MA_DOITUONG_KCB of who comes with a referral, and with a re-visit slip.
_REFERRED, _REVISITS = "1.3", "1.5"
#: Services that a list may allow only so often leave a mark if they cost the fund so much.
_WORTH_A_MARK: Final = 500_000
#: Courses of medicines that are worth one, and how far back an earlier one may have begun.
_LONG_COURSE_DAYS: Final = 14
_YEAR: Final = timedelta(days=366)
_AROUND: Final = timedelta(days=31)
_SHIFT: Final = timedelta(hours=8)
#: What takes longer is a slip of the pen, of which other rules speak.
_LONGEST_STAY: Final = timedelta(days=400)
_LONGEST_WORK: Final = timedelta(days=31)
_EARLIEST, _LATEST = "190001010000", "220001010000"
_BEGINNING: Final = "000101010000"


class Trace(NamedTuple):
    """A mark of the claim at hand, the question that goes with it, and the row it comes from.

    Attributes:
        is_left: Whether the mark stays behind; otherwise there is only the question.
        window: What is asked of others; None: nothing.
    """

    what: Subject
    mark: Mark
    row: Row
    window: Window | None
    is_left: bool = True


def traces_of(claim: CheckedClaim, key: bytes) -> Sequence[Trace]:
    """Return what a claim leaves and asks; nothing where XML1 does not say when the visit was.

    Rows whose times are no times, or end before they begin, leave nothing: other rules say so.
    """
    return claim.once((Trace, key), lambda: _read_traces(claim, key))


def marks_of(claim: CheckedClaim, key: bytes) -> Sequence[Mark]:
    """Return what stays behind when a claim is accepted."""
    return tuple(trace.mark for trace in traces_of(claim, key) if trace.is_left)


def _read_traces(claim: CheckedClaim, key: bytes) -> Sequence[Trace]:
    summary = claim.summary_row
    stay = None if summary is None else _stretch(summary, "NGAY_VAO", "NGAY_RA", _LONGEST_STAY)
    return () if summary is None or stay is None else tuple(_Reader(claim, summary, stay, key).read())


class _Reader:
    """Reads one claim."""

    def __init__(self, claim: CheckedClaim, summary: Row, stay: tuple[str, str], key: bytes) -> None:
        self._claim = claim
        self._summary = summary
        self._stay = stay
        self._key = key
        self._facility = summary["MA_CSKCB"]
        self._patient = blind(key, Subject.PATIENT, self._facility, summary["MA_BN"])
        self._episode = blind(key, Subject.EPISODE, self._facility, summary["MA_LK"])

    def read(self) -> Iterator[Trace]:
        yield from self._visit()
        yield from self._person()
        yield from self._slips()
        people = self._numbers()
        for row in self._claim.rows_of(TableKind.XML3, "MA_NHOM", _MARKED):
            yield from self._work(row)
            yield from self._service(row, people)
        if kind_of_visit(self._claim) not in STAYING:
            for row in self._claim.rows_where(TableKind.XML2, _is_long_course, "LIEU_DUNG"):
                yield from self._course(row, people)

    def _visit(self) -> Iterator[Trace]:
        """The episode, and the patient by the facility's and by the citizen's number."""
        arrived, left = self._stay
        around = (_moved(arrived, -_AROUND), _moved(left, _AROUND))
        yield self._trace(Subject.EPISODE, (self._facility, self._summary["MA_LK"]), around)
        on_the_day = (arrived[:8] + "0000", arrived[:8] + "2359")
        if self._summary["MA_BN"].strip():
            yield self._trace(Subject.PATIENT, (self._facility, self._summary["MA_BN"]), on_the_day)
        for number in self._summary.items_of("SO_CCCD"):
            yield self._trace(Subject.CITIZEN, (self._facility, number), around)

    def _person(self) -> Iterator[Trace]:
        """The person by social insurance number, the end of each card's, which outlives the card."""
        has_died = self._summary["KET_QUA_DTRI"].strip() in _DIED
        arrived, left = self._stay
        for number in self._numbers():
            if kind_of_visit(self._claim) in _UNBROKEN:
                yield self._trace(Subject.PERSON, (number,), self._stay)
            mark = self._mark(Subject.DEATH, (number,), left, left)
            question = Window(mark.subject, _BEGINNING, arrived, is_ever=True)
            yield Trace(Subject.DEATH, mark, self._summary, question, is_left=has_died)

    def _numbers(self) -> Sequence[str]:
        numbers = {card[-_SOCIAL_NUMBER:] for card in self._summary.items_of("MA_THE_BHYT")}
        return sorted(number for number in numbers if len(number) == _SOCIAL_NUMBER)

    def _slips(self) -> Iterator[Trace]:
        """Slips that the claim gives out, and the one that the patient came with."""
        arrived, left = self._stay
        for row in self._claim.rows(TableKind.XML13):
            yield from self._slip(Subject.REFERRAL, row["GIAY_CHUYEN_TUYEN"], row, left)
        for row in self._claim.rows(TableKind.XML14):
            day = row.day("NGAY_HEN_KL")
            if day is not None and _EARLIEST[:8] <= day <= _LATEST[:8]:
                yield from self._slip(Subject.APPOINTMENT, row["SO_GIAYHEN_KL"], row, day + "0000")
        summary = self._summary
        number, case = summary["GIAY_CHUYEN_TUYEN"].strip(), summary["MA_DOITUONG_KCB"]
        lately = (_moved(arrived, -2 * _YEAR), _moved(arrived, _AROUND))
        if number and case == _REFERRED and summary["MA_NOI_DI"].strip():
            mark = self._mark(Subject.REFERRAL, (summary["MA_NOI_DI"].strip(), number), arrived, arrived)
            yield Trace(Subject.REFERRAL, mark, summary, Window(mark.subject, *lately), is_left=False)
        elif number and case == _REVISITS:
            given = self._mark(Subject.APPOINTMENT, (self._facility, number), arrived, arrived)
            yield Trace(Subject.APPOINTMENT, given, summary, Window(given.subject, *lately), is_left=False)
            used = self._mark(Subject.REVISIT, (self._facility, number), arrived, arrived)
            yield Trace(Subject.REVISIT, used, summary, Window(used.subject, *lately))

    def _slip(self, what: Subject, number: str, row: Row, at: str) -> Iterator[Trace]:
        if number.strip():
            yield Trace(what, self._mark(what, (self._facility, number.strip()), at, at), row, None)

    def _service(self, row: Row, people: Sequence[str]) -> Iterator[Trace]:
        """What a list may allow a person only so often."""
        paid = row.number_of("T_BHTT") if row["MA_NHOM"] in _OCCUPYING else None
        if paid is None or paid < _WORTH_A_MARK:
            return
        times = _stretch(row, "NGAY_YL", "NGAY_YL", _LONGEST_WORK)
        if times is None or not row["MA_DICH_VU"].strip():
            return
        for number in people:
            mark = self._mark(Subject.SERVICE, (number, row["MA_DICH_VU"]), *times)
            window = Window(mark.subject, _moved(mark.starts, -_YEAR), mark.ends)
            yield Trace(Subject.SERVICE, mark, row, window)

    def _course(self, row: Row, people: Sequence[str]) -> Iterator[Trace]:
        """A medicine that somebody takes home for long."""
        dose = read_dose(row["LIEU_DUNG"])
        times = _stretch(row, "NGAY_YL", "NGAY_YL", _LONGEST_WORK)
        if dose is None or times is None or not row["MA_THUOC"].strip():
            return
        until = _moved(times[0], timedelta(days=int(dose.days)))
        for number in people:
            mark = self._mark(Subject.COURSE, (number, row["MA_THUOC"]), times[0], until)
            yield Trace(Subject.COURSE, mark, row, Window(mark.subject, *times))

    def _work(self, row: Row) -> Iterator[Trace]:
        """What a row keeps busy: who does it, and which bed."""
        group = row["MA_NHOM"]
        if group == _EXAMINATION:
            yield from self._examination(row)
        elif group in _OCCUPYING or group in _BEDS:
            times = _stretch(row, "NGAY_TH_YL", "NGAY_KQ", _LONGEST_WORK)
            if times is not None and group in _OCCUPYING:
                for one in row.items_of("NGUOI_THUC_HIEN"):
                    yield self._busy(Subject.PERFORMER, (one,), row, times)
            elif times is not None and row["MA_GIUONG"].strip():
                yield self._busy(Subject.BED, (row["MA_KHOA"], row["MA_GIUONG"]), row, times)

    def _examination(self, row: Row) -> Iterator[Trace]:
        times = _stretch(row, "NGAY_TH_YL", "NGAY_TH_YL", _LONGEST_WORK)
        if times is not None and row["MA_BAC_SI"].strip():
            mark = self._mark(Subject.EXAMINER, (self._facility, row["MA_BAC_SI"]), *times)
            window = Window(mark.subject, _moved(mark.starts, -_SHIFT), mark.ends)
            yield Trace(Subject.EXAMINER, mark, row, window)

    def _busy(self, what: Subject, names: tuple[str, ...], row: Row, times: tuple[str, str]) -> Trace:
        mark = self._mark(what, (self._facility, *names), *times)
        return Trace(what, mark, row, Window(mark.subject, *times))

    def _trace(self, what: Subject, names: tuple[str, ...], asked: tuple[str, str]) -> Trace:
        mark = self._mark(what, names, *self._stay)
        return Trace(what, mark, self._summary, Window(mark.subject, *asked))

    def _mark(self, what: Subject, names: tuple[str, ...], starts: str, ends: str) -> Mark:
        subject = blind(self._key, what, *names)
        is_ever = what is Subject.DEATH
        return Mark(subject, starts, ends, self._patient, self._episode, self._facility, is_ever=is_ever)


@dataclass(frozen=True, slots=True)
class OtherClaims:
    """What a claim asked of others, answered."""

    traces: Sequence[Trace]
    found: dict[bytes, list[Mark]]

    @classmethod
    def of(cls, claim: CheckedClaim, history: History) -> OtherClaims:
        """Ask everything that a claim asks at once, once."""
        return claim.once(OtherClaims, lambda: cls._ask([claim], history)[0])

    @classmethod
    def ask_for_all(cls, claims: Sequence[CheckedClaim], history: History) -> None:
        """Ask everything that several claims ask at once; `of` has each one's answer from then on."""
        for claim, answered in zip(claims, cls._ask(claims, history), strict=True):
            claim.once(OtherClaims, partial(_given, answered))

    @classmethod
    def _ask(cls, claims: Sequence[CheckedClaim], history: History) -> Sequence[OtherClaims]:
        asking = [traces_of(claim, history.key) for claim in claims]
        windows = dict.fromkeys(trace.window for traces in asking for trace in traces if trace.window)
        # Whom a mark is about is in its subject and when in its times, so one answer serves all of them.
        found: dict[bytes, list[Mark]] = {}
        for mark in dict.fromkeys(history.find(tuple(windows))):
            found.setdefault(mark.subject, []).append(mark)
        for marks in found.values():
            marks.sort(key=lambda mark: (mark.starts, mark.ends, mark.facility, mark.source))
        return [cls(traces, found) for traces in asking]

    def about(self, what: Subject) -> Iterator[tuple[Trace, Sequence[Mark]]]:
        """Return the claim's traces of a kind, with the marks found in the window of each."""
        for trace in self.traces:
            window = trace.window
            if trace.what is what and window is not None:
                found = self.found.get(trace.mark.subject, ())
                yield trace, [one for one in found if one.starts <= window.until and one.ends >= window.since]


def _is_long_course(dosage: str) -> bool:
    dose = read_dose(dosage)
    return dose is not None and _LONG_COURSE_DAYS <= dose.days <= _YEAR.days


def _given(answered: OtherClaims) -> OtherClaims:
    return answered


def _stretch(row: Row, first: str, last: str, longest: timedelta) -> tuple[str, str] | None:
    """Return from when to when something was, unless those are no times, or too far apart."""
    starts, ends = row.moment(first), row.moment(last)
    if starts is None or ends is None or not _EARLIEST <= starts <= ends <= _LATEST:
        return None
    is_of_one_day = starts[:8] == ends[:8]
    return (starts, ends) if is_of_one_day or ends <= _moved(starts, longest) else None


def _moved(moment: str, by: timedelta) -> str:
    return write_minute(read_minute(moment) + by)
