"""Contents move to a store of objects, are read from there as before, and none is lost on the way."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from claims.exchange.access.places import EVERYWHERE
from claims.exchange.errors import CannotErase, ContentsUnavailable, SubmissionNotFound
from claims.exchange.lifecycle import State
from claims.exchange.ports import Origin
from claims.exchange.submission import Event, EventKind, SubmissionId
from claims.runtime.master_keys import FolderOfMasterKeys
from claims.storage.archives import PostgresArchives
from claims.storage.moving import MoveContents, Moved, latest_moved
from claims.storage.objects import ObjectMissing, Objects, name_of
from claims.storage.queue import PostgresSubmissions
from claims.storage.relocking import Relocked, Relocking
from claims.storage.retention import PostgresRetained
from claims.storage.vault import UnreadableContent, Vault
from tests.fakes import NOON
from tests.integration.bucket import serve_bucket
from tests.integration.conftest import FACILITY, NAMES, Exchange

BODY = b"<bundle>NGUYEN VAN CANARY</bundle>"
ORIGIN = Origin(b'{"name": "NGUYEN VAN CANARY"}', b"[]")


@dataclass
class Store:
    """An exchange whose contents may move to a folder."""

    exchange: Exchange
    folder: Path
    keys: FolderOfMasterKeys

    def __post_init__(self) -> None:
        self.objects = Objects(str(self.folder))
        self.vault = Vault(self.keys, self.objects)
        self.exchange.submissions = PostgresSubmissions(self.exchange.pool, self.vault)
        for case in ("receive", "check", "deliver"):
            object.__setattr__(getattr(self.exchange, case), "submissions", self.exchange.submissions)
        self.move = MoveContents(
            self.exchange.pool, self.objects, self.exchange.clock, timedelta(days=1), 1000.0, lambda _: None
        )

    def delivered(self, body: bytes = BODY, origin: Origin | None = ORIGIN) -> SubmissionId:
        submission = self.exchange.receive(body, facility=FACILITY, actor="test", origin=origin).submission
        self.exchange.check([submission.id])
        self.exchange.deliver([submission.id])
        return submission.id

    def count(self, table: str) -> int:
        with self.exchange.pool.connection() as connection:
            counting = SQL("SELECT count(*) FROM {}").format(Identifier(table))
            row = connection.execute(counting).fetchone()
        return 0 if row is None else int(row[0])

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def store(exchange: Exchange, tmp_path: Path) -> Store:
    return Store(exchange, tmp_path / "store", FolderOfMasterKeys(tmp_path / "keys", os.urandom(32)))


def test_what_has_moved_is_read_as_before(store: Store) -> None:
    submission = store.delivered()
    store.exchange.clock.advance(2 * 86400)

    moved = store.move()

    assert (moved.number, store.count("submission_body"), store.count("origin")) == (1, 0, 0)
    assert store.exchange.submissions.body(submission) == BODY
    assert store.exchange.submissions.trace(submission) == ORIGIN.trace
    kept = PostgresArchives(store.exchange.pool, store.vault).load(submission, within=EVERYWHERE)
    assert (kept.body, kept.origin) == (BODY, ORIGIN)
    assert store.move() == Moved()


def test_it_lies_there_encrypted_and_by_the_digest_of_what_lies_there(store: Store) -> None:
    store.delivered()
    store.exchange.clock.advance(2 * 86400)
    store.move()

    files = store.files()
    assert len(files) == 3
    for file in files:
        content = file.read_bytes()
        assert b"CANARY" not in content
        assert file == store.folder / name_of(hashlib.sha256(content).digest())


def test_only_what_nothing_will_be_done_with_any_more_moves_and_only_in_its_time(store: Store) -> None:
    waiting = store.exchange.receive(b"<waiting/>", facility=FACILITY, actor="test").submission
    store.delivered()
    store.exchange.clock.advance(86400 - 60)
    assert store.move() == Moved()
    store.exchange.clock.advance(120)

    assert store.move.count().number == store.move().number == 1
    assert store.exchange.now(waiting).state is State.RECEIVED
    store.exchange.check([waiting.id])  # it has its body


def test_what_lies_in_the_clear_stays_until_it_is_encrypted(store: Store) -> None:
    store.exchange.submissions = PostgresSubmissions(store.exchange.pool)
    for case in ("receive", "check", "deliver"):
        object.__setattr__(getattr(store.exchange, case), "submissions", store.exchange.submissions)
    store.delivered()
    store.exchange.clock.advance(2 * 86400)
    assert store.move() == Moved()

    assert Relocking(store.exchange.pool, store.vault, NAMES)() == Relocked(encrypted=1)
    assert store.move().number == 1


def test_a_claim_that_a_reviewer_is_about_to_be_shown_stays(store: Store) -> None:
    submission = store.delivered()
    with store.exchange.pool.connection() as connection:
        connection.execute("INSERT INTO review_due (submission_id) VALUES (%s)", [submission])
    store.exchange.clock.advance(2 * 86400)

    assert store.move() == Moved()


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_what_was_changed_or_removed_there_is_not_shown(store: Store, harm: str) -> None:
    submission = store.delivered(origin=None)
    store.exchange.clock.advance(2 * 86400)
    store.move()
    (file,) = store.files()
    *rest, last = file.read_bytes()
    file.unlink() if harm == "removed" else file.write_bytes(bytes([*rest, last ^ 1]))

    with pytest.raises(UnreadableContent, match=harm if harm == "changed" else "not in the store"):
        store.exchange.submissions.body(submission)


def test_a_copy_that_does_not_read_back_is_not_relied_on(store: Store) -> None:
    class Forgetful(Objects):
        def read(self, digest: bytes) -> bytes:
            raise ContentsUnavailable("it is away")

    submission = store.delivered()
    store.exchange.clock.advance(2 * 86400)
    with pytest.raises(ContentsUnavailable):
        replace(store.move, objects=Forgetful(str(store.folder)))()

    assert store.count("submission_body") == 1
    assert store.exchange.submissions.body(submission) == BODY
    assert store.move().number == 1
    assert len(store.files()) == 3, "the copies of before are the same ones"


def test_what_was_encrypted_anew_meanwhile_is_not_deleted_for_the_old_copy(store: Store) -> None:
    class Overtaken(Objects):
        def read(self, digest: bytes) -> bytes:
            with store.exchange.pool.connection() as connection:
                connection.execute("UPDATE submission_body SET body = body || '\\x00'")
            return super().read(digest)

    store.delivered()
    store.exchange.clock.advance(2 * 86400)

    assert replace(store.move, objects=Overtaken(str(store.folder)))() == Moved()
    assert (store.count("submission_body"), store.count("moved_content")) == (1, 0)


def test_another_master_key_counts_for_what_has_moved(store: Store) -> None:
    submission = store.delivered()
    store.exchange.clock.advance(2 * 86400)
    store.move()
    store.keys.make(at=NOON)

    assert Relocking(store.exchange.pool, store.vault, NAMES)() == Relocked(rewrapped=1)
    assert store.exchange.submissions.body(submission) == BODY


def test_what_is_erased_goes_from_the_store_too_and_what_is_held_stays(store: Store) -> None:
    retained = PostgresRetained(store.exchange.pool)
    gone, held = store.delivered(), store.delivered(b"<held/>", origin=None)
    store.exchange.clock.advance(2 * 86400)
    store.move()
    why = {"reason": "time is over"}
    now = store.exchange.clock.now()

    retained.hold(held, Event(now, EventKind.HELD, State.ACKNOWLEDGED, "officer", detail=why))
    with pytest.raises(CannotErase):
        retained.erase(held, Event(now, EventKind.ERASED, State.ACKNOWLEDGED, "officer", detail=why))
    retained.erase(gone, Event(now, EventKind.ERASED, State.ACKNOWLEDGED, "officer", detail=why))

    with pytest.raises(SubmissionNotFound):
        store.exchange.submissions.body(gone)
    assert store.exchange.submissions.body(held) == b"<held/>"
    assert store.move.forget_unwanted() == 3
    assert len(store.files()) == 1
    assert store.move.forget_unwanted() == 0


def test_a_bucket_does_as_a_folder_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_bucket() as (endpoint, kept):
        for name, value in {
            "AWS_ENDPOINT": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "ap-southeast-1",
        }.items():
            monkeypatch.setenv(name, value)
        objects = Objects("s3://claims/contents-of-2026")

        digest = objects.keep(b"encrypted")

        assert kept == {f"/claims/contents-of-2026/{name_of(digest)}": b"encrypted"}
        assert objects.read(digest) == b"encrypted"
        kept.update(dict.fromkeys(kept, b"changed"))
        with pytest.raises(ObjectMissing):
            objects.read(digest)
        objects.forget(digest)
        objects.forget(digest)
        with pytest.raises(ObjectMissing):
            objects.read(digest)
        assert kept == {}
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ContentsUnavailable):
        Objects("s3://claims/contents-of-2026").read(digest)


_MOVER = """
import sys
from datetime import timedelta
from claims.runtime.clock import SystemClock
from claims.storage.moving import MoveContents
from claims.storage.objects import Objects
from claims.storage.pool import open_pool

class Clock(SystemClock):
    def now(self):
        return super().now() + timedelta(days=400)

with open_pool(sys.argv[1], max_size=2) as pool:
    print("begins", flush=True)
    MoveContents(pool, Objects(sys.argv[2]), Clock(), timedelta(days=1), 10.0)()
"""


@pytest.fixture
def mover(store: Store, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _MOVER, database_url, str(store.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_killed_in_the_middle_nothing_is_lost_and_the_next_one_goes_on(
    store: Store, mover: subprocess.Popen[bytes]
) -> None:
    bodies = {store.delivered(BODY + b"%d" % number): BODY + b"%d" % number for number in range(60)}
    assert mover.stdout is not None
    mover.stdout.readline()
    for _ in range(3000):
        if store.count("moved_content") >= 5:
            break
        time.sleep(0.01)
    mover.send_signal(signal.SIGKILL)
    mover.wait()

    moved = store.count("moved_content")
    assert 5 <= moved < 60
    assert moved + store.count("submission_body") == 60
    assert {one: store.exchange.submissions.body(one) for one in bodies} == bodies

    store.exchange.clock.advance(400 * 86400)
    assert store.move().number == 60 - moved
    assert {one: store.exchange.submissions.body(one) for one in bodies} == bodies
    # What was copied and not noted was copied to the same place again.
    assert len(store.files()) == 180
    assert latest_moved(store.exchange.pool) is not None
