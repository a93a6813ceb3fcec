"""What the gateway says of a claim after it took it: faults found at reception, and the assessment.

Values, and the ports that bring and keep them. When they are asked for is in `claims.exchange.follow_up`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from claims.bundle.findings import Finding, Severity
from claims.bundle.messages import load_messages
from claims.exchange.submission import FacilityCode, SubmissionId

_FINDING: Final = "GATEWAY"


@dataclass(frozen=True, slots=True)
class ReceptionError:
    """One fault that the gateway found after it had taken a file.

    Attributes:
        code: ``maLoi``.
        said: ``moTaLoi``, in the gateway's words; may name a patient.
    """

    code: str
    said: str = field(default="", repr=False)


def finding_of(code: str) -> Finding:
    """Return a fault as a finding of the claim: ``GATEWAY.202``; ``GATEWAY.OTHER`` for an unknown code.

    It carries no words of the gateway's: those may name a patient, and are read with the assessment.
    """
    known = f"{_FINDING}.{code}"
    name = known if known in load_messages() else f"{_FINDING}.OTHER"
    return Finding(name, Severity.ERROR, params=(("code", code),))


@dataclass(frozen=True, slots=True)
class TransactionVerdict:
    """What reception says of one transaction: how many of its claims are right and how many are not."""

    ma_giao_dich: str
    claims: int
    right: int
    wrong: int
    amount_vnd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DayOfReception:
    """What reception says of one day: how many claims came, how many were right, and their amount."""

    day: date
    claims: int
    right: int
    wrong: int
    amount_vnd: Decimal | None = None


class Standing(StrEnum):
    """What the assessment says of a claim or of one of its lines."""

    ACCEPTED = "accepted"
    CUT = "cut"  # accepted in part
    REFUSED = "refused"
    NEEDS_MORE = "needs_more"  # the facility is to send something
    UNKNOWN = "unknown"  # the gateway's word for it is not one we know


@dataclass(frozen=True, slots=True)
class AssessedLine:
    """One line of a claim as the assessment sees it.

    Attributes:
        line_id: The gateway's number of the line, which form 09/BH asks for.
        table: XML2 or XML3.
        row: STT of the line in its table.
        code: The medicine's or service's code.
        reason: A refusal reference such as ``S.005.434``.
        said: The reason in the gateway's words.
    """

    line_id: str
    table: str
    row: str
    code: str
    standing: Standing
    asked_vnd: Decimal | None
    granted_vnd: Decimal | None
    reason: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The assessment of one claim.

    Attributes:
        claim_id: The gateway's number of the claim (XML1_ID), which form 09/BH asks for.
        round: ``maDot``, the round of assessment.
        granted_vnd: ``soTienDuyet``.
        said: ``lyDo``, in the gateway's words.
    """

    ma_lk: str
    standing: Standing
    granted_vnd: Decimal | None
    round: str = ""
    claim_id: str = ""
    asked_vnd: Decimal | None = None
    reason: str = ""
    said: str = ""
    lines: tuple[AssessedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """A round of assessment of a facility's claims of one month."""

    code: str
    name: str
    begins: date | None
    ends: date | None
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is settled for a facility and a period: ``MM/yyyy`` or ``QX/yyyy``."""

    period: str
    asked_vnd: Decimal | None
    granted_vnd: Decimal | None
    refused_vnd: Decimal | None
    said: str
    is_closed: bool


class Results(Protocol):
    """Reads results at the gateway. Reading changes nothing there.

    Every method raises `claims.exchange.errors.GatewayError` when the gateway could not be asked.
    """

    def of_day(self, facility: str, day: date) -> tuple[TransactionVerdict, ...]:
        """Return what reception says of each transaction of a day."""
        ...

    def errors_of(self, facility: str, ma_giao_dich: str) -> tuple[ReceptionError, ...]:
        """Return the faults that the gateway found in a file after it took it."""
        ...

    def rounds(self, facility: str, month: date) -> tuple[Round, ...]:
        """Return the rounds of assessment of a month."""
        ...

    def assessments(self, facility: str, round_code: str) -> tuple[Assessment, ...]:
        """Return the assessed claims of a round."""
        ...

    def settlement(self, facility: str, month: date) -> Settlement | None:
        """Return the settlement of a month, once there is one."""
        ...


class Subject(StrEnum):
    """What is looked at."""

    RECEPTION = "reception"  # of a day: what was sent on it
    ASSESSMENT = "assessment"  # of a month: what is settled in it


@dataclass(frozen=True, slots=True)
class WatchKey:
    """What one look is about: a facility's results of a day or month."""

    facility: FacilityCode
    subject: Subject
    period: date

    def __str__(self) -> str:
        return f"{self.facility}/{self.subject}/{self.period.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> "WatchKey":
        """Read what ``str`` wrote.

        Raises:
            ValueError: It is not that.
        """
        facility, subject, period = text.split("/")
        return cls(FacilityCode(facility), Subject(subject), date.fromisoformat(period))


@dataclass(frozen=True, slots=True)
class Watch:
    """A look that this worker may take until the lease runs out.

    Attributes:
        looks: How many were taken before.
        until: After that moment nobody looks any more.
        finished: Rounds that were closed when they were read.
    """

    key: WatchKey
    looks: int
    until: datetime
    finished: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReceptionView:
    """What reception has said of a submission."""

    noted_at: datetime
    errors: tuple[ReceptionError, ...]


@dataclass(frozen=True, slots=True)
class KeptAssessment:
    """An assessment as it was read."""

    noted_at: datetime
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class MonthLooked:
    """How far the results of a facility's month have been read.

    Attributes:
        next_look_at: None: nobody looks any more, unless he is asked to.
    """

    month: date
    looks: int
    next_look_at: datetime | None
    is_settled: bool


class ResultStore(Protocol):
    """Keeps results, and when to look next."""

    def months_of(self, facility: FacilityCode) -> tuple[MonthLooked, ...]:
        """Return the months whose assessment and settlement were looked for, the latest first."""
        ...

    def look_soon(self, facility: FacilityCode, month: date, *, now: datetime) -> None:
        """Have the assessment and settlement of a month looked for now, whatever was planned.

        Raises:
            UnknownFacility: It is not registered.
        """
        ...

    def take_due_looks(self, *, now: datetime, woken_before: datetime, limit: int) -> tuple[WatchKey, ...]:
        """Return the looks that are due and were not woken lately, and note that they are woken."""
        ...

    def lease_look(self, key: WatchKey, *, owner: str, now: datetime, until: datetime) -> Watch | None:
        """Take a look that is due and that nobody is at; counts it."""
        ...

    def end_look(
        self, key: WatchKey, *, owner: str, next_look_at: datetime | None, finished: frozenset[str]
    ) -> None:
        """Note when to look next, None for never, and which rounds need no other look."""
        ...

    def without_errors_noted(self, facility: FacilityCode, numbers: Sequence[str]) -> tuple[str, ...]:
        """Return those of the transaction numbers that are the facility's and have no faults noted."""
        ...

    def note_errors(
        self, facility: FacilityCode, found: Sequence[tuple[str, Sequence[ReceptionError]]], *, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Keep faults by transaction number, each with its event; return which submissions have new ones."""
        ...

    def note_assessments(
        self,
        facility: FacilityCode,
        found: Sequence[Assessment],
        *,
        now: datetime,
        is_last_word: bool = False,
    ) -> tuple[SubmissionId, ...]:
        """Keep assessments by episode key, each with its event; return the submissions that changed.

        An assessment is of the latest version that the gateway has; one that the round had told before that
        version came is of the earlier one still, unless it is the round's last word.
        """
        ...

    def note_settlement(
        self, facility: FacilityCode, settlement: Settlement, *, month: date, now: datetime
    ) -> None:
        """Keep the settlement of a month."""
        ...

    def reception_of(self, submission_id: SubmissionId) -> ReceptionView | None:
        """Return what reception said of a submission, None when it has found nothing."""
        ...

    def assessments_of(self, submission_id: SubmissionId) -> tuple[KeptAssessment, ...]:
        """Return the assessments of a submission's claims."""
        ...

    def settlements_of(self, facility: FacilityCode) -> tuple[Settlement, ...]:
        """Return a facility's settlements, the latest first."""
        ...
