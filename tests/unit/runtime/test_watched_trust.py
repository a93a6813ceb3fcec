"""The trust folder, read again once its files are others."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from claims.runtime.watched_trust import WatchedTrust
from signing.demo_pki import DemoPki
from signing.errors import TrustStoreUnreadable
from tests.fakes import NOON

PKI = DemoPki.create(at=NOON)


class Minutes:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s

    def pass_one(self) -> None:
        self.s += 60


def test_a_new_list_counts_without_a_restart(tmp_path: Path) -> None:
    PKI.write(tmp_path)
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)
    first = watched.current()

    clock.pass_one()
    assert watched.current() is first
    _lay(tmp_path, days=1)
    assert watched.current() is first, "it was looked at a moment ago"
    clock.pass_one()
    second = watched.current()
    _lay(tmp_path, days=2)
    clock.pass_one()
    third = watched.current()

    assert [len(each.crls) - len(first.crls) for each in (second, third)] == [1, 1]
    assert second.crls != third.crls
    assert watched.current() is third is watched.loaded


def test_a_folder_that_cannot_be_read_changes_nothing_until_it_can(tmp_path: Path) -> None:
    PKI.write(tmp_path)
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)
    first = watched.current()

    _lay(tmp_path, days=1, most=100)
    for _ in range(2):
        clock.pass_one()
        assert watched.current() is first
    _lay(tmp_path, days=1)
    clock.pass_one()

    assert len(watched.current().crls) == len(first.crls) + 1


def test_nothing_starts_without_an_anchor(tmp_path: Path) -> None:
    with pytest.raises(TrustStoreUnreadable):
        WatchedTrust(tmp_path)


def _lay(folder: Path, *, days: int, most: int | None = None) -> None:
    (folder / "crls").mkdir(exist_ok=True)
    data = PKI.revocation_list([], at=NOON + timedelta(days=days)).public_bytes(Encoding.DER)
    (folder / "crls" / "new.crl").write_bytes(data[:most])
