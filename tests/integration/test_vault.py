"""What submissions say lies encrypted in the database, and everybody who may reads it as it was."""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from claims.exchange.access.places import EVERYWHERE
from claims.exchange.ports import Origin
from claims.exchange.submission import Event, EventKind, SubmissionId
from claims.runtime.master_keys import SEALED, FolderOfMasterKeys
from claims.storage.archives import PostgresArchives
from claims.storage.queue import PostgresSubmissions
from claims.storage.relocking import Relocked, Relocking
from claims.storage.retention import PostgresRetained
from claims.storage.vault import IN_THE_CLEAR, Lock, Part, UnreadableContent, Vault
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, NAMES, Exchange

BODY = b"<bundle>NGUYEN VAN CANARY</bundle>"
ORIGIN = Origin(b'{"name": "NGUYEN VAN CANARY"}', b"[]")


@pytest.fixture
def keys(tmp_path: Path) -> FolderOfMasterKeys:
    return FolderOfMasterKeys(tmp_path / "content-keys", os.urandom(32))


@pytest.fixture
def locked(exchange: Exchange, keys: FolderOfMasterKeys) -> Exchange:
    use(exchange, Vault(keys))
    return exchange


def use(exchange: Exchange, vault: Vault) -> None:
    exchange.submissions = PostgresSubmissions(exchange.pool, vault)
    for case in ("receive", "check", "deliver"):
        object.__setattr__(getattr(exchange, case), "submissions", exchange.submissions)


def add(exchange: Exchange, body: bytes = BODY) -> SubmissionId:
    return exchange.receive(body, facility=FACILITY, actor="test", origin=ORIGIN).submission.id


def stored(exchange: Exchange) -> bytes:
    """Return every byte that the database holds of contents."""
    with exchange.pool.connection() as connection:
        rows = connection.execute(
            "SELECT b.body || coalesce(o.document, '') || coalesce(o.trace, '') FROM submission_body b "
            "LEFT JOIN origin o USING (submission_id)"
        ).fetchall()
    return b"".join(bytes(row[0]) for row in rows)


def run(exchange: Exchange, statement: str, *params: object) -> None:
    with exchange.pool.connection() as connection:
        connection.execute(statement.encode(), params)


def relocking(exchange: Exchange, keys: FolderOfMasterKeys) -> Relocking:
    return Relocking(exchange.pool, Vault(keys), NAMES)


def test_nothing_of_a_content_is_readable_in_the_database(locked: Exchange) -> None:
    submission = add(locked)

    assert b"CANARY" not in stored(locked)
    assert locked.submissions.body(submission) == BODY
    kept = PostgresArchives(locked.pool, locked.submissions.vault).load(submission, within=EVERYWHERE)
    assert (kept.body, kept.origin) == (BODY, ORIGIN)


def test_a_content_takes_less_room_than_it_says(locked: Exchange) -> None:
    body = b"<bundle>" + 1_000 * b"<MA_LK>01012345</MA_LK>" + b"</bundle>"

    submission = add(locked, body)

    assert len(stored(locked)) < len(body) / 4
    assert locked.submissions.body(submission) == body


@pytest.mark.parametrize("content", [b"", b"\0", b"\0LZ4", b"\0LZ4\0LZ4" + bytes(100), os.urandom(70_000)])
def test_any_content_comes_out_as_it_went_in(keys: FolderOfMasterKeys, content: bytes) -> None:
    vault = Vault(keys)
    key = vault.new_key("sub_1")
    assert key is not None

    assert vault.read("sub_1", Part.BODY, key.close(Part.BODY, content), key.lock) == content


def test_what_was_encrypted_without_being_compressed_is_read(keys: FolderOfMasterKeys) -> None:
    vault = Vault(keys)
    data_key, nonce = AESGCM.generate_key(256), os.urandom(12)
    lock = Lock(keys.wrap(keys.current(), data_key, belongs_to="sub_1"), keys.current())
    stored = nonce + AESGCM(data_key).encrypt(nonce, BODY, b"sub_1 body")

    assert vault.read("sub_1", Part.BODY, stored, lock) == BODY


def test_an_encrypted_claim_is_checked_and_delivered_as_it_was(locked: Exchange) -> None:
    submission = add(locked)

    locked.check([submission])
    locked.deliver([submission])

    assert list(locked.gateway.taken) == [hashlib.sha256(BODY).hexdigest()]


def test_what_lay_in_the_clear_is_encrypted_online(exchange: Exchange, keys: FolderOfMasterKeys) -> None:
    ids = [add(exchange, BODY + bytes([number])) for number in range(45)]
    use(exchange, Vault(keys))
    assert exchange.submissions.body(ids[0]) == BODY + b"\0"
    assert relocking(exchange, keys).count() == Relocked(encrypted=45)

    done = relocking(exchange, keys)()

    assert done == Relocked(encrypted=45)
    assert b"CANARY" not in stored(exchange)
    assert [exchange.submissions.body(one) for one in ids] == [BODY + bytes([n]) for n in range(45)]
    assert relocking(exchange, keys)() == Relocked()


def test_after_a_rotation_no_old_key_is_needed(locked: Exchange, keys: FolderOfMasterKeys) -> None:
    before = add(locked)
    ciphertext = stored(locked)
    first = keys.make(at=NOON)
    between = add(locked, BODY + b"2")
    second = keys.make(at=NOON.replace(year=NOON.year + 1))

    done = relocking(locked, keys)()

    assert done == Relocked(rewrapped=2)
    assert keys.current() == second
    (keys.folder / f"{first}.key").unlink()
    use(locked, Vault(FolderOfMasterKeys(keys.folder, os.urandom(32))))  # another sealing key
    assert locked.submissions.body(before) == BODY
    assert locked.submissions.body(between) == BODY + b"2"
    assert stored(locked).startswith(ciphertext), "bodies are not written anew"


def test_without_its_master_key_a_content_is_not_readable(locked: Exchange, keys: FolderOfMasterKeys) -> None:
    name = keys.make(at=NOON)
    submission = add(locked)
    shutil.move(keys.folder, keys.folder.with_name("elsewhere"))
    other = Vault(FolderOfMasterKeys(keys.folder.with_name("empty"), os.urandom(32)))

    with pytest.raises(UnreadableContent, match=name):
        PostgresSubmissions(locked.pool, other).body(submission)
    with pytest.raises(UnreadableContent, match="no master keys"):
        PostgresSubmissions(locked.pool, IN_THE_CLEAR).body(submission)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE submission_body b SET body = o.body FROM submission_body o WHERE o.body <> b.body",
        "UPDATE submission_body SET body = set_byte(body, 20, 255 - get_byte(body, 20))",
        "UPDATE submission_body SET body = ''",
        "UPDATE submission_body SET body = (SELECT document FROM origin LIMIT 1)",
        "UPDATE data_key SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20))",
        "UPDATE data_key b SET wrapped = o.wrapped FROM data_key o WHERE o.wrapped <> b.wrapped",
    ],
    ids=["swapped-bodies", "changed-body", "no-body", "another-part", "changed-key", "swapped-keys"],
)
def test_what_was_changed_is_never_taken_for_a_content(locked: Exchange, statement: str) -> None:
    submission = add(locked)
    add(locked, BODY + b"2")
    run(locked, statement)

    with pytest.raises(UnreadableContent):
        locked.submissions.body(submission)
    locked.check([submission])

    assert locked.history(locked.submissions.get(submission, within=EVERYWHERE)) == ["received"]


def test_an_erased_content_stays_gone_even_where_its_row_comes_back(locked: Exchange) -> None:
    submission = add(locked)
    with locked.pool.connection() as connection:
        backup = connection.execute("SELECT body FROM submission_body").fetchone()
    assert backup is not None
    run(locked, "UPDATE submission SET state = 'withdrawn' WHERE id = %s", submission)
    now = locked.submissions.get(submission, within=EVERYWHERE)
    event = Event(
        datetime.now(UTC), EventKind.ERASED, now.state, "test", detail={"reason": "its time is over"}
    )

    PostgresRetained(locked.pool).erase(submission, event)

    run(locked, "INSERT INTO submission_body VALUES (%s, %s)", submission, backup[0])
    with locked.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM data_key").fetchone() == (0,)
    assert b"CANARY" not in locked.submissions.body(submission)


def test_without_a_file_the_sealing_keys_child_wraps(locked: Exchange, keys: FolderOfMasterKeys) -> None:
    add(locked)

    with locked.pool.connection() as connection:
        assert connection.execute("SELECT master FROM data_key").fetchone() == (SEALED,)
    name = keys.make(at=NOON)
    assert (keys.folder / f"{name}.key").stat().st_mode & 0o777 == 0o600
