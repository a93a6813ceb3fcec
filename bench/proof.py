"""What proof costs: archives a second, the log's share of a claim's processing, the audit of a long log.

The log's share is the CPU of signing a receipt and making three records (ours, and PostgreSQL's), over
that of a claim's whole way: its check, measured in this run, and what `end-to-end` found that a claim takes
beside it. That was measured on one machine once and is told in receipts, whose signature is a library's and
grows neither with this code nor with a claim: a machine on which all is slower has no other share.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as count_up
from itertools import islice
from pathlib import Path

from bench.cpu import cpu_seconds, memory_bytes
from bench.figures import Figure
from bench.kernel import kernel_seconds
from claims.building.build import build_bundle
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.archive import ArchiveSubmission
from claims.exchange.keep_log import KeepLog
from claims.exchange.receive import ReceiveBundle
from claims.exchange.submission import FacilityCode, Submission, SubmissionId
from claims.paper.forms import PaperForms
from claims.proof.records import AcceptanceReceipt
from claims.proof.tokens import canonical_json
from claims.proof.verification import verify_archive
from claims.runtime.clock import SystemClock
from claims.runtime.embedded import embedded_services
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.storage.archives import PostgresArchives
from claims.storage.audit import Audit
from claims.storage.evidence import PostgresLog
from claims.storage.facilities import Facilities
from claims.storage.migrations import upgrade
from claims.storage.pool import Pool, open_pool
from claims.storage.queue import PostgresSubmissions
from claims.storage.trust_kept import KeptTrust
from signing.demo_pki import DemoPki
from signing.report.report import Report, Terms, report_on
from signing.sign import sign_bundle
from signing.trust import TrustStore

_FACILITY = FacilityCode("99001")
#: What a claim's way takes beside its check, of any size, in receipts signed: 4,300 us where one took 36
#: ("End to end" and "Proof" in docs/reference/measurements.md).
_BESIDE_CHECK_RECEIPTS = 4_300 / 36
_EVENTS_A_CLAIM = 3
_ARCHIVES = 200
_LOOK_EVERY = 5_000


class _Quiet:
    """Wakes nobody."""

    def wake_check(self, ids: Sequence[SubmissionId]) -> None:
        """Ask nobody."""

    def wake_delivery(self, ids: Sequence[SubmissionId]) -> None:
        """Ask nobody."""

    def wake_replay(self, replay_id: str) -> None:
        """Ask nobody."""


def measure(claims: int) -> Sequence[Figure]:
    """Measure; the log gets three records for each claim asked for, and the audit goes over them."""
    with tempfile.TemporaryDirectory() as folder, embedded_services(Path(folder)) as addresses:
        upgrade(addresses.database_url)
        with open_pool(addresses.database_url, max_size=4) as pool:
            return _Bench(pool, Path(folder), claims).figures()


class _Bench:
    def __init__(self, pool: Pool, folder: Path, claims: int) -> None:
        clock = SystemClock()
        self.pool, self.claims, self.clock = pool, claims, clock
        self.keys = FolderOfServiceKeys(folder / "evidence-keys", clock)
        self.log = PostgresLog(pool)
        self.keep_log = KeepLog(self.log, self.keys, clock, None, head_every_s=60)
        self.submissions = PostgresSubmissions(pool)
        self.folder, self.bundles = folder, list[bytes]()
        self.pki = DemoPki.create(at=clock.now())
        Facilities(pool).add(_FACILITY, name="Bench", at=clock.now())

    def figures(self) -> Sequence[Figure]:
        received = self._receive()
        return [*self._append(), *self._export(received), *self._audit()]

    def _receive(self) -> list[SubmissionId]:
        now = self.clock.now()
        signer = self.pki.leaf(
            "99001", valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=9)
        ).signer
        receive = ReceiveBundle(self.submissions, _Quiet(), self.clock, self.keys)
        encounters = generate_encounters(seed=3, count=_ARCHIVES, facilities=["99001"], on=now.date())
        ids = []
        for document in encounters:
            encounter = parse_encounter(canonical_json(document))
            bundle = sign_bundle(build_bundle([encounter], made_on=now.date()).bundle, signer)
            self.bundles.append(bundle)
            ids.append(receive(bundle, facility=_FACILITY, actor="bench").submission.id)
        self._drain(len(ids))
        return ids

    def _drain(self, count: int) -> float:
        """Make records of so many events; return the CPU seconds of this process and of PostgreSQL."""
        made, cpu = 0, 0.0
        while made < count:
            before, served = time.process_time(), self._served()
            made += self.log.append(self.keys.current(), now=self.clock.now(), limit=1_000)
            cpu += time.process_time() - before + self._served() - served
        return cpu

    def _served(self) -> float:
        """Return the CPU seconds of PostgreSQL's processes that serve this pool."""
        with self.pool.connection() as connection:
            pids = [
                row[0]
                for row in connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                    "AND datname = current_database()"
                )
            ]
        ticks = 0
        for pid in pids:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except FileNotFoundError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / 100

    def _fill(self, count: int) -> None:
        """Add claims in bulk, small ones, with three events each."""
        with self.pool.connection() as connection, connection.transaction():
            connection.execute(
                "INSERT INTO submission "
                "(id, facility, sha256, size, state, received_at, updated_at, checked_at) "
                "SELECT 'sub_' || lpad(n::text, 26, '0'), %s, sha256(n::text::bytea), length(n::text), "
                "'rejected', now(), now(), now() FROM generate_series(1, %s) n",
                [_FACILITY, count],
            )
            connection.execute(
                "INSERT INTO submission_body SELECT 'sub_' || lpad(n::text, 26, '0'), n::text::bytea "
                "FROM generate_series(1, %s) n",
                [count],
            )
            connection.execute(
                "INSERT INTO event (submission_id, facility, at, kind, state, actor, detail) "
                "SELECT s.id, s.facility, now(), k, 'rejected', 'bench', "
                '\'{"replay": "rpl_01KASWY1C4R4T9QZ3R5J8M2X6B"}\' '
                "FROM unnest('{received,checked,rejected}'::text[]) WITH ORDINALITY AS kinds (k, o), "
                "submission s WHERE s.size < 10 ORDER BY o, s.id"
            )
            connection.execute("ANALYZE submission; ANALYZE submission_body; ANALYZE event")

    def _append(self) -> Sequence[Figure]:
        count = self.claims * _EVENTS_A_CLAIM
        self._fill(self.claims)
        record_us = self._drain(count) / count * 1e6
        started = time.process_time()
        for number in range(2_000):
            AcceptanceReceipt(f"sub_{number}", "99001", "0" * 64, 1, datetime.now(UTC)).sign(
                self.keys.current()
            )
        receipt_us = (time.process_time() - started) / 2_000 * 1e6
        self.pki.write(self.folder / "trust")
        check_us = kernel_seconds(self.folder, self.bundles) * 1e6
        proof_us = receipt_us + _EVENTS_A_CLAIM * record_us
        beside_us = _BESIDE_CHECK_RECEIPTS * receipt_us
        share = proof_us / (check_us + beside_us)
        return [
            Figure("check of a claim", check_us, "us CPU"),
            Figure("a receipt and three records, over that check", proof_us / check_us * 100, "%"),
            Figure("record, logged (ours and PostgreSQL's)", record_us, "us CPU"),
            Figure("receipt, signed", receipt_us, "us CPU"),
            Figure(
                f"share of a claim's way: that check and {beside_us:,.0f} us",
                share * 100,
                "%",
                5,
                at_least=False,
            ),
        ]

    def _export(self, ids: Sequence[SubmissionId]) -> Sequence[Figure]:
        trust = self.pki.trust_store()
        kept = KeptTrust(self.pool, lambda: trust)

        def report(bundle: bytes, submission: Submission, name: str | None) -> Report:
            at, facility = submission.received_at, submission.facility
            return report_on(bundle, Terms(trust=kept.named(name), at=at, facility=facility))

        archive = ArchiveSubmission(
            PostgresArchives(self.pool),
            self.log,
            self.keys,
            self.clock,
            report,
            self.keep_log,
            PaperForms(
                Facilities(self.pool).name_of,
                lambda bundle, one: report(bundle, one, kept.name_for(one.id)),
                "https://x.example",
            ),
        )
        self.log.sign_head(self.keys.current(), now=self.clock.now())
        archive(ids[1], within=EVERYWHERE)
        started = time.process_time()
        made = [archive(each, within=EVERYWHERE) for each in ids[1:]]
        each_s = (time.process_time() - started) / len(made)
        both = TrustStore(
            anchors=trust.anchors,
            service_anchors=self.keys.chain()[-1:],
            intermediates=trust.intermediates,
        )
        started = time.process_time()
        for data in made:
            if not verify_archive(data, trust=both, at=datetime.now(UTC)).holds:
                raise AssertionError("an archive does not hold")
        verified_s = (time.process_time() - started) / len(made)
        sizes = sorted(map(len, made))
        return [
            Figure("archives made", 1 / each_s, "/s per core", 30),
            Figure("archives verified", 1 / verified_s, "/s per core"),
            Figure("size of an archive, median", sizes[len(sizes) // 2] / 1024, "KiB"),
        ]

    def _audit(self) -> Sequence[Figure]:
        processes = len(os.sched_getaffinity(0))
        audit = Audit(self.pool, self.keys.certificates, processes=processes)
        self.log.sign_head(self.keys.current(), now=self.clock.now())
        with self.pool.connection() as connection:
            (count,) = connection.execute("SELECT count(*) FROM evidence").fetchone() or (0,)
        before = most = memory_bytes(os.getpid())

        def look(_: int) -> None:
            nonlocal most
            if next(steps) % _LOOK_EVERY == 0:
                most = max(most, memory_bytes(os.getpid()))

        steps = count_up(1)
        started, cpu = time.perf_counter(), cpu_seconds(os.getpid())
        faults = list(islice(audit(advance=look), 3))
        took_s, cpu_s = time.perf_counter() - started, cpu_seconds(os.getpid()) - cpu
        if faults:
            raise AssertionError(faults)
        return [
            Figure(f"audit of {count:,} records, by the clock", took_s, "s"),
            Figure("its CPU, PostgreSQL's left out", cpu_s / count * 1e6, "us/record"),
            Figure("memory that it added at its most", (most - before) / 2**20, "MiB"),
        ]
