"""Verify an archive with nothing but whom to trust: no network, no database, no service.

Each question is asked on its own, so that an answer names everything that does not hold.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import index
from typing import Final

from cryptography import x509

from claims.proof import archive
from claims.proof.container import MANIFEST, SIGNATURES, manifest_of, read_container
from claims.proof.documents import Documents
from claims.proof.errors import BrokenContainer, BrokenProof, ProofError
from claims.proof.keys import read_key_set
from claims.proof.material import CERTIFICATES, REVOCATION, SERVICE_LIST, misnamed, revoked_keys
from claims.proof.merkle import check_inclusion, leaf_hash
from claims.proof.reading import ArchiveFiles
from claims.proof.records import AcceptanceReceipt, Record, TreeHead, token_digest
from claims.proof.service_signature import ARCHIVE_POLICY, check_signature, read_chain, read_evidence
from claims.proof.trusted import TRUST, is_within
from claims.proof.verdict import Absent, Answer, ArchiveVerdict, Broken, Question, Statement, no_archive
from signing.canonical import parse
from signing.certificates import check_leaf, read_der_certificate
from signing.der import NotDer
from signing.elements import Refused
from signing.errors import RecordUnreadable, Unparsable
from signing.policy import Policy, Severity
from signing.report.as_json import report_from_json
from signing.revocation import RevocationSource
from signing.timestamps.check import check_token
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import Level, Reason, Verdict
from signing.verify import verify

_FOLDERS: Final = (archive.DOCUMENTS, CERTIFICATES, REVOCATION)
#: Where a statement stands, or a document, that is not what it should be.
_PLACES: Final = {
    Question.KEYS: archive.KEYS,
    Question.RECEIPT: archive.RECEIPT,
    Question.RECORDS: archive.RECORDS,
    Question.HEAD: archive.HEAD,
}


def verify_archive(
    data: bytes, *, trust: TrustStore, at: datetime, policy: Policy = ARCHIVE_POLICY
) -> ArchiveVerdict:
    """Answer every question about an archive as of a time, which is now; policies are `archive_policy`'s."""
    try:
        entries = read_container(data)
    except BrokenContainer as error:
        return no_archive(error.code, error.entry)
    examination = _Examination(entries, trust, at, policy)
    statements = tuple(_ask(question, examination.questions[question]) for question in Question)
    return ArchiveVerdict(statements, examination.facts)


def _ask(question: Question, answer: Callable[[], None]) -> Statement:
    try:
        answer()
    except Broken as broken:
        return Statement(question, Answer.BROKEN, broken.code, broken.place)
    except Absent:
        return Statement(question, Answer.ABSENT)
    except ProofError:
        return Statement(question, Answer.BROKEN, f"{question}.broken", _PLACES.get(question, ""))
    return Statement(question, Answer.HOLDS)


class _Examination:
    """The questions, in their order; some remember what later ones need."""

    def __init__(self, entries: Mapping[str, bytes], trust: TrustStore, at: datetime, policy: Policy) -> None:
        self.facts: dict[str, str] = {}
        self.questions: Mapping[Question, Callable[[], None]] = {
            Question.CONTAINER: self._container,
            Question.SIGNATURE: self._signature,
            Question.KEYS: self._keys,
            Question.RECEIPT: self._receipt,
            Question.RECORDS: self._records,
            Question.DOCUMENTS: self._documents,
            Question.HEAD: self._head,
            Question.INCLUSION: self._inclusion,
            Question.TIMESTAMP: self._timestamp,
            Question.BUNDLE: self._bundle,
        }
        self._entries = entries
        self._trust = trust
        # A facility's certificate leads to an anchor too: it must not be able to speak for the service.
        self._service = trust.for_services().with_evidence(read_chain(entries), ())
        self._at, self._policy = at, policy
        self._files = {name: each for name, each in entries.items() if name not in {SIGNATURES, MANIFEST}}
        self._signed_at = at
        self._read = ArchiveFiles(self._files)
        self._keys_known: Mapping[str, x509.Certificate] = {}
        self._chain: tuple[Record, ...] = ()
        self._tokens: tuple[str, ...] = ()
        self._head_read: TreeHead | None = None

    def _container(self) -> None:
        for name in (archive.README, archive.RECORDS, archive.HEAD, archive.KEYS, SIGNATURES, MANIFEST):
            if name not in self._entries:
                raise Broken("container.missing", name)
        known = {value for name, value in vars(archive).items() if name.isupper() and isinstance(value, str)}
        for name in self._files:
            if name not in known and not name.startswith(_FOLDERS):
                raise Broken("container.extra", name)
        if self._entries[MANIFEST] != manifest_of(self._files):
            raise Broken("container.manifest", MANIFEST)

    def _signature(self) -> None:
        data = self._entries.get(SIGNATURES, b"")
        verdict = check_signature(data, self._files, trust=self._service, at=self._at, policy=self._policy)
        self._read.are_signed = True
        self._note_signer(verdict)
        if verdict.level is Level.B_LTA:
            # What an authority's newer lists no longer say of a certificate that has ended.
            evidence = read_evidence(data, self._files, self._policy)
            self._trust = self._trust.with_evidence(*evidence)
            self._service = self._service.with_evidence(*evidence)

    def _note_signer(self, verdict: Verdict) -> None:
        # What is proved to have been signed then is judged as of then, even if the key has ended since.
        self._signed_at = verdict.best_signature_time or self._at
        self.facts["signature_level"] = verdict.level
        if verdict.signing_time is not None:
            self.facts["signed_at"] = verdict.signing_time.isoformat()
        if verdict.signer is not None:
            self.facts["signer"] = verdict.signer.subject
            self.facts["signer_issuer"] = verdict.signer.issuer

    def _keys(self) -> None:
        certificates, chain = read_key_set(self._read.json(archive.KEYS))
        try:
            others = [read_der_certificate(each) for each in chain]
        except Refused as refusal:
            raise Broken(str(refusal.reason), archive.KEYS) from refusal
        for key_id, der in certificates.items():
            try:
                facts = read_der_certificate(der)
            except Refused as refusal:
                raise Broken(str(refusal.reason), f"{archive.KEYS}: {key_id}") from refusal
            # A key that has ended counts for what it signed in its time.
            when = min(self._signed_at, facts.info.not_after)
            reasons = check_leaf(facts, at=when, policy=self._policy)
            reasons += self._service.check_path(
                facts, others, at=when, purposes=self._policy.extended_key_usages
            )
            if when < self._signed_at:
                # No list of its authority says anything of it any more.
                reasons = [each for each in reasons if each is not Reason.CERTIFICATE_REVOCATION_UNKNOWN]
            failing = self._policy.of_severity(Severity.FAIL, reasons)
            if failing:
                raise Broken(str(failing[0]), f"{archive.KEYS}: {key_id}")
        self._revocation()
        self._keys_known = {
            key_id: read_der_certificate(der).certificate for key_id, der in certificates.items()
        }

    def _revocation(self) -> None:
        other = misnamed(self._files)
        if other is not None:
            raise Broken("keys.material", other)
        try:
            revoked = revoked_keys(self._files, self._read.parsable(archive.KEYS))
        except ValueError as error:
            raise Broken("keys.list", SERVICE_LIST) from error
        if revoked:
            raise Broken("keys.revoked", f"{SERVICE_LIST}: {revoked[0]}")

    def _receipt(self) -> None:
        if archive.RECEIPT not in self._files:
            raise Absent
        receipt = AcceptanceReceipt.verify(self._read.line(archive.RECEIPT), self._keys_known)
        bundle = self._files.get(archive.BUNDLE)
        if bundle is not None and (receipt.sha256, receipt.size) != (_sha256(bundle), len(bundle)):
            raise Broken("receipt.other_bundle", archive.BUNDLE)
        self.facts["receipt_sha256"] = receipt.sha256
        self.facts["size"] = str(receipt.size)

    def _records(self) -> None:
        lines = tuple(self._read.text(archive.RECORDS).splitlines())
        if not lines:
            raise Broken("records.missing", archive.RECORDS)
        previous: str | None = None
        chain: list[Record] = []
        for number, line in enumerate(lines, start=1):
            place = f"{archive.RECORDS}: {number}"
            try:
                record = Record.verify(line, self._keys_known)
            except ProofError as error:
                raise Broken("records.broken", place) from error
            if record.previous != previous:
                raise Broken("records.chain", place)
            if chain and (record.submission, record.sha256) != (chain[0].submission, chain[0].sha256):
                raise Broken("records.other_submission", place)
            previous = token_digest(line)
            chain.append(record)
        self._chain, self._tokens = tuple(chain), lines
        last = chain[-1]
        # A state may stay what it was: the gateway has taken what was superseded, too.
        for kind in ("superseded", "erased"):
            found = next((each for each in chain if each.kind == kind), None)
            if found is not None:
                self.facts[f"{kind}_at"] = found.at.isoformat()
        self.facts |= {
            "submission": last.submission,
            "facility": last.facility,
            "sha256": last.sha256,
            "state": last.state,
            "received_at": chain[0].at.isoformat(),
            "records": str(len(chain)),
        }

    def _documents(self) -> None:
        if not self._chain:
            raise Broken("documents.no_records", archive.RECORDS)
        Documents(self._read, self._chain, self.facts).check()

    def _head(self) -> None:
        head = TreeHead.verify(self._read.line(archive.HEAD), self._keys_known)
        self._head_read = head
        self.facts["log_size"] = str(head.size)
        self.facts["head_at"] = head.at.isoformat()

    def _inclusion(self) -> None:
        if self._head_read is None:
            raise Broken("inclusion.no_head", archive.HEAD)
        inclusion = self._read.object(archive.INCLUSION)
        places = inclusion.get("records")
        if inclusion.get("size") != self._head_read.size or not isinstance(places, list):
            raise Broken("inclusion.other_head", archive.INCLUSION)
        if len(places) != len(self._tokens) or not places:
            raise Broken("inclusion.missing", archive.INCLUSION)
        for number, (place, token) in enumerate(zip(places, self._tokens, strict=True), start=1):
            try:
                path = [bytes.fromhex(each) for each in place["path"]]
                leaf, at = leaf_hash(token.encode()), index(place["index"])
                check_inclusion(leaf, at, self._head_read.size, path, self._head_read.root)
            except (BrokenProof, KeyError, TypeError, ValueError) as error:
                raise Broken("inclusion.path", f"{archive.INCLUSION}: {number}") from error

    def _timestamp(self) -> None:
        data = self._files.get(archive.HEAD_TIMESTAMP)
        if data is None:
            raise Absent
        head = self._read.line(archive.HEAD).encode()
        try:
            token = read_token(data)
        except NotDer as error:
            raise Broken("timestamp.unreadable", archive.HEAD_TIMESTAMP) from error
        # Later than the archive's own best time nothing is known of the authority that matters here.
        reasons = check_token(
            token,
            lambda name: hashlib.new(name, head).digest(),
            trust=self._trust,
            at=max(self._signed_at, token.info.time),
            policy=self._policy,
        )
        if reasons:
            raise Broken(str(reasons[0]), archive.HEAD_TIMESTAMP)
        self.facts["timestamped_at"] = token.info.time.isoformat()

    def _bundle(self) -> None:
        if archive.SIGNATURE_REPORT not in self._files:
            raise Absent
        try:
            report = report_from_json(self._read.json(archive.SIGNATURE_REPORT))
        except RecordUnreadable as error:
            raise Broken("bundle.report", archive.SIGNATURE_REPORT) from error
        if self._chain and report.record.sha256 != self._chain[0].sha256:
            raise Broken("bundle.other_report", archive.SIGNATURE_REPORT)
        self.facts["bundle_indication"] = report.verdict.indication
        if report.verdict.signer is not None:
            self.facts["bundle_signer"] = report.verdict.signer.subject
        listed = archive.document_entry(TRUST)
        if listed in self._files and not is_within(report.record.trust, self._read.json(listed)):
            raise Broken("bundle.other_trust", listed)
        bundle = self._files.get(archive.BUNDLE)
        if bundle is None or not report.verdict.has_passed:
            return  # that a bundle was signed wrongly is what the archive of a rejected one proves
        known = report.record.trust.as_store()
        sources: list[RevocationSource] = [*known.crls, *known.responses]
        trust = self._trust.with_evidence(known.intermediates, sources)
        try:
            verdict = verify(parse(bundle), trust=trust, at=report.record.at)
            if verdict.reasons == (Reason.CERTIFICATE_REVOCATION_UNKNOWN,):
                # Lists from after a certificate's end say nothing of it, and take nothing away.
                trust = self._trust.with_evidence_alone(known.intermediates, sources)
                verdict = verify(parse(bundle), trust=trust, at=report.record.at)
        except Unparsable as error:
            raise Broken("bundle.unreadable", archive.BUNDLE) from error
        if not verdict.has_passed:
            raise Broken(str(verdict.reasons[0]), archive.BUNDLE)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
