"""Registrations in PostgreSQL: what happened to a certificate, and what held at a moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from claims.exchange.errors import (
    IllegalRegistration,
    TooManyCertificates,
    UnfitCertificate,
    UnknownFacility,
)
from claims.exchange.registrations import (
    ChangeRegistration,
    Note,
    RegisterCertificate,
    Registration,
    RegistrationChange,
)
from claims.exchange.submission import FacilityCode
from claims.storage.facilities import Facilities
from claims.storage.pool import Pool
from claims.storage.registrations import PostgresRegistrations
from signing.demo_pki import DemoPki
from tests.fakes import SetClock

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

NOON = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
FACILITY = FacilityCode("99001")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=NOON - 400 * DAY)


@pytest.fixture
def certificates(pki: DemoPki) -> list[bytes]:
    leaves = (
        pki.leaf("99001", valid_from=NOON - number * DAY, valid_to=NOON + 30 * DAY) for number in (3, 2, 1)
    )
    return [leaf.certificate.public_bytes(Encoding.DER) for leaf in leaves]


class _Desk:
    """Registers and changes, at a clock that a test sets."""

    def __init__(self, pool: Pool) -> None:
        self.clock, self.store = SetClock(NOON), PostgresRegistrations(pool)
        Facilities(pool).add(FACILITY, name="Một", at=NOON)

    def register(self, der: bytes) -> Registration:
        return RegisterCertificate(self.store, self.clock)(FACILITY, der, Note("An", "first"))

    def change(self, one: Registration, change: RegistrationChange, since: datetime | None = None) -> None:
        changing = ChangeRegistration(self.store, self.clock)
        changing(FACILITY, one.sha256, change, Note("Bình", "lost"), since)

    def may_sign(self, one: Registration, at: datetime) -> bool:
        return self.store.may_sign(FACILITY, one.sha256, at)


@pytest.fixture
def desk(pool: Pool) -> _Desk:
    return _Desk(pool)


def test_a_registered_certificate_may_sign_since_its_own_first_day(
    desk: _Desk, certificates: list[bytes]
) -> None:
    one = desk.register(certificates[0])

    assert desk.may_sign(one, NOON)
    assert desk.may_sign(one, NOON - 2 * DAY)
    assert not desk.may_sign(one, NOON - 4 * DAY)
    assert not desk.store.may_sign("99002", one.sha256, NOON)


def test_a_suspension_may_be_dated_back_and_what_was_signed_before_it_stays_good(
    desk: _Desk, certificates: list[bytes]
) -> None:
    one = desk.register(certificates[0])
    desk.change(one, RegistrationChange.SUSPENDED, since=NOON - HOUR)

    assert desk.may_sign(one, NOON - 2 * HOUR)
    assert not desk.may_sign(one, NOON - HOUR)

    desk.clock.advance(3600)
    desk.change(one, RegistrationChange.REINSTATED)

    assert not desk.may_sign(one, NOON)
    assert desk.may_sign(one, NOON + HOUR)
    (known,) = desk.store.of_facility(FACILITY)
    assert [(event.change.value, event.note.by) for event in known.events] == [
        ("registered", "An"),
        ("suspended", "Bình"),
        ("reinstated", "Bình"),
    ]


def test_two_may_be_live_and_a_third_waits(desk: _Desk, certificates: list[bytes]) -> None:
    first, second = (desk.register(der) for der in certificates[:2])
    with pytest.raises(TooManyCertificates) as caught:
        desk.register(certificates[2])
    assert set(caught.value.live) == {first.sha256, second.sha256}

    desk.change(first, RegistrationChange.WITHDRAWN)

    assert desk.may_sign(desk.register(certificates[2]), NOON)
    assert len(desk.store.of_facility(FACILITY)) == 3


def test_a_suspended_certificate_comes_back_only_where_there_is_room(
    desk: _Desk, certificates: list[bytes]
) -> None:
    first, _ = (desk.register(der) for der in certificates[:2])
    desk.change(first, RegistrationChange.SUSPENDED)
    desk.register(certificates[2])

    with pytest.raises(TooManyCertificates):
        desk.change(first, RegistrationChange.REINSTATED)


def test_ended_certificates_leave_room(desk: _Desk, certificates: list[bytes], pki: DemoPki) -> None:
    for der in certificates[:2]:
        desk.register(der)
    desk.clock.time = NOON + 31 * DAY
    fresh = pki.leaf("99001", valid_from=NOON, valid_to=NOON + 60 * DAY).certificate

    desk.register(fresh.public_bytes(Encoding.DER))


def test_what_cannot_follow_is_refused(desk: _Desk, certificates: list[bytes]) -> None:
    one = desk.register(certificates[0])

    with pytest.raises(IllegalRegistration, match="registered, so it cannot be registered"):
        desk.register(certificates[0])
    with pytest.raises(IllegalRegistration, match="registered, so it cannot be reinstated"):
        desk.change(one, RegistrationChange.REINSTATED)
    with pytest.raises(ValueError, match="still to come"):
        desk.change(one, RegistrationChange.SUSPENDED, since=NOON + HOUR)
    with pytest.raises(UnknownFacility):
        RegisterCertificate(desk.store, desk.clock)(FacilityCode("00000"), certificates[1], Note("", ""))


@pytest.mark.parametrize("what", ["no certificate", "an authority", "ended"])
def test_a_certificate_that_cannot_sign_is_not_registered(desk: _Desk, pki: DemoPki, what: str) -> None:
    ended = pki.leaf("99001", valid_from=NOON - 3 * DAY, valid_to=NOON - DAY).certificate
    der = {
        "no certificate": b"0\x03\x02\x01\x01",
        "an authority": pki.root.public_bytes(Encoding.DER),
        "ended": ended.public_bytes(Encoding.DER),
    }

    with pytest.raises(UnfitCertificate):
        desk.register(der[what])


@pytest.mark.this_server
def test_of_three_registered_at_once_two_are(desk: _Desk, certificates: list[bytes]) -> None:
    def register(der: bytes) -> bool:
        try:
            desk.register(der)
        except TooManyCertificates:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(register, certificates))

    assert sorted(done) == [False, True, True]
