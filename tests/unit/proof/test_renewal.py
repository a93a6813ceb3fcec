"""Archives outlive keys, authorities and algorithms if they are renewed in time, or else say what ended."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from claims.proof.container import SIGNATURES, read_container, write_container
from claims.proof.renewal import RenewArchive, ends_at
from claims.proof.service_signature import ARCHIVE_POLICY, archive_policy
from claims.proof.verdict import Answer, ArchiveVerdict, Question
from claims.proof.verification import verify_archive
from claims.runtime.archive_store import open_archives
from claims.runtime.renewing import RenewStored
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.errors import CannotExtend
from signing.policy import DEFAULT_POLICY, Policy, read_policy
from signing.trust import TrustStore
from tests.archives import Made, an_archive, later
from tests.fakes import NOON, FreeTurn, SetClock

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
HALF_A_YEAR = timedelta(days=182)


def policy_with(*changes: tuple[str, str]) -> Policy:
    """Return the policy of archives with other lines."""
    content = DEFAULT_POLICY.content.decode()
    for line, other in changes:
        assert content.count(f"\n{line}") == 1, line
        content = content.replace(f"\n{line}", f"\n{other}")
    return archive_policy(read_policy(content.encode()))


#: Small keys end in 2031, and what the service signs with in 2033.
POLICY = policy_with(
    ("rsa-min-bits-later = []", "rsa-min-bits-later = [{ from = 2031-01-01, bits = 3072 }]"),
    ("ecdsa-sha256 = true", "ecdsa-sha256 = 2032-12-31"),
)


@cache
def _authorities(at: datetime) -> DemoPki:
    """Make those of one day, once: RSA keys take longer than all else here."""
    return DemoPki.create(at=at)


@cache
def _rsa_key(number: int, bits: int) -> rsa.RSAPrivateKey:
    """Make the key of the first, second … authority of each world, once."""
    del number
    return rsa.generate_private_key(65537, bits)


@dataclass
class World:
    """Time-stamping authorities come and go over the years, and their roots with them."""

    made: Made
    clock: SetClock
    authorities: list[tuple[datetime, DemoPki, DemoTsa]] = field(default_factory=list)

    def open_authority(self, *, at: datetime, years: int, bits: int, pki: DemoPki | None = None) -> DemoPki:
        pki = pki or _authorities(at)
        tsa = DemoTsa.create(
            pki,
            clock=self.clock.now,
            valid_from=at,
            valid_to=at + years * YEAR,
            key=_rsa_key(len(self.authorities), bits),
        )
        self.authorities.append((at, pki, tsa))
        return pki

    def trust(self) -> TrustStore:
        """Return what an administrator trusts who has kept his folder up to date."""
        now = self.clock.now()
        begun = [self.made.pki, *(pki for at, pki, _ in self.authorities if at <= now)]
        lists = [self.made.authority.revocation_list(at=now)]
        for pki in begun:
            if now < pki.root.not_valid_after_utc:
                lists += [pki.revocation_list([], at=now), pki.root_revocation_list(at=now)]
        known = self.made.trust
        return TrustStore(
            anchors=known.anchors,
            service_anchors=known.service_anchors,
            intermediates=[*known.intermediates, *(pki.issuing for pki in begun)],
            crls=lists,
            tsa_anchors=[*known.tsa_anchors, *(pki.root for pki in begun)],
        )

    def renewing(self) -> RenewArchive:
        now = self.clock.now()
        tsa = [tsa for at, _, tsa in self.authorities if at <= now][-1]
        return RenewArchive(tsa.answer, self.trust(), [self.made.authority.revocation_list(at=now)], POLICY)

    def verified(self, data: bytes, policy: Policy = POLICY) -> ArchiveVerdict:
        return verify_archive(data, trust=self.trust(), at=self.clock.now(), policy=policy)


@pytest.fixture
def world() -> World:
    """Return twelve years: authorities of three years each, the second half of them below another root."""
    world = World(an_archive(), SetClock(NOON + DAY))
    pki = world.open_authority(at=NOON, years=3, bits=2048)
    world.open_authority(at=NOON + 2 * YEAR, years=3, bits=2048, pki=pki)
    world.open_authority(at=NOON + 4 * YEAR - 30 * DAY, years=4, bits=3072, pki=pki)
    other = world.open_authority(at=NOON + 7 * YEAR, years=3, bits=3072)
    world.open_authority(at=NOON + 9 * YEAR, years=4, bits=3072, pki=other)
    return world


def broken(verdict: ArchiveVerdict) -> dict[Question, tuple[str, str]]:
    return {
        each.question: (each.code, each.place) for each in verdict.statements if each.answer is Answer.BROKEN
    }


def test_over_twelve_years_a_renewed_archive_holds_and_another_says_what_ended(
    world: World, tmp_path: Path
) -> None:
    made = world.made
    store = open_archives(str(tmp_path))
    store.write("one.asice", made.data)
    renew = RenewStored(store, FreeTurn(), world.renewing, world.clock, within=200 * DAY)

    renewed_at = []
    for _ in range(24):
        if renew():
            renewed_at.append(world.clock.now())
        held = world.verified(store.read("one.asice") or b"")
        assert held.holds, (world.clock.now(), broken(held))
        world.clock.advance(HALF_A_YEAR.total_seconds())

    assert world.clock.now() > NOON + 11.9 * YEAR
    kept = store.read("one.asice") or b""
    verdict = world.verified(kept)
    assert broken(verdict) == {}
    assert verdict.facts["signature_level"] == "B-LTA"
    assert 4 <= len(renewed_at) <= 6  # not each time, only before something ends
    for policy, code in ((ARCHIVE_POLICY, "certificate.expired"), (POLICY, "signature.algorithm_ended")):
        assert broken(world.verified(made.data, policy)) == {
            Question.SIGNATURE: (code, "META-INF/signatures.xml"),
            Question.TIMESTAMP: ("timestamp.expired", "log/head-timestamp.der"),
        }


def test_an_authority_that_ends_as_soon_is_not_asked_over_and_over(world: World, tmp_path: Path) -> None:
    store = open_archives(str(tmp_path))
    renew = RenewStored(store, FreeTurn(), world.renewing, world.clock, within=200 * DAY)
    world.clock.time = NOON + YEAR - 10 * DAY
    store.write("one.asice", world.made.data)
    assert renew() == 1
    world.clock.time = NOON + 2 * YEAR - DAY
    once = store.read("one.asice")
    due = RenewStored(store, FreeTurn(), world.renewing, world.clock, within=2 * YEAR)

    assert due() == 0
    assert store.read("one.asice") == once


def test_while_an_export_writes_nothing_is_renewed(world: World, tmp_path: Path) -> None:
    store, turn = open_archives(str(tmp_path)), FreeTurn()
    store.write("one.asice", world.made.data)
    world.clock.time = NOON + YEAR - 10 * DAY
    renew = RenewStored(store, turn, world.renewing, world.clock, within=200 * DAY)

    turn.is_free = False
    meanwhile = renew()
    unchanged = store.read("one.asice") == world.made.data
    turn.is_free = True

    assert (meanwhile, unchanged) == (0, True)
    assert renew() == 1


def test_a_renewal_does_not_bring_back_what_an_export_replaced(world: World, tmp_path: Path) -> None:
    store, erased = open_archives(str(tmp_path)), world.made.another().data
    store.write("one.asice", world.made.data)
    world.clock.time = NOON + YEAR - 10 * DAY

    def renewing() -> RenewArchive:
        found = world.renewing()

        def answer(request: bytes) -> bytes:
            store.write("one.asice", erased)
            return found.authority(request)

        return replace(found, authority=answer)

    assert RenewStored(store, FreeTurn(), renewing, world.clock, within=200 * DAY)() == 0
    assert store.read("one.asice") == erased


def test_until_its_first_renewal_the_timestamp_on_the_log_ends_too(world: World) -> None:
    tsa_ends = NOON + YEAR  # two years before the service's key

    assert ends_at(world.made.data) == tsa_ends

    world.clock.time = tsa_ends + DAY
    assert broken(world.verified(world.made.data)) == {
        Question.TIMESTAMP: ("timestamp.expired", "log/head-timestamp.der")
    }


def test_it_is_renewed_before_an_algorithm_ends_though_every_certificate_lasts(world: World) -> None:
    once = world.renewing()(world.made.data, at=world.clock.now())
    world.clock.time = NOON + 2 * YEAR + DAY
    renewed = world.renewing()(once, at=world.clock.now())
    small_keys_end = datetime(2031, 1, 1, tzinfo=UTC) - timedelta(hours=7)

    assert ends_at(renewed, POLICY) == small_keys_end
    certificate_ends = ends_at(renewed)
    assert certificate_ends is not None
    assert certificate_ends > small_keys_end

    world.clock.time = small_keys_end - timedelta(seconds=1)
    assert world.verified(renewed).holds
    world.clock.time = small_keys_end
    assert broken(world.verified(renewed))[Question.SIGNATURE][0] == "timestamp.algorithm"
    assert world.verified(renewed, ARCHIVE_POLICY).holds
    with pytest.raises(CannotExtend):
        world.renewing()(renewed, at=world.clock.now())


@pytest.mark.parametrize(
    ("line", "other", "code"),
    [
        pytest.param("sha256 = true", "sha256 = 2027-06-30", "signature.algorithm_ended", id="digest"),
        pytest.param(
            "ecdsa-sha256 = true",
            "ecdsa-sha256 = 2027-06-30",
            "signature.algorithm_ended",
            id="scheme",
        ),
        pytest.param("P-256 = true", "P-256 = 2027-06-30", "signature.algorithm_ended", id="curve"),
    ],
)
def test_what_was_not_renewed_before_its_algorithm_ended_is_named(line: str, other: str, code: str) -> None:
    made, policy = an_archive(), policy_with((line, other))
    end = datetime(2027, 6, 30, 17, tzinfo=UTC)

    before = verify_archive(made.data, trust=made.trust, at=end - timedelta(seconds=1), policy=policy)
    after = verify_archive(made.data, trust=made.trust, at=end, policy=policy)

    assert ends_at(made.data, policy) == end
    assert before.holds, broken(before)
    assert broken(after)[Question.SIGNATURE] == (code, "META-INF/signatures.xml")


@pytest.mark.parametrize(
    ("key", "line", "other"),
    [
        pytest.param(
            lambda: ec.generate_private_key(ec.SECP256R1()),
            "P-256 = true",
            "P-256 = 2027-06-30",
            id="curve",
        ),
        pytest.param(
            lambda: rsa.generate_private_key(65537, 2048),
            "rsa-sha256 = true",
            "rsa-sha256 = 2027-06-30",
            id="scheme",
        ),
    ],
)
def test_a_timestamp_ends_with_what_it_was_computed_with(
    key: Callable[[], ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey], line: str, other: str
) -> None:
    made, policy = an_archive(), policy_with((line, other))
    now = NOON + DAY
    tsa = DemoTsa.create(made.pki, clock=lambda: now, valid_from=NOON, valid_to=NOON + 2 * YEAR, key=key())
    lists = [made.authority.revocation_list(at=now)]
    renewed = RenewArchive(tsa.answer, made.trust, lists, policy)(made.data, at=now)
    end = datetime(2027, 6, 30, 17, tzinfo=UTC)

    assert ends_at(renewed, policy) == end
    assert verify_archive(renewed, trust=made.trust, at=end - timedelta(seconds=1), policy=policy).holds
    after = verify_archive(renewed, trust=made.trust, at=end, policy=policy)
    assert "timestamp.algorithm" in {code for code, _ in broken(after).values()}


@pytest.fixture(scope="module")
def renewed() -> bytes:
    made = an_archive()
    lists = [made.authority.revocation_list(at=later())]
    return RenewArchive(made.tsa.answer, made.trust, lists)(made.data, at=later())


def test_no_byte_of_a_renewed_archive_can_be_damaged(renewed: bytes) -> None:
    made = an_archive()
    step = len(renewed) // 150

    for at in [*range(0, len(renewed), step), *range(len(renewed) - 300, len(renewed), 7)]:
        other = bytearray(renewed)
        other[at] ^= 0x10
        assert not verify_archive(bytes(other), trust=made.trust, at=later(hours=1)).holds, at


@pytest.mark.slow
def test_of_what_renewal_added_nothing_changes_unseen_but_the_last_timestamp(renewed: bytes) -> None:
    """Whoever may write the file can take the last timestamp away again; nothing covers what lies in it."""
    made, entries = an_archive(), read_container(renewed)
    content = entries[SIGNATURES]
    last = content.rindex(b"ArchiveTimeStamp", 0, content.rindex(b"ArchiveTimeStamp") - 1)
    passed = []

    for at in range(content.index(b"UnsignedProperties"), len(content), 97):
        other = bytearray(content)
        other[at] ^= 0x01
        data = write_container({**entries, SIGNATURES: bytes(other)})
        if verify_archive(data, trust=made.trust, at=later(hours=1)).holds:
            passed.append(at)

    assert all(at > last for at in passed), [content[at - 40 : at + 10] for at in passed]
