"""Archives in a store are renewed one after the other, whatever becomes of one."""

from datetime import timedelta

from obstore.store import MemoryStore
from structlog.testing import capture_logs

from claims.proof.renewal import RenewArchive, ends_at
from claims.runtime.archive_store import ArchiveStore, ArchiveStoreFailed
from claims.runtime.renewing import CURSOR, RenewStored
from signing.demo_tsa import DemoTsa
from tests.archives import an_archive
from tests.fakes import NOON, SetClock


class Store(ArchiveStore):
    """One in memory, whose first object lies where it cannot be read at once."""

    def read(self, name: str) -> bytes | None:
        if name == "a.asice":
            raise ArchiveStoreFailed(name, "the store answers InvalidObjectState")
        return super().read(name)


class Turn:
    """Nobody else writes there."""

    def is_mine(self) -> bool:
        return True

    def give_up(self) -> None:
        return


def test_an_archive_that_cannot_be_read_keeps_none_behind_it_back() -> None:
    made = an_archive()
    store = Store("memory", MemoryStore())
    for name in ("a.asice", "b.asice"):
        store.write(name, made.data)
    at = NOON + timedelta(days=1)
    tsa = DemoTsa.create(made.pki, clock=lambda: at, valid_from=NOON, valid_to=NOON + timedelta(days=2 * 365))
    lists = [made.authority.revocation_list(at=at)]
    due = RenewStored(
        store,
        Turn(),
        lambda: RenewArchive(tsa.answer, made.trust, lists),
        SetClock(at),
        within=timedelta(days=4 * 365),
    )

    with capture_logs() as logs:
        renewed = due()

    assert renewed == 1
    assert store.read(CURSOR) == b"", "the pass came to its end"
    assert ends_at(store.read("b.asice") or b"") != ends_at(made.data)
    assert [(each["event"], each["archive"]) for each in logs] == [
        ("archive.renewal_failed", "a.asice"),
        ("archive.renewed", "b.asice"),
    ]
