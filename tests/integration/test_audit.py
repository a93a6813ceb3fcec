"""The audit finds every row that was changed, removed or dated back, and nothing where nothing was."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from claims.bundle.findings import Finding, Severity
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.lifecycle import State
from claims.exchange.submission import Event, EventKind
from claims.proof.audit_words import SENTENCES
from claims.proof.errors import BrokenToken
from claims.proof.keys import Authority
from claims.proof.records import HEAD_KIND, RECORD_KIND, Record, TreeHead
from claims.proof.tokens import read_token
from claims.storage.audit import replay
from claims.storage.audit_submissions import SUBMISSIONS
from claims.storage.faults import Fault
from claims.storage.retention import PostgresRetained
from claims.storage.row_chain import note_claims, row_faults
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, Exchange, keep
from tests.integration.evidence import Installation
from tests.integration.test_replay import replay_all


@pytest.fixture
def installation(exchange: Exchange, tmp_path: Path) -> Installation:
    return Installation(exchange, tmp_path / "evidence-keys")


def test_nothing_is_found_where_nothing_was_done(installation: Installation) -> None:
    assert installation.faults() == set()


def test_a_key_that_is_not_here_is_said_once_for_all_its_records_and_heads(
    installation: Installation,
) -> None:
    with installation.exchange.pool.connection() as connection:
        ((records,),) = connection.execute("SELECT count(*) FROM evidence").fetchall()
        ((heads,),) = connection.execute("SELECT count(*) FROM tree_head").fetchall()
        ((token,),) = connection.execute("SELECT record FROM evidence LIMIT 1").fetchall()
    key_id, _ = read_token(token, kind=RECORD_KIND)

    found = list(replace(installation.audit, certificates=dict)())

    assert heads > 1
    assert found == [
        Fault("evidence.key_missing", "evidence", f"{key_id} ({records})"),
        Fault("tree_head.key_missing", "tree_head", f"{key_id} ({heads})"),
    ]


def test_what_a_lost_key_signed_before_the_present_one_is_compared_all_the_same(
    installation: Installation,
) -> None:
    other = installation.exchange
    lost = installation.keys.current().key_id
    received = other.receive(b"<another/>", facility=FACILITY, actor="key_1").submission
    installation.keys.rotate()
    keep(installation.keep_log, 1)
    kept = {name: one for name, one in installation.keys.certificates().items() if name != lost}

    def found() -> set[str]:
        return {fault.code for fault in replace(installation.audit, certificates=lambda: kept)()}

    assert found() == {"evidence.key_missing", "tree_head.key_missing"}
    installation.run("UPDATE submission SET size = 1 WHERE id = %s", received.id)
    assert "submission.changed" in found()


CASES = [
    ("UPDATE submission SET facility = '99002'", "submission.changed"),
    ("UPDATE submission SET received_at = received_at - interval '1 day'", "submission.changed"),
    ("UPDATE submission SET size = size + 1", "submission.changed"),
    ("UPDATE submission SET state = 'rejected'", "submission.changed"),
    ("UPDATE submission SET ma_giao_dich = 'GD9'", "submission.changed"),
    ("UPDATE submission SET sha256 = sha256('x')", "submission.changed"),
    ("UPDATE submission_body SET body = '<other/>'", "submission_body.changed"),
    ("DELETE FROM submission_body", "submission_body.missing"),
    ("UPDATE event SET at = at - interval '1 day' WHERE kind = 'checked'", "event.changed"),
    ("UPDATE event SET actor = 'other' WHERE kind = 'received'", "event.changed"),
    ("UPDATE event SET detail = '{}' WHERE kind = 'acknowledged'", "event.changed"),
    ("UPDATE event SET digests = '{}' WHERE kind = 'checked'", "event.changed"),
    ("UPDATE event SET facility = '99002' WHERE kind = 'checked'", "event.changed"),
    ("DELETE FROM event WHERE kind = 'checked'", "event.missing"),
    (
        (
            "INSERT INTO event (submission_id, facility, at, kind, state, actor, tx) "
            "SELECT id, facility, received_at, 'x', 'received', 'x', '1' FROM submission"
        ),
        "event.not_logged",
    ),
    ("UPDATE report SET findings = '[]'", "report.changed"),
    ("UPDATE report SET checked_at = checked_at - interval '1 day'", "report.changed"),
    ("DELETE FROM report", "report.changed"),
    ("UPDATE claim SET summary = jsonb_set(summary, '{t_bhtt}', '\"1\"')", "claim.changed"),
    ("UPDATE claim SET ma_lk = 'LK2'", "claim.changed"),
    ("UPDATE claim SET summary = '{}'", "claim.changed"),
    ("UPDATE claim SET summary = '[]'", "claim.changed"),
    ("UPDATE submission SET superseded_by = id", "submission.changed"),
    ("UPDATE legal_hold SET released_at = placed_at", "legal_hold.changed"),
    ("UPDATE legal_hold SET reason = 'none'", "legal_hold.changed"),
    ("DELETE FROM legal_hold", "legal_hold.changed"),
    ("INSERT INTO erasure SELECT id, received_at, 'x', 'x' FROM submission", "erasure.changed"),
    ("UPDATE claim SET record_class = 'accident'", "row.changed"),
    ("UPDATE registration_event SET since = since - interval '1 day'", "row.changed"),
    ("DELETE FROM review_message", "row.missing"),
    (
        (
            "SET LOCAL session_replication_role = replica; INSERT INTO review_step "
            "(review_id, at, actor, kind) SELECT review_id, at, 'x', 'x' FROM review_step LIMIT 1"
        ),
        "row.unnoted",
    ),
    ("DELETE FROM log_cursor", "log_cursor.changed"),
    ("UPDATE log_cursor SET seq = 0", "log_cursor.changed"),
    ("DELETE FROM claim", "claim.changed"),
    ("UPDATE receipt SET ma_giao_dich = 'GD9'", "receipt.changed"),
    ("UPDATE receipt SET answer = '{}'", "receipt.changed"),
    ("UPDATE receipt SET noted_at = noted_at - interval '1 day'", "receipt.changed"),
    ("DELETE FROM receipt", "receipt.changed"),
    ("UPDATE attempt SET answer = '{}'", "attempt.changed"),
    ("UPDATE attempt SET started_at = started_at - interval '1 day'", "attempt.changed"),
    ("UPDATE attempt SET ended_at = ended_at - interval '1 day'", "attempt.changed"),
    ("DELETE FROM attempt", "attempt.changed"),
    (
        (
            "INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome) "
            "SELECT submission_id, 2, started_at, ended_at, outcome FROM attempt"
        ),
        "attempt.extra",
    ),
    ("UPDATE signed_receipt SET token = token || 'x'", "signed_receipt.changed"),
    ("DELETE FROM signed_receipt", "signed_receipt.changed"),
    ("UPDATE reception_fault SET errors = '[]'", "reception.changed"),
    ("DELETE FROM reception_fault", "reception.changed"),
    ('UPDATE assessment SET document = document || \'{"granted_vnd": "99"}\'', "assessment.changed"),
    ("DELETE FROM assessment", "assessment.changed"),
    ("UPDATE review SET approved = 100", "decision.changed"),
    ("UPDATE review SET decided_by = 'other'", "decision.changed"),
    ("UPDATE review_cut SET amount = 20", "decision.changed"),
    (
        "SET LOCAL session_replication_role = replica; DELETE FROM review_cut; DELETE FROM review",
        "decision.changed",
    ),
    ("UPDATE origin SET document = '[]'", "origin.changed"),
    ("DELETE FROM origin", "origin.changed"),
    ("UPDATE evidence SET record = record || 'x' WHERE index = 7", "evidence.changed"),
    ("UPDATE evidence SET submission_id = 'sub_x' WHERE index = 7", "evidence.chain"),
    ("DELETE FROM evidence WHERE index = 7", "evidence.missing"),
    ("DELETE FROM evidence WHERE index > 300", "evidence.missing"),
    ("UPDATE log_tile SET hashes = set_byte(hashes, 0, 255 - get_byte(hashes, 0))", "log_tile.changed"),
    ("UPDATE log_tile SET root = sha256('x')", "log_tile.changed"),
    ("DELETE FROM log_tile", "log_tile.changed"),
    ("UPDATE tree_head SET token = token || 'x' WHERE size > 1", "tree_head.changed"),
    ("UPDATE tree_head SET at = at - interval '1 day' WHERE size > 1", "tree_head.changed"),
    ("DELETE FROM head_timestamp; DELETE FROM tree_head WHERE size = 1", "tree_head.missing"),
    ("DELETE FROM head_timestamp; DELETE FROM tree_head", "tree_head.missing"),
    ("TRUNCATE tree_head CASCADE", "tree_head.missing"),
    ("UPDATE head_timestamp SET token = 'x'", "head_timestamp.changed"),
    ("UPDATE trust_material SET content = content || 'x'", "trust_material.changed"),
    ("DELETE FROM trust_material WHERE content LIKE '{%'", "trust_material.missing"),
    ("DELETE FROM trust_material WHERE content NOT LIKE '{%'", "trust_material.missing"),
    (
        (
            "INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at) "
            "SELECT id || 'X', facility, sha256('x'), 1, state, received_at, updated_at FROM submission"
        ),
        "submission.extra",
    ),
]
#: What was erased is put in again: rows of a submission that is there, under the id of one that was erased.
BACK: Mapping[str, str] = {
    "submission_body": "submission_body.extra",
    "origin": "origin.changed",
    "report": "report.changed",
    "claim": "claim.changed",
    "reception_fault": "reception.changed",
    "assessment": "assessment.changed",
    "review": "decision.changed",
}


@pytest.mark.slow
def test_it_finds_every_row_that_was_touched(installation: Installation) -> None:
    missed = []
    for statement, code in CASES:
        with (
            installation.exchange.pool.connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(statement.encode())
            found = {fault.code for fault in replay(connection, installation.keys.certificates())}
        if code not in found:
            missed.append((statement, code, found))

    assert missed == []
    assert {code for _, code in CASES} >= SENTENCES.keys() - {
        "event.back_dated",
        "evidence.key_missing",
        "tree_head.key_missing",
        "log.rewritten",
        "submission.missing",
        "submission_body.extra",
        # Of chains below, and in tests/unit/storage/test_chains.py.
        *(code for code in SENTENCES if code.startswith("chain.")),
    }


@pytest.mark.slow
def test_it_finds_what_was_erased_and_is_there_again(installation: Installation) -> None:
    other = installation.exchange
    erased = other.checked(b"<erased/>").id
    other.deliver([erased])
    event = Event(other.clock.now(), EventKind.ERASED, State.ACKNOWLEDGED, "a", detail={"reason": "old"})
    PostgresRetained(other.pool).erase(erased, event)
    keep(installation.keep_log, 4)
    assert installation.faults() == set()

    found = {}
    for table in BACK:
        with other.pool.connection() as connection, connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL session_replication_role = replica")
            name = sql.Identifier(table)
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE again AS SELECT * FROM {}").format(name))
            connection.execute("UPDATE again SET submission_id = %s", [erased])
            if table == "review":
                connection.execute("UPDATE again SET id = id + 1")
            again = sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM again")
            connection.execute(again.format(name))
            found[table] = {fault.code for fault in replay(connection, installation.keys.certificates())}

    assert {table: code for table, code in BACK.items() if code not in found[table]} == {}, found


def test_it_finds_a_submission_that_was_removed_whole(installation: Installation) -> None:
    installation.run(
        "TRUNCATE submission, submission_body, event, report, claim, receipt, attempt, signed_receipt, "
        "origin CASCADE"
    )

    assert "submission.missing" in installation.faults()


def test_it_finds_what_is_dated_back_although_it_was_logged(installation: Installation) -> None:
    installation.run(
        "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
        "SELECT id, facility, received_at - interval '1 day', 'withdrawn', 'acknowledged', 'x' "
        "FROM submission"
    )
    keep(installation.keep_log, 1)

    assert installation.faults() == {"event.back_dated"}


def test_a_log_that_was_written_anew_is_another_than_the_head_that_was_kept(
    installation: Installation,
) -> None:
    installation.exchange.clock.advance(61)
    installation.keep_log()  # a head of the whole log
    head = installation.log.latest_head()
    assert head is not None
    key = installation.keys.current()
    records = installation.log.records_of(installation.id)
    record = Record.verify(records[-1].token, installation.keys.certificates())
    forged = Record(**{name: getattr(record, name) for name in Record.__slots__} | {"actor": "forger"})
    installation.run("UPDATE evidence SET record = %s WHERE index = %s", forged.sign(key), records[-1].index)
    installation.run("UPDATE event SET actor = 'forger' WHERE seq = %s", record.sequence)
    installation.run("DELETE FROM head_timestamp")
    installation.run("DELETE FROM tree_head WHERE size > 1")  # no record names those yet

    # Whoever holds the key and the database can forge; who kept a head, or a timestamp, sees it.
    assert installation.faults() == {"row.missing"}  # the timestamp's
    assert installation.faults(head.token) == {"log.rewritten", "row.missing", "tree_head.missing"}


@pytest.mark.attack
def test_a_chain_that_was_written_anew_is_another_than_the_heads_say(installation: Installation) -> None:
    installation.run(
        "SET LOCAL session_replication_role = replica; SET LOCAL timezone = 'UTC'; "
        "UPDATE registration_event SET since = since - interval '9 days'; "
        "INSERT INTO row_pending (relation, key, submission_id, at, row_digest) "
        "SELECT relation, key, submission_id, at, coalesce((SELECT row_digest(to_jsonb(a)) "
        "FROM registration_event a WHERE relation = 'registration_event'), row_digest) "
        "FROM row_chain ORDER BY position; DELETE FROM row_chain; SELECT chain_rows(1000)"
    )

    assert installation.faults() == {"chain.other_head"}


@pytest.mark.attack
def test_a_row_that_is_added_with_an_earlier_day_is_dated_back(installation: Installation) -> None:
    installation.run(
        "INSERT INTO registration_event (facility, sha256, change, since, noted_at, noted_by, reason) "
        "SELECT facility, sha256, 'suspended', since, noted_at - interval '1 day', 'x', 'x' "
        "FROM registration_event"
    )
    installation.keep_log()

    assert installation.faults() == {"chain.back_dated"}


def test_a_head_from_before_there_were_chains_holds(installation: Installation) -> None:
    newest = installation.log.latest_head()
    assert newest is not None
    old = replace(newest.head, chains={}).sign(installation.keys.current())
    installation.run("UPDATE tree_head SET token = %s WHERE size = %s", old, newest.head.size)

    assert "chains" not in read_token(old, kind=HEAD_KIND)[1]
    assert installation.faults() == set()


def test_claims_whose_classes_become_known_are_noted_again(exchange: Exchange) -> None:
    received = exchange.received(b"<old/>").submission

    def say(classes: str | None) -> set[str]:
        connection.execute("UPDATE claim SET classes = %s", [classes])
        note_claims(connection, received.id, [1])
        return {fault.code for fault in row_faults(connection)}

    with exchange.pool.connection() as connection:
        connection.execute(
            "INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary) "
            "SELECT id, 1, facility, 'LK1', '{}' FROM submission"
        )
        assert say("{hiv}") == set()
        assert say("{}") == {"row.changed"}  # once, and no other way


@pytest.mark.attack
@pytest.mark.parametrize(
    ("table", "key", "change"),
    [
        ("registration_event", "id::text", "since = since - interval '9 days'"),
        ("review_message", "seq::text", "body = 'other'"),
        ("review_step", "seq::text", "actor = 'other'"),
        ("claim", "submission_id || ' ' || ordinal", "record_class = 'accident'"),
        ("head_timestamp", "size::text", "made_at = made_at + interval '1 second'"),
    ],
)
def test_a_row_that_was_changed_is_not_put_right_by_noting_it_again(
    installation: Installation, table: str, key: str, change: str
) -> None:
    statement = (
        "SET LOCAL session_replication_role = replica; SET LOCAL timezone = 'UTC'; UPDATE {0} SET {2}; "
        "INSERT INTO row_pending (relation, key, row_digest) "
        "SELECT '{0}', {1}, row_digest(to_jsonb(a)) FROM {0} a"
    )
    installation.run(statement.format(table, key, change))
    installation.keep_log()

    assert installation.faults() == {"row.changed"}


@pytest.mark.attack
def test_an_event_that_the_log_cannot_come_to_hides_nothing(installation: Installation) -> None:
    installation.run(
        "UPDATE report SET findings = '[]'; INSERT INTO event "
        "(submission_id, facility, at, kind, state, actor, tx) SELECT id, facility, received_at, 'replayed', "
        "'acknowledged', 'x', '9000000000000000000' FROM submission"
    )
    installation.keep_log()

    assert "event.not_logged" in installation.faults()


@pytest.mark.attack
@pytest.mark.parametrize(
    "table",
    [
        "assessment", "attempt", "claim", "legal_hold", "origin", "receipt", "reception_fault", "report",
        "review", "signed_receipt", "submission_body",
    ],
)  # fmt: skip
def test_rows_of_a_submission_that_there_is_none_of_are_found(installation: Installation, table: str) -> None:
    with (
        installation.exchange.pool.connection() as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("SET LOCAL session_replication_role = replica")
        name = sql.Identifier(table)
        connection.execute(sql.SQL("UPDATE {} SET submission_id = 'sub_none'").format(name))
        found = list(replay(connection, installation.keys.certificates()))

    assert Fault("row.unnoted", table, "sub_none 1" if table == "claim" else "sub_none") in found


def test_cuts_of_a_review_that_there_is_none_of_are_found(installation: Installation) -> None:
    installation.run(
        "SET LOCAL session_replication_role = replica; INSERT INTO review_cut "
        "(review_id, seq, table_kind, row_number, amount, reason, note) VALUES (9, 1, 'XML2', 1, 1, 'x', '')"
    )

    assert installation.faults() == {"row.unnoted"}


@pytest.mark.attack
@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        pytest.param("DELETE FROM tree_head WHERE size > 9", {"tree_head.missing"}, id="newest-head"),
        pytest.param(
            "DELETE FROM tree_head WHERE size > 9; DELETE FROM evidence WHERE index > 8; DELETE FROM event "
            "WHERE seq > 9; DELETE FROM log_tile; UPDATE log_cursor SET seq = 9",
            {"tree_head.missing", "evidence.missing"},
            id="end-of-the-log",
        ),
    ],
)
def test_what_no_record_has_followed_is_missed_by_the_head_outside_of_the_database(
    installation: Installation, statement: str, codes: set[str]
) -> None:
    audit = replace(installation.audit, kept=installation.kept.tokens)
    installation.exchange.clock.advance(61)
    installation.keep_log()
    assert list(audit()) == []

    installation.run(f"SET LOCAL session_replication_role = replica; {statement}")
    assert {fault.code for fault in audit()} >= codes

    # Nor is it forgotten when the log goes on.
    installation.exchange.received(b"<next/>")
    installation.exchange.clock.advance(61)
    keep(installation.keep_log, 1)
    assert {fault.code for fault in audit()} >= codes


@pytest.mark.parametrize("later", [("LK7B", "LK8"), ("LK7B",), ()], ids=["other", "fewer", "none"])
def test_what_a_later_check_reads_in_the_same_bytes_takes_the_place_of_what_was_read(
    installation: Installation, later: tuple[str, ...]
) -> None:
    exchange, body = installation.exchange, b"<again/>"
    exchange.checker.claims[body] = ("LK7", "LK8")
    exchange.checker.findings[body] = (Finding("XML1.X", Severity.CRITICAL),)
    submission = exchange.checked(body)
    keep(installation.keep_log, 2)
    exchange.checker.claims[body] = later
    exchange.checker.findings[body] = ()

    replay_all(exchange)
    exchange.check([submission.id])
    keep(installation.keep_log, 2)

    assert exchange.submissions.get(submission.id, within=EVERYWHERE).ma_lk == later
    assert installation.faults() == set()


def test_a_head_of_somebody_else_is_no_head(installation: Installation) -> None:
    stranger = Authority.create(at=NOON).issue(at=NOON)

    with pytest.raises(BrokenToken):
        installation.faults(TreeHead(1, b"x", NOON, None).sign(stranger))


def test_what_happened_since_the_log_was_kept_is_no_fault(installation: Installation) -> None:
    installation.exchange.received(b"<new/>")

    assert installation.faults() == set()


def test_every_fault_has_its_sentence_in_both_languages() -> None:
    assert all(len(sentences) == 2 and all(sentences) for sentences in SENTENCES.values())


def test_two_processes_find_what_one_does(installation: Installation) -> None:
    installation.run("UPDATE evidence SET record = record || 'x' WHERE index = 7")
    installation.run("UPDATE event SET actor = 'other' WHERE kind = 'checked'")

    def faults(processes: int) -> list[Fault]:
        with installation.exchange.pool.connection() as connection, connection.transaction():
            return list(replay(connection, installation.keys.certificates(), processes=processes))

    assert faults(2) == faults(0)
    assert {"evidence.changed", "event.changed"} <= {fault.code for fault in faults(0)}


def test_the_next_submissions_are_found_without_going_through_those_before(exchange: Exchange) -> None:
    """A merge join begins at a table's first row, unless that table is told where to begin."""
    with exchange.pool.connection() as connection, connection.transaction():
        for other in ("nestloop", "hashjoin", "seqscan", "bitmapscan"):
            connection.execute(f"SET LOCAL enable_{other} = off")
        ((explained,),) = connection.execute(
            f"EXPLAIN (FORMAT JSON) {SUBMISSIONS}", {"after": "sub_1"}
        ).fetchall()

    scans = list(_scans(explained[0]["Plan"]))

    assert len({scan["Alias"][0] for scan in scans}) == 8
    assert [scan["Alias"] for scan in scans if "> 'sub_1'" not in scan.get("Index Cond", "")] == []


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each look into a table, but for those that are made for one submission at a time."""
    if "Relation Name" in plan:
        yield plan
    for each in plan.get("Plans", ()):
        if each["Parent Relationship"] != "SubPlan":
            yield from _scans(each)
