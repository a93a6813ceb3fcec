"""Renew an archive (XAdES B-LTA): timestamps before certificates end or algorithms grow weak."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509

from claims.proof.archive import HEAD_TIMESTAMP
from claims.proof.container import MANIFEST, SIGNATURES, read_container, write_container
from claims.proof.errors import BrokenArchive, BrokenContainer
from claims.proof.service_signature import ARCHIVE_POLICY, read_chain
from claims.proof.verdict import Answer, Question
from claims.proof.verification import verify_archive
from signing.canonical import parse
from signing.certificates import end_of_key
from signing.der import NotDer
from signing.elements import Refused
from signing.errors import Unparsable
from signing.facts import read_facts
from signing.policy import Policy
from signing.timestamps.check import end_of_strength, find_signer, read_certificates
from signing.timestamps.messages import TimestampAuthority
from signing.timestamps.tokens import TimestampToken, read_token
from signing.trust import TrustStore
from signing.verdict import Level
from signing.xades.extend import Extender

#: Archives are made one after the other, most of them under the heads of few days.
_TIMESTAMPS: Final = 16


@dataclass(frozen=True, slots=True)
class RenewArchive:
    """Adds an archive timestamp to the service's signature, with what proves its certificates good.

    Attributes:
        sources: Lists of which of the service's keys are revoked, fresh.
        policy: What is accepted, and until when (`claims.proof.service_signature.archive_policy`).
    """

    authority: TimestampAuthority
    trust: TrustStore
    sources: Iterable[x509.CertificateRevocationList] = ()
    policy: Policy = ARCHIVE_POLICY

    def __call__(self, data: bytes, *, at: datetime) -> bytes:
        """Return the archive renewed; what was signed stays as it is.

        Raises:
            BrokenContainer: It is no archive.
            BrokenArchive: Something in it does not hold.
            CannotExtend: Its signature does not hold, or some list is missing.
            TimestampFailed: The authority gives no timestamp.
        """
        entries = read_container(data)
        files = {name: each for name, each in entries.items() if name not in {SIGNATURES, MANIFEST}}
        trust = self.trust.for_services().with_evidence(read_chain(entries), tuple(self.sources))
        try:
            extender = Extender(self.authority, trust, self.policy, files, _stamps(files))
            signatures = extender.extend(entries.get(SIGNATURES, b""), level=Level.B_LTA, at=at)
        except Unparsable as error:
            raise BrokenArchive("signature.unreadable", SIGNATURES) from error
        self._require_whole(data, at=at)
        return write_container({**entries, SIGNATURES: signatures})

    def _require_whole(self, data: bytes, *, at: datetime) -> None:
        """Pass an archive of which that holds, too, which its signature does not see: its list, records.

        The bundle's own signature is left out: who renews need not know whom facilities trust.
        """
        verdict = verify_archive(data, trust=self.trust, at=at, policy=self.policy)
        for each in verdict.statements:
            if each.answer is Answer.BROKEN and each.question is not Question.BUNDLE:
                raise BrokenArchive(each.code, each.place)


def _stamps(files: Mapping[str, bytes]) -> list[TimestampToken]:
    """Return the timestamp on the log's head, if it can be read; what is wrong with it is asked elsewhere."""
    try:
        return [read_token(files[HEAD_TIMESTAMP])] if HEAD_TIMESTAMP in files else []
    except NotDer:
        return []


def ends_at(data: bytes, policy: Policy = ARCHIVE_POLICY) -> datetime | None:
    """Return until when an archive can be verified as it is.

    That is when the certificate of what protects it last ends, or when what that was computed with is
    accepted no longer, whichever comes first. The timestamp on the log's head protects itself until the first
    renewal.
    None when it cannot be told, because it is no archive of ours or something in it is malformed.
    """
    try:
        entries = read_container(data)
        files = {name: each for name, each in entries.items() if name not in {SIGNATURES, MANIFEST}}
        facts = read_facts(parse(entries[SIGNATURES]), policy, files=files)
        if facts.unsigned.timestamps:
            last = facts.unsigned.timestamps[-1].place
            found = [_end_of(each.token, policy) for each in facts.unsigned.timestamps if each.place == last]
            return None if None in found else min(each for each in found if each is not None)
        leaf = facts.certificates[0]
        ends = [leaf.info.not_after, policy.end_of(facts.form.algorithms), end_of_key(leaf, policy)]
        if HEAD_TIMESTAMP in files:
            ends.append(_end_of(read_token(files[HEAD_TIMESTAMP]), policy))
    except (BrokenContainer, KeyError, NotDer, Refused, Unparsable):
        return None
    return min(each for each in ends if each is not None)


@lru_cache(maxsize=_TIMESTAMPS)
def timestamp_ends_at(data: bytes) -> datetime | None:
    """Return until when a timestamp on the log's head can be verified; None when it cannot be told."""
    try:
        return _end_of(read_token(data), ARCHIVE_POLICY)
    except NotDer:
        return None


def _end_of(token: TimestampToken, policy: Policy) -> datetime | None:
    signer = find_signer(token, read_certificates(token.certificates))
    if signer is None:
        return None
    strength = end_of_strength(token, signer, policy)
    return signer.info.not_after if strength is None else min(signer.info.not_after, strength)
