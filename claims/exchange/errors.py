"""Errors of the exchange.

* ClaimsError
  - IllegalTransition
  - CannotWithdraw
  - SubmissionNotFound
  - ReplayNotFound
  - ReplayEnded
  - InvalidCursor
  - UnknownKey
  - AccessDenied
  - UnknownFacility
  - UnfitCertificate
  - IllegalRegistration
  - TooManyCertificates
  - IdempotencyMismatch
  - NoSigningKey
  - EmptySelection
  - StoreUnavailable
  - GatewayError
    - GatewayUnavailable   trying again may help: the bundle was surely not taken
    - OutcomeUnknown       the request was written and no usable answer came: look before sending again
    - GatewayRefused       trying again will not help
"""

from collections.abc import Sequence
from typing import Final

from claims.errors import ClaimsError


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


class SubmissionNotFound(ClaimsError):
    """No such submission, or not one that the caller may see."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(f"there is no submission {submission_id}")
        self.submission_id = submission_id


class ReplayNotFound(ClaimsError):
    """No such replay, or not one that the caller may see."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"there is no replay {replay_id}")
        self.replay_id = replay_id


class ReplayEnded(ClaimsError):
    """A replay was to be paused, resumed or canceled that has ended."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"replay {replay_id} has ended")
        self.replay_id = replay_id


class InvalidCursor(ClaimsError):
    """A page was asked for with a cursor that no earlier page gave."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that an earlier page gave")


class UnknownKey(ClaimsError):
    """A caller showed no key, or one that opens nothing."""

    def __init__(self) -> None:
        super().__init__("the API key is missing, unknown, revoked or expired")


class AccessDenied(ClaimsError):
    """A caller is known but may not do this.

    Attributes:
        lacks: What it would need: a scope, or a facility of its own.
    """

    def __init__(self, lacks: str) -> None:
        super().__init__(f"this API key lacks {lacks}")
        self.lacks = lacks


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
    """An idempotency key came again with another body."""

    def __init__(self, key: str, submission_id: str) -> None:
        super().__init__("this Idempotency-Key was used before with another body")
        self.key = key
        self.submission_id = submission_id


class NoSigningKey(ClaimsError):
    """The service holds no signing key for the facility."""

    def __init__(self, facility: str) -> None:
        super().__init__(f"the service holds no signing key for facility {facility}")
        self.facility = facility


class EmptySelection(ClaimsError):
    """A replay was asked for without saying which submissions."""

    def __init__(self) -> None:
        super().__init__("a replay needs at least one condition; an empty one would select everything")


class StoreUnavailable(ClaimsError):
    """The queue of record cannot be reached; nothing was stored, and later may help."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database cannot be reached ({reason})")


#: Causes that mean that nobody answered.
UNREACHABLE: Final = "gateway.unreachable"
TIMED_OUT: Final = "gateway.timeout"
DISCONNECTED: Final = "gateway.disconnected"


class GatewayError(ClaimsError):
    """The gateway did not give a receipt.

    Attributes:
        cause: A stable code such as ``gateway.500`` or ``gateway.timeout``; groups failures for operators.
        detail: What the gateway or the network said, for people; never personal data.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail

    @property
    def is_silence(self) -> bool:
        """Whether nobody answered, which cannot be one facility's own trouble."""
        return self.cause in {UNREACHABLE, TIMED_OUT, DISCONNECTED}


class GatewayUnavailable(GatewayError):
    """The bundle was surely not taken; trying again later may help."""


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
