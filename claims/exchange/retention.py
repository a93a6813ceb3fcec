"""Retention: how long what kind of record is kept, who may hold it longer, and how it is erased.

What is erased is the content: the bundle, and what it was built from. What proves that it existed stays: its
digest, its signed receipt, the record of each transition and their places in the log.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from claims.checking.report import ClaimSummary
from claims.errors import ClaimsError
from claims.exchange.access.places import Reach
from claims.exchange.errors import CannotErase
from claims.exchange.lifecycle import PENDING
from claims.exchange.ports import Clock, Submissions
from claims.exchange.submission import Event, EventKind, Submission, SubmissionId
from claims.localtime import local_date


class RecordClass(StrEnum):
    """Kinds of records that the law keeps for different times."""

    TREATMENT = "treatment"
    ACCIDENT = "accident"  # at work or in daily life
    DEATH_OR_MENTAL = "death-or-mental"


#: KET_QUA_DTRI: died here, or before.
_DIED: Final = frozenset({"5", "8"})
#: MA_TAI_NAN: none.
_NO_ACCIDENT: Final = frozenset({"", "0"})
#: Whoever keeps records for ever says this; a day so far off can be written.
_MOST_YEARS: Final = 1_000
#: Chapter V of ICD-10, mental and behavioral disorders.
_MENTAL: Final = "F"


def record_class_of(claim: ClaimSummary) -> RecordClass:
    """Return the class of a claim: what its summary row and its diagnoses say, in favor of longer times."""
    if claim.ket_qua_dtri in _DIED or any(each.startswith(_MENTAL) for each in claim.diagnoses):
        return RecordClass.DEATH_OR_MENTAL
    return RecordClass.TREATMENT if claim.ma_tai_nan in _NO_ACCIDENT else RecordClass.ACCIDENT


class UnreadableRetention(ClaimsError):
    """The file of retention periods makes no sense."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """For how many years which class is kept: the rule in force on the day from which it counts."""

    years: Mapping[RecordClass, tuple[tuple[date, int], ...]]

    def longest(self, classes: frozenset[RecordClass | None], *, since: date) -> RecordClass:
        """Return the class that is kept longest; where one is not known, of all that there are."""
        among = list(RecordClass) if not classes or None in classes else [each for each in classes if each]
        return max(among, key=lambda each: (self.kept_until(each, since=since), each))

    def kept_until(self, record_class: RecordClass, *, since: date) -> date:
        """Return the first day on which a record may be erased."""
        in_force = [years for begin, years in self.years[record_class] if begin <= since]
        years = in_force[-1] if in_force else self.years[record_class][0][1]
        try:
            return since.replace(year=since.year + years)
        except ValueError:  # the 29th of February
            return date(since.year + years, 3, 1)

    def judge(
        self, classes: frozenset[RecordClass | None], *, received_at: datetime, discharged: Iterable[date]
    ) -> tuple[RecordClass, date]:
        """Return the class of a submission, and the first day on which it may be erased."""
        # Whatever a bundle says, it was kept from the day on which it came.
        since = max([local_date(received_at), *discharged])
        record_class = self.longest(classes, since=since)
        return record_class, self.kept_until(record_class, since=since)

    def latest_begin(self, by: date) -> date:
        """Return a day after which nothing can have come whose time is over by some day."""
        shortest = min(years for rows in self.years.values() for _, years in rows)
        try:
            return by.replace(year=by.year - shortest)
        except ValueError:  # the 29th of February
            return date(by.year - shortest, 3, 1)


def load_retention(path: Path | None) -> RetentionRules:
    """Return the rules in a file, or those that come with eHoSo.

    Raises:
        UnreadableRetention: It makes no sense.
    """
    source = resources.files(__package__) / "retention.toml" if path is None else path
    try:
        return _read_rules(tomllib.loads(source.read_text("utf-8")))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UnreadableRetention(f"{source}: {why}") from error


def _read_rules(document: Mapping[str, object]) -> RetentionRules:
    unknown = sorted(document.keys() - set(RecordClass))
    if unknown:
        raise ValueError(f"there is no class {unknown[0]!r}, only {', '.join(RecordClass)}")
    return RetentionRules({each: _read_class(each, document.get(each)) for each in RecordClass})


def _read_class(name: str, rows: object) -> tuple[tuple[date, int], ...]:
    """Return the years of a class, each from its day on, in the order of the days.

    Raises:
        ValueError: They make no sense.
    """
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{name} needs years from a day on: {name} = [{{ from = 2009-01-01, years = 10 }}]")
    found: dict[date, int] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{name}, row {number}"
        if not isinstance(row, dict) or row.keys() != {"from", "years"}:
            raise ValueError(f"{where} says something else than from which day (from) how many years (years)")
        begin, years = row["from"], row["years"]
        if type(begin) is not date:  # a moment is a date too, and cannot be compared with one
            raise ValueError(f"{where}: from must be a day such as 2009-01-01, without quotes")
        if type(years) is not int or not 1 <= years <= _MOST_YEARS:
            raise ValueError(f"{where}: years must be a whole number from 1 to {_MOST_YEARS}")
        if begin in found:
            raise ValueError(f"{where}: {begin} is the day of an earlier row, too")
        found[begin] = years
    return tuple(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """What is known of a submission where it is kept.

    Attributes:
        classes: Of its claims; None among them, or none at all: not known.
        newest_hold_at: When the newest hold that stands was placed; None: nobody holds it.
    """

    classes: frozenset[RecordClass | None]
    newest_hold_at: datetime | None
    is_erased: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a submission is kept.

    Attributes:
        kept_until: The first day on which its content may be erased, unless it is held.
        newest_hold_at: When the newest hold that stands was placed; None: nobody holds it.
    """

    record_class: RecordClass
    kept_until: date
    newest_hold_at: datetime | None
    is_erased: bool

    @property
    def is_held(self) -> bool:
        """Whether a hold stands."""
        return self.newest_hold_at is not None


class Retained(Protocol):
    """Holds and erasures, where submissions are kept: each decides and acts in one transaction."""

    def look(self, submission_id: SubmissionId) -> RetentionFacts:
        """Return what is known of it."""
        ...

    def hold(self, submission_id: SubmissionId, event: Event) -> None:
        """Let nothing of it be erased until it is released; the same hold twice is one.

        Raises:
            AlreadyErased: There is nothing to hold.
        """
        ...

    def release(self, submission_id: SubmissionId, event: Event, *, seen: datetime | None) -> None:
        """End all holds, if none is newer than the newest that was seen; None: whatever there is.

        Raises:
            HeldAgain: One is newer.
        """
        ...

    def erase(self, submission_id: SubmissionId, event: Event) -> None:
        """Erase its content, unless it is held or under way; twice is as good as once.

        Raises:
            CannotErase: It is held, or under way.
        """
        ...


@dataclass(frozen=True, slots=True)
class Retain:
    """Hold, release and erase submissions."""

    submissions: Submissions
    retained: Retained
    rules: RetentionRules
    clock: Clock

    def look(self, submission_id: SubmissionId, *, within: Reach) -> Retention:
        """Return how long a submission is kept.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
        """
        submission = self.submissions.get(submission_id, within=within)
        kept = self.retained.look(submission.id)
        _, claims = self.submissions.check_summary(submission.id)
        record_class, until = self.rules.judge(
            kept.classes,
            received_at=submission.received_at,
            discharged=[claim.discharged_on for claim in claims if claim.discharged_on is not None],
        )
        return Retention(record_class, until, kept.newest_hold_at, kept.is_erased)

    def refusal(self, submission: Submission, retention: Retention) -> CannotErase | None:
        """Return why a submission cannot be erased today; None: it can, or has been."""
        if submission.state in PENDING:
            return CannotErase("erase.under_way", submission.id)
        if retention.is_erased:
            return None
        if local_date(self.clock.now()) < retention.kept_until:
            return CannotErase("erase.too_early", submission.id, retention.kept_until)
        return CannotErase("erase.held", submission.id) if retention.is_held else None

    def hold(self, submission_id: SubmissionId, *, within: Reach, actor: str, reason: str) -> None:
        """Let nothing of a submission be erased until it is released; the same hold twice is one.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
            AlreadyErased: There is nothing to hold.
        """
        submission = self.submissions.get(submission_id, within=within)
        self.retained.hold(submission.id, self._event(submission, EventKind.HELD, actor, reason))

    def release(
        self,
        submission_id: SubmissionId,
        *,
        within: Reach,
        actor: str,
        reason: str,
        seen: datetime | None = None,
    ) -> None:
        """End all holds on a submission, if none is newer than the newest that was seen; None: any.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
            HeldAgain: One is newer.
        """
        submission = self.submissions.get(submission_id, within=within)
        event = self._event(submission, EventKind.RELEASED, actor, reason)
        self.retained.release(submission.id, event, seen=seen)

    def erase(self, submission_id: SubmissionId, *, within: Reach, actor: str, reason: str) -> None:
        """Erase the content of a submission whose time is over.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
            CannotErase: It is under way, held, or must be kept longer.
        """
        submission = self.submissions.get(submission_id, within=within)
        retention = self.look(submission.id, within=within)
        if (refusal := self.refusal(submission, retention)) is not None:
            raise refusal
        if retention.is_erased:
            return
        # Whoever holds or replays it meanwhile is seen there.
        self.retained.erase(submission.id, self._event(submission, EventKind.ERASED, actor, reason))

    def _event(self, submission: Submission, kind: EventKind, actor: str, reason: str) -> Event:
        return Event(self.clock.now(), kind, submission.state, actor, detail={"reason": reason})
