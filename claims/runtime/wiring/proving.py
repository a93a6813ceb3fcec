"""Wiring of evidence, archives, forms, retention."""

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import structlog

from claims.authorities.timestamping import HttpTimestampAuthority
from claims.exchange.archive import ArchiveSubmission
from claims.exchange.keep_log import KeepLog, Prove
from claims.exchange.keeping import FindDue
from claims.exchange.retention import Retain, load_retention
from claims.exchange.submission import Submission, SubmissionId
from claims.paper.forms import PaperForms
from claims.proof.renewal import RenewArchive
from claims.runtime.archive_store import open_archives
from claims.runtime.kept_heads import NAME, FileOfHeads
from claims.runtime.renewing import RenewStored, rotate_in_time
from claims.runtime.wiring.reviewing import Reviewing
from claims.storage.archives import PostgresArchives
from claims.storage.audit import Audit
from claims.storage.evidence import PostgresLog
from claims.storage.keeping import PostgresKeptRecords
from claims.storage.retention import PostgresRetained
from claims.storage.submissions import SubmissionRecords
from signing.canonical import Limits
from signing.report.report import Report as SignatureReport
from signing.report.report import Terms, report_on
from signing.trust import TrustStore

log = structlog.get_logger()


@dataclass
class Proving(Reviewing):
    """Adds evidence, archives, forms, retention."""

    @cached_property
    def log(self) -> PostgresLog:
        """The log of evidence."""
        return PostgresLog(self._whole_pool)

    @cached_property
    def timestamp_authority(self) -> HttpTimestampAuthority | None:
        """Who is asked for timestamps; None: nobody."""
        urls = [url.strip() for url in self.settings.timestamp_urls.split(",") if url.strip()]
        return HttpTimestampAuthority(urls) if urls else None

    @cached_property
    def keep_log(self) -> KeepLog:
        """Make evidence of what happened."""
        return KeepLog(
            self.log,
            self.service_keys,
            self.clock,
            self.timestamp_authority,
            self.settings.head_every_s,
            self.kept_heads,
        )

    @cached_property
    def kept_heads(self) -> FileOfHeads:
        """The newest head of the log, outside of the database."""
        return FileOfHeads(self.settings.evidence_keys_folder / NAME)

    def rotate_in_time(self) -> bool:
        """Make the service's next key before the present one ends."""
        within = timedelta(days=self.settings.renew_within_days)
        return rotate_in_time(self.service_keys, self.clock, within=within)

    @cached_property
    def renew_stored(self) -> RenewStored | None:
        """Renew stored archives; None where there is no store, or nobody who gives timestamps."""
        settings, authority = self.settings, self.timestamp_authority
        if not settings.archive_store or authority is None:
            return None

        def renewing() -> RenewArchive:
            fresh = self.service_keys.revocation_list(at=self.clock.now())
            known = TrustStore.load(settings.trust_folder)
            trust = TrustStore(
                anchors=known.anchors,
                service_anchors=self.service_keys.chain()[-1:],
                intermediates=known.intermediates,
                crls=known.crls,
                responses=known.responses,
                tsa_anchors=known.tsa_anchors,
            )
            return RenewArchive(authority, trust, [] if fresh is None else [fresh])

        within = timedelta(days=settings.renew_within_days)
        store = open_archives(settings.archive_store)
        return RenewStored(store, store.turn(self.database_url), renewing, self.clock, within)

    @cached_property
    def archives(self) -> PostgresArchives:
        """What is kept of submissions."""
        return PostgresArchives(self._whole_pool, self.vault)

    def bundle(self, submission_id: SubmissionId) -> bytes:
        """Return a bundle, for whoever has been asked whether he may see it."""
        return SubmissionRecords(self._whole_pool, self.vault).body(submission_id)

    @cached_property
    def archive(self) -> ArchiveSubmission:
        """Make the archive of a submission."""
        return ArchiveSubmission(
            self.archives,
            self.log,
            self.service_keys,
            self.clock,
            self._report_by,
            # The day's timestamp is the workers' matter: who wants an archive waits for no authority.
            replace(self.keep_log, authority=None),
            self.paper_forms,
        )

    def signature_report(self, bundle: bytes, submission: Submission) -> SignatureReport:
        """Report on a submission's signature as of its receipt, by what was known when it was checked.

        Raises:
            Unparsable: The bundle is not XML that this service reads.
        """
        return self._report_by(bundle, submission, self.kept_trust.name_for(submission.id))

    def _report_by(self, bundle: bytes, submission: Submission, trust: str | None) -> SignatureReport:
        terms = Terms(
            trust=self.kept_trust.named(trust),
            at=submission.received_at,
            limits=Limits(max_bytes=self.settings.max_body_bytes),
            facility=submission.facility,
            registered=self._is_registered,
        )
        return report_on(bundle, terms)

    @cached_property
    def retain(self) -> Retain:
        """Hold, release and erase."""
        rules = load_retention(self.settings.retention_file)
        return Retain(self.submissions, PostgresRetained(self._whole_pool), rules, self.clock)

    @cached_property
    def kept_records(self) -> PostgresKeptRecords:
        """What is held and what was erased."""
        return PostgresKeptRecords(self._whole_pool)

    @cached_property
    def find_due(self) -> FindDue:
        """Find what is due for erasure."""
        return FindDue(self.kept_records, self.retain.rules)

    @cached_property
    def audit(self) -> Audit:
        """Replay the log against the database."""
        certificates = self.service_keys.certificates
        processes = os.cpu_count() or 1
        return Audit(
            self.pool, certificates, vault=self.vault, processes=processes, kept=self.kept_heads.tokens
        )

    @cached_property
    def prove(self) -> Prove:
        """Prove what is in the log."""
        return Prove(self.log)

    @cached_property
    def paper_forms(self) -> PaperForms:
        """Claims as paper forms."""
        address = self.settings.public_url.rstrip("/")
        return PaperForms(self.facilities.name_of, self.signature_report, address)
