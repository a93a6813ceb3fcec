"""What the API says: one model per document, made from the exchange's values."""

import hashlib
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from claims.bundle.findings import Finding
from claims.checking.check import ClaimSummary, Report, Stage
from claims.checking.details import detail, detail_to_json
from claims.checking.places import Places, ValueClass
from claims.checking.rules.rule import Category, Confidence, Group
from claims.exchange.feed import FeedPage
from claims.exchange.following import Following, Step, Way
from claims.exchange.lifecycle import Level, State
from claims.exchange.ports import Receipt
from claims.exchange.replay import Replay, ReplayItem, ReplayPlan, ReplayState
from claims.exchange.submission import SUBMISSION_KEY, Event, Page, Submission
from claims.validation import UnfitValue

#: Windows writes digests in capitals.
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{64}$", to_lower=True)]
#: Text that PostgreSQL can hold: anything but the null character.
PlainText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=500)]
#: Why something is done; blanks alone say nothing.
Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00]*\S[^\x00]*$", max_length=500)]
SubmissionKey = Annotated[str, Path(pattern=SUBMISSION_KEY, examples=["sub_01KASWY1C4R4T9QZ3R5J8M2X6B"])]
REPLAY_KEY: Final = "^rpl_[0-9A-HJKMNP-TV-Z]{26}$"
ReplayKey = Annotated[str, Path(pattern=REPLAY_KEY)]


class SubmissionView(BaseModel):
    """A submission as callers see it."""

    id: str = Field(examples=["sub_01KASWY1C4R4T9QZ3R5J8M2X6B"])
    facility: str = Field(examples=["79001"])
    state: State
    sha256: str = Field(description="SHA-256 of the bytes as received, hexadecimal.")
    size: int = Field(description="Length of those bytes.")
    ma_lk: list[str] = Field(description="Episode keys in the bundle; empty until it has been checked.")
    received_at: datetime
    updated_at: datetime
    cause: str | None = Field(description="What stands in the way: a finding's code or a gateway cause.")
    attempts: int = Field(description="How often the present step has been tried.")
    next_attempt_at: datetime | None
    receipt: str | None = Field(description="The gateway's transaction number (maGiaoDich).")
    superseded_by: str | None = Field(description="The later version of the same claims that took its place.")
    level: Level = Field(
        description="How far it has been acknowledged, whatever became of it since: received (L1), checked "
        "(L2), acknowledged (L3), assessed (L4)."
    )
    assessed_at: datetime | None = Field(description="When the assessment of all its claims was read.")

    @classmethod
    def of(cls, submission: Submission, **more: Any) -> Self:  # noqa: ANN401 - fields of whoever extends it
        """Make the view of a submission."""
        return cls(
            id=submission.id,
            facility=submission.facility,
            state=submission.state,
            sha256=submission.sha256,
            size=submission.size,
            ma_lk=list(submission.ma_lk),
            received_at=submission.received_at,
            updated_at=submission.updated_at,
            cause=submission.cause,
            attempts=submission.attempts,
            next_attempt_at=submission.next_attempt_at,
            receipt=submission.receipt,
            superseded_by=submission.superseded_by,
            level=submission.level,
            assessed_at=submission.assessed_at,
            **more,
        )


class AcceptedView(SubmissionView):
    """A submission as it was taken, with what its facility can show for that."""

    signed_receipt: str | None = Field(
        description="Facility, submission, SHA-256, size and time, signed by the service: a JWS in compact "
        "form, to be checked offline with `claims receipt verify`. The same bytes again give the first one."
    )


class SubmissionPage(BaseModel):
    """A page of submissions, newest first."""

    data: list[SubmissionView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page) -> Self:
        """Make the view of a page."""
        return cls(
            data=[SubmissionView.of(one) for one in page.items],
            next_cursor=page.next_cursor,
            has_more=page.next_cursor is not None,
        )


class EventView(BaseModel):
    """One entry of a submission's history."""

    at: datetime
    kind: str
    state: State
    actor: str
    cause: str | None
    detail: dict[str, str]

    @classmethod
    def of(cls, event: Event) -> Self:
        """Make the view of an event."""
        return cls(
            at=event.at,
            kind=event.kind,
            state=event.state,
            actor=event.actor,
            cause=event.cause,
            detail=dict(event.detail),
        )


class HistoryView(BaseModel):
    """A submission's history, whole, oldest first."""

    data: list[EventView]
    next_cursor: None = None
    has_more: Literal[False] = False


class FeedEventView(EventView):
    """One event of a feed."""

    submission_id: str


class FeedPageView(BaseModel):
    """Some events, oldest first."""

    data: list[FeedEventView]
    next_cursor: str = Field(description="Give this as `cursor`, now or later; there always is one.")
    has_more: bool = Field(description="Whether more can be had at once.")

    @classmethod
    def of(cls, page: FeedPage) -> Self:
        """Make the view of a page."""
        return cls(
            data=[
                FeedEventView(
                    submission_id=one.submission_id, **EventView.of(one.event).model_dump(mode="python")
                )
                for one in page.events
            ],
            next_cursor=page.next_cursor,
            has_more=page.has_more,
        )


class ValueView(BaseModel):
    """What the value of a field is like; never the value."""

    kind: ValueClass = Field(alias="class")
    length: int | None


class FindingView(BaseModel):
    """One thing a check has to say."""

    code: str = Field(examples=["XML2.SO_LUONG.format"])
    severity: Literal["info", "warning", "error", "critical"]
    claim: int | None
    table: str | None
    row: int | None = Field(description="Place of the row in its table, from 1.")
    stt: str | None = Field(description="Number of the row as it is written (STT), where it is a number.")
    field: str | None
    line: int | None = Field(
        description="Line in the decoded table, or in the bundle when no table is named."
    )
    column: int | None
    envelope_line: int | None = Field(description="Line in the bundle.")
    envelope_column: int | None
    value: ValueView | None
    message: dict[str, str] = Field(description="A sentence per language: vi and en.")
    text: str = Field(description="That in the language of `Accept-Language`.")
    next: dict[str, str] = Field(description="What the facility does next, per language.")
    rule: str = Field(description="The rule that governs it, or the pattern of its family.")
    category: Category
    group: Group = Field(description="Point of Circular 12/2026, article 10.1.")
    confidence: Confidence
    clause: dict[str, str] = Field(description="Where it is written, per language.")

    @classmethod
    def of(cls, finding: Finding, language: str, places: Places | None = None) -> Self:
        """Make the view of a finding; with the bytes at hand, with its place to the column."""
        found = detail(finding, places)
        return cls.model_validate({**detail_to_json(found), "text": found.messages[language]})


class StageView(BaseModel):
    """One stage of a check."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    ms: float
    why: Literal["not-asked", "pointless", "unknown"] | None = Field(description="Why it was skipped.")
    ran: int = Field(description="How many rules of the rule book it checked.")
    left_out: dict[str, int] = Field(
        description="How many rules it could not check, by what they need and nobody knows."
    )

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Make the view of a stage."""
        return cls(
            name=stage.name,
            outcome=stage.outcome.value,
            ms=round(stage.ms, 3),
            why=None if stage.why is None else stage.why.value,
            ran=stage.ran,
            left_out=dict(stage.left_out),
        )


class ClaimView(BaseModel):
    """What a claim's tables say about it; amounts in đồng, as decimal text."""

    ma_lk: str
    decision: str | None
    discharged_on: date | None
    send_by: date | None = Field(description="The last day on which it is sent in time.")
    tables: dict[str, int] = Field(description="Rows by table.")
    t_tongchi_bv: Decimal | None
    t_tongchi_bh: Decimal | None
    t_bhtt: Decimal | None
    is_withheld: bool = Field(
        description="Whether it is specially protected and the caller may not see what it says: no tables, "
        "amounts or findings are shown then."
    )

    @classmethod
    def of(cls, claim: ClaimSummary, *, is_withheld: bool = False) -> Self:
        """Make the view of a claim, or of its being there."""
        return cls(
            ma_lk=claim.ma_lk,
            decision=claim.decision,
            discharged_on=claim.discharged_on,
            send_by=claim.send_by,
            tables={} if is_withheld else dict(claim.tables),
            t_tongchi_bv=None if is_withheld else claim.t_tongchi_bv,
            t_tongchi_bh=None if is_withheld else claim.t_tongchi_bh,
            t_bhtt=None if is_withheld else claim.t_bhtt,
            is_withheld=is_withheld,
        )


class FindingsView(BaseModel):
    """What the last check found; empty lists before it ran."""

    stages: list[StageView]
    claims: list[ClaimView]
    findings: list[FindingView]

    @classmethod
    def of(
        cls,
        stages: tuple[Stage, ...],
        claims: tuple[ClaimSummary, ...],
        findings: tuple[Finding, ...],
        language: str,
        *,
        hidden: Collection[int] = (),
    ) -> Self:
        """Make the view of a check, without what it says of the claims at these places."""
        shown = [one for one in findings if not hidden or _is_apart_from(hidden, one)]
        return cls(
            stages=[StageView.of(one) for one in stages],
            claims=[
                ClaimView.of(one, is_withheld=ordinal in hidden) for ordinal, one in enumerate(claims, 1)
            ],
            findings=[FindingView.of(one, language) for one in shown],
        )


def _is_apart_from(hidden: Collection[int], finding: Finding) -> bool:
    """Return whether a finding is about other claims, or about none."""
    where = finding.location
    return where.table is None if where.claim is None else where.claim not in hidden


class RuleSetView(BaseModel):
    """By which rules was checked. The same digest, moment and bytes give the same findings."""

    name: str
    version: str = Field(description="The beginning of the digest.")
    sha256: str
    program: str = Field(description="The version of eHoSo, for people; its digest is among the parts.")
    parts: dict[str, str] = Field(description="Version or digest of each part.")


class CheckView(BaseModel):
    """Everything a check has to say about a bundle."""

    document_sha256: str = Field(description="SHA-256 of the bytes that were checked, in hexadecimal.")
    valid: bool = Field(description="Whether it keeps to the format.")
    acceptable: bool = Field(description="Whether nothing was found that blocks sending.")
    at: datetime = Field(description="As of when it was checked.")
    rule_set: RuleSetView
    facility: str | None
    stages: list[StageView]
    claims: list[ClaimView]
    findings: list[FindingView]

    @classmethod
    def of(cls, report: Report, data: bytes, language: str) -> Self:
        """Make the view of a report about these bytes."""
        if report.at is None or report.rule_set is None:
            raise TypeError("a report of a check says when and by which rules")
        places = Places(data)
        return cls(
            document_sha256=hashlib.sha256(data).hexdigest(),
            valid=report.is_valid,
            acceptable=report.is_acceptable,
            at=report.at,
            rule_set=RuleSetView.model_validate(report.rule_set.to_json()),
            facility=report.facility,
            stages=[StageView.of(one) for one in report.stages],
            claims=[ClaimView.of(one) for one in report.claims],
            findings=[FindingView.of(one, language, places) for one in report.findings],
        )


class ReceiptView(BaseModel):
    """The gateway's receipt, with its answer verbatim."""

    ma_giao_dich: str
    received_at: datetime | None
    answer: str = Field(description="The gateway's answer as it came.")

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """Make the view of a receipt."""
        return cls(
            ma_giao_dich=receipt.ma_giao_dich,
            received_at=receipt.received_at,
            answer=receipt.answer.decode("utf-8", "replace"),
        )


class ReplayItemView(BaseModel):
    """One submission of a replay."""

    submission_id: str
    outcome: str | None = Field(description="Null until its turn has come.")
    state_before: State | None
    state_now: State | None = Field(description="Where the submission stands.")
    receipt: str | None

    @classmethod
    def of(cls, item: ReplayItem) -> Self:
        """Make the view of an item."""
        return cls(
            submission_id=item.submission_id,
            outcome=item.outcome,
            state_before=item.state_before,
            state_now=item.state_now,
            receipt=item.receipt,
        )


class ReplayPlanView(BaseModel):
    """What a replay would do."""

    counts: dict[str, int]
    sample: list[ReplayItemView]

    @classmethod
    def of(cls, plan: ReplayPlan) -> Self:
        """Make the view of a plan."""
        return cls(
            counts={str(outcome): number for outcome, number in plan.counts.items()},
            sample=[ReplayItemView.of(one) for one in plan.sample],
        )


class ReplayView(BaseModel):
    """A replay and how far it has come."""

    id: str
    state: ReplayState
    created_at: datetime
    finished_at: datetime | None
    actor: str
    reason: str
    per_minute: int | None
    total: int
    done: int
    counts: dict[str, int]

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """Make the view of a replay."""
        return cls(
            id=replay.id,
            state=replay.state,
            per_minute=replay.per_minute,
            created_at=replay.created_at,
            finished_at=replay.finished_at,
            actor=replay.actor,
            reason=replay.reason,
            total=replay.total,
            done=replay.done,
            counts={str(outcome): number for outcome, number in replay.counts.items()},
        )


class ReplayItemsView(BaseModel):
    """Some items of a replay, in order of their submission's id."""

    data: list[ReplayItemView]
    next_cursor: str | None = Field(description="Give this as `cursor` for the rest.")
    has_more: bool


class Selection(BaseModel, extra="forbid"):
    """Which submissions are meant; every condition narrows.

    An empty list is refused: it would narrow nothing, and whoever made it meant nothing by it.
    """

    ids: list[Annotated[str, StringConstraints(pattern=SUBMISSION_KEY)]] = Field([], min_length=1)
    state: list[State] = Field([], min_length=1)
    ma_lk: PlainText | None = None
    sha256: Sha256 | None = None
    cause: PlainText | None = None
    facility: PlainText | None = None
    received_from: AwareDatetime | None = None
    received_until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _require_a_span(self) -> Self:
        first, last = self.received_from, self.received_until
        if first is not None and last is not None and last <= first:
            raise UnfitValue(
                "received_until must be later than received_from", "received_until phải sau received_from"
            )
        return self


class ReplayRequest(BaseModel, extra="forbid"):
    """A replay asked for."""

    where: Selection
    reason: PlainText = Field("", description="Why; required unless it is a dry run.")
    dry_run: bool = Field(default=False, description="Only say what would happen.")
    per_minute: int | None = Field(
        None, ge=1, le=1_000_000, description="Submissions set going in a minute, at most."
    )


class ReplayPage(BaseModel):
    """Some replays, newest first."""

    data: list[ReplayView]
    next_cursor: str | None = Field(description="Give this as `cursor` for older ones.")
    has_more: bool


class OptionView(BaseModel):
    """One thing that may or may not follow a submission."""

    step: Step
    allowed: bool
    way: Way = Field(description="How it is done, or why it is not.")
    until: date | None = Field(description="The last day in time; null where none is set or known.")
    needs_reason: bool = Field(description="Whether a correction must say why: `Correction-Reason`.")

    @classmethod
    def of(cls, one: Following) -> Self:
        """Make the view of it."""
        return cls(
            step=one.step,
            allowed=one.is_allowed,
            way=one.way,
            until=one.until,
            needs_reason=one.needs_reason,
        )


class OptionsView(BaseModel):
    """What may follow a submission."""

    data: list[OptionView]


class Withdrawal(BaseModel, extra="forbid"):
    """Why a submission is taken back."""

    reason: Reason
