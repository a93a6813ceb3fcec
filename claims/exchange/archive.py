"""Archive a submission: everything that proves it, in one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from claims.exchange.access.places import Reach
from claims.exchange.errors import NotYetLogged
from claims.exchange.ports import Clock, Receipt
from claims.exchange.proofs import (
    Archives,
    EvidenceLog,
    Kept,
    LoggedRecord,
    Rendering,
    ServiceKeys,
    StoredHead,
)
from claims.exchange.submission import Submission, SubmissionId
from claims.proof.archive import ArchiveContents, Inclusion, make_archive
from claims.proof.keys import key_set
from claims.proof.material import material_of
from claims.proof.merkle import prove_inclusion
from claims.proof.records import Record
from claims.proof.renewal import timestamp_ends_at
from signing.errors import Unparsable
from signing.report.as_etsi import report_to_etsi
from signing.report.as_json import report_to_json
from signing.report.report import Report

#: Reports on the signature of a submission's bundle, as of its receipt and by what is kept under a name.
ReportBy = Callable[[bytes, Submission, str | None], Report]


@dataclass(frozen=True, slots=True)
class ArchiveSubmission:
    """Make the archive of one submission.

    Attributes:
        render: Renders it for people, where there is something that does.
        keep_log: Brings the log up to date.
    """

    archives: Archives
    log: EvidenceLog
    keys: ServiceKeys
    clock: Clock
    report_by: ReportBy
    keep_log: Callable[[], int]
    render: Rendering | None = None

    def __call__(self, submission_id: SubmissionId, *, within: Reach) -> bytes:
        """Return the archive: the same bytes until something happens to the submission or its timestamp ends.

        Raises:
            SubmissionNotFound: There is none, or it is elsewhere.
            NotYetLogged: Its evidence is not in the log yet.
        """
        kept = self.archives.load(submission_id, within=within)
        records = self._records(kept)
        if len(records) < len(kept.history):
            self.keep_log()
            records = self._records(kept)
        if not records or len(records) < len(kept.history):
            raise NotYetLogged(submission_id)
        head = self._head_over(records[-1][0].index)
        return make_archive(self._contents(kept, records, head), self.keys.current())

    def _records(self, kept: Kept) -> list[tuple[LoggedRecord, Record]]:
        """Return the records of what had happened when everything else was read."""
        keys = self.keys.certificates()
        found = [(one, Record.verify(one.token, keys)) for one in self.log.records_of(kept.submission.id)]
        return [(one, record) for one, record in found if record.sequence in kept.history]

    def _head_over(self, index: int) -> StoredHead:
        # The first one that is stamped, or else the first one: what is found once stays until the authority's
        # certificate ends. Then its timestamp proves nothing to whoever gets the archive.
        head = self.log.stamped_head(least_size=index + 1)
        if head is not None and _has_ended(head, at=self.clock.now()):
            head = self.log.newest_stamped_head() or head
            # Nothing has come to the log since, or nobody gives timestamps any more.
            head = replace(head, timestamp=None) if _has_ended(head, at=self.clock.now()) else head
        if head is None:
            head = next(iter(self.log.heads(after_size=index, limit=1)), None)
        head = head or self.log.sign_head(self.keys.current(), now=self.clock.now())
        if head is None or head.head.size <= index:
            raise NotYetLogged(str(index))
        return head

    def _contents(
        self, kept: Kept, records: Sequence[tuple[LoggedRecord, Record]], head: StoredHead
    ) -> ArchiveContents:
        submission, keys = kept.submission, self.keys.certificates()
        nodes = self.log.nodes()
        report = self._report(kept)
        receipt = kept.gateway_receipt
        return ArchiveContents(
            submission=submission.id,
            facility=submission.facility,
            sha256=submission.sha256,
            received_at=submission.received_at,
            bundle=kept.body,
            encounter=None if kept.origin is None else kept.origin.document,
            trace=None if kept.origin is None else kept.origin.trace,
            pdf=self._rendered(kept, report),
            signature_report=None if report is None else report_to_json(report),
            etsi_report=None if report is None else report_to_etsi([report]),
            check_report=kept.check_report,
            gateway_receipt=None if receipt is None else _said(receipt),
            gateway_answer=None if receipt is None else receipt.answer,
            receipt=kept.signed_receipt,
            records=[one.token for one, _ in records],
            history=[kept.history[record.sequence] for _, record in records],
            head=head.token,
            head_size=head.head.size,
            head_timestamp=head.timestamp,
            inclusions=[
                Inclusion(one.index, prove_inclusion(one.index, head.head.size, nodes)) for one, _ in records
            ],
            keys=key_set(keys, self.keys.chain()),
            signed_at=head.head.at,
            documents=kept.documents,
            material=material_of(
                None if report is None else report.record,
                [*keys.values(), *self.keys.chain()],
                self.keys.revocation_list(at=head.head.at),
            ),
        )

    def _report(self, kept: Kept) -> Report | None:
        if kept.body is None:
            return None
        try:
            return self.report_by(kept.body, kept.submission, kept.trust)
        except Unparsable:
            return None  # the check report says so

    def _rendered(self, kept: Kept, report: Report | None) -> bytes | None:
        if self.render is None or kept.body is None or report is None:
            return None
        return self.render(kept.body, submission=kept.submission, verdict=report.verdict)


def _has_ended(head: StoredHead, *, at: datetime) -> bool:
    ends = None if head.timestamp is None else timestamp_ends_at(head.timestamp)
    return ends is not None and ends <= at


def _said(receipt: Receipt) -> dict[str, str | None]:
    received = receipt.received_at
    return {
        "ma_giao_dich": receipt.ma_giao_dich,
        "received_at": None if received is None else received.astimezone(UTC).isoformat(),
    }
