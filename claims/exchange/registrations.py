"""Which certificates may sign for a facility, since when, and who said so.

A registration is a list of events that is only added to. What holds at a moment is the last event in effect
by then; a suspension may be dated back to when a key was lost. Two certificates may be live at once, so that
a new one is rolled in before the old one ends; a third must wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from claims.exchange.errors import IllegalRegistration, TooManyCertificates, UnfitCertificate
from claims.exchange.ports import Clock
from claims.exchange.submission import FacilityCode
from signing.certificates import CertificateFacts, read_der_certificate
from signing.elements import Refused

#: How many certificates of one facility may be live at once: the present one and the next.
MOST_LIVE: Final = 2


class RegistrationChange(StrEnum):
    """What happened to a registration."""

    REGISTERED = "registered"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    WITHDRAWN = "withdrawn"

    @property
    def lets_sign(self) -> bool:
        """Whether the certificate may sign from then on."""
        return self in (RegistrationChange.REGISTERED, RegistrationChange.REINSTATED)


_MAY_FOLLOW: Final = {
    None: {RegistrationChange.REGISTERED},
    RegistrationChange.REGISTERED: {RegistrationChange.SUSPENDED, RegistrationChange.WITHDRAWN},
    RegistrationChange.SUSPENDED: {RegistrationChange.REINSTATED, RegistrationChange.WITHDRAWN},
    RegistrationChange.REINSTATED: {RegistrationChange.SUSPENDED, RegistrationChange.WITHDRAWN},
    RegistrationChange.WITHDRAWN: {RegistrationChange.REGISTERED},
}


@dataclass(frozen=True, slots=True)
class Note:
    """Who changed a registration, and why, in that person's words."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RegistrationEvent:
    """One change of a registration.

    Attributes:
        change: What happened.
        since: From when on it counts.
        noted_at: When it was noted here.
        note: By whom, and why.
    """

    change: RegistrationChange
    since: datetime
    noted_at: datetime
    note: Note


@dataclass(frozen=True, slots=True)
class Registration:
    """A certificate of a facility and all that happened to its registration, oldest first."""

    facility: FacilityCode
    sha256: str
    certificate_der: bytes
    events: tuple[RegistrationEvent, ...]

    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says."""
        return read_der_certificate(self.certificate_der)

    def state_at(self, moment: datetime) -> RegistrationChange | None:
        """Return what was in effect at a moment, as is known now; None: nothing yet."""
        in_effect = [event for event in self.events if event.since <= moment]
        # Of two since the same moment the one noted later counts.
        last = max(reversed(in_effect), key=lambda event: event.since, default=None)
        return None if last is None else last.change

    def is_live(self, moment: datetime) -> bool:
        """Whether the certificate may sign at a moment and has not ended by then."""
        state = self.state_at(moment)
        return state is not None and state.lets_sign and moment <= self.facts.info.not_after


class Registrations(Protocol):
    """The registrations of all facilities."""

    def of_facility(self, facility: FacilityCode) -> Sequence[Registration]:
        """Return a facility's registrations with their history, the first registered first."""
        ...

    def add(self, facility: FacilityCode, certificate_der: bytes, event: RegistrationEvent) -> None:
        """Add an event if :func:`require_possible` passes, in one transaction.

        Raises:
            UnknownFacility: The facility is not registered.
            IllegalRegistration, TooManyCertificates: It cannot follow what is there.
        """
        ...

    def may_sign(self, facility: str, certificate_sha256: str, at: datetime) -> bool:
        """Return whether a certificate was registered for a facility, and not suspended, at a moment."""
        ...


def require_possible(
    registrations: Sequence[Registration], certificate_der: bytes, event: RegistrationEvent
) -> None:
    """Pass if an event can follow what a facility has registered.

    Raises:
        IllegalRegistration: The certificate is not in a state that allows it.
        TooManyCertificates: As many certificates as may be are live without this one.
    """
    own = next((one for one in registrations if one.certificate_der == certificate_der), None)
    current = own.events[-1].change if own else None
    if event.change not in _MAY_FOLLOW[current]:
        raise IllegalRegistration(event.change, current)
    others = [one for one in registrations if one is not own and one.is_live(event.noted_at)]
    if event.change.lets_sign and len(others) >= MOST_LIVE:
        raise TooManyCertificates([one.sha256 for one in others])


@dataclass(frozen=True, slots=True)
class RegisterCertificate:
    """Let a certificate sign for a facility."""

    registrations: Registrations
    clock: Clock

    def __call__(self, facility: FacilityCode, certificate_der: bytes, note: Note) -> Registration:
        """Register a certificate, from its own first day on: it is the facility's as long as it exists.

        Raises:
            UnknownFacility: The facility is not registered.
            UnfitCertificate: It is no certificate, an authority's, not for signing, or has ended.
            IllegalRegistration: It is registered already.
            TooManyCertificates: Two others are live.
        """
        now = self.clock.now()
        facts = _read(certificate_der, now)
        event = RegistrationEvent(RegistrationChange.REGISTERED, facts.info.not_before, now, note)
        self.registrations.add(facility, certificate_der, event)
        return Registration(facility, facts.sha256, certificate_der, (event,))


@dataclass(frozen=True, slots=True)
class ChangeRegistration:
    """Suspend, reinstate or withdraw a registered certificate."""

    registrations: Registrations
    clock: Clock

    def __call__(
        self,
        facility: FacilityCode,
        certificate_sha256: str,
        change: RegistrationChange,
        note: Note,
        since: datetime | None = None,
    ) -> None:
        """Note a change, in effect since now or since an earlier moment (aware).

        Raises:
            IllegalRegistration: The certificate is not registered, or not in a state that allows it.
            ValueError: The moment is still to come.
        """
        now = self.clock.now()
        if since is not None and since > now:
            raise ValueError("a change cannot be in effect since a moment that is still to come")
        known = self.registrations.of_facility(facility)
        own = next((one for one in known if one.sha256 == certificate_sha256), None)
        if own is None or change is RegistrationChange.REGISTERED:
            raise IllegalRegistration(change, None if own is None else own.events[-1].change)
        event = RegistrationEvent(change, since or now, now, note)
        self.registrations.add(facility, own.certificate_der, event)


def _read(certificate_der: bytes, now: datetime) -> CertificateFacts:
    try:
        facts = read_der_certificate(certificate_der)
    except Refused as refusal:
        raise UnfitCertificate(refusal.reason) from None
    if facts.is_ca:
        raise UnfitCertificate("certificate.is_ca")
    if not facts.may_sign:
        raise UnfitCertificate("certificate.usage")
    if facts.info.not_after < now:
        raise UnfitCertificate("certificate.expired")
    return facts
