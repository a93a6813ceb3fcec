"""Errors of the exchange.

* ClaimsError
  - IllegalTransition
  - CannotWithdraw
  - SubmissionNotFound
  - NothingToShow
  - CheckInRefused
  - ReplayNotFound
  - BatchNotFound
  - UnusableBatch
  - ReplayEnded
  - ReviewNotFound
  - ReviewChanged
  - ReviewLocked
  - UnsoundDecision
  - NothingToAdjust
  - InvalidCursor
  - WebhookNotFound
  - TooManyWebhooks
  - TwoSecretsLive
  - WebhookDisabled
  - TooMuchHeld
  - NothingHeld
  - DataRequestNotFound
  - DataRequestClosed
  - NoCorrection
  - UnknownFacility
  - UnfitCertificate
  - IllegalRegistration
  - TooManyCertificates
  - IdempotencyMismatch
  - NoSigningKey
  - NotInLog
  - NotYetLogged
  - CannotErase
  - AlreadyErased
  - HeldAgain
  - EmptyBundle
  - EmptySelection
  - StoreUnavailable
  - GatewayError
    - GatewayUnavailable   trying again may help: the bundle was surely not taken
      - GatewayResting     it was not even asked: it is left in peace for now
    - OutcomeUnknown       the request was written and no usable answer came: look before sending again
    - GatewayRefused       trying again will not help
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from claims.errors import ClaimsError

if TYPE_CHECKING:
    from datetime import date, datetime

    from claims.bundle.findings import Finding


class IllegalTransition(ClaimsError):
    """A submission was asked to move where its life cycle has no arrow."""

    def __init__(self, current: str, target: str) -> None:
        super().__init__(f"a submission that is {current} cannot become {target}")
        self.current = current
        self.target = target


class CannotWithdraw(ClaimsError):
    """A submission was to be taken back that the gateway has, or may have.

    Attributes:
        state: Where it stands.
    """

    def __init__(self, state: str) -> None:
        super().__init__(
            f"a submission that is {state} cannot be withdrawn: what the gateway has, or may have, is "
            "taken back by a later version of the claim with MA_DOITUONG_KCB 8"
        )
        self.state = state


class NotInLog(ClaimsError):
    """The log was asked about a place or a size that it does not have."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the newest signed head is of {size} records, and the proof asks for others")
        self.size = size


class NotYetLogged(ClaimsError):
    """A submission's archive was asked for before its evidence is in the log; some seconds later it is."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(f"the evidence of {submission_id} will be written within seconds; ask again then")
        self.submission_id = submission_id


class CannotErase(ClaimsError):
    """A submission was to be erased that must be kept.

    Attributes:
        code: Why, stable.
        until: The first day on which it need not be kept any more, where that is why.
    """

    def __init__(self, code: str, submission_id: str, until: "date | None" = None) -> None:
        why = {
            "erase.under_way": "is under way",
            "erase.held": "is held",
            "erase.too_early": f"must be kept until {until}",
        }[code]
        super().__init__(f"{submission_id} {why}")
        self.code = code
        self.submission_id = submission_id
        self.until = until


class AlreadyErased(ClaimsError):
    """A submission was to be held whose content is gone."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(f"the content of {submission_id} was erased: there is nothing to hold")
        self.submission_id = submission_id


class HeldAgain(ClaimsError):
    """Holds were to be ended by somebody who has not seen the newest of them.

    Attributes:
        newest_hold_at: When that was placed.
    """

    def __init__(self, submission_id: str, newest_hold_at: "datetime") -> None:
        super().__init__(f"{submission_id} was held again at {newest_hold_at.isoformat()}; look at it first")
        self.submission_id = submission_id
        self.newest_hold_at = newest_hold_at


class SubmissionNotFound(ClaimsError):
    """No such submission, or not one that the caller may see."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(f"there is no submission {submission_id}")
        self.submission_id = submission_id


class CheckInRefused(ClaimsError):
    """A check-in was not sent: a check found what blocks it, or it is another facility's.

    Attributes:
        findings: Everything that was found.
        is_others: Whether it is another facility's.
    """

    def __init__(self, findings: Sequence["Finding"], *, is_others: bool = False) -> None:
        super().__init__("it is another facility's" if is_others else "the check found what blocks it")
        self.findings = tuple(findings)
        self.is_others = is_others


class NothingToShow(ClaimsError):
    """A submission's bytes are no claim that people could read, or were erased."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(f"the bytes of {submission_id} hold no claim that can be shown, or were erased")
        self.submission_id = submission_id


class ReplayNotFound(ClaimsError):
    """No such replay, or not one that the caller may see."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"there is no replay {replay_id}")
        self.replay_id = replay_id


class BatchNotFound(ClaimsError):
    """No such batch, or not one that the caller may see."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"there is no batch {batch_id}")
        self.batch_id = batch_id


class BatchFault(StrEnum):
    """Why something is no batch; what it means is told by `claims.exchange.batches.describe_fault`."""

    NOT_A_ZIP = "not-a-zip"
    NOT_MULTIPART = "not-multipart"
    UNSUPPORTED_MULTIPART = "unsupported-multipart"
    EMPTY = "empty"
    TOO_MANY_ITEMS = "too-many-items"
    SIZE_MISMATCH = "size-mismatch"
    DIGEST_MISMATCH = "digest-mismatch"


class UnusableBatch(ClaimsError):
    """What was handed over as a batch cannot be read as one, or is not what was declared.

    Attributes:
        reason: A stable code.
        facts: What was found, by name.
    """

    def __init__(self, reason: BatchFault, **facts: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


class ReplayEnded(ClaimsError):
    """A replay was to be paused, resumed or canceled that has ended."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"replay {replay_id} has ended")
        self.replay_id = replay_id


class ReviewNotFound(ClaimsError):
    """No such review, or not one that the caller may see."""

    def __init__(self) -> None:
        super().__init__("there is no review of this claim")


class ReviewChanged(ClaimsError):
    """A review is no longer as whoever decides has seen it."""

    def __init__(self) -> None:
        super().__init__("the review has changed since it was opened")


class ReviewLocked(ClaimsError):
    """Somebody else has a review open to decide.

    Attributes:
        holder: Who.
    """

    def __init__(self, holder: str) -> None:
        super().__init__("somebody else has this claim open to decide")
        self.holder = holder


class UnsoundDecision(ClaimsError):
    """A decision, a question or a sample lacks something.

    Attributes:
        problem: A stable name of what is wrong, such as ``no-reason``.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"this cannot be decided: {problem}")
        self.problem = problem


class InvalidCursor(ClaimsError):
    """A page was asked for with a cursor that no earlier page gave."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that an earlier page gave")


class WebhookNotFound(ClaimsError):
    """No such webhook or delivery of one, or not one that the caller may see."""

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"there is no {webhook_id}")
        self.webhook_id = webhook_id


class TooManyWebhooks(ClaimsError):
    """A facility has as many webhooks as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"a facility has {most} webhooks at most; delete one first")
        self.most = most


class TwoSecretsLive(ClaimsError):
    """A webhook's secret was to be replaced while the one before still signs too.

    Attributes:
        until: When that ends.
    """

    def __init__(self, webhook_id: str, until: "datetime") -> None:
        super().__init__(
            f"{webhook_id} has two secrets until {until.isoformat()}: rotate after that, or with "
            "overlap_h 0, which ends both at once"
        )
        self.webhook_id = webhook_id
        self.until = until


class WebhookDisabled(ClaimsError):
    """Something was to be sent to a webhook that is switched off."""

    def __init__(self, webhook_id: str, why: str) -> None:
        super().__init__(f"{webhook_id} is switched off ({why}); switch it on first")
        self.webhook_id = webhook_id
        self.why = why


class TooMuchHeld(ClaimsError):
    """More is held about a person than one file takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} claims name this person; ask for a facility's own")
        self.most = most


class NothingHeld(ClaimsError):
    """A facility has no claim that names a person."""

    def __init__(self) -> None:
        super().__init__("the facility has no claim that names one of these numbers")


class DataRequestNotFound(ClaimsError):
    """There is no such request, or it is another place's."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"there is no request {request_id}")
        self.request_id = request_id


class DataRequestClosed(ClaimsError):
    """A request takes no more of this."""

    def __init__(self, request_id: str, why: str) -> None:
        super().__init__(f"request {request_id}: {why}")
        self.request_id = request_id


class NoCorrection(ClaimsError):
    """What is named as a correction corrects nothing that the request is about."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(
            f"{submission_id or 'no submission'}: a correction is a later submission of the facility and "
            "episode; only the outcome `corrected` names one"
        )
        self.submission_id = submission_id


class UnknownFacility(ClaimsError):
    """A facility code that nobody has registered here."""

    def __init__(self, facility: str) -> None:
        super().__init__(f"facility {facility} is not registered")
        self.facility = facility


class UnfitCertificate(ClaimsError):
    """A certificate that no facility can sign with was to be registered.

    Attributes:
        reason: The verifier's code for what is wrong, such as ``certificate.expired``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"this certificate cannot be registered: {reason}")
        self.reason = reason


class IllegalRegistration(ClaimsError):
    """A change of a certificate's registration that cannot follow what it is now (None: not registered)."""

    def __init__(self, change: str, current: str | None) -> None:
        super().__init__(f"the certificate is {current or 'not registered'}, so it cannot be {change}")
        self.change = change
        self.current = current


class TooManyCertificates(ClaimsError):
    """A facility has as many live certificates as it may; one must end before another is registered.

    Attributes:
        live: The SHA-256 of those that are live.
    """

    def __init__(self, live: Sequence[str]) -> None:
        super().__init__(f"{len(live)} certificates are live already: {', '.join(live)}")
        self.live = tuple(live)


class IdempotencyMismatch(ClaimsError):
    """An idempotency key came again with another body.

    Attributes:
        made: The id of what it was used for.
    """

    def __init__(self, key: str, made: str) -> None:
        super().__init__(f"this Idempotency-Key was used before, for {made}, with another body")
        self.key = key
        self.made = made


class NothingToAdjust(ClaimsError):
    """Form 09/BH was asked for of a claim of which no final decision takes anything."""

    def __init__(self) -> None:
        super().__init__("no final decision takes anything from this claim")


class NoSigningKey(ClaimsError):
    """The service holds no signing key for the facility."""

    def __init__(self, facility: str) -> None:
        super().__init__(f"the service holds no signing key for facility {facility}")
        self.facility = facility


class EmptyBundle(ClaimsError):
    """A bundle was handed over that is nothing, or nothing but blanks."""

    def __init__(self) -> None:
        super().__init__("nothing came: send the bytes of a bundle as they are (curl: --data-binary @FILE)")


class EmptySelection(ClaimsError):
    """A replay was asked for without saying which submissions."""

    def __init__(self) -> None:
        super().__init__("without a condition beside the facility everything would be selected")


class StoreUnavailable(ClaimsError):
    """The queue of record cannot be reached; nothing was stored, and later may help."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database cannot be reached ({reason})")


class NoRoom(StoreUnavailable):
    """The disk on which batches arrive has no room for one more; later may help."""

    def __init__(self) -> None:
        ClaimsError.__init__(self, "the service's disk has no room for this batch now; send it again later")


class ContentsUnavailable(StoreUnavailable):
    """The store that contents have moved to did not do what it was asked; later may help."""

    def __init__(self, reason: str) -> None:
        ClaimsError.__init__(self, f"the store of contents does not do what it is asked ({reason})")


class KeysUnavailable(StoreUnavailable):
    """The token or service that holds the master keys does not do what it is asked; later may help."""

    def __init__(self, reason: str) -> None:
        ClaimsError.__init__(self, f"the master keys cannot be used now ({reason})")


#: Causes that mean that nobody answered.
UNREACHABLE: Final = "gateway.unreachable"
TIMED_OUT: Final = "gateway.timeout"
DISCONNECTED: Final = "gateway.disconnected"
#: How causes end that mean that a proxy answered and nobody behind it, as in maintenance.
_NOBODY_BEHIND: Final = frozenset({"http-502", "http-503", "http-504"})
#: How long the gateway is left alone at most before it is asked again.
LONGEST_REST_S: Final = 300.0
#: Causes for which the gateway was not asked at all.
NO_ACCOUNT: Final = "gateway.no-account"
NOT_CONFIGURED: Final = "gateway.not_configured"
NO_CHECK_IN: Final = "gateway.no-check-in"  # its interface has none
SIGN_IN_ELSEWHERE: Final = "gateway.login.elsewhere"
TOO_SLOW: Final = "worker.too_slow"  # the worker had no time left


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the gateway asks to be left alone.

    Attributes:
        is_everybodys: Whether it asks all who send there; otherwise this account alone, which asks too often.
    """

    seconds: float
    is_everybodys: bool

    @property
    def heeded_s(self) -> float:
        """How many seconds of it are heeded: five minutes at most, whatever it said.

        So a page that says "tomorrow" by mistake costs minutes, and one that means it a request every five.
        """
        return min(self.seconds, LONGEST_REST_S)


class GatewayError(ClaimsError):
    """The gateway did not give a receipt.

    Attributes:
        cause: A stable code such as ``gateway.500`` or ``gateway.timeout``; groups failures for operators.
        detail: What the gateway or the network said, for people; never personal data.
        patience: How long it asks to be left alone, if it does.
    """

    def __init__(self, cause: str, detail: str = "", *, patience: Patience | None = None) -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail
        self.patience = patience

    @property
    def retry_after_s(self) -> int | None:
        """In how many seconds asking again may help, where that is known."""
        return None if self.patience is None else max(1, math.ceil(self.patience.heeded_s))

    @property
    def is_silence(self) -> bool:
        """Whether nobody answered, or a proxy for nobody: which cannot be one facility's own trouble."""
        cause = self.cause.replace("gateway.login.", "gateway.")
        return cause in {UNREACHABLE, TIMED_OUT, DISCONNECTED} or cause.rpartition(".")[2] in _NOBODY_BEHIND

    @property
    def says_nothing(self) -> bool:
        """Whether it says nothing of the gateway, because that was not asked."""
        return self.cause in {NO_ACCOUNT, NOT_CONFIGURED, NO_CHECK_IN, SIGN_IN_ELSEWHERE, TOO_SLOW}


class GatewayUnavailable(GatewayError):
    """The bundle was surely not taken; trying again later may help."""


class GatewayResting(GatewayUnavailable):
    """The gateway was not asked: it is left in peace for now, announced to be closed, or asked enough."""

    def __init__(self, cause: str, *, until: "datetime", now: "datetime") -> None:
        super().__init__(cause, "it is not asked for now")
        self._left_s = (until - now).total_seconds()

    @property
    def retry_after_s(self) -> int:
        """In how many seconds it may be asked again."""
        return max(1, math.ceil(self._left_s))


class OutcomeUnknown(GatewayError):
    """The request was written and no usable answer came back; the gateway may or may not have the bundle."""


class GatewayRefused(GatewayError):
    """The gateway answered with a verdict that trying again will not change.

    Attributes:
        answer: The gateway's answer, verbatim.
    """

    def __init__(self, cause: str, detail: str = "", *, answer: bytes = b"") -> None:
        super().__init__(cause, detail)
        self.answer = answer
