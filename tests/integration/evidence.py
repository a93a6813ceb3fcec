"""An installation with evidence of every kind, for audits."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from claims.bundle.findings import Finding, Severity
from claims.exchange.access.access_log import AccessKind
from claims.exchange.keep_log import KeepLog
from claims.exchange.lifecycle import State
from claims.exchange.ports import Origin
from claims.exchange.receive import ReceiveBundle
from claims.exchange.registrations import Note, RegisterCertificate
from claims.exchange.results import Assessment, ReceptionError, Standing
from claims.exchange.submission import Event, EventKind, SubmissionId
from claims.runtime.kept_heads import NAME, FileOfHeads
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.storage.access_log import PostgresAccessLog
from claims.storage.audit import Audit
from claims.storage.evidence import PostgresLog
from claims.storage.reading_chain import ReadingChain
from claims.storage.registrations import PostgresRegistrations
from claims.storage.results import PostgresResults
from claims.storage.retention import PostgresRetained
from claims.storage.reviews import PostgresReviews
from claims.storage.trust_kept import KeptTrust
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, NAMES, Exchange, keep

BODY = b"<bundle/>"


@cache
def _demo_pki() -> DemoPki:
    return DemoPki.create(at=NOON)


def _elliptic() -> ec.EllipticCurvePrivateKey:
    """Make a key, in a hundredth of the time that one of RSA takes."""
    return ec.generate_private_key(ec.SECP256R1())


class Installation:
    """An exchange whose log has come up to date: one submission of everything, and many more records."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.exchange = exchange
        self.keys = FolderOfServiceKeys(folder, exchange.clock)
        self.log = PostgresLog(exchange.pool)
        self.kept = FileOfHeads(folder / NAME)
        self.audit = Audit(exchange.pool, self.keys.certificates)
        pki = _demo_pki()
        tsa = DemoTsa.create(
            pki, clock=exchange.clock.now, valid_from=NOON, valid_to=NOON.replace(year=2030), key=_elliptic()
        )
        self.keep_log = KeepLog(self.log, self.keys, exchange.clock, tsa.answer, 60, self.kept)
        exchange.receive = ReceiveBundle(exchange.submissions, exchange.jobs, exchange.clock, self.keys)
        exchange.check = replace(
            exchange.check, keep_trust=KeptTrust(exchange.pool, cache(pki.trust_store)).keep
        )
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
        self._discuss()
        self._register()
        self._read()
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

    def _discuss(self) -> None:
        self.run(
            "INSERT INTO review_message (review_id, at, author, is_hospital, body) "
            "SELECT id, %s, 'hospital', true, 'x' FROM review",
            self.exchange.clock.now(),
        )
        self.run(
            "INSERT INTO review_step (review_id, at, actor, kind) "
            "SELECT id, %s, 'reviewer', 'begun' FROM review",
            self.exchange.clock.now(),
        )

    def _register(self) -> None:
        leaf = _demo_pki().leaf("99001", valid_from=NOON, valid_to=NOON.replace(year=2030), key=_elliptic())
        register = RegisterCertificate(PostgresRegistrations(self.exchange.pool), self.exchange.clock)
        register(FACILITY, leaf.certificate.public_bytes(Encoding.DER), Note("operator", "first"))

    def _read(self) -> None:
        """Have somebody sign in and read: two readings have their places, one waits for it."""
        PostgresAccessLog(self.exchange.pool).note(AccessKind.LOCKED_OUT, about="", detail={})
        for _ in range(2):
            self.read()
            ReadingChain(self.exchange.pool).extend()

    def read(self) -> None:
        """Have somebody read the first submission."""
        self.run(
            "INSERT INTO reading (at, reader, page, submissions, ordinals, facilities, persons) "
            "VALUES (%s, 'somebody', 'paper', ARRAY[%s], '{1}', ARRAY[%s], ARRAY[NULL::bytea])",
            self.exchange.clock.now(),
            self.id,
            FACILITY,
        )

    def _fill(self) -> None:
        self.run(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "SELECT id, facility, %s, 'replayed', 'acknowledged', 'many' FROM submission, "
            "generate_series(1, 300)",
            self.exchange.clock.now(),
        )

    def run(self, statement: str, *params: object) -> None:
        with self.exchange.pool.connection() as connection:
            connection.execute(statement.encode(), params or None)

    def faults(self, *kept_heads: str) -> set[str]:
        return {fault.code for fault in self.audit(kept_heads=kept_heads)}
