"""The audit finds every row that was changed, removed or dated back, and nothing where nothing was."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from claims.bundle.findings import Finding, Severity
from claims.exchange.keep_log import KeepLog
from claims.exchange.lifecycle import State
from claims.exchange.ports import Origin
from claims.exchange.receive import ReceiveBundle
from claims.exchange.results import Assessment, ReceptionError, Standing
from claims.exchange.submission import Event, EventKind, SubmissionId
from claims.proof.audit_words import SENTENCES
from claims.proof.errors import BrokenToken
from claims.proof.keys import Authority
from claims.proof.records import Record, TreeHead
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.storage.audit import Audit, replay
from claims.storage.audit_records import Fault
from claims.storage.evidence import PostgresLog
from claims.storage.results import PostgresResults
from claims.storage.retention import PostgresRetained
from claims.storage.reviews import PostgresReviews
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, NAMES, Exchange, keep

BODY = b"<bundle/>"


@cache
def _demo_pki() -> DemoPki:
    return DemoPki.create(at=NOON)


class Installation:
    """An exchange whose log has come up to date: one submission of everything, and many more records."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.exchange = exchange
        self.keys = FolderOfServiceKeys(folder, exchange.clock)
        self.log = PostgresLog(exchange.pool)
        self.audit = Audit(exchange.pool, self.keys.certificates)
        pki = _demo_pki()
        tsa = DemoTsa.create(pki, clock=exchange.clock.now, valid_from=NOON, valid_to=NOON.replace(year=2030))
        self.keep_log = KeepLog(self.log, self.keys, exchange.clock, tsa.answer, head_every_s=60)
        exchange.receive = ReceiveBundle(exchange.submissions, exchange.jobs, exchange.clock, self.keys)
        exchange.checker.claims[BODY] = ("LK1",)
        exchange.checker.findings[BODY] = (Finding("XML1.X", Severity.WARNING),)
        self.id = self._submit()
        keep(self.keep_log, 1)
        exchange.clock.advance(120)
        exchange.check([self.id])
        exchange.deliver([self.id])
        self._judge()
        held = Event(
            exchange.clock.now(), EventKind.HELD, State.ACKNOWLEDGED, "a", detail={"reason": "court"}
        )
        PostgresRetained(exchange.pool).hold(self.id, held)
        self._fill()
        keep(self.keep_log, 306)
        exchange.clock.advance(60)
        self.keep_log()  # signs the head of them all

    def _submit(self) -> SubmissionId:
        origin = Origin(b"{}", b"[]")
        received = self.exchange.receive(BODY, facility=FACILITY, actor="key_1", origin=origin)
        return received.submission.id

    def _judge(self) -> None:
        """Have reception find something, the gateway assess, and a reviewer decide."""
        now, results = self.exchange.clock.now(), PostgresResults(self.exchange.pool)
        results.note_errors(FACILITY, [("GD1", [ReceptionError("801", "x")])], now=now)
        results.note_assessments(FACILITY, [Assessment("LK1", Standing.CUT, Decimal(80))], now=now)
        self.run(
            "INSERT INTO review (submission_id, ordinal, facility, received_at, ma_lk, patient, words, "
            "diagnosis, claimed, classes, lane, lane_reasons, codes, dice, state, verdict, approved, "
            "decided_by, decided_at, final_at) SELECT id, 1, facility, received_at, 'LK1', 'x', '', 'J00', "
            "100, '{}', 'usual', '{}', '{}', 1, 'decided', 'reduced', 90, 'reviewer', %s, %s FROM submission",
            now,
            now,
        )
        self.run(
            "INSERT INTO review_cut (review_id, seq, table_kind, row_number, amount, reason, note) "
            "SELECT id, 1, 'XML2', 1, 10, 'x', '' FROM review"
        )
        assert PostgresReviews(self.exchange.pool, NAMES).announce(now=now, limit=9) == 1

    def _fill(self) -> None:
        self.run(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "SELECT id, facility, %s, 'replayed', 'acknowledged', 'many' FROM submission, "
            "generate_series(1, 300)",
            self.exchange.clock.now(),
        )

    def run(self, statement: str, *params: object) -> None:
        with self.exchange.pool.connection() as connection:
            connection.execute(statement.encode(), params)

    def faults(self, *kept_heads: str) -> set[str]:
        return {fault.code for fault in self.audit(kept_heads=kept_heads)}


@pytest.fixture
def installation(exchange: Exchange, tmp_path: Path) -> Installation:
    return Installation(exchange, tmp_path / "evidence-keys")


def test_nothing_is_found_where_nothing_was_done(installation: Installation) -> None:
    assert installation.faults() == set()


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
    ("DELETE FROM review_cut; DELETE FROM review", "decision.changed"),
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
    ("UPDATE head_timestamp SET token = 'x'", "head_timestamp.changed"),
]


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
        "log.rewritten",
        "submission.missing",
    }


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
    installation.run("DELETE FROM tree_head")

    # Whoever holds the key and the database can forge; who kept a head, or a timestamp, sees it.
    assert installation.faults() == set()
    assert installation.faults(head.token) == {"log.rewritten"}


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
