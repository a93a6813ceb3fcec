"""Protected records: who may see those of a class that needs a right of its own, and breaking the glass.

A claim's classes are found when it is checked and stored with it. Where they are not known, before a check or
for claims of before classes were kept, it counts as of every class.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from ulid import ULID

from claims.bundle.contents import ReadClaim
from claims.bundle.diagnoses import diagnoses_of
from claims.checking.report import Report
from claims.exchange.access.errors import ProtectedRecord
from claims.exchange.access.places import Reach
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Principal
from claims.exchange.ports import Clock, Submissions
from claims.exchange.submission import Event, EventKind, FacilityCode, Submission, SubmissionId

BREAK: Final = "glass.break"
SHORTEST_REASON: Final = 10
LONGEST: Final = timedelta(hours=4)
PROTECTED_CAUSE: Final = "check.protected"
USUAL: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """The glass in front of one submission, broken by one person for some time.

    Attributes:
        by: The person's id.
        until: When it is whole again.
    """

    id: str
    submission_id: SubmissionId
    facility: FacilityCode
    by: str
    reason: str
    opened_at: datetime
    until: datetime


class Openings(Protocol):
    """Every breaking of the glass; only added to."""

    def add(self, opening: Opening, event: Event) -> None:
        """Store it, and the event that tells the facility, together."""
        ...

    def is_open(self, submission_id: SubmissionId, *, by: str, at: datetime) -> bool:
        """Return whether the glass is broken for this person at a moment."""
        ...

    def list_page(
        self, *, within: Reach, facility: str | None, before: str | None, limit: int
    ) -> Sequence[Opening]:
        """Return openings of records within a reach, newest first."""
        ...


def classes_in(report: Report, ordinal: int) -> frozenset[str]:
    """Return the protected classes of a claim as its check saw it.

    A table that could not be read counts by its name, which its findings have.
    """
    claim = report.claims[ordinal - 1]
    named = {
        str(one.location.table)
        for one in report.findings
        if one.location.table is not None and one.location.claim in (None, ordinal)
    }
    return load_policy().classes_of(tables={*claim.tables, *named}, diagnoses=claim.diagnoses)


def classes_of_content(claim: ReadClaim, named: Iterable[str] = ()) -> frozenset[str]:
    """Return the protected classes of a claim as its content says; findings name the ``named``."""
    rows = (dict(row.fields) for table in claim.tables for row in table.rows)
    tables = {*map(str, (table.kind for table in claim.tables)), *named}
    return load_policy().classes_of(tables=tables, diagnoses=set(diagnoses_of(rows)))


def told_cause(code: str) -> str:
    """Return what everybody may know of why a claim was rejected, who may not see what is protected in it.

    A code that begins with a protected class's table is the diagnosis: it stands in the report alone.
    """
    table = code.partition(".")[0]
    is_telling = any(table in one.tables for one in load_policy().classes.values())
    return PROTECTED_CAUSE if is_telling else code


@dataclass(frozen=True, slots=True)
class Protection:
    """Stands in front of what claims say: asked wherever content is read."""

    submissions: Submissions
    openings: Openings
    clock: Clock

    def require(
        self, caller: Principal, submission_id: SubmissionId, *, facility: str, classes: Collection[str]
    ) -> None:
        """Let pass who may see records of these classes.

        Raises:
            ProtectedRecord: It takes a right that the caller does not have, and the glass is whole.
        """
        if self.hides(caller, submission_id, facility=facility, classes=classes):
            raise ProtectedRecord(submission_id)

    def hides(
        self, caller: Principal, submission_id: SubmissionId, *, facility: str, classes: Collection[str]
    ) -> bool:
        """Return whether records of these classes are kept from a caller."""
        is_hidden = bool(caller.hidden_classes(classes, facility))
        return is_hidden and not self._is_broken(caller, submission_id, facility)

    def require_whole(self, caller: Principal, submission: Submission) -> None:
        """Let pass who may see everything in a submission; raises as `require`."""
        known = self.submissions.classes(submission.id)
        each = (None,) if known is None else known.values()
        classes = frozenset(name for one in each for name in _or_every(one))
        self.require(caller, submission.id, facility=submission.facility, classes=classes)

    def hidden_claims(self, caller: Principal, submission: Submission) -> frozenset[int]:
        """Return the places in a submission of those claims that the caller may not see."""
        hidden = frozenset(
            ordinal
            for ordinal, classes in (self.submissions.classes(submission.id) or {}).items()
            if caller.hidden_classes(_or_every(classes), submission.facility)
        )
        is_broken = bool(hidden) and self._is_broken(caller, submission.id, submission.facility)
        return frozenset() if is_broken else hidden

    def _is_broken(self, caller: Principal, submission_id: SubmissionId, facility: str) -> bool:
        # The right is asked again: whoever lost it looks at nothing through what he broke before.
        return caller.may(BREAK, facility) and self.openings.is_open(
            submission_id, by=caller.id, at=self.clock.now()
        )


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Open a protected record for a stated reason and a limited time; its facility is told."""

    submissions: Submissions
    openings: Openings
    clock: Clock

    def __call__(
        self, caller: Principal, submission_id: SubmissionId, *, reason: str, lasts: timedelta = USUAL
    ) -> Opening:
        """Return the opening, which counts for this caller and this submission alone.

        Raises:
            SubmissionNotFound: There is none, or it lies outside the places where the caller may.
            ValueError: The reason says nothing, or the time is too long.
        """
        reason = " ".join(reason.split())
        if len(reason) < SHORTEST_REASON:
            raise ValueError(f"a reason has at least {SHORTEST_REASON} characters")
        if not timedelta(0) < lasts <= LONGEST:
            raise ValueError(f"the glass is broken for {LONGEST} at most")
        submission = self.submissions.get(submission_id, within=caller.reach(BREAK))
        now = self.clock.now()
        opening = Opening(
            id=f"gls_{ULID.from_datetime(now)}",
            submission_id=submission.id,
            facility=submission.facility,
            by=caller.id,
            reason=reason,
            opened_at=now,
            until=now + lasts,
        )
        detail = {"reason": reason, "until": opening.until.isoformat()}
        self.openings.add(
            opening, Event(now, EventKind.GLASS_BROKEN, submission.state, caller.id, detail=detail)
        )
        return opening


def _or_every(classes: frozenset[str] | None) -> frozenset[str]:
    return frozenset(load_policy().classes) if classes is None else classes
