"""Check-ins: that a patient has come is told to the gateway at once, and remembered for the claim.

A check-in is a status message and never a basis for payment: sent again it says the same, so whoever got no
answer sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from claims.checking.checkin import read_check_in
from claims.exchange.errors import CheckInRefused
from signing.canonical import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from claims.bundle.findings import Finding
    from claims.exchange.passing_on import AskInPeace
    from claims.exchange.ports import Clock, Receipt
    from claims.exchange.submission import FacilityCode

_FACILITY = "MA_CSKCB"


class CheckInGateway(Protocol):
    """The gateway, as far as check-ins go to it."""

    def check_in(self, facility: str, document: bytes, *, decision: str | None = None) -> Receipt:
        """Hand over one check-in.

        Raises:
            GatewayUnavailable: It was surely not taken; later may help.
            OutcomeUnknown: It may have been taken; sending it again does no harm.
            GatewayRefused: It was refused for good.
        """
        ...


class CheckInBook(Protocol):
    """What check-ins said, for the claims of their episodes to be compared with."""

    def keep(self, facility: FacilityCode, rows: Sequence[Mapping[str, str]], *, at: datetime) -> None:
        """Remember rows under facility and episode key, the latest of an episode."""
        ...


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """What became of a check-in that the gateway took."""

    receipt: Receipt
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SendCheckIn:
    """Check a check-in, hand it to the gateway, remember what it said."""

    gateway: CheckInGateway
    book: CheckInBook
    clock: Clock
    in_peace: AskInPeace
    limits: Limits = DEFAULT_LIMITS

    def __call__(self, document: bytes, *, facility: FacilityCode) -> CheckedIn:
        """Hand over one document, whose every row is the facility's own.

        Raises:
            CheckInRefused: The check found what blocks it, or it is another facility's.
            GatewayError: The gateway was not asked, did not take it, or may not have.
        """
        now = self.clock.now()
        checked = read_check_in(document, at=now, limits=self.limits)
        if not checked.is_acceptable or not checked.rows:
            raise CheckInRefused(checked.findings)
        if any(row[_FACILITY] != facility for row in checked.rows):
            raise CheckInRefused(checked.findings, is_others=True)
        # Remembered first: it was said, whatever becomes of the message.
        self.book.keep(facility, checked.rows, at=now)
        receipt = self.in_peace(lambda: self.gateway.check_in(facility, document, decision=checked.decision))
        return CheckedIn(receipt, checked.findings)
