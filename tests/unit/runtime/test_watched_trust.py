"""The trust folder, read again once its files are others."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

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


def test_a_link_that_leads_nowhere_hides_no_new_list(tmp_path: Path) -> None:
    PKI.write(tmp_path)
    (tmp_path / "crls" / ".#new.crl.txt").symlink_to("operator@host.4711")
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)

    seen = []
    for day in range(1, 4):
        _lay(tmp_path, days=day)
        clock.pass_one()
        seen.append([each.der for each in watched.current().crls])

    assert len({tuple(each) for each in seen}) == 3


def test_a_folder_behind_a_link_is_read_again_when_the_link_leads_elsewhere(tmp_path: Path) -> None:
    """As a cluster lays configuration: `..data` leads to a folder of each version."""
    for version, days in (("..1", 1), ("..2", 2)):
        PKI.write(tmp_path / version)
        _lay(tmp_path / version, days=days)
    (tmp_path / "..data").symlink_to("..1")
    for name in ("anchors", "intermediates", "crls"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)
    first = watched.current()

    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").replace(tmp_path / "..data")
    clock.pass_one()

    assert [len(first.crls), len(watched.current().crls)] == [1, 1]
    assert watched.current().crls[0].der != first.crls[0].der


def test_a_copy_that_says_the_time_of_its_original_is_seen(tmp_path: Path) -> None:
    PKI.write(tmp_path)
    _lay(tmp_path, days=1)
    path = tmp_path / "crls" / "new.crl"
    before = path.stat()
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)
    first = watched.current()

    _lay(tmp_path, days=2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.pass_one()

    assert path.stat().st_size == before.st_size
    assert watched.current().crls[0].der != first.crls[0].der


def test_what_could_not_be_read_is_tried_again_though_no_file_changes(tmp_path: Path) -> None:
    """A disk that did not answer leaves every file as it was."""
    PKI.write(tmp_path)
    clock = Minutes()
    watched = WatchedTrust(tmp_path, clock)
    _lay(tmp_path, days=1, most=100)

    with capture_logs() as logs:
        for _ in range(3):
            clock.pass_one()
            watched.current()

    assert [each["event"] for each in logs] == ["trust.unreadable"] * 3


def test_nothing_starts_without_an_anchor(tmp_path: Path) -> None:
    with pytest.raises(TrustStoreUnreadable):
        WatchedTrust(tmp_path)


def _lay(folder: Path, *, days: int, most: int | None = None) -> None:
    (folder / "crls").mkdir(parents=True, exist_ok=True)
    data = PKI.revocation_list([], at=NOON + timedelta(days=days)).public_bytes(Encoding.DER)
    (folder / "crls" / "new.crl").write_bytes(data[:most])
