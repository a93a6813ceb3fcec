"""The log holds one signed record for each transition, in an order that stays, and proves it."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from claims.exchange import keep_log as keep_log_module
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.archive import ArchiveSubmission
from claims.exchange.keep_log import KeepLog, Prove
from claims.exchange.receive import ReceiveBundle
from claims.exchange.submission import Submission, SubmissionId
from claims.proof.archive import HEAD
from claims.proof.container import read_container
from claims.proof.merkle import check_consistency, check_inclusion, leaf_hash
from claims.proof.records import AcceptanceReceipt, Record, TreeHead, token_digest
from claims.proof.verification import verify_archive
from claims.runtime.kept_heads import NAME, FileOfHeads
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.storage.archives import PostgresArchives
from claims.storage.evidence import PostgresLog
from claims.storage.feed import renumber
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.errors import TimestampFailed, TimestampUnusable
from signing.report.report import Report, Terms, report_on
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, Exchange, keep, settle

YEAR_S = 365 * 86400


@pytest.fixture
def keys(exchange: Exchange, tmp_path: Path) -> FolderOfServiceKeys:
    return FolderOfServiceKeys(tmp_path / "evidence-keys", exchange.clock)


@pytest.fixture
def log(exchange: Exchange) -> PostgresLog:
    return PostgresLog(exchange.pool)


@pytest.fixture
def keep_log(exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog) -> KeepLog:
    exchange.receive = ReceiveBundle(exchange.submissions, exchange.jobs, exchange.clock, keys)
    return KeepLog(log, keys, exchange.clock, None, head_every_s=60)


def records(log: PostgresLog, keys: FolderOfServiceKeys, submission_id: SubmissionId) -> list[Record]:
    return [Record.verify(one.token, keys.certificates()) for one in log.records_of(submission_id)]


def test_each_transition_has_its_record_and_each_names_the_one_before(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, keep_log: KeepLog
) -> None:
    submission = exchange.checked()
    exchange.deliver([submission.id])

    keep(keep_log, 3)

    made = records(log, keys, submission.id)
    tokens = [one.token for one in log.records_of(submission.id)]
    assert [one.kind for one in made] == ["received", "checked", "acknowledged"]
    assert [one.previous for one in made] == [None, token_digest(tokens[0]), token_digest(tokens[1])]
    assert {one.sha256 for one in made} == {hashlib.sha256(b"<bundle/>").hexdigest()}
    assert [sorted(one.digests) for one in made] == [
        ["receipt"],
        ["claims", "report"],
        ["attempt", "gateway_receipt"],
    ]


def test_nothing_is_recorded_twice(exchange: Exchange, log: PostgresLog, keep_log: KeepLog) -> None:
    exchange.received()
    keep(keep_log, 1)

    assert keep_log() == 0


def test_two_at_once_record_everything_once(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, keep_log: KeepLog
) -> None:
    submissions = [exchange.received(str(number).encode()).submission for number in range(40)]
    deadline = time.monotonic() + 30

    def keep_on() -> int:
        made = 0
        while time.monotonic() < deadline and sum(len(log.records_of(one.id)) for one in submissions) < 40:
            made += keep_log()
        return made

    with ThreadPoolExecutor(2) as threads:
        made = [one.result() for one in [threads.submit(keep_on) for _ in range(2)]]

    assert sum(made) == 40
    assert [len(records(log, keys, one.id)) for one in submissions] == [1] * 40


def test_what_is_written_late_is_recorded_all_the_same(
    exchange: Exchange, log: PostgresLog, keep_log: KeepLog, database_url: str
) -> None:
    early = exchange.received(b"early").submission
    late = exchange.received(b"late").submission
    keep(keep_log, 2)
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "VALUES (%s, %s, now(), 'x', 'received', 'slow')",
            [early.id, FACILITY],
        )
        exchange.check([late.id])
        assert keep_log() == 0  # nothing after an open transaction is shown yet
        slow.commit()

    keep(keep_log, 2)

    assert [len(log.records_of(one)) for one in (early.id, late.id)] == [2, 2]


def test_after_a_restore_elsewhere_the_rest_is_recorded(
    exchange: Exchange, log: PostgresLog, keep_log: KeepLog, database_url: str
) -> None:
    first = exchange.received(b"1").submission
    keep(keep_log, 1)
    second = exchange.received(b"2").submission
    with psycopg.connect(database_url, autocommit=True) as connection:
        # As if transactions had had higher numbers where the database came from.
        connection.execute("UPDATE event SET tx = (tx::text::bigint + 1000000)::text::xid8")
        connection.execute("UPDATE log_cursor SET tx = (tx::text::bigint + 1000000)::text::xid8")
        renumber(connection)

    keep(keep_log, 1)
    exchange.received(b"3")
    keep(keep_log, 1)

    assert [len(log.records_of(one.id)) for one in (first, second)] == [1, 1]


def test_records_are_proved_to_be_in_a_log_that_has_only_grown(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, keep_log: KeepLog
) -> None:
    with exchange.pool.connection() as connection:
        submission = exchange.received(b"0").submission
        connection.execute(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "SELECT %s, %s, now(), 'x', 'received', 'many' FROM generate_series(1, 699)",
            [submission.id, FACILITY],
        )
    keep(keep_log, 700)
    smaller = log.latest_head()
    exchange.clock.advance(61)
    exchange.received(b"1")
    keep(keep_log, 1)
    larger = log.latest_head()
    assert smaller is not None
    assert larger is not None

    head = TreeHead.verify(larger.token, keys.certificates())
    prove = Prove(log)
    for one in log.records_of(submission.id)[::97]:
        path = prove.inclusion(one.index, 701)
        check_inclusion(leaf_hash(one.token.encode()), one.index, 701, path, head.root)
    path = prove.consistency(700, 701)
    check_consistency(700, 701, path, smaller.head.root, head.root)
    assert head.previous == token_digest(smaller.token)


def test_heads_are_signed_once_a_minute_and_only_when_the_log_has_grown(
    exchange: Exchange, log: PostgresLog, keep_log: KeepLog
) -> None:
    for number, seconds in enumerate((0, 30, 31)):
        exchange.clock.advance(seconds)
        exchange.received(str(number).encode())
        settle(exchange.pool)  # a head of less is due, too, where the last record is not shown yet
        keep(keep_log, 1)
    exchange.clock.advance(600)
    keep_log()

    assert [one.head.size for one in log.heads(after_size=0, limit=9)] == [1, 3]


def test_a_head_a_day_is_time_stamped(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog
) -> None:
    pki = DemoPki.create(at=NOON)
    tsa = DemoTsa.create(pki, clock=exchange.clock.now, valid_from=NOON, valid_to=NOON.replace(year=2030))
    keep_log = KeepLog(log, keys, exchange.clock, tsa.answer, head_every_s=60)
    for number in range(3):
        exchange.received(str(number).encode())
        keep(keep_log, 1)
        exchange.clock.advance(13 * 3600)

    heads = log.heads(after_size=0, limit=9)

    # A day later it is the newest head's turn: the second one's, as long as the third record must wait.
    assert [one.timestamp is not None for one in heads] in ([True, False, True], [True, True, False])
    stamped = read_token(heads[0].timestamp or b"")
    assert stamped.info.digest == hashlib.sha256(heads[0].token.encode()).digest()


def test_an_authority_that_gives_no_timestamp_is_left_alone_for_a_while(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog
) -> None:
    asked = []

    def answer(_: bytes) -> bytes:
        asked.append(exchange.clock.now())
        return b"busy"

    keep_log = KeepLog(log, keys, exchange.clock, answer, head_every_s=60)
    exchange.received()
    keep(replace(keep_log, authority=None), 1)
    for _ in range(9):
        exchange.clock.advance(60)
        with suppress(TimestampFailed):
            keep_log()

    first, second = asked
    assert second - first == timedelta(minutes=5)


def _damaged(answer: bytes) -> bytes:
    return answer[:-1] + bytes([answer[-1] ^ 1])


@pytest.mark.parametrize(
    ("off", "change", "reason"),
    [
        pytest.param(timedelta(0), _damaged, "value_wrong", id="damaged"),
        pytest.param(timedelta(hours=-1), lambda answer: answer, "order", id="clock-behind"),
        pytest.param(timedelta(hours=1), lambda answer: answer, "order", id="clock-ahead"),
    ],
)
def test_a_timestamp_that_nobody_could_believe_is_not_kept(
    exchange: Exchange,
    keys: FolderOfServiceKeys,
    log: PostgresLog,
    off: timedelta,
    change: Callable[[bytes], bytes],
    reason: str,
) -> None:
    tsa = DemoTsa.create(
        DemoPki.create(at=NOON - timedelta(days=1)),
        clock=lambda: exchange.clock.now() + off,
        valid_from=NOON - timedelta(days=1),
        valid_to=NOON.replace(year=2030),
    )
    keep_log = KeepLog(log, keys, exchange.clock, lambda asked: change(tsa.answer(asked)), head_every_s=60)
    exchange.received()
    keep(replace(keep_log, authority=None), 1)
    exchange.clock.advance(61)

    with pytest.raises(TimestampUnusable, match=f"timestamp.{reason}"):
        keep_log()

    assert log.newest_stamped_head() is None


def test_the_receipt_is_the_first_ones_whenever_the_bytes_come_again(
    exchange: Exchange, keys: FolderOfServiceKeys, keep_log: KeepLog
) -> None:
    first = exchange.received(key="k")
    exchange.clock.advance(5)
    again, by_key = exchange.received(), exchange.received(key="k")

    assert first.receipt == again.receipt == by_key.receipt is not None
    receipt = AcceptanceReceipt.verify(first.receipt or "", keys.certificates())
    assert (receipt.submission, receipt.size, receipt.received_at) == (first.submission.id, 9, NOON)


def test_keys_change_and_what_the_old_one_signed_still_counts(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, keep_log: KeepLog
) -> None:
    submission = exchange.received().submission
    keep(keep_log, 1)
    old = keys.current().key_id
    exchange.clock.advance(1)
    keys.rotate()
    exchange.check([submission.id])
    keep(keep_log, 1)

    assert keys.current().key_id != old
    assert [one.kind for one in records(log, keys, submission.id)] == ["received", "checked"]
    assert len(keys.certificates()) == 2
    modes = {path.stat().st_mode & 0o777 for path in keys.folder.iterdir()}
    assert modes == {0o600}


def test_a_head_is_signed_though_more_waits_than_one_turn_takes(
    exchange: Exchange, log: PostgresLog, keep_log: KeepLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_log_module, "_CHUNK", 1)
    monkeypatch.setattr(keep_log_module, "_MOST_CHUNKS", 2)
    for number in range(5):
        exchange.received(b"<b%d/>" % number)

    keep(keep_log, 2)
    head = log.latest_head()

    assert head is not None
    assert head.head.size == 2


def test_a_head_that_was_signed_for_an_archive_is_kept_outside_of_the_database_too(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, tmp_path: Path
) -> None:
    kept = FileOfHeads(tmp_path / NAME)
    keep_log = KeepLog(log, keys, exchange.clock, None, 60, kept)
    exchange.received(b"<a/>")
    keep(keep_log, 1)
    exchange.received(b"<b/>")
    keep(keep_log, 1)

    head = log.sign_head(keys.current(), now=exchange.clock.now())
    keep_log()

    assert head is not None
    assert kept.tokens() == [head.token]


def test_an_archive_is_whole_though_the_first_timestamp_over_its_records_has_ended(
    exchange: Exchange, keys: FolderOfServiceKeys, log: PostgresLog, keep_log: KeepLog
) -> None:
    pki, ids, heads = DemoPki.create(at=NOON), [], []
    trust = TrustStore(anchors=[], service_anchors=keys.chain()[-1:], tsa_anchors=[pki.root])
    archives = PostgresArchives(exchange.pool)

    def report(bundle: bytes, submission: Submission, _trust: str | None) -> Report:
        return report_on(bundle, Terms(trust=trust, at=submission.received_at, facility=submission.facility))

    archive = ArchiveSubmission(archives, log, keys, exchange.clock, report, keep_log)
    for number in range(3):
        began = exchange.clock.advance(number * YEAR_S)
        tsa = DemoTsa.create(
            pki, clock=exchange.clock.now, valid_from=began, valid_to=began + timedelta(days=500)
        )
        received = exchange.receive(b"<b%d/>" % number, facility=FACILITY, actor="test")
        ids.append(received.submission.id)
        keep(replace(keep_log, authority=tsa.answer), 1)
        data = archive(ids[0], within=EVERYWHERE)
        heads.append(TreeHead.read(read_container(data)[HEAD].decode().strip()).size)
        verdict = verify_archive(data, trust=trust, at=exchange.clock.now())
        assert verdict.holds, verdict.statements

    assert heads == [1, 1, 3]
    exchange.clock.advance(2 * YEAR_S)
    keys.rotate()
    verdict = verify_archive(archive(ids[0], within=EVERYWHERE), trust=trust, at=exchange.clock.now())
    assert (verdict.holds, "timestamped_at" in verdict.facts) == (True, False), verdict.statements
