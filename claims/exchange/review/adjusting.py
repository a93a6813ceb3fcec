"""Form 09/BH of a claim that was not paid in full: made from the decision, signed with the facility's key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

from claims.bundle.adjustments import (
    CHANGE,
    AdjustedClaim,
    AdjustedField,
    AdjustedLine,
    AdjustmentForm,
    Makers,
    write_adjustments,
)
from claims.bundle.contents import ReadClaim, ReadRow, read_contents
from claims.bundle.kinds import TableKind
from claims.exchange.errors import NoSigningKey, NothingToAdjust
from claims.exchange.ports import Clock, SigningKeys, Submissions
from claims.exchange.results import Assessment, KeptAssessment
from claims.exchange.review.outcome import Outcome, TellOutcome
from claims.exchange.review.policy import ReviewPolicy
from claims.exchange.review.review import Cut, Verdict
from claims.exchange.submission import Submission, SubmissionId
from claims.localtime import local_date
from signing.sign import Profile, sign_bundle

#: What the fund is asked for: of the claim in XML1, of a row in its table.
_PAID: Final = "T_BHTT"
_NO_ROW: Final = ReadRow(0, ())


class Assessments(Protocol):
    """What the gateway said of claims."""

    def assessments_of(self, submission_id: SubmissionId) -> Sequence[KeptAssessment]:
        """Return what it said of a submission's claims."""
        ...


@dataclass(frozen=True, slots=True)
class MakeAdjustments:
    """Make form 09/BH of one claim, once the decision on it is final."""

    submissions: Submissions
    outcomes: TellOutcome
    assessments: Assessments
    keys: SigningKeys
    policy: ReviewPolicy
    clock: Clock

    def signed(self, submission: Submission, ordinal: int, *, prepared_by: str, head: str) -> bytes:
        """Return the form signed by the facility (profile B: over ``TT_HOSO``, with the time).

        Raises:
            NothingToAdjust: No final decision takes anything from this claim.
            NoSigningKey: The service holds no key for the facility.
        """
        form = self.unsigned(submission, ordinal, prepared_by=prepared_by, head=head)
        signer = self.keys.find(submission.facility)
        if signer is None:
            raise NoSigningKey(submission.facility)
        return sign_bundle(form, signer, profile=Profile.ELEMENT, at=self.clock.now())

    def unsigned(self, submission: Submission, ordinal: int, *, prepared_by: str, head: str) -> bytes:
        """Return the form for the facility to sign with a key of its own.

        Raises:
            NothingToAdjust: No final decision takes anything from this claim.
        """
        outcome = next((one for one in self.outcomes(submission.id) if one.ordinal == ordinal), None)
        if outcome is None or not (outcome.cuts or outcome.verdict is Verdict.DECLINED):
            raise NothingToAdjust
        body = self.submissions.body(submission.id)
        claims = read_contents(body, today=local_date(submission.received_at)).claims
        claim = next(one for one in claims if one.number == ordinal)
        known = _assessment(self.assessments.assessments_of(submission.id), outcome.ma_lk)
        form = AdjustmentForm(
            submission.facility,
            _head(claim, known),
            made=Makers(prepared_by, head, local_date(self.clock.now())),
            claim_fields=self._of_claim(outcome),
            lines=self._of_lines(outcome, claim, known),
        )
        return write_adjustments(form, name=f"HSDC-{submission.id}-{ordinal}")

    def _of_claim(self, outcome: Outcome) -> Sequence[AdjustedField]:
        """Return what changes in XML1: what the fund pays in all, for each reason that is about all of it."""
        if outcome.verdict is Verdict.DECLINED:
            whole: Sequence[Cut] = (Cut(outcome.claimed, outcome.reason, note=outcome.note),)
        else:
            whole = [cut for cut in outcome.cuts if cut.table is None]
        fields, before = [], outcome.claimed
        for number, cut in enumerate(whole, start=1):
            after = before - cut.amount
            why = self._why(cut)
            fields.append(AdjustedField(str(number), _PAID, _text(before), _PAID, _text(after), why))
            before = after
        return fields

    def _of_lines(
        self, outcome: Outcome, claim: ReadClaim, known: Assessment | None
    ) -> Sequence[AdjustedLine]:
        numbers = {(line.table, line.row): line.line_id for line in known.lines} if known else {}
        rows = [(cut, _row(claim, cut)) for cut in outcome.cuts if cut.table is not None]
        return [self._line(number, cut, row, numbers) for number, (cut, row) in enumerate(rows, start=1)]

    def _line(
        self, number: int, cut: Cut, row: ReadRow, numbers: Mapping[tuple[str, str], str]
    ) -> AdjustedLine:
        table, paid = cut.table or "", _amount(row[_PAID])
        return AdjustedLine(
            stt=str(number),
            sobang_xml=table.removeprefix("XML"),
            id_cp=numbers.get((table, row["STT"]), ""),
            stt_xml=row["STT"] or str(cut.row or ""),
            ngay_yl=row["NGAY_YL"],
            trangthai=CHANGE,
            truong_tt_goc=_PAID,
            tt_goc=_text(paid),
            lydo=self._reason(cut.reason),
            tuchoi=cut.reason,
            truong_tt_dieuchinh=_PAID,
            tt_dieuchinh=_text(paid - cut.amount),
            lydo_dieuchinh=self._why(cut),
        )

    def _reason(self, code: str) -> str:
        reason = self.policy.find_reason(code)
        return code if reason is None else reason.vi

    def _why(self, cut: Cut) -> str:
        return ": ".join(part for part in (self._reason(cut.reason), cut.note) if part)


def _head(claim: ReadClaim, known: Assessment | None) -> AdjustedClaim:
    table = claim.find_table(TableKind.XML1)
    row = table.rows[0] if table is not None and table.rows else _NO_ROW
    year, month = row["NAM_QT"], row["THANG_QT"]
    return AdjustedClaim(
        xml1_id=known.claim_id if known else "",
        ma_lk=claim.ma_lk,
        ma_bn=row["MA_BN"],
        ho_ten=row["HO_TEN"],
        ma_the=row["MA_THE_BHYT"],
        ngay_vao=row["NGAY_VAO"],
        ngay_ra=row["NGAY_RA"],
        ky_qt=f"{year}{month:0>2}" if year and month else "",
    )


def _assessment(kept: Sequence[KeptAssessment], ma_lk: str) -> Assessment | None:
    return next((one.assessment for one in kept if one.assessment.ma_lk == ma_lk), None)


def _row(claim: ReadClaim, cut: Cut) -> ReadRow:
    rows = [row for table in claim.tables if table.kind == cut.table for row in table.rows]
    return next((row for row in rows if row.number == cut.row), _NO_ROW)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return Decimal(0)


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
