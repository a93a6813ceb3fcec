"""Corrections of what the gateway has: until when by law, and what is said of one that comes later.

Circular 48/2017, article 13.9: later only with a stated reason. How much a late one weighs, for whom and on
which days, the installation's check policy decides like for any other finding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from claims.bundle.deadlines import Clock, deadlines_of
from claims.bundle.findings import Finding, Location, Severity
from claims.localtime import local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from claims.checking.report import ClaimSummary, Report
    from claims.exchange.ports import Leased
    from claims.exchange.submission import SubmissionId

LATE: Final = "VERSION.LATE"
LATE_WITH_REASON: Final = "VERSION.LATE_WITH_REASON"

#: MA_DOITUONG_KCB of a claim whose payment is not asked for any more: it may always be taken back.
_TAKES_BACK: Final = "8"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The latest version of a claim before this one that the gateway has.

    Attributes:
        received_at: When we received it.
        faulted_at: When the gateway found faults in it after it took it, if it did.
        is_explained: Whether the facility said why it corrects it.
    """

    receipt: str
    received_at: datetime
    faulted_at: datetime | None
    is_explained: bool


class Versions(Protocol):
    """Which versions of claims there are."""

    def at_the_gateway(
        self, claims: Sequence[tuple[SubmissionId, str]]
    ) -> Mapping[tuple[SubmissionId, str], Earlier]:
        """Return, for claims by submission and episode key, the earlier version that the gateway has."""
        ...


@dataclass(frozen=True, slots=True)
class JudgeCorrections:
    """Find the corrections among checked bundles that come after their last day.

    Attributes:
        weigh: The installation's policy: the finding as it weighs for this facility on this day.
    """

    versions: Versions
    weigh: Callable[[Finding, str, date], Finding | None]

    def __call__(self, checked: Sequence[tuple[Leased, Report]]) -> Mapping[SubmissionId, Sequence[Finding]]:
        """Return what there is to say, by submission; asks nothing where all are in time."""
        late = [
            (leased, claim, place)
            for leased, report in checked
            for place, claim in enumerate(report.claims, start=1)
            if _is_over(claim, local_date(leased.received_at), None)
        ]
        earlier = self.versions.at_the_gateway([(one.id, claim.ma_lk) for one, claim, _ in late])
        found: dict[SubmissionId, list[Finding]] = defaultdict(list)
        for leased, claim, place in late:
            version = earlier.get((leased.id, claim.ma_lk))
            received_on = local_date(leased.received_at)
            if version is None or not _is_late(claim, version, received_on):
                continue
            weighed = self.weigh(_finding(claim, version, place), leased.facility, received_on)
            found[leased.id] += [] if weighed is None else [weighed]
        return found


def correct_by(discharged_on: date, *, faulted_on: date | None) -> date | None:
    """Return the last day for a correction; None where no day is set.

    What was refused, or faulted after it was taken, has days of its own, which begin then.
    """
    days = deadlines_of(discharged_on, refused_on=faulted_on)
    return days.get(Clock.CORRECT) or min(days.values(), default=None)


def _is_over(claim: ClaimSummary, received_on: date, faulted_on: date | None) -> bool:
    if not claim.ma_lk or claim.discharged_on is None or claim.ma_doituong_kcb == _TAKES_BACK:
        return False
    until = correct_by(claim.discharged_on, faulted_on=faulted_on)
    return until is not None and received_on > until


def _is_late(claim: ClaimSummary, earlier: Earlier, received_on: date) -> bool:
    # It must be sent once more when it has been paid: then NGAY_TTOAN is later than what the gateway has.
    if claim.paid_on is not None and claim.paid_on >= local_date(earlier.received_at):
        return False
    return earlier.faulted_at is None or _is_over(claim, received_on, local_date(earlier.faulted_at))


def _finding(claim: ClaimSummary, earlier: Earlier, place: int) -> Finding:
    faulted_on = None if earlier.faulted_at is None else local_date(earlier.faulted_at)
    until = None if claim.discharged_on is None else correct_by(claim.discharged_on, faulted_on=faulted_on)
    return Finding(
        LATE_WITH_REASON if earlier.is_explained else LATE,
        Severity.INFO if earlier.is_explained else Severity.WARNING,
        Location(claim=place, table="XML1", field="NGAY_RA"),
        (("due", f"{until:%d/%m/%Y}"), ("receipt", earlier.receipt)),
    )
