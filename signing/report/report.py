"""A report: the verdict, each check asked and answered, and the record of facts.

Three depths: one sentence; every building block with its checks; the raw facts. The first two follow from the
third, so a report can always be made again and compared.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.certificates import CertificateFacts
from signing.covered import CoveredOctets
from signing.elements import Refused
from signing.errors import PolicyUnreadable, RecordUnreadable, Unparsable
from signing.extensions import UNREADABLE
from signing.facility import stated_facilities
from signing.facts import read_facts
from signing.form import find_signature, read_form
from signing.judging import Judgement, judge
from signing.policy import DEFAULT_POLICY, Policy, Severity, read_policy
from signing.report.record import (
    Record,
    RecordedDigests,
    TrustMaterial,
    certificates_of,
    make_skeleton,
)
from signing.trust import TrustStore
from signing.verdict import MEANING, Indication, Reason, SubIndication, Verdict, fail, failed


class Block(StrEnum):
    """The building blocks of a validation (EN 319 102-1, 5.2 and 5.4), and one of ours."""

    FORMAT = "format-checking"
    SIGNER = "identification-of-the-signing-certificate"
    CRYPTOGRAPHY = "cryptographic-verification"
    CERTIFICATE = "x509-certificate-validation"
    ACCEPTANCE = "signature-acceptance-validation"
    TIMESTAMPS = "time-stamp-validation"
    FACILITY = "facility-binding"


class Outcome(StrEnum):
    """What a building block came to (EN 319 102-1, 5.1.3)."""

    PASSED = "PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "FAILED"


class Answer(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    INFORMED = "informed"
    NOT_ASKED = "not-asked"  # pointless after what came before, or there is nothing to ask about


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what would be wrong, and whether it is."""

    reason: Reason
    answer: Answer


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What one building block came to, with its checks."""

    block: Block
    outcome: Outcome
    sub_indication: SubIndication | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one verification."""

    verdict: Verdict
    blocks: tuple[BlockResult, ...]
    record: Record

    @property
    def policy_sha256(self) -> str:
        """What tells the policy from others."""
        return hashlib.sha256(self.record.policy).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a document is verified and reported on.

    Attributes:
        trust: Whom to trust.
        at: As of when (aware).
        policy: What is accepted.
        limits: How large a document may be.
        facility: Whose document it must be; None: whose it says that it is.
        registered: Whether a facility has registered a certificate (its SHA-256) at a
            moment; None: not asked.
        software: What verifies, for the record.
    """

    trust: TrustStore
    at: datetime
    policy: Policy = DEFAULT_POLICY
    limits: Limits = DEFAULT_LIMITS
    facility: str | None = None
    registered: Callable[[str, str, datetime], bool] | None = None
    software: str = "eHoSo"


_BINDING: Final = frozenset(
    {
        Reason.DOCUMENT_OTHER_FACILITY,
        Reason.DOCUMENT_SEVERAL_FACILITIES,
        Reason.CERTIFICATE_OTHER_FACILITY,
    }
)
_IDENTIFYING: Final = frozenset(
    {Reason.CERTIFICATE_MISSING, Reason.CERTIFICATE_ELSEWHERE, Reason.XADES_SIGNING_CERTIFICATE}
)
_ACCEPTING: Final = frozenset(
    {
        Reason.SIGNATURE_REFERENCE_SCOPE,
        Reason.SIGNATURE_REFERENCE_EXTERNAL,
        Reason.SIGNATURE_TRANSFORM_FORBIDDEN,
        Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
        Reason.SIGNATURE_ALGORITHM_ENDED,
        Reason.SIGNATURE_SHA1,
        Reason.SIGNATURE_OBJECT_UNSUPPORTED,
        Reason.XADES_PROPERTY_MISSING,
        Reason.XADES_POLICY_UNKNOWN,
    }
)
_CRYPTOGRAPHIC: Final = frozenset(
    {
        Reason.SIGNATURE_DIGEST_MISMATCH,
        Reason.SIGNATURE_VALUE_WRONG,
        Reason.SIGNATURE_KEY_MISMATCH,
        Reason.SIGNATURE_NOT_CANONICAL,
    }
)
_WEIGHTS: Final = {
    Severity.FAIL: Answer.FAILED,
    Severity.WARN: Answer.WARNED,
    Severity.INFORM: Answer.INFORMED,
}


def block_of(reason: Reason) -> Block:
    """Return the building block whose check a reason is the negative answer to."""
    if reason in _BINDING:
        return Block.FACILITY
    for block, reasons in (
        (Block.SIGNER, _IDENTIFYING),
        (Block.ACCEPTANCE, _ACCEPTING),
        (Block.CRYPTOGRAPHY, _CRYPTOGRAPHIC),
    ):
        if reason in reasons:
            return block
    kind = reason.value.partition(".")[0]
    return {"timestamp": Block.TIMESTAMPS, "certificate": Block.CERTIFICATE}.get(kind, Block.FORMAT)


_REASONS: Final = {block: [reason for reason in Reason if block_of(reason) is block] for block in Block}


def report_on(data: bytes, terms: Terms) -> Report:
    """Verify a document and report on it.

    Raises:
        Unparsable: The bytes are not XML that this service reads; there is no signature to report on.
    """
    if terms.at.tzinfo is None:
        raise ValueError("the time of verification must be aware")
    root = parse(data, limits=terms.limits)
    named = stated_facilities(root, covered=None)
    skeleton: bytes | None = None
    judgement: Judgement | None = None
    digests, refused = None, None
    sent: tuple[CertificateFacts, ...] = ()
    try:
        signature = find_signature(root, terms.policy.containers)
        skeleton = make_skeleton(signature, None)
        form = read_form(signature, terms.policy)
        if form.signed_element is not None:
            covered = form.signed_element.element
            skeleton = make_skeleton(signature, covered)
            named = stated_facilities(root, covered=covered)
        facts = read_facts(root, terms.policy)
        if isinstance(facts.digests, CoveredOctets):
            digests = RecordedDigests.of(facts, facts.digests)
        sent = tuple(certificates_of(facts))
        judgement = judge(facts, trust=terms.trust, at=terms.at, policy=terms.policy)
    except Refused as refusal:
        refused = refusal.reason
    # A document of several facilities is nobody's: whose key signed it is asked of the one that was named.
    stated = named[0] if len(named) == 1 else None
    facility = terms.facility or stated
    record = Record(
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        at=terms.at,
        policy=terms.policy.content,
        trust=TrustMaterial.of(terms.trust, sent),
        facility=facility,
        stated_facility=stated,
        names_one_facility=_names_one(terms, named),
        is_registered=_is_registered(terms, facility, judgement),
        refused=refused,
        skeleton=skeleton,
        digests=digests,
        software=terms.software,
    )
    return _assemble(record, judgement, terms.policy)


def recompute(record: Record) -> Report:
    """Reach the verdict again from the facts alone: no document, no network, no trust folder.

    Raises:
        RecordUnreadable: The record does not hold together.
    """
    try:
        policy = read_policy(record.policy)
        trust = record.trust.as_store()
    except (PolicyUnreadable, *UNREADABLE) as error:
        raise RecordUnreadable(str(error)) from error
    judgement = None
    if record.skeleton is not None and record.digests is not None:
        try:
            root = parse(record.skeleton)
            facts = read_facts(root, policy, record.digests)
        except Unparsable as error:
            raise RecordUnreadable(f"the skeleton cannot be read: {error}") from error
        except Refused as refusal:
            raise RecordUnreadable(f"the skeleton is refused: {refusal.reason}") from refusal
        judgement = judge(facts, trust=trust, at=record.at, policy=policy)
    elif record.refused is None:
        raise RecordUnreadable("there is neither a signature nor a reason why not")
    return _assemble(record, judgement, policy)


def _is_registered(terms: Terms, facility: str | None, judgement: Judgement | None) -> bool | None:
    if terms.registered is None or facility is None or judgement is None:
        return None
    return terms.registered(facility, judgement.signer.sha256, judgement.time)


def _names_one(terms: Terms, named: Sequence[str]) -> bool | None:
    is_asked = terms.facility is not None or terms.registered is not None
    return len(named) == 1 if named and is_asked else None


def _assemble(record: Record, judgement: Judgement | None, policy: Policy) -> Report:
    if judgement is None:
        reasons = () if record.refused is None else (record.refused,)
        return Report(failed(reasons), _blocks(reasons, policy, None), record)
    verdict, found = judgement.verdict, judgement.reasons
    for reason, is_bound in _bindings(record).items():
        if is_bound is False:
            found = (*found, reason)
            verdict = fail(verdict, reason)
    return Report(replace(verdict, content=None), _blocks(found, policy, record), record)


def _bindings(record: Record) -> dict[Reason, bool | None]:
    """Return whether document and certificate are the facility's; None: not asked, or not said."""
    stated = record.stated_facility
    return {
        Reason.DOCUMENT_OTHER_FACILITY: None if stated is None else stated == record.facility,
        Reason.DOCUMENT_SEVERAL_FACILITIES: record.names_one_facility,
        Reason.CERTIFICATE_OTHER_FACILITY: record.is_registered,
    }


def _blocks(reasons: Iterable[Reason], policy: Policy, record: Record | None) -> tuple[BlockResult, ...]:
    found = set(reasons)
    return tuple(_block(block, found, policy, record) for block in Block)


def _block(block: Block, found: set[Reason], policy: Policy, record: Record | None) -> BlockResult:
    checks = tuple(Check(reason, _answer(reason, found, policy, record)) for reason in _REASONS[block])
    failing = [MEANING[check.reason] for check in checks if check.answer is Answer.FAILED]
    if not failing:
        return BlockResult(block, Outcome.PASSED, None, checks)
    for indication, sub_indication in failing:
        if indication is Indication.TOTAL_FAILED:
            return BlockResult(block, Outcome.FAILED, sub_indication, checks)
    return BlockResult(block, Outcome.INDETERMINATE, failing[0][1], checks)


def _answer(reason: Reason, found: set[Reason], policy: Policy, record: Record | None) -> Answer:
    if reason in found:
        return _WEIGHTS[policy.severities.get(reason, Severity.FAIL)]
    if record is None or not _applies(reason, record):
        return Answer.NOT_ASKED
    return Answer.PASSED


def _applies(reason: Reason, record: Record) -> bool:
    skeleton = record.skeleton or b""
    if reason is Reason.CERTIFICATE_ELSEWHERE:
        return b"RetrievalMethod" in skeleton or b"KeyInfoReference" in skeleton
    match reason.value.partition(".")[0]:
        case "xades":
            return b"QualifyingProperties" in skeleton
        case "timestamp":
            return record.digests is not None and bool(record.digests.timestamps)
        case _:
            return _bindings(record).get(reason, True) is not None
