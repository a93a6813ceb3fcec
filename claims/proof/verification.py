"""Verify an archive with nothing but whom to trust: no network, no database, no service.

Each question is asked on its own, so that an answer names everything that does not hold.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from lxml.etree import _Element as Element

from claims.proof import archive
from claims.proof.container import MANIFEST, SIGNATURES, manifest_of, read_container
from claims.proof.errors import BrokenContainer, BrokenDocument, BrokenProof, ProofError
from claims.proof.keys import read_key_set
from claims.proof.material import CERTIFICATES, REVOCATION, SERVICE_LIST, misnamed, revoked_keys
from claims.proof.merkle import check_inclusion, leaf_hash
from claims.proof.records import AcceptanceReceipt, Record, TreeHead, gateway_receipt_digest, token_digest
from claims.proof.tokens import digest_of
from signing.canonical import parse, write_document
from signing.certificates import check_leaf, read_der_certificate
from signing.der import NotDer
from signing.elements import Refused
from signing.errors import RecordUnreadable, Unparsable
from signing.form import ROOT, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy, Severity
from signing.report.as_json import report_from_json
from signing.timestamps.check import check_token
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import verify

_FOLDERS: Final = (archive.DOCUMENTS, CERTIFICATES, REVOCATION)
#: What a record names and an archive must then have, unless it was erased.
_LATER: Final = ("reception", "assessment.", "decision.")
#: Which file of an archive a record means; those of the first line stay when content is erased.
_NAMED: Final = {
    "receipt": archive.RECEIPT,
    "gateway_receipt": archive.GATEWAY_ANSWER,
    "document": archive.ENCOUNTER,
    "trace": archive.TRACE,
    "report": archive.CHECK_REPORT,
}
_KEPT: Final = ("receipt", "gateway_receipt")
_MOST_NAMES: Final = 3
#: What is parsed of a stranger. What is longer is read if the service signed it, keys never: they tell that.
_MOST_UNSIGNED: Final = 2**20
_REFERENCE: Final = "{http://www.w3.org/2000/09/xmldsig#}Reference"
_ROOT_TAG: Final = f"{{{archive.ASIC}}}XAdESSignatures"


def archive_policy(policy: Policy) -> Policy:
    """Return what is accepted of an archive's signature: at its document's root, of nothing but files."""
    return replace(policy, containers=frozenset({ROOT}), signed_elements=frozenset[str]())


#: Where nobody says otherwise.
ARCHIVE_POLICY: Final = archive_policy(DEFAULT_POLICY)


class Question(StrEnum):
    """What is asked of an archive."""

    CONTAINER = "container"
    SIGNATURE = "signature"
    KEYS = "keys"
    RECEIPT = "receipt"
    RECORDS = "records"
    DOCUMENTS = "documents"
    HEAD = "head"
    INCLUSION = "inclusion"
    TIMESTAMP = "timestamp"
    BUNDLE = "bundle"


class Answer(StrEnum):
    """How it was answered."""

    HOLDS = "holds"
    BROKEN = "broken"
    ABSENT = "absent"  # the archive has nothing of the kind, and need not have it
    NOT_ASKED = "not-asked"  # pointless after what came before


@dataclass(frozen=True, slots=True)
class Statement:
    """One question and its answer.

    Attributes:
        code: What is broken, stable; empty if nothing is.
        place: Where: an entry's name, and what else finds it.
    """

    question: Question
    answer: Answer
    code: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveVerdict:
    """What holds of an archive.

    Attributes:
        facts: What it says of itself, for people; believed only if everything holds.
    """

    statements: tuple[Statement, ...]
    facts: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing is broken and everything that must be there is."""
        return all(each.answer in {Answer.HOLDS, Answer.ABSENT} for each in self.statements)


#: Where a statement stands, or a document, that is not what it should be.
_PLACES: Final = {
    Question.KEYS: archive.KEYS,
    Question.RECEIPT: archive.RECEIPT,
    Question.RECORDS: archive.RECORDS,
    Question.HEAD: archive.HEAD,
}


class _Broken(Exception):
    """An answer to a question."""

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.place = place


class _Absent(Exception):
    """There is nothing of the kind."""


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


def no_archive(code: str, place: str = "") -> ArchiveVerdict:
    """Return the verdict on what is no archive, or cannot be read as one: nothing further is asked."""
    rest = tuple(Statement(each, Answer.NOT_ASKED) for each in Question if each is not Question.CONTAINER)
    return ArchiveVerdict((Statement(Question.CONTAINER, Answer.BROKEN, code, place), *rest), {})


def _ask(question: Question, answer: Callable[[], None]) -> Statement:
    try:
        answer()
    except _Broken as broken:
        return Statement(question, Answer.BROKEN, broken.code, broken.place)
    except _Absent:
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
        self._is_signed = False
        self._keys_known: Mapping[str, x509.Certificate] = {}
        self._chain: tuple[Record, ...] = ()
        self._tokens: tuple[str, ...] = ()
        self._head_read: TreeHead | None = None

    def _container(self) -> None:
        for name in (archive.README, archive.RECORDS, archive.HEAD, archive.KEYS, SIGNATURES, MANIFEST):
            if name not in self._entries:
                raise _Broken("container.missing", name)
        known = {value for name, value in vars(archive).items() if name.isupper() and isinstance(value, str)}
        for name in self._files:
            if name not in known and not name.startswith(_FOLDERS):
                raise _Broken("container.extra", name)
        if self._entries[MANIFEST] != manifest_of(self._files):
            raise _Broken("container.manifest", MANIFEST)

    def _signature(self) -> None:
        data = self._entries.get(SIGNATURES, b"")
        try:
            root = parse(data)
            if root.tag != _ROOT_TAG or write_document(parse(data)) != data:
                raise _Broken("signature.not_canonical", SIGNATURES)
            signed = _signed_names(root)
            verdict = verify(root, trust=self._service, at=self._at, policy=self._policy, files=self._files)
        except Unparsable as error:
            raise _Broken("signature.unreadable", SIGNATURES) from error
        if set(signed) != set(self._files):
            raise _Broken("signature.other_files", _some(set(signed) ^ set(self._files)))
        if not verdict.has_passed:
            raise _Broken(str(verdict.reasons[0]), self._find_changed(data))
        if signed != list(self._files):
            raise _Broken("signature.order", SIGNATURES)
        self._is_signed = True
        self._note_signer(verdict)

    def _note_signer(self, verdict: Verdict) -> None:
        # What is proved to have been signed then is judged as of then, even if the key has ended since.
        self._signed_at = verdict.best_signature_time or self._at
        self.facts["signature_level"] = verdict.level
        if verdict.signing_time is not None:
            self.facts["signed_at"] = verdict.signing_time.isoformat()
        if verdict.signer is not None:
            self.facts["signer"] = verdict.signer.subject
            self.facts["signer_issuer"] = verdict.signer.issuer

    def _find_changed(self, data: bytes) -> str:
        """Return the files that are not those that were signed."""
        try:
            form = read_form(find_signature(parse(data), {ROOT}), self._policy, self._files)
        except Refused:
            return SIGNATURES
        changed = [
            name
            for each in form.references
            if each.file is not None
            for name, content in [each.file]
            if hashlib.new(each.digest_name, content).digest() != each.digest_value
        ]
        return ", ".join(changed) or SIGNATURES

    def _keys(self) -> None:
        certificates, chain = read_key_set(self._json(archive.KEYS))
        try:
            others = [read_der_certificate(each) for each in chain]
        except Refused as refusal:
            raise _Broken(str(refusal.reason), archive.KEYS) from refusal
        for key_id, der in certificates.items():
            try:
                facts = read_der_certificate(der)
            except Refused as refusal:
                raise _Broken(str(refusal.reason), f"{archive.KEYS}: {key_id}") from refusal
            # A key that has ended counts for what it signed in its time.
            when = min(self._signed_at, facts.info.not_after)
            reasons = check_leaf(facts, at=when, policy=self._policy)
            reasons += self._service.check_path(
                facts, others, at=when, purposes=self._policy.extended_key_usages
            )
            failing = self._policy.of_severity(Severity.FAIL, reasons)
            if failing:
                raise _Broken(str(failing[0]), f"{archive.KEYS}: {key_id}")
        self._revocation()
        self._keys_known = {
            key_id: read_der_certificate(der).certificate for key_id, der in certificates.items()
        }

    def _revocation(self) -> None:
        other = misnamed(self._files)
        if other is not None:
            raise _Broken("keys.material", other)
        try:
            revoked = revoked_keys(self._files, self._parsable(archive.KEYS))
        except ValueError as error:
            raise _Broken("keys.list", SERVICE_LIST) from error
        if revoked:
            raise _Broken("keys.revoked", f"{SERVICE_LIST}: {revoked[0]}")

    def _receipt(self) -> None:
        if archive.RECEIPT not in self._files:
            raise _Absent
        receipt = AcceptanceReceipt.verify(self._line(archive.RECEIPT), self._keys_known)
        bundle = self._files.get(archive.BUNDLE)
        if bundle is not None and (receipt.sha256, receipt.size) != (_sha256(bundle), len(bundle)):
            raise _Broken("receipt.other_bundle", archive.BUNDLE)
        self.facts["receipt_sha256"] = receipt.sha256
        self.facts["size"] = str(receipt.size)

    def _records(self) -> None:
        lines = tuple(self._text(archive.RECORDS).splitlines())
        if not lines:
            raise _Broken("records.missing", archive.RECORDS)
        previous: str | None = None
        chain: list[Record] = []
        for number, line in enumerate(lines, start=1):
            place = f"{archive.RECORDS}: {number}"
            try:
                record = Record.verify(line, self._keys_known)
            except ProofError as error:
                raise _Broken("records.broken", place) from error
            if record.previous != previous:
                raise _Broken("records.chain", place)
            if chain and (record.submission, record.sha256) != (chain[0].submission, chain[0].sha256):
                raise _Broken("records.other_submission", place)
            previous = token_digest(line)
            chain.append(record)
        self._chain, self._tokens = tuple(chain), lines
        last = chain[-1]
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
            raise _Broken("documents.no_records", archive.RECORDS)
        bundle = self._files.get(archive.BUNDLE)
        is_erased = any(each.kind == "erased" for each in self._chain)
        if bundle is None and not is_erased:
            raise _Broken("documents.missing", archive.BUNDLE)
        if bundle is not None and _sha256(bundle) != self._chain[0].sha256:
            raise _Broken("documents.digest", archive.BUNDLE)
        for name, entry in _NAMED.items():
            is_named = any(name in each.digests for each in self._chain)
            if is_named and entry not in self._files and not (is_erased and name not in _KEPT):
                raise _Broken("documents.missing", entry)
        for name, entry, found in self._digests():
            expected = next(
                (each.digests[name] for each in reversed(self._chain) if name in each.digests), None
            )
            if found != expected:
                raise _Broken("documents.digest", entry)
        self._check_later()
        self._check_history()

    def _digests(self) -> Sequence[tuple[str, str, str]]:
        files = self._files
        found = [
            (name, entry, _sha256(files[entry]))
            for name, entry in (("document", archive.ENCOUNTER), ("trace", archive.TRACE))
            if entry in files
        ]
        if archive.RECEIPT in files:
            found.append(("receipt", archive.RECEIPT, token_digest(self._line(archive.RECEIPT))))
        if archive.CHECK_REPORT in files:
            report = self._object(archive.CHECK_REPORT)
            inner = [report.get("stages"), report.get("findings")]
            found.append(("report", archive.CHECK_REPORT, _digest(inner, archive.CHECK_REPORT)))
            claims = _digest(report.get("claims"), archive.CHECK_REPORT)
            found.append(("claims", archive.CHECK_REPORT, claims))
        if archive.GATEWAY_ANSWER in files:
            receipt = self._object(archive.GATEWAY_RECEIPT)
            received = receipt.get("received_at")
            try:
                moment = None if received is None else datetime.fromisoformat(str(received))
                number = str(receipt.get("ma_giao_dich"))
                digest = gateway_receipt_digest(number, moment, files[archive.GATEWAY_ANSWER])
            # A time of the year 1 or 9999 may have none in another zone, and a text no spelling.
            except (BrokenDocument, ValueError, OverflowError) as error:
                raise _Broken("documents.digest", archive.GATEWAY_RECEIPT) from error
            found.append(("gateway_receipt", archive.GATEWAY_RECEIPT, digest))
            self.facts["ma_giao_dich"] = number
        return found

    def _check_later(self) -> None:
        """What others said: all that the records name, as they name it last, and nothing else."""
        named = {name: each for record in self._chain for name, each in record.digests.items()}
        named = {name: each for name, each in named.items() if name.startswith(_LATER)}
        for entry in self._files:
            if not entry.startswith(archive.DOCUMENTS):
                continue
            name = entry.removeprefix(archive.DOCUMENTS).removesuffix(".json")
            if named.pop(name, None) != _sha256(self._files[entry]):
                raise _Broken("documents.digest", entry)
        if named and all(each.kind != "erased" for each in self._chain):
            raise _Broken("documents.missing", archive.document_entry(min(named)))

    def _check_history(self) -> None:
        history = self._json(archive.HISTORY)
        if not isinstance(history, list) or len(history) != len(self._chain):
            raise _Broken("documents.history", archive.HISTORY)
        for number, (detail, record) in enumerate(zip(history, self._chain, strict=True), start=1):
            if _digest(detail, archive.HISTORY) != record.detail:
                raise _Broken("documents.history", f"{archive.HISTORY}: {number}")

    def _head(self) -> None:
        head = TreeHead.verify(self._line(archive.HEAD), self._keys_known)
        self._head_read = head
        self.facts["log_size"] = str(head.size)
        self.facts["head_at"] = head.at.isoformat()

    def _inclusion(self) -> None:
        if self._head_read is None:
            raise _Broken("inclusion.no_head", archive.HEAD)
        inclusion = self._object(archive.INCLUSION)
        places = inclusion.get("records")
        if inclusion.get("size") != self._head_read.size or not isinstance(places, list):
            raise _Broken("inclusion.other_head", archive.INCLUSION)
        if len(places) != len(self._tokens) or not places:
            raise _Broken("inclusion.missing", archive.INCLUSION)
        for number, (place, token) in enumerate(zip(places, self._tokens, strict=True), start=1):
            try:
                path = [bytes.fromhex(each) for each in place["path"]]
                leaf, index = leaf_hash(token.encode()), int(place["index"])
                check_inclusion(leaf, index, self._head_read.size, path, self._head_read.root)
            except (BrokenProof, KeyError, TypeError, ValueError) as error:
                raise _Broken("inclusion.path", f"{archive.INCLUSION}: {number}") from error

    def _timestamp(self) -> None:
        data = self._files.get(archive.HEAD_TIMESTAMP)
        if data is None:
            raise _Absent
        head = self._line(archive.HEAD).encode()
        try:
            token = read_token(data)
        except NotDer as error:
            raise _Broken("timestamp.unreadable", archive.HEAD_TIMESTAMP) from error
        # Later than the archive's own best time nothing is known of the authority that matters here.
        reasons = check_token(
            token,
            lambda name: hashlib.new(name, head).digest(),
            trust=self._trust,
            at=max(self._signed_at, token.info.time),
            policy=self._policy,
        )
        if reasons:
            raise _Broken(str(reasons[0]), archive.HEAD_TIMESTAMP)
        self.facts["timestamped_at"] = token.info.time.isoformat()

    def _bundle(self) -> None:
        if archive.SIGNATURE_REPORT not in self._files:
            raise _Absent
        try:
            report = report_from_json(self._json(archive.SIGNATURE_REPORT))
        except RecordUnreadable as error:
            raise _Broken("bundle.report", archive.SIGNATURE_REPORT) from error
        if self._chain and report.record.sha256 != self._chain[0].sha256:
            raise _Broken("bundle.other_report", archive.SIGNATURE_REPORT)
        self.facts["bundle_indication"] = report.verdict.indication
        if report.verdict.signer is not None:
            self.facts["bundle_signer"] = report.verdict.signer.subject
        bundle = self._files.get(archive.BUNDLE)
        if bundle is None or not report.verdict.has_passed:
            return  # that a bundle was signed wrongly is what the archive of a rejected one proves
        known = report.record.trust.as_store()
        trust = self._trust.with_evidence(known.intermediates, [*known.crls, *known.responses])
        try:
            verdict = verify(parse(bundle), trust=trust, at=report.record.at)
        except Unparsable as error:
            raise _Broken("bundle.unreadable", archive.BUNDLE) from error
        if not verdict.has_passed:
            raise _Broken(str(verdict.reasons[0]), archive.BUNDLE)

    def _line(self, name: str) -> str:
        text = self._text(name)
        if not text.endswith("\n") or "\n" in text[:-1]:
            raise _Broken("container.line", name)
        return text[:-1]

    def _text(self, name: str) -> str:
        data = self._parsable(name)
        if not data.isascii():
            raise _Broken("container.line", name)
        return data.decode("ascii")

    def _json(self, name: str) -> object:
        try:
            document: object = json.loads(self._parsable(name))
        except (ValueError, RecursionError) as error:
            raise _Broken("container.json", name) from error
        return document

    def _parsable(self, name: str) -> bytes:
        data = self._files.get(name)
        if data is None:
            raise _Broken("container.missing", name)
        if len(data) > _MOST_UNSIGNED and not (self._is_signed and name != archive.KEYS):
            raise _Broken("container.unread", name)
        return data

    def _object(self, name: str) -> Mapping[str, object]:
        document = self._json(name)
        if not isinstance(document, dict):
            raise _Broken("container.json", name)
        return document


def read_chain(entries: Mapping[str, bytes]) -> Sequence[x509.Certificate]:
    """Return the certificates that come along; they are not trusted, but may lead to one that is."""
    keys = entries.get(archive.KEYS, b"")
    try:
        _, chain = read_key_set(json.loads(keys if len(keys) <= _MOST_UNSIGNED else b""))
        return [read_der_certificate(each).certificate for each in chain]
    except (ProofError, Refused, ValueError, RecursionError):
        return []  # what is wrong is asked in its turn


def _digest(document: object, name: str) -> str:
    try:
        return digest_of(document)
    except BrokenDocument as error:
        raise _Broken("container.json", name) from error


def _signed_names(root: Element) -> list[str]:
    """Return the names of the files that a signature is over, in its order; whether it holds is not asked."""
    names = [each.get("URI", "") for each in root.iter(_REFERENCE)]
    return [name for name in names if name and not name.startswith("#")]


def _some(names: Iterable[str]) -> str:
    """Return some of these names for people."""
    first, *others = sorted(names)
    return ", ".join([first, *others[:_MOST_NAMES], *["…"][: len(others) > _MOST_NAMES]])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
