"""A key opens what it is for, while it is live, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from claims.exchange.access.errors import AccessDenied, TooManyKeys, UnknownKey
from claims.exchange.access.keys import ApiKey, Authenticate, IssueKey, RotateKey, Scope
from claims.exchange.submission import FacilityCode
from tests.fakes import NOON, SetClock


@dataclass
class KeysInMemory:
    kept: dict[str, ApiKey] = field(default_factory=dict)

    def find(self, key_id: str) -> ApiKey | None:
        return self.kept.get(key_id)

    def add(self, key: ApiKey) -> None:
        self.kept[key.id] = key

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        self.kept[key_id] = replace(self.kept[key_id], revoked_at=at)
        return True

    def replace(self, key_id: str, new: ApiKey, *, ends_at: datetime, most: int) -> bool:
        line = [one for one in self.kept.values() if new.line in (one.id, one.line)]
        if sum(one.is_live(new.created_at) for one in line) >= most:
            return False
        self.add(new)
        self.kept[key_id] = replace(self.kept[key_id], expires_at=ends_at)
        return True

    def of_facility(self, facility: FacilityCode | None) -> list[ApiKey]:
        return [key for key in self.kept.values() if key.facility == facility]

    def note_use(self, key_id: str, *, at: datetime) -> None:
        self.kept[key_id] = replace(self.kept[key_id], last_used_at=at)


@pytest.fixture
def keys() -> KeysInMemory:
    return KeysInMemory()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def issue(keys: KeysInMemory, clock: SetClock, expires_at: datetime | None = None) -> str:
    return IssueKey(keys, clock)(
        facility=FacilityCode("99001"),
        scopes=frozenset({Scope.SUBMIT}),
        label="billing",
        expires_at=expires_at,
    )


def test_a_key_stands_for_its_facility_and_scopes(keys: KeysInMemory, clock: SetClock) -> None:
    text = issue(keys, clock)

    principal = Authenticate(keys, clock)(text)

    assert principal.allowed("submission.submit").own_facility() == "99001"
    principal.allowed("submission.submit")
    with pytest.raises(AccessDenied):
        principal.allowed("replay.start")


def test_the_secret_is_kept_nowhere(keys: KeysInMemory, clock: SetClock) -> None:
    secret = issue(keys, clock).split("_")[2]

    assert secret not in repr(keys.kept)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[:-1], id="cut-short"),
        pytest.param(lambda text: text + "0", id="too-long"),
        pytest.param(lambda text: text.replace("ehs_", "xyz_"), id="another-prefix"),
        pytest.param(lambda text: "ehs_000000000000_" + text.split("_")[2], id="unknown-id"),
        pytest.param(lambda _text: "", id="empty"),
        pytest.param(lambda _text: "ehs_'; DROP TABLE api_key; --_x", id="nonsense"),
    ],
)
def test_nothing_but_the_whole_key_opens(
    keys: KeysInMemory, clock: SetClock, spoil: Callable[[str], str]
) -> None:
    text = issue(keys, clock)

    with pytest.raises(UnknownKey):
        Authenticate(keys, clock)(spoil(text))


def test_a_key_that_has_expired_opens_nothing(keys: KeysInMemory, clock: SetClock) -> None:
    text = issue(keys, clock, expires_at=NOON + timedelta(hours=1))

    clock.advance(3600)

    with pytest.raises(UnknownKey):
        Authenticate(keys, clock)(text)


def test_a_revoked_key_opens_nothing(keys: KeysInMemory, clock: SetClock) -> None:
    text = issue(keys, clock)

    keys.revoke(text.split("_")[1], at=NOON)

    with pytest.raises(UnknownKey):
        Authenticate(keys, clock)(text)


def test_a_rotated_key_and_its_successor_both_open_until_the_overlap_ends(
    keys: KeysInMemory, clock: SetClock
) -> None:
    old = issue(keys, clock)
    authenticate = Authenticate(keys, clock)
    rotate = RotateKey(keys, clock)

    new = rotate(old.split("_")[1], overlap=timedelta(hours=1))

    assert authenticate(old).grants == authenticate(new).grants
    clock.advance(3600)
    assert authenticate(new).grants
    with pytest.raises(UnknownKey):
        authenticate(old)


def test_a_third_key_waits_until_the_first_has_ended(keys: KeysInMemory, clock: SetClock) -> None:
    first = issue(keys, clock).split("_")[1]
    rotate = RotateKey(keys, clock)
    second = rotate(first, overlap=timedelta(hours=1)).split("_")[1]

    for key_id in (first, second):
        with pytest.raises(TooManyKeys):
            rotate(key_id, overlap=timedelta(hours=1))
    clock.advance(3600)

    assert rotate(second, overlap=timedelta(hours=1))


def test_a_key_that_ended_is_not_rotated(keys: KeysInMemory, clock: SetClock) -> None:
    key_id = issue(keys, clock).split("_")[1]
    keys.revoke(key_id, at=NOON)

    with pytest.raises(UnknownKey):
        RotateKey(keys, clock)(key_id, overlap=timedelta(hours=1))
